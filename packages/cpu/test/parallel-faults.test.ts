import { fileURLToPath } from 'node:url';

import { moduleTask, source } from '@hotpath/cpu';
import { heap } from '@hotpath/memory';
import { afterEach, expect, test } from 'vitest';

import { expected, failing, items, numbers, run } from './parallel-cases.ts';
import { crunch } from './parallel-tasks.ts';
import { closePools, pool } from './pools.ts';

afterEach(closePools);

test('no memory of the heap stays taken, whatever happens', async () => {
  const before = heap().stats().usedBytes;
  const parallel = pool({ callerSliceMs: 0 });
  const input = Int32Array.from(items);
  await parallel.map(input, numbers('crunch'));
  await expect(parallel.map(input, failing('throwAt700'))).rejects.toThrow();
  await expect(parallel.map(input, failing('exitAt700'))).rejects.toThrow();
  expect(heap().stats().usedBytes).toBe(before);
});

test('where the heap has no room the call rejects, nothing stays taken, and what fits still works', () => {
  const program = `
    import { createParallel, source, sum } from '@hotpath/cpu';
    import { allocate, configureHeap, heap } from '@hotpath/memory';
    configureHeap({ maximumBytes: 4 << 20 });
    const parallel = createParallel({ threads: 2, callerSliceMs: 0 });
    const same = source((x) => x);
    const before = heap().stats().usedBytes;
    const tooLarge = new Float64Array(1 << 20);
    const outcomes = [];
    for (const call of [
      () => parallel.map(tooLarge, same),
      () => parallel.mapInto(tooLarge, new Int8Array(1 << 20), same),
      () => parallel.filter(tooLarge, same),
      () => parallel.reduce(tooLarge, source((a, b) => a + b), 0),
      () => parallel.sort(tooLarge),
      async () => sum(allocate('f64', 1 << 20)),
    ]) outcomes.push(await call().then(() => 'resolved', (error) => error.code.slice(19)));
    outcomes.push(heap().stats().usedBytes - before);
    outcomes.push((await parallel.map(new Int16Array(1000).fill(7), same)).every((x) => x === 7));
    await parallel.close();
    console.log(outcomes.join(' '));`;
  expect(run([], program)).toBe(`${'HEAP_EXHAUSTED '.repeat(6)}0 true`);
});

test('a failure stops the rest, which would take a quarter of a minute', async () => {
  const parallel = pool({ callerSliceMs: 0 });
  await expect(parallel.map(new Int32Array(5_000_000), failing('throwAt700'))).rejects.toMatchObject({
    index: 700,
  });
  await expect(parallel.map(new Array(5_000_000).fill(1), failing('throwAt700'))).rejects.toMatchObject({
    index: 700,
  });
});

test('an abort while the threads start rejects at once, leaves nothing taken, and the next call works', async () => {
  const task = await moduleTask<number, number>(numbers('crunch'));
  const before = heap().stats().usedBytes;
  for (const input of [Int32Array.from(items), items]) {
    const parallel = pool({ threads: 2, callerSliceMs: 0 });
    const controller = new AbortController();
    const running = parallel.map(input as Int32Array, task, { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(running).rejects.toThrow('changed my mind');
    expect(heap().stats().usedBytes).toBe(before);
    expect(Array.from(await parallel.map(input as Int32Array, task))).toEqual(expected);
  }
});

test('an abort right behind a call that is shared at once rejects', async () => {
  const task = await moduleTask<number, number>(numbers('crunch'));
  for (const input of [Int32Array.from(items), items]) {
    const parallel = pool({ threads: 2 });
    // What an item costs is known hereafter.
    await parallel.map(input as Int32Array, task);
    const controller = new AbortController();
    const running = parallel.map(input as Int32Array, task, { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(running).rejects.toThrow('changed my mind');
  }
});

test('where no worker comes up, the caller computes alone, or the call rejects', () => {
  const program = `
    import { createParallel } from '@hotpath/cpu';
    const task = { module: ${JSON.stringify(numbers('crunch').module.href)}, export: 'crunch' };
    const items = new Array(4000).fill(3);
    const seen = new Set();
    for (let call = 0; call < 5; call++) {
      for (const input of [items, Int32Array.from(items)]) {
        const alone = createParallel({ threads: 3 });
        seen.add((await alone.map(input, task)).every((x) => x === ${crunch(3)}));
        seen.add((await alone.map(input, task)).every((x) => x === ${crunch(3)}));
      }
    }
    const nobody = createParallel({ threads: 3, callerSliceMs: 0 });
    for (let call = 0; call < 5; call++) {
      for (const input of [items, Int32Array.from(items)]) {
        seen.add(await nobody.map(input, task).then(() => 'resolved', (error) => error.code));
      }
    }
    await nobody.close();
    console.log(...seen);`;
  const preload = fileURLToPath(new URL('./tasks/no-workers.cjs', import.meta.url));
  expect(run(['--require', preload], program)).toBe('true ERR_HOTPATH_CPU_THREADS_UNAVAILABLE');
}, 30_000);

test.each([
  ['a typed array', Int32Array.from(items)],
  ['a plain array', items],
])('a worker that ends in the middle of %s is a typed error, and is replaced', async (_, input) => {
  const parallel = pool({ threads: 2, callerSliceMs: 0 });
  for (let round = 0; round < 3; round++) {
    await expect(parallel.map(input as Int32Array, failing('exitAt700'))).rejects.toMatchObject({
      code: 'ERR_HOTPATH_CPU_WORKER_DIED',
      message: expect.stringContaining('7'),
    });
  }
  expect(Array.from(await parallel.map(input as Int32Array, numbers('crunch')))).toEqual(expected);
});

test('a worker that runs out of memory is a typed error, and is replaced', async () => {
  const parallel = pool({ threads: 2, callerSliceMs: 0, resourceLimits: { maxOldGenerationSizeMb: 24 } });
  await expect(parallel.map(items, failing('exhaustMemory'))).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_WORKER_DIED',
    message: expect.stringContaining('memory'),
  });
  expect(await parallel.map(items, numbers('crunch'))).toEqual(expected);
});

test('an item that never returns loses its thread after an abort', async () => {
  const parallel = pool({ threads: 2, callerSliceMs: 0, stopGraceMs: 50 });
  for (const input of [Int32Array.from(items), items]) {
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = parallel.map(input as Int32Array, failing('hangAt100'), { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 100);
    await expect(running).rejects.toBe(reason);
    expect(Array.from(await parallel.map(input as Int32Array, numbers('crunch')))).toEqual(expected);
  }
});

test('items and results that cannot be cloned are told apart', async () => {
  const parallel = pool({ threads: 2, callerSliceMs: 0 });
  const functions = items.map((item) => (item === 20 ? () => item : item));
  await expect(
    parallel.map(
      functions,
      source((x: unknown) => typeof x),
    ),
  ).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_ITEM_CLONE',
    message: expect.stringContaining('item 1020 '),
  });
  await expect(parallel.map(items, failing('returnFunction'))).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_TASK_RESULT',
    index: 800,
  });
  await expect(parallel.map(items, failing('returnHiddenFunction'))).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_TASK_RESULT',
    message: expect.stringContaining('cannot be cloned'),
  });
  expect(await parallel.map(items, numbers('crunch'))).toEqual(expected);
});

test('a result that cannot be cloned is told where its thread finishes another chunk in the same turn', async () => {
  const parallel = pool({ threads: 2, callerSliceMs: 0 });
  for (let round = 0; round < 5; round++) {
    await expect(parallel.map(items.slice(0, 4), failing('returnFirstHidden'))).rejects.toMatchObject({
      code: 'ERR_HOTPATH_CPU_TASK_RESULT',
      message: expect.stringContaining('cannot be cloned'),
    });
  }
  expect(await parallel.map(items.slice(0, 4), numbers('crunch'))).toEqual(expected.slice(0, 4));
});

test('a worker that ends is not taken for a result that cannot be cloned, though it had one on its way', async () => {
  const parallel = pool({ threads: 2, callerSliceMs: 0 });
  for (let round = 0; round < 5; round++) {
    await expect(parallel.map(items.slice(0, 4), failing('exitAtThree'))).rejects.toMatchObject({
      code: 'ERR_HOTPATH_CPU_WORKER_DIED',
    });
  }
  expect(await parallel.map(items.slice(0, 4), numbers('crunch'))).toEqual(expected.slice(0, 4));
});

test('a module or an export that is not there is found before anything runs', async () => {
  const missing = { module: new URL('./tasks/absent.mjs', import.meta.url), export: 'x' };
  await expect(moduleTask(missing)).rejects.toMatchObject({ code: 'ERR_HOTPATH_CPU_TASK_MODULE' });
  await expect(pool().map(items, missing)).rejects.toMatchObject({ code: 'ERR_HOTPATH_CPU_TASK_MODULE' });
  await expect(moduleTask(numbers('crumch'))).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_TASK_EXPORT',
    message: expect.stringMatching(/'crumch'.*crunch/),
  });
  await expect(moduleTask(numbers('constant'))).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_TASK_EXPORT',
  });
  await expect(moduleTask(numbers('later'))).rejects.toMatchObject({
    message: expect.stringContaining('synchronous'),
  });
  for (const module of ['./numbers.mjs', 'lodash', 5, undefined]) {
    await expect(moduleTask({ module: module as string, export: 'x' })).rejects.toMatchObject({
      code: 'ERR_HOTPATH_CPU_ARGUMENT_TYPE',
    });
  }
  const path = fileURLToPath(new URL('./tasks/numbers.mjs', import.meta.url));
  expect(await pool().map([1], { module: path, export: 'crunch' })).toEqual([crunch(1)]);
});

test('a module that fails in the workers alone is reported as such', async () => {
  Object.assign(globalThis, { hotpathTestThread: true });
  const task = { module: new URL('./tasks/broken-in-workers.mjs', import.meta.url), export: 'same' };
  await expect(pool({ callerSliceMs: 0 }).map(items, task)).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_TASK_MODULE',
    message: expect.stringContaining('not in this thread'),
  });
});
