/** That calls let the event loop turn, and end when they are told to, wherever they are. */
import { moduleTask, source } from '@hotpath/cpu';
import { expect, test } from 'vitest';

// How a thread takes its items is no part of the public face.
import { createControl, finished } from '../dist/parallel/control.js';
import { createPace } from '../dist/parallel/grain.js';
import type { Loop } from '../dist/parallel/loop.js';
import { steal, STOLEN } from '../dist/parallel/steal.js';

import { numbers } from './parallel-cases.ts';
import { pool } from './pools.ts';

const CLOSED = { code: 'ERR_HOTPATH_CPU_CLOSED' };

/** A module that is never there. */
const NEVER = {
  module: `data:text/javascript,${encodeURIComponent('await new Promise(() => {}); export const same = (x) => x;')}`,
  export: 'same',
};

interface Spun {
  hotpathSpun: number;
}

/** Spins for as many milliseconds as the item says, and counts those of this thread that take one or more. */
const spin = source((ms: number) => {
  if (ms >= 1) (globalThis as unknown as Spun).hotpathSpun++;
  for (const end = performance.now() + ms; performance.now() < end;);
  return ms;
});

test('the event loop turns soon after the first of many items that are a thousand times dearer than those before', async () => {
  const cheap = new Array<number>(20_000).fill(0.001);
  const dear = new Array<number>(400).fill(1);
  const here = globalThis as unknown as Spun;
  for (const input of [[...cheap, ...dear], Float64Array.from([...cheap, ...dear])]) {
    const parallel = pool({ threads: 1 });
    here.hotpathSpun = 0;
    let before = 0;
    let mostInTurn = 0;
    const count = (): void => {
      mostInTurn = Math.max(mostInTurn, here.hotpathSpun - before);
      before = here.hotpathSpun;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    await parallel.map(input as number[], spin);
    clearImmediate(timer);
    mostInTurn = Math.max(mostInTurn, here.hotpathSpun - before);
    // A slice of 5 ms has room for 5, and on a busy machine for fewer.
    expect(mostInTurn).toBeLessThan(20);
    await parallel.close();
  }
});

test('a thread keeps what it claimed of items too dear for a slice, and runs each once', () => {
  const count = 1000;
  const control = createControl(1);
  const runs = new Uint8Array(count);
  const loop: Loop = (_input, output, start, end) => {
    for (let i = start; i < end; i++) {
      output[i] = (output[i] as number) + 1;
      for (const stop = performance.now() + 0.1; performance.now() < stop;);
    }
  };
  const resultKind = 'number' as const;
  const work = { control, input: runs, output: runs, resultKind, count, offset: 0, threads: 1, grain: 0 };
  // As if an item took a nanosecond: the first grain is a quarter of all.
  const pace = createPace(1e-6);
  const held = { start: 0, end: 0 };
  let slices = 0;
  for (let end: number = STOLEN.deadline; end === STOLEN.deadline; slices++) {
    end = steal(work, loop, pace, { index: -1 }, held, performance.now() + 1);
    expect(held.end - held.start).toBeLessThanOrEqual(count);
  }
  expect(runs.every((times) => times === 1)).toBe(true);
  expect(finished(control)).toBe(count);
  expect(slices).toBeGreaterThan(20);
});

test('ranges are not cut, however long they take', () => {
  const control = createControl(1);
  const ranges: number[] = [];
  const loop: Loop = (_input, _output, start, end) => {
    ranges.push(start, end);
    for (const stop = performance.now() + 0.5; performance.now() < stop;);
  };
  const nothing = new Uint8Array(0);
  const resultKind = 'range' as const;
  const work = {
    control,
    input: nothing,
    output: nothing,
    resultKind,
    count: 300,
    offset: 0,
    threads: 1,
    grain: 100,
  };
  expect(steal(work, loop, createPace(1e-3), { index: -1 }, { start: 0, end: 0 }, Infinity)).toBe(STOLEN.all);
  expect(ranges).toEqual([0, 100, 100, 200, 200, 300]);
});

test('closing with a time limit ends a call whose module is never there', async () => {
  const parallel = pool({ threads: 1 });
  const outcomes = [
    parallel.map([1], NEVER),
    parallel.filter(new Float64Array(1), NEVER),
    parallel.sort([{}], NEVER),
  ].map((running) => expect(running).rejects.toMatchObject(CLOSED));
  await parallel.close({ timeoutMs: 0 });
  await Promise.all(outcomes);
});

test('an abort ends a call whose module is never there', async () => {
  const parallel = pool({ threads: 1 });
  const reason = new Error('no longer wanted');
  const controller = new AbortController();
  const running = parallel.map([1], NEVER, { signal: controller.signal });
  controller.abort(reason);
  await expect(running).rejects.toBe(reason);
  await expect(parallel.map([1], NEVER, { signal: controller.signal })).rejects.toBe(reason);
  expect(await parallel.map([2], numbers('negate'))).toEqual([-2]);
  await parallel.close();
});

test('closing with a time limit ends a sort whose runs are being merged', async () => {
  const parallel = pool({ threads: 1 });
  const merging = new Promise<void>((resolve) => Object.assign(globalThis, { hotpathMerging: resolve }));
  // Only where runs are merged are items of two of them compared.
  const items = Array.from({ length: 8192 }, (_, key) => ({ key, run: key >> 11 }));
  const byKey = source((a: { key: number; run: number }, b: { key: number; run: number }) => {
    if (a.run !== b.run) {
      (globalThis as unknown as { hotpathMerging(): void }).hotpathMerging();
      for (const end = performance.now() + 0.3; performance.now() < end;);
    }
    return b.key - a.key;
  });
  const outcome = expect(parallel.sort(items, byKey)).rejects.toMatchObject(CLOSED);
  await merging;
  await parallel.close({ timeoutMs: 0 });
  await outcome;
  expect(items[0]).toEqual({ key: 0, run: 0 });
});

test('an array that is shortened while a call reads it gives undefined for what is gone', async () => {
  const typeOf = await moduleTask<unknown, string>(numbers('typeOf'));
  // Its cost is not known, so two chunks are under way and a third of the items is left when the call returns.
  const parallel = pool({ threads: 1, callerSliceMs: 0 });
  const input = new Array<number>(100).fill(1);
  const running = parallel.map(input, typeOf);
  input.length = 10;
  const types = await running;
  expect(types.length).toBe(100);
  expect(types.slice(0, 10)).toEqual(new Array<string>(10).fill('number'));
  expect(types.at(-1)).toBe('undefined');
  await parallel.close();
});
