import * as kernels from '@hotpath/cpu/kernels';
import { adopt, allocate, free, heap } from '@hotpath/memory';
import { afterEach, describe, expect, test } from 'vitest';

// Their names are no part of the public face, but for the types.
import { KERNELS } from '../dist/parallel/kernel-blocks.js';
import { closePools, pool } from './pools.ts';

const taken: ArrayBufferView[] = [];

afterEach(async () => {
  await closePools();
  for (const view of taken.splice(0)) free(view);
});

/** Several blocks and a part of one, of kernels that write and of those that give a number. */
const LENGTH = 5 * 262_144 + 77;

function vector(seed: number, length = LENGTH): Float32Array {
  const view = allocate('f32', length);
  for (let i = 0; i < length; i++) view[i] = ((i * 7919 + seed * 104_729) % 2003) / 16 - 60;
  taken.push(view);
  return view;
}

function room(): Float32Array {
  const view = allocate('f32', LENGTH);
  taken.push(view);
  return view;
}

const CALLERS = [
  { who: 'the caller and workers', options: {} },
  { who: 'workers alone', options: { callerSliceMs: 0 } },
  { who: 'the caller alone', options: { threads: 1 } },
];

describe.each(CALLERS)('kernels by $who', ({ options }) => {
  test('what writes to an output gives what the kernel gives, in place too', async () => {
    const parallel = pool(options);
    const [a, b] = [vector(1), vector(2)];
    const [out, expected] = [room(), room()];
    await parallel.kernel('add', [a, b, out]);
    expect(isSame(out, kernels.add(a, b, expected))).toBe(true);
    await parallel.kernel('clamp', [a, -5, 5, out]);
    expect(isSame(out, kernels.clamp(a, -5, 5, expected))).toBe(true);
    await parallel.kernel('axpy', [0.5, a, out]);
    expect(isSame(out, kernels.axpy(0.5, a, expected))).toBe(true);
    const mask = allocate('u8', LENGTH);
    taken.push(mask);
    await parallel.kernel('compare', [a, '<', b, mask]);
    expect(Buffer.compare(mask, kernels.compare(a, '<', b))).toBe(0);
    await parallel.kernel('select', [mask, a, b, out]);
    expect(isSame(out, kernels.minimum(a, b, expected))).toBe(true);
    await parallel.kernel('neg', [out, out]);
    expect(isSame(out, kernels.neg(expected, expected))).toBe(true);
  });

  test('numbers are those of the kernel, and the same at any number of threads', async () => {
    const parallel = pool(options);
    const [a, b] = [vector(3), vector(4)];
    expect(await parallel.kernel('sum', [a])).toBeCloseTo(kernels.sum(a, 'f64'), 0);
    expect(await parallel.kernel('dot', [a, b])).toBe(await pool({ threads: 1 }).kernel('dot', [a, b]));
    expect(await parallel.kernel('max', [a])).toBe(kernels.max(a));
    expect(await parallel.kernel('argmin', [a])).toBe(kernels.argmin(a));
    expect(await parallel.kernel('countWhere', [a, '>=', 3])).toBe(kernels.countWhere(a, '>=', 3));
    a[150_000] = NaN;
    a[190_000] = NaN;
    expect(await parallel.kernel('min', [a])).toBeNaN();
    expect(await parallel.kernel('argmax', [a])).toBe(150_000);
    expect(await parallel.kernel('argmax', [a.subarray(0, 0)])).toBe(-1);
  });

  test('numbers of up to 1,048,576 elements are those of the kernel, to the last bit', async () => {
    const parallel = pool(options);
    const a = vector(5, 1 << 20);
    for (const count of [0, 1, 16_383, 16_384, 300_000, 1 << 20]) {
      const part = a.subarray(0, count);
      expect(await parallel.kernel('sum', [part])).toBe(kernels.sum(part));
    }
  });

  test('small and large calls in turn give what the kernel gives, however the cost is judged', async () => {
    const parallel = pool(options);
    const [a, out, expected] = [vector(6), room(), room()];
    for (const count of [0, 5, LENGTH, 20_000, LENGTH, 5]) {
      out.fill(0);
      await parallel.kernel('sqrt', [a.subarray(0, count), out]);
      expected.fill(0);
      kernels.sqrt(a.subarray(0, count), expected);
      expect(isSame(out, expected)).toBe(true);
    }
  });

  test('an aborted call writes nothing, and progress ends at the whole', async () => {
    const parallel = pool(options);
    const [a, out] = [vector(7, 1000), room()];
    const signal = AbortSignal.abort(new Error('no more'));
    await expect(parallel.kernel('neg', [a, out], { signal })).rejects.toThrow('no more');
    expect(out[0]).toBe(0);
    const seen: string[] = [];
    await parallel.kernel('neg', [a, out], { onProgress: (done, total) => seen.push(`${done}/${total}`) });
    expect(seen.at(-1)).toBe('1/1');
    expect(out[0]).toBe(-a[0]!);
  });
});

test('each kernel gives in workers what it gives here', async () => {
  const parallel = pool({ callerSliceMs: 0, threads: 1 });
  // Two blocks, the second of them short.
  const count = 20_000;
  const [a, b, c, out, wide] = [
    vector(8, count),
    vector(9, count),
    vector(10, count),
    vector(11, count),
    allocate('f64', count),
  ];
  const bytes = allocate('u8', count);
  for (let i = 0; i < count; i++) bytes[i] = i % 3;
  taken.push(wide, bytes);
  const calls = {
    ...Object.fromEntries(
      ['add', 'sub', 'mul', 'div', 'minimum', 'maximum'].map((name) => [name, [a, b, out]]),
    ),
    ...Object.fromEntries(['abs', 'neg', 'sqrt', 'sign'].map((name) => [name, [a, out]])),
    ...Object.fromEntries(
      ['sum', 'min', 'max', 'argmin', 'argmax', 'countPositive'].map((name) => [name, [a]]),
    ),
    ...Object.fromEntries(['dot', 'squaredDistance'].map((name) => [name, [a, b]])),
    fma: [a, b, c, out],
    axpy: [0.25, a, c],
    scale: [a, -1.5, out],
    clamp: [a, -5, 5, out],
    compare: [a, '<', b, bytes],
    select: [bytes, a, b, out],
    convert: [a, wide],
    countWhere: [a, '>', 1],
  } as Record<string, unknown[]>;
  expect(Object.keys(calls).toSorted()).toEqual([...KERNELS.keys()].toSorted());
  const kernel = parallel.kernel.bind(parallel) as unknown as (
    name: string,
    operands: unknown[],
  ) => Promise<unknown>;
  const alone = kernels as unknown as Record<string, (...operands: unknown[]) => unknown>;
  for (const [name, operands] of Object.entries(calls)) {
    const target = operands.at(-1);
    const before = ArrayBuffer.isView(target) ? (target as Float32Array).slice() : undefined;
    const result = await kernel(name, operands);
    if (result !== undefined) {
      expect(result, name).toBe(alone[name]!(...operands));
      continue;
    }
    const got = (target as Float32Array).slice();
    (target as Float32Array).set(before!);
    alone[name]!(...operands);
    expect(
      Buffer.compare(Buffer.from(got.buffer), Buffer.from((target as Float32Array).slice().buffer)),
      name,
    ).toBe(0);
  }
});

test('workers are attached to the heap: a range function there has SIMD where there is any', async () => {
  const parallel = pool({ callerSliceMs: 0, threads: 1 });
  const seen = allocate('i32', 2);
  const module = new URL('./tasks/simd.mjs', import.meta.url);
  await parallel.forEachRange(1, { module, export: 'look' }, { seen });
  expect([...seen]).toEqual([Number(kernels.isSimdAvailable()), 1]);
  free(seen);
});

test('operands that cannot be worked on are refused, and nothing stays taken', async () => {
  const parallel = pool();
  const [a, b] = [vector(5), vector(6)];
  const used = heap().stats().usedBytes;
  const type = { code: 'ERR_HOTPATH_CPU_ARGUMENT_TYPE' };
  const range = { code: 'ERR_HOTPATH_CPU_ARGUMENT_RANGE' };
  const kernel = parallel.kernel.bind(parallel) as (name: string, operands: unknown) => Promise<unknown>;
  await expect(kernel('sort', [a])).rejects.toMatchObject(type);
  await expect(kernel('sum', a)).rejects.toMatchObject(type);
  await expect(kernel('add', [a, b])).rejects.toMatchObject(type);
  await expect(kernel('add', [a, new Float32Array(LENGTH), b])).rejects.toMatchObject(type);
  await expect(kernel('add', [a, b, allocateI32()])).rejects.toMatchObject(type);
  await expect(kernel('scale', [a, '2', b])).rejects.toMatchObject(type);
  await expect(kernel('sum', [new DataView(a.buffer)])).rejects.toMatchObject(type);
  await expect(kernel('dot', [a, b.subarray(1)])).rejects.toMatchObject(range);
  await expect(kernel('add', [a, b, b.subarray(1)])).rejects.toMatchObject(range);
  await expect(kernel('neg', [a.subarray(0, 100), a.subarray(50, 150)])).rejects.toMatchObject(range);
  await expect(kernel('clamp', [a, 5, -5, b])).rejects.toMatchObject(range);
  const gone = adopt<'f32'>(new Float32Array(4));
  free(gone);
  await expect(kernel('sum', [gone])).rejects.toMatchObject({ code: 'ERR_HOTPATH_CPU_FREED_VECTOR' });
  free(taken.pop()!);
  expect(heap().stats().usedBytes).toBe(used);
});

function allocateI32(): Int32Array {
  const view = allocate('i32', LENGTH);
  taken.push(view);
  return view;
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  const bytes = (view: Float32Array): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  return Buffer.compare(bytes(a), bytes(b)) === 0;
}
