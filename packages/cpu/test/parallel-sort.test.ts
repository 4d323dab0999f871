import { type NumericArray, source } from '@hotpath/cpu';
import { adopt, free, heap } from '@hotpath/memory';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { closePools, pool } from './pools.ts';

const tasks = (name: string) => ({ module: new URL('./tasks/orders.mjs', import.meta.url), export: name });

afterEach(closePools);

/** Repeatable numbers between −1000 and 1000, with many equal ones. */
function numbers(length: number): number[] {
  let state = length + 1;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >> 8) % 1000;
  });
}

/** More than two runs of the order without a comparator, with a short one at the end. */
const LONG = 150_001;
/** The same of comparators. */
const MANY = 9001;

const CALLERS = [
  { who: 'the caller and workers', options: {} },
  { who: 'workers alone', options: { callerSliceMs: 0 } },
  { who: 'the caller alone', options: { threads: 1 } },
];

describe.each(CALLERS)('sort by $who', ({ options }) => {
  test('floats have −0 before 0 and NaN last, as TypedArray.sort', async () => {
    const parallel = pool(options);
    const special = [NaN, -0, 0, Infinity, -Infinity, 5e-324];
    for (const length of [0, 1, 2, 100, 65_536, 65_537, LONG]) {
      const values = numbers(length).map((x, i) => (i % 5 === 0 ? special[i % special.length]! : x / 8));
      for (const array of [Float64Array.from(values), Float32Array.from(values)]) {
        const expected = array.slice().sort();
        expect(await parallel.sort(array)).toBe(array);
        expect(isSame(array, expected), `${length}`).toBe(true);
      }
    }
  });

  test.each([Int32Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint32Array, BigInt64Array])(
    '%o goes upwards',
    async (Kind) => {
      const parallel = pool(options);
      const values = numbers(LONG).map((x) => (Kind === BigInt64Array ? BigInt(x) : Math.abs(x)));
      const array = (Kind as unknown as { from(v: unknown[]): NumericArray }).from(values);
      const expected = array.slice().sort();
      await parallel.sort(array);
      expect(isSame(array, expected)).toBe(true);
    },
  );

  test('a part of a vector in the heap is sorted, and nothing around it', async () => {
    const parallel = pool(options);
    const used = heap().stats().usedBytes;
    const vector = adopt<'i32'>(Int32Array.from(numbers(LONG)));
    const expected = Int32Array.from(vector);
    expected.subarray(3, LONG - 5).sort();
    await parallel.sort(vector.subarray(3, LONG - 5));
    expect(isSame(vector, expected)).toBe(true);
    free(vector);
    expect(heap().stats().usedBytes).toBe(used);
  });

  test('a comparator decides, and equal elements keep their order', async () => {
    const parallel = pool(options);
    for (const length of [0, 1, 2048, 2049, MANY]) {
      const array = Int32Array.from(numbers(length));
      const expected = array.slice().sort((a, b) => Math.floor(a / 100) - Math.floor(b / 100));
      await parallel.sort(array, tasks('byHundreds'));
      expect([...array]).toEqual([...expected]);
    }
    const big = BigInt64Array.from(numbers(MANY), BigInt);
    const expected = big.slice().sort((a, b) => Number(a / 100n - b / 100n));
    await parallel.sort(big, tasks('byBigHundreds'));
    expect(big.join()).toBe(expected.join());
    expect([
      ...(await parallel.sort(
        [3, 1, 2],
        source((a: number, b: number) => b - a),
      )),
    ]).toEqual([3, 2, 1]);
  });

  test('plain arrays keep their own items, stably, undefined last', async () => {
    const parallel = pool(options);
    const items = numbers(MANY).map((key, i) =>
      i % 50 === 0 ? undefined : { key: Math.floor(key / 100), i },
    );
    const expected = items.slice().sort((a, b) => a!.key - b!.key);
    const sorted = await parallel.sort(items, tasks('byKey'));
    expect(sorted).toBe(items);
    expect(sorted.every((item, i) => item === expected[i])).toBe(true);
    const text = numbers(MANY).map((x) => `t${x}`);
    expect(await parallel.sort(text.slice(), tasks('byText'))).toEqual(text.slice().sort());
    const plain = numbers(MANY);
    plain[5] = NaN;
    expect(await parallel.sort(plain.slice())).toEqual([...Float64Array.from(plain).sort()]);
  });

  test('a comparator that throws or gives no number changes nothing', async () => {
    const parallel = pool(options);
    const array = Float64Array.from(numbers(MANY));
    const before = array.slice();
    for (const [name, code] of [
      ['failing', 'ERR_HOTPATH_CPU_TASK'],
      ['words', 'ERR_HOTPATH_CPU_TASK_RESULT'],
    ] as const) {
      await expect(parallel.sort(array, tasks(name)), name).rejects.toMatchObject({ code });
      expect(isSame(array, before), name).toBe(true);
    }
    const items = numbers(MANY).map((key) => ({ key }));
    const kept = items.slice();
    await expect(parallel.sort(items, tasks('words'))).rejects.toMatchObject({
      code: 'ERR_HOTPATH_CPU_TASK_RESULT',
    });
    expect(items.every((item, i) => item === kept[i])).toBe(true);
    expect([...(await parallel.sort(new Float64Array([2, 1])))]).toEqual([1, 2]);
  });

  test('a comparator that throws tells the first item of the run, or the one that was to be merged', async () => {
    const parallel = pool(options);
    const items = Array.from({ length: MANY }, (_, key) => ({ key }));
    await expect(parallel.sort(items, tasks('failingAt5000'))).rejects.toMatchObject({ index: 4096 });
    await expect(parallel.sort(items, tasks('failingAcrossRuns'))).rejects.toMatchObject({
      index: 0,
      cause: { message: 'of two runs' },
    });
  });

  test('reduce folds the items of a plain array, in blocks and in order', async () => {
    const parallel = pool(options);
    const items = numbers(5000).map((least) => ({ least, count: 1 }));
    expect(await parallel.reduce(items, tasks('merge'), { least: Infinity, count: 0 })).toEqual({
      least: Math.min(...numbers(5000)),
      count: 5000,
    });
    const letters = Array.from({ length: 3000 }, (_, i) => String.fromCharCode(97 + (i % 26)));
    expect(await parallel.reduce(letters, tasks('join'), '')).toBe(letters.join(''));
    expect(await parallel.reduce([], tasks('join'), 'none')).toBe('none');
    const placed = items.map((_, at) => ({ at, count: 1 }));
    expect(await parallel.reduce(placed, tasks('inPlace') as never, { count: 0 } as never)).toEqual({
      count: 5000,
    });
    items[4500] = { least: 0, count: 77 };
    await expect(
      parallel.reduce(items, tasks('failingFold'), { least: Infinity, count: 0 }),
    ).rejects.toMatchObject({ code: 'ERR_HOTPATH_CPU_TASK', index: 4500 });
  });
});

test('any numbers are sorted as by the engine, by any number of threads', async () => {
  const pools = [1, 2, 3].map((threads) => pool({ threads, callerSliceMs: threads === 3 ? 0 : 5 }));
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 2 }),
      fc.double({ min: -1000, max: 1000 }),
      fc.array(fc.double(), { maxLength: 300 }),
      async (which, scale, some) => {
        // A few thousand elements in several runs of the comparator; `some` brings the odd values.
        const values = numbers(5000).map((x, i) => (i < some.length ? some[i]! : x * scale));
        const array = Float64Array.from(values, (x) => (Number.isNaN(x) ? 0 : x));
        const expected = array.slice().sort((a, b) => b - a || 0);
        await pools[which]!.sort(array, tasks('downwards'));
        expect([...array]).toEqual([...expected]);
      },
    ),
    { numRuns: 30 },
  );
});

test('a comparator that contradicts itself loses and doubles nothing', async () => {
  const parallel = pool();
  let refusals = 0;
  for (let round = 0; round < 10; round++) {
    const array = Float64Array.from({ length: MANY }, (_, i) => i);
    try {
      await parallel.sort(array, tasks('contrary'));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_HOTPATH_CPU_TASK_RESULT' });
      refusals++;
    }
    expect(
      isSame(
        array.sort(),
        Float64Array.from({ length: MANY }, (_, i) => i),
      ),
    ).toBe(true);
  }
  expect(refusals).toBeGreaterThan(0);
});

test('what cannot be sorted is refused', async () => {
  const parallel = pool();
  const type = { code: 'ERR_HOTPATH_CPU_ARGUMENT_TYPE' };
  await expect(parallel.sort('text' as never)).rejects.toMatchObject(type);
  await expect(parallel.sort(['b', 'a'])).rejects.toMatchObject(type);
  await expect(parallel.sort(new Float64Array(2), 5 as never)).rejects.toMatchObject(type);
  await expect(parallel.sort(new Float64Array(2), tasks('missing'))).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_TASK_EXPORT',
  });
  const items = Array.from({ length: MANY }, (_, key) => ({ key, run: key === 8000 ? () => key : 0 }));
  await expect(pool({ callerSliceMs: 0 }).sort(items, tasks('byKey'))).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_ITEM_CLONE',
    message: expect.stringContaining('item 8000') as string,
  });
});

test('an abort between passes leaves the array as it was, and progress ends at its length', async () => {
  const parallel = pool();
  const array = Float64Array.from(numbers(LONG));
  const before = array.slice();
  const controller = new AbortController();
  const onProgress = (): void => controller.abort();
  await expect(
    parallel.sort(array, undefined, { signal: controller.signal, onProgress }),
  ).rejects.toMatchObject({
    name: 'AbortError',
  });
  expect(isSame(array, before)).toBe(true);
  const seen: number[] = [];
  await parallel.sort(array, undefined, { onProgress: (done, total) => seen.push(done, total) });
  expect(seen.slice(-2)).toEqual([LONG, LONG]);
});

function isSame(a: NumericArray, b: NumericArray): boolean {
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

function bytesOf(view: NumericArray): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}
