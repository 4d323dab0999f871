import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { LeaseWatch, captureStack } from '../dist/pool/lease-watch.js';

/** As much of a connection as the watch looks at. */
const connection = { processId: 7 } as never;

async function collected(): Promise<void> {
  for (let n = 0; n < 5; n++) {
    globalThis.gc!();
    await pause(5);
  }
}

describe('a lease', () => {
  test('that is lost is named once and its connection taken back; one that was released is not', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const lost: unknown[] = [];
    const clock = { now: () => 0, setTimeout, clearTimeout: () => {} };
    const watch = new LeaseWatch(clock, (taken) => lost.push(taken));
    (function lendAndForget() {
      watch.add(connection, captureStack({ lendAndForget }, 'lendAndForget'));
      watch.watch({}, connection);
    })();
    await collected();
    expect(lost).toEqual([connection]);
    expect(warned.mock.calls[0]![0]).toMatch(/lost without a release, 0 ms after it was lent at /);
    expect(watch.leaks).toBe(1);
    (function lendAndRelease() {
      const lease = {};
      watch.add(connection, '');
      watch.watch(lease, connection);
      watch.unwatch(lease);
    })();
    await collected();
    expect(lost).toHaveLength(1);
    warned.mockRestore();
  });
});
