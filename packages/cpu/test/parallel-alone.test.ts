/** Calls that the calling thread computes alone, because it has no other or because none could win. */
import { threadId } from 'node:worker_threads';

import { createParallel, moduleTask } from '@hotpath/cpu';
import { adopt, allocate, free } from '@hotpath/memory';
import { afterEach, describe, expect, test } from 'vitest';

// What decides is no part of the public face.
import { copyCostMs } from '../dist/parallel/arrays.js';
import type { Call } from '../dist/parallel/call.js';
import { createPace, learn } from '../dist/parallel/grain.js';
import { isWorthSharing, type OwnWork } from '../dist/parallel/own-work.js';
import { arrayItems } from '../dist/parallel/shared-map.js';

import { expected, items, numbers } from './parallel-cases.ts';
import { closePools, pool } from './pools.ts';

afterEach(closePools);

const ranges = (name: string) => ({ module: new URL('./tasks/ranges.mjs', import.meta.url), export: name });

/** Whether the event loop turned before the promise of `call` settled. */
async function hasTurned(call: () => Promise<unknown>): Promise<boolean> {
  let turned = false;
  const turn = setImmediate(() => (turned = true));
  await call();
  clearImmediate(turn);
  return turned;
}

test('with one thread, a call that fits into a slice takes no turn of the event loop', async () => {
  const parallel = pool({ threads: 1, callerSliceMs: 60_000 });
  const crunch = await moduleTask<number, number>(numbers('crunch'));
  const isOdd = await moduleTask<number, boolean>(ranges('isOdd'));
  const add = await moduleTask<number, number>(ranges('add'));
  const doubleRange = await moduleTask<number, void>(ranges('doubleRange'));
  const [input, output] = [adopt(Int32Array.from(items)), allocate('i32', items.length)];
  const [a, b] = [allocate('f32', 2_000_000), allocate('f32', 2_000_000)];
  // About 20 ms each, for which threads would be worth it.
  for (const call of [
    () => parallel.map(Int32Array.from(items), crunch),
    () => parallel.map(items, crunch),
    () => parallel.mapInto(input, output, crunch),
    () => parallel.forEachRange(items.length, doubleRange, { input, output }),
    () => parallel.filter(new Float64Array(2_000_000), isOdd),
    () => parallel.reduce(new Float64Array(2_000_000), add, 0),
    () => parallel.kernel('sqrt', [a, b]),
  ]) {
    for (let round = 0; round < 2; round++) expect(await hasTurned(call), String(call)).toBe(false);
  }
  expect(await parallel.map(Int32Array.from(items), crunch)).toEqual(Int32Array.from(expected));
  for (const vector of [input, output, a, b]) free(vector);
});

test('with one thread, ranges are as long as the grain that the call asks for', async () => {
  const seen = allocate('i32', 1000);
  await pool({ threads: 1 }).forEachRange(1000, ranges('marks'), { seen }, { grain: 100 });
  expect([...seen].filter((length) => length > 0)).toEqual(new Array<number>(10).fill(100));
  free(seen);
});

test('a call of a function that is loaded is computed before it returns, where it is short', async () => {
  // However long the machine takes for an item.
  const parallel = pool({ threads: 1, callerSliceMs: 60_000 });
  const crunch = await moduleTask<number, number>(numbers('crunch'));
  const output = new Int32Array(3);
  const call = parallel.mapInto(Int32Array.from(items.slice(0, 3)), output, crunch);
  expect([...output]).toEqual(expected.slice(0, 3));
  expect(await call).toBe(output);
});

test('no thread is sent objects that cost more to clone than to look at', async () => {
  const parallel = pool();
  const which = await moduleTask<unknown, number>(numbers('whichThread'));
  // The workers come up at a call that is worth it.
  const seen = new Set<number>();
  while (seen.size < 2) {
    for (const id of await parallel.map(new Float64Array(20_000), numbers('threadOf'))) seen.add(id);
  }
  const words = Array.from({ length: 200 }, (_, i) => `word ${i}`);
  // Each its own: one that comes again in a message is cloned once.
  const objects = Array.from({ length: 20_000 }, () => ({ words: [...words] }));
  const rounds = 12;
  let alone = 0;
  for (let round = 0; round < rounds; round++) {
    const threads = new Set(await parallel.map(objects, which));
    if (threads.size === 1 && threads.has(threadId)) alone++;
  }
  // What an item costs is read from the clock, and other work on the machine may make it look dear now and then.
  expect(alone).toBeGreaterThan(rounds / 2);
});

describe('sharing is worth it', () => {
  const THREADS = 4;
  /** 1000 items of which each takes `costMs` here, and `handoverMs` to be given to another thread. */
  const isWorth = (
    costMs: number,
    handoverMs: number,
    workerCount = THREADS - 1,
    disturbedMs = costMs,
  ): boolean => {
    const pace = createPace(0);
    learn(pace, 1, costMs);
    learn(pace, 1, disturbedMs);
    const call = { options: { threads: THREADS, workerCount } } as unknown as Call;
    const work = { count: 1000, remaining: 1000, handoverMs: () => handoverMs } as unknown as OwnWork;
    return isWorthSharing(call, pace, work);
  };

  test('where the others take half a millisecond off the caller, and never without others', () => {
    expect(isWorth(0.0006, 0)).toBe(false);
    expect(isWorth(0.0007, 0)).toBe(true);
    expect(isWorth(1, 0, 0)).toBe(false);
  });

  test('where that is more than handing the items over costs', () => {
    expect(isWorth(0.01, 0.0069)).toBe(true);
    expect(isWorth(0.01, 0.0071)).toBe(false);
    expect(isWorth(0.01, Infinity)).toBe(false);
  });

  test('and not because one reading was disturbed', () => {
    expect(isWorth(0.0001, 0, THREADS - 1, 10)).toBe(false);
  });

  test('copies of ordinary typed arrays count, in and out, and none of shared ones', () => {
    const [own, shared] = [new Float64Array(8), new Float64Array(new SharedArrayBuffer(64))];
    expect(copyCostMs(shared)).toBe(0);
    expect(arrayItems(own, shared).handoverMs()).toBe(copyCostMs(own));
    expect(arrayItems(own, own).handoverMs()).toBe(2 * copyCostMs(own));
    expect(copyCostMs(own)).toBe(8 * copyCostMs(new Uint8Array(8)));
  });
});

test('closing with a time limit ends a call that one thread computes in slices', async () => {
  for (const input of [new Int32Array(50_000_000), new Array<number>(5_000_000).fill(1)]) {
    const parallel = createParallel({ threads: 1 });
    const running = parallel.map(input as Int32Array, numbers('crunch'));
    const outcome = expect(running).rejects.toMatchObject({ code: 'ERR_HOTPATH_CPU_CLOSED' });
    await parallel.close({ timeoutMs: 20 });
    await outcome;
  }
});

test('what goes wrong where the results of blocks are folded is told like everything else', async () => {
  for (const options of [{}, { threads: 1 }, { callerSliceMs: 0 }]) {
    const parallel = pool(options);
    for (const input of [new Float64Array(5000).fill(1), new Array<number>(5000).fill(1)]) {
      await expect(parallel.reduce(input, ranges('throwsAtSums'), 0)).rejects.toMatchObject({
        code: 'ERR_HOTPATH_CPU_TASK',
        index: 1024,
        cause: { message: 'a large one' },
      });
      await expect(parallel.reduce(input, ranges('textAtSums'), 0)).rejects.toMatchObject({
        code: 'ERR_HOTPATH_CPU_TASK_RESULT',
      });
    }
  }
});

test('a calling thread that takes no part folds no results of blocks either', async () => {
  const parallel = pool({ callerSliceMs: 0 });
  expect(await parallel.reduce(new Float64Array(5000).fill(1), ranges('addElsewhere'), 0)).toBe(5000);
  expect(await parallel.reduce(new Array<bigint>(5000).fill(1n), ranges('addElsewhere'), 0n)).toBe(5000n);
});
