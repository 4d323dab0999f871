import { addressOf, allocate, free, heap } from '@hotpath/memory';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';

const workers: Worker[] = [];
const hellos: { refusals: Record<string, string>; isOwner: boolean; address: number }[] = [];
const view = allocate('f32', 16);

beforeAll(async () => {
  for (let i = 0; i < 3; i++) {
    const workerData = { handle: heap().handle(), view, address: addressOf(view) };
    const worker = new Worker(new URL('workers/heap-worker.mjs', import.meta.url), { workerData });
    workers.push(worker);
    hellos.push((await once(worker, 'message'))[0]);
  }
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.terminate()));
});

test('an attached thread neither allocates nor frees, and knows the views of the heap', () => {
  const refused = 'ERR_HOTPATH_MEMORY_NOT_HEAP_OWNER';
  for (const hello of hellos) {
    expect(Object.entries(hello.refusals)).toEqual(
      Object.keys(hello.refusals).map((action) => [action, refused]),
    );
    expect(hello.isOwner).toBe(false);
    expect(hello.address).toBe(addressOf(view));
  }
});

test('threads see and change the same memory while the heap grows and blocks come and go', async () => {
  let seed = 1;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed % below;
  };
  const capacityBefore = heap().stats().capacityBytes;
  const kept: Uint8Array[] = [];
  await Promise.all(
    workers.map(async (worker, w) => {
      for (let round = 0; round < 150; round++) {
        const length = 1 + random(100_000);
        const bytes = allocate('u8', length);
        const tag = (w * 80 + round) & 0x7f;
        bytes.fill(tag);
        worker.postMessage({ address: addressOf(bytes), length, tag });
        const [reply] = (await once(worker, 'message')) as [{ address: number; wrong: number }];
        expect(reply).toEqual({ address: addressOf(bytes), wrong: 0 });
        expect(bytes.every((byte) => byte === 255 - tag)).toBe(true);
        if (round % 3 === 0) kept.push(bytes);
        else free(bytes);
      }
    }),
  );
  heap().checkInvariants();
  expect(heap().stats().capacityBytes).toBeGreaterThan(capacityBefore);
  expect(heap().stats().growCount).toBeGreaterThan(1);
  for (const bytes of kept) free(bytes);
  free(view);
  heap().checkInvariants();
  expect(heap().stats().usedBytes).toBe(0);
});
