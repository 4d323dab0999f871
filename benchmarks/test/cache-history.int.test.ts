import { expect, inject, test } from 'vitest';
import { staleReadsOf } from '../dist/cache/history/check.js';
import { History } from '../dist/cache/history/run.js';

const { HOTPATH_HISTORY_SEED, HOTPATH_HISTORY_MS = '2000' } = process.env;
/** Reads that a quarter of an hour makes, and a run in CI does not wait for. */
const TIMEOUT_MS = 60_000 + 10 * Number(HOTPATH_HISTORY_MS);

test('the checker finds a read that saw less than was confirmed, or than its own process had invalidated', () => {
  const one = {
    worker: 1,
    reads: [
      [9, 0, 1],
      [11, 0, 1],
      [21, 0, 2],
      [31, 0, 2],
    ],
    writes: [[20, 0, 3, false]],
  } as const;
  const two = {
    worker: 2,
    reads: [
      [21, 0, 2],
      [31, 0, 2],
    ],
    writes: [[10, 0, 2, true]],
  } as const;
  expect(staleReadsOf([one, two]).map(({ worker, saw, expected }) => [worker, saw, expected])).toEqual([
    [1, 1, 2],
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test.skipIf(inject('redisUrl') === '').each(['ours', 'versioned'] as const)(
  '%s: whatever is cut, paused or killed, no read begun after a confirmed invalidation sees what was before it',
  async (mode) => {
    const seed = HOTPATH_HISTORY_SEED === undefined ? Date.now() % 1_000_000 : Number(HOTPATH_HISTORY_SEED);
    const { stale, readCount, confirmedCount, faultCounts } = await new History({
      redisUrl: inject('redisUrl'),
      namespace: `history-${mode}-${seed}`,
      seed,
      mode,
      readCountMin: 1000,
      durationMs: Number(HOTPATH_HISTORY_MS),
    }).run();
    const what = `HOTPATH_HISTORY_SEED=${seed}, ${readCount} reads, faults ${JSON.stringify(faultCounts)}`;
    console.log(`history: ${what}`);
    expect(stale, what).toEqual([]);
    // A replica that lags leaves few in so short a run, and perhaps none.
    expect(confirmedCount).toBeGreaterThanOrEqual(mode === 'ours' ? 1 : 0);
  },
  TIMEOUT_MS,
);
