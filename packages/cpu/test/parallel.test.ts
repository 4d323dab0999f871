import { threadId } from 'node:worker_threads';

import { createParallel, moduleTask, source } from '@hotpath/cpu';
import { allocate, free } from '@hotpath/memory';
import { afterEach, describe, expect, test } from 'vitest';

import { expected, failing, items, LONG, numbers, run } from './parallel-cases.ts';
import { addIndex, bigCrunch, crunch, negate } from './parallel-tasks.ts';
import { closePools, pool } from './pools.ts';

afterEach(closePools);

const CALLERS = [
  { who: 'the caller and workers', options: {} },
  { who: 'workers alone', options: { callerSliceMs: 0 } },
  { who: 'the caller alone', options: { threads: 1 } },
];

describe.each(CALLERS)('mapping by $who', ({ options }) => {
  test('a typed array in ordinary memory gives one of the same kind, in order', async () => {
    const parallel = pool(options);
    const result = await parallel.map(Int32Array.from(items), numbers('crunch'));
    expect(result).toBeInstanceOf(Int32Array);
    expect(result.buffer).toBeInstanceOf(ArrayBuffer);
    expect([...result]).toEqual(expected);
  });

  test('heap vectors are mapped where they are, into another kind and in place', async () => {
    const parallel = pool(options);
    const input = allocate('i32', LONG);
    const output = allocate('f64', LONG);
    input.set(items);
    expect(await parallel.mapInto(input, output, numbers('crunch'))).toBe(output);
    expect([...output]).toEqual(expected);
    expect(await parallel.mapInto(input, input, numbers('crunch'))).toBe(input);
    expect([...input]).toEqual(expected);
    free(input);
    free(output);
  });

  test('shared and ordinary arrays mix, and an output may be longer', async () => {
    const parallel = pool(options);
    const shared = new Int32Array(new SharedArrayBuffer(LONG * 4));
    shared.set(items);
    const output = new Float64Array(LONG + 2).fill(-1);
    await parallel.mapInto(shared, output, numbers('crunch'));
    expect([...output]).toEqual([...expected, -1, -1]);
    const back = new Int32Array(new SharedArrayBuffer(LONG * 4));
    await parallel.mapInto(Int32Array.from(items), back, numbers('crunch'));
    expect([...back]).toEqual(expected);
    const same = Int32Array.from(items);
    await parallel.mapInto(same, same, numbers('crunch'));
    expect([...same]).toEqual(expected);
  });

  test('a plain array gives a plain array, in order', async () => {
    const parallel = pool(options);
    expect(await parallel.map(items, numbers('crunch'))).toEqual(expected);
    const words = items.map((item) => ({ name: `item ${item}`, at: new Date(item) }));
    const task = source((word: { name: string; at: Date }) => {
      let spin = 0;
      for (let i = 0; i < 2000; i++) spin = Math.imul(spin + i, 17) % 997;
      return { length: word.name.length, year: word.at.getUTCFullYear(), spun: spin > -1e9 };
    });
    const results = await parallel.map(words, task);
    expect(results).toEqual(
      words.map((word) => ({ length: word.name.length, year: word.at.getUTCFullYear(), spun: true })),
    );
  });

  test('the function sees the index of the whole input', async () => {
    const parallel = pool(options);
    const slowIndex = source((value: number, index: number) => {
      let spin = value;
      for (let i = 0; i < 1000; i++) spin = Math.imul(spin, 17) % 997;
      return spin > 997 ? -1 : index;
    });
    const indexes = items.map((_, i) => i);
    expect(Array.from(await parallel.map(Float64Array.from(items), slowIndex), Math.abs)).toEqual(indexes);
    expect((await parallel.map(items, slowIndex)).map(Math.abs)).toEqual(indexes);
  });

  test('empty inputs and single items', async () => {
    const parallel = pool(options);
    expect(await parallel.map([], numbers('crunch'))).toEqual([]);
    expect(await parallel.map(new Uint8Array(0), numbers('crunch'))).toEqual(new Uint8Array(0));
    expect(await parallel.map([5], numbers('crunch'))).toEqual([crunch(5)]);
    expect(await parallel.map(new Int32Array([5]), numbers('crunch'))).toEqual(new Int32Array([crunch(5)]));
  });

  test('an exception carries the index, the thrown error and its stack, and the pool stays usable', async () => {
    const parallel = pool(options);
    for (const input of [Int32Array.from(items), items]) {
      const error = await parallel
        .map(input as Int32Array, failing('throwAt700'))
        .catch((error: unknown) => error);
      expect(error).toMatchObject({
        code: 'ERR_HOTPATH_CPU_TASK',
        index: 700,
        message: "the task 'throwAt700' threw at item 700: OddError: seven hundred",
        cause: { name: 'OddError', code: 'ERR_ODD', message: 'seven hundred', cause: { name: 'RangeError' } },
      });
      expect((error as { cause: Error }).cause.stack).toMatch(/throwAt700.*failing\.mjs/);
    }
    expect(await parallel.map(Int32Array.from(items), numbers('crunch'))).toEqual(Int32Array.from(expected));
  });

  test('anything may be thrown', async () => {
    const parallel = pool(options);
    await expect(parallel.map(items, failing('throwString'))).rejects.toMatchObject({
      cause: 'a plain string',
    });
    await expect(parallel.map(items, failing('throwUncloneable'))).rejects.toMatchObject({
      index: 500,
      cause: { message: 'holds a function' },
    });
    for (const name of ['throwTextless', 'throwUnreadable']) {
      for (const input of [Int32Array.from(items), items]) {
        await expect(parallel.map(input as Int32Array, failing(name)), name).rejects.toMatchObject({
          code: 'ERR_HOTPATH_CPU_TASK',
          index: 500,
        });
      }
      expect(await parallel.map(items, numbers('crunch'))).toEqual(expected);
    }
  });

  test('a result of the wrong type is an error with its index', async () => {
    const parallel = pool(options);
    await expect(parallel.map(Int32Array.from(items), failing('returnText'))).rejects.toMatchObject({
      code: 'ERR_HOTPATH_CPU_TASK_RESULT',
      index: 900,
    });
    const bigs = BigInt64Array.from(items, BigInt);
    await expect(parallel.map(bigs, failing('returnText'))).rejects.toMatchObject({ index: 900 });
    for (const input of [Int32Array.from(items), items]) {
      await expect(parallel.map(input as Int32Array, failing('returnPromise'))).rejects.toMatchObject({
        code: 'ERR_HOTPATH_CPU_TASK_RESULT',
        message: expect.stringContaining('a promise'),
      });
    }
  });

  test('a variable from outside a function given as source is named', async () => {
    const parallel = pool(options);
    const factor = 3;
    const error = await parallel
      .map(
        items,
        source((x: number) => x * factor),
      )
      .catch((error: unknown) => error);
    expect(error).toMatchObject({
      code: 'ERR_HOTPATH_CPU_TASK_CLOSURE',
      message: expect.stringContaining('factor is not defined'),
    });
  });

  test('an abort rejects with its reason and the pool stays usable', async () => {
    const parallel = pool(options);
    const reason = new Error('no longer wanted');
    for (const input of [new Int32Array(2_000_000), new Array(2_000_000).fill(1)]) {
      const controller = new AbortController();
      const running = parallel.map(input as Int32Array, numbers('crunch'), { signal: controller.signal });
      setImmediate(() => controller.abort(reason));
      await expect(running).rejects.toBe(reason);
    }
    expect(await parallel.map(items, numbers('crunch'))).toEqual(expected);
  });

  test('a signal that is aborted already runs nothing', async () => {
    const parallel = pool(options);
    const signal = AbortSignal.abort();
    await expect(parallel.map(items, failing('throwString'), { signal })).rejects.toBe(signal.reason);
    await expect(parallel.map(Int32Array.from(items), failing('throwString'), { signal })).rejects.toBe(
      signal.reason,
    );
  });

  test('calls at the same time do not mix', async () => {
    const parallel = pool(options);
    const inputs = [1, 2, 3, 4, 5].map((k) => Int32Array.from(items, (item) => item * k));
    const results = await Promise.all(inputs.map((input) => parallel.map(input, numbers('crunch'))));
    results.forEach((result, k) => expect([...result]).toEqual([...inputs[k]!].map(crunch)));
  });
});

test.each([
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as unknown as Int32ArrayConstructor[])(
  '%o is mapped to its own kind with its own conversion',
  async (Kind) => {
    const parallel = pool({ callerSliceMs: 0 });
    const input = Kind.from({ length: 300 }, (_, i) => i);
    expect(await parallel.map(input, numbers('negate'))).toEqual(Kind.from(input, negate));
  },
);

test('BigInt arrays are mapped to bigints', async () => {
  const input = BigInt64Array.from(items, BigInt);
  expect(await pool().map(input, numbers('bigCrunch'))).toEqual(BigInt64Array.from(input, bigCrunch));
});

test('a Buffer gives a Uint8Array', async () => {
  const result = await pool().map(Buffer.from('abc'), numbers('default'));
  expect(result.constructor).toBe(Uint8Array);
  expect([...result]).toEqual([97, 99, 101].map((x, i) => addIndex(97 + i, i) || x));
});

test('special numbers survive the way to a worker and back', async () => {
  const values = [0, -0, NaN, Infinity, -Infinity, 1.5, 2 ** 31, -(2 ** 31), 2 ** 53];
  const same = source((x: unknown) => x);
  const parallel = pool({ callerSliceMs: 0 });
  expect(await parallel.map(values, same)).toEqual(values);
  const mixed = [1, 'two', null, undefined, 3n, [4], { five: 5 }, new Map([[6, 7]])];
  expect(await parallel.map(mixed, same)).toEqual(mixed);
});

test('skewed work over typed and plain arrays is complete and in order', async () => {
  const input = Int32Array.from({ length: 6000 }, (_, i) => i);
  const serial = await pool({ threads: 1 }).map(input, numbers('skewed'));
  expect(await pool().map(input, numbers('skewed'))).toEqual(serial);
  expect(await pool().map([...input], numbers('skewed'))).toEqual([...serial]);
  expect(await pool().map(input, numbers('skewed'), { grain: 7 })).toEqual(serial);
});

test('short work stays in the calling thread, long work reaches the others', async () => {
  const parallel = pool();
  const task = await moduleTask<number, number>(numbers('threadOf'));
  expect(new Set(await parallel.map(Float64Array.of(1, 2, 3), task))).toEqual(new Set([threadId]));
  let threads = new Set<number>();
  // The workers of a fresh pool take some milliseconds to come up.
  while (threads.size < 2) threads = new Set(await parallel.map(new Float64Array(20_000), task));
  expect(threads).toContain(threadId);
});

test('with callerSliceMs 0 the calling thread runs nothing', async () => {
  const parallel = pool({ callerSliceMs: 0 });
  for (const input of [new Float64Array(3), new Float64Array(5000)]) {
    expect(new Set(await parallel.map(input, numbers('threadOf')))).not.toContain(threadId);
  }
});

test('the event loop turns while the calling thread computes', async () => {
  const parallel = pool({ threads: 1, callerSliceMs: 1 });
  let turns = 0;
  const count = (): void => {
    turns++;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  await parallel.map(new Int32Array(10_000), numbers('crunch'));
  clearImmediate(timer);
  expect(turns).toBeGreaterThan(3);
});

test('functions whose text cannot stand alone are refused at once', () => {
  for (const fn of [
    Math.abs,
    Number.parseInt,
    negate.bind(null),
    class {
      field = 1;
    },
    async (x: number) => x,
    function* () {},
  ]) {
    expect(() => source(fn as () => number)).toThrow(
      expect.objectContaining({ code: 'ERR_HOTPATH_CPU_TASK_SOURCE' }),
    );
  }
  expect(() => source('x => x' as unknown as () => number)).toThrow(TypeError);
});

test('methods in short form, functions and arrows are accepted as source', async () => {
  const holder = {
    triple(this: void, x: number) {
      return x * 3;
    },
  };
  const parallel = pool();
  expect(await parallel.map([2], source(holder.triple))).toEqual([6]);
  expect(await parallel.map([2], source(function (x: number) { return x + 1; }))).toEqual([3]); // prettier-ignore
});

test('without code generation from strings, module tasks work and source is refused', () => {
  const program = `
    import { createParallel, source } from '@hotpath/cpu';
    const task = { module: ${JSON.stringify(numbers('crunch').module.href)}, export: 'crunch' };
    const parallel = createParallel({ threads: 2 });
    const out = await parallel.map(new Int32Array(20000).fill(3), task);
    let code; try { source((x) => x); } catch (error) { code = error.code; }
    console.log(out.every((x) => x === ${crunch(3)}), code);`;
  expect(run(['--disallow-code-generation-from-strings'], program)).toBe('true ERR_HOTPATH_CPU_TASK_SOURCE');
});

test('an open pool does not keep the process alive', () => {
  const program = `
    import { createParallel } from '@hotpath/cpu';
    const parallel = createParallel({ threads: 2 });
    await parallel.map(new Int32Array(20000), { module: ${JSON.stringify(numbers('crunch').module.href)}, export: 'crunch' });
    console.log('done');`;
  expect(run([], program)).toBe('done');
});

test('a closed pool refuses calls, can be closed again, and let its calls finish', async () => {
  const parallel = createParallel({ threads: 2 });
  const running = parallel.map(items, numbers('crunch'));
  const closing = parallel.close();
  await expect(parallel.map(items, numbers('crunch'))).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_CLOSED',
  });
  await expect(parallel.mapInto(new Int8Array(1), new Int8Array(1), numbers('crunch'))).rejects.toMatchObject(
    {
      code: 'ERR_HOTPATH_CPU_CLOSED',
    },
  );
  await closing;
  expect(await running).toEqual(expected);
  await parallel.close();
  await parallel[Symbol.asyncDispose]();
});

test('closing with a time limit ends a call that takes longer', async () => {
  const parallel = createParallel({ threads: 2, stopGraceMs: 50 });
  const running = parallel.map(new Int32Array(50_000_000), numbers('crunch'));
  const outcome = expect(running).rejects.toMatchObject({ code: 'ERR_HOTPATH_CPU_CLOSED' });
  await parallel.close({ timeoutMs: 20 });
  await outcome;
});

test('closing with a time limit ends a call whose module is loaded only then', async () => {
  const parallel = createParallel({ threads: 1 });
  const text = 'await new Promise((resolve) => setTimeout(resolve, 300)); export const same = (x) => x;';
  const module = `data:text/javascript,${encodeURIComponent(text)}`;
  const running = parallel.map([1], { module, export: 'same' });
  const outcome = expect(running).rejects.toMatchObject({ code: 'ERR_HOTPATH_CPU_CLOSED' });
  await parallel.close({ timeoutMs: 0 });
  await outcome;
});

test('arguments are checked with their names', async () => {
  const parallel = pool();
  const shared = new Int32Array(new SharedArrayBuffer(400));
  const at = (call: () => unknown): Promise<unknown> =>
    Promise.resolve()
      .then(call)
      .catch((error: unknown) => error);
  const task = numbers('crunch');
  for (const [call, code, message] of [
    [() => parallel.map('abc' as never, task), 'TYPE', /^input: /],
    [() => parallel.map(new DataView(new ArrayBuffer(8)) as never, task), 'TYPE', /^input: /],
    [() => parallel.mapInto([1] as never, new Int8Array(1), task), 'TYPE', /^input: /],
    [() => parallel.mapInto(new Int8Array(1), [1] as never, task), 'TYPE', /^output: /],
    [
      () => parallel.mapInto(new Int8Array(2), new Int8Array(1), task),
      'RANGE',
      /^output: expected room for 2/,
    ],
    [
      () => parallel.mapInto(shared.subarray(0, 50), shared.subarray(1, 51), task),
      'RANGE',
      /^output: it overlaps/,
    ],
    [() => parallel.mapInto(shared, new Float64Array(shared.buffer, 0, 50), task), 'RANGE', /^output/],
    [() => parallel.map([1], 5 as never), 'TYPE', /^task: /],
    [() => parallel.map([1], { module: task.module } as never), 'TYPE', /^task\.export: /],
    [() => parallel.map([1], { ...task, export: Symbol('x') } as never), 'TYPE', /^task\.export: .*Symbol/],
    [() => parallel.map([1], { ...task, module: null } as never), 'TYPE', /^task\.module: .*null/],
    [() => parallel.map([1], task, { grain: 0 }), 'RANGE', /^grain: /],
    [() => parallel.map([1], task, { grain: '1' as never }), 'TYPE', /^grain: /],
    [() => parallel.map([1], task, { signal: {} as never }), 'TYPE', /^signal: /],
    [() => parallel.map([1], task, null as never), 'TYPE', /^options: /],
    [() => createParallel({ threads: 0 }), 'RANGE', /^threads: expected an integer from 1 to 256, got 0/],
    [() => createParallel({ threads: 1.5 }), 'RANGE', /^threads: /],
    [() => createParallel({ threads: NaN }), 'RANGE', /^threads: /],
    [() => createParallel({ callerSliceMs: -1 }), 'RANGE', /^callerSliceMs: /],
    [() => createParallel({ stopGraceMs: '5' as never }), 'TYPE', /^stopGraceMs: /],
    [() => createParallel({ resourceLimits: 5 as never }), 'TYPE', /^resourceLimits: /],
    [() => createParallel(5 as never), 'TYPE', /^options: /],
    [() => createParallel().close({ timeoutMs: -1 }), 'RANGE', /^timeoutMs: /],
  ] as const) {
    expect(await at(call)).toMatchObject({
      code: `ERR_HOTPATH_CPU_ARGUMENT_${code}`,
      message: expect.stringMatching(message),
    });
  }
});
