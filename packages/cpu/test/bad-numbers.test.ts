/** Numbers that are none, or that mean nothing where they are given: every parameter of every public function that takes one. */
import {
  axpy,
  clamp,
  compare,
  countByte,
  countWhere,
  createParallel,
  filter,
  histogram,
  lowerBound,
  positionsOfByte,
  scale,
} from '@hotpath/cpu';
import type { Parallel, Vector } from '@hotpath/cpu';
import { adjust, boxBlur, createImage } from '@hotpath/cpu/image';
import { adopt, free } from '@hotpath/memory';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { detectSimd, redecide } from '../dist/kernels/instance.js';
import { numbers } from './parallel-cases.ts';

const NO_NUMBERS = ['1', 1n, null, true, {}, [1], Symbol('one'), () => 1];
const NO_INT32 = [NaN, Infinity, -Infinity, 0.5, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e300];
const NO_BYTE = [NaN, Infinity, -1, 0.5, 256, 2 ** 32];

type Call = (value: never) => unknown;

interface Parameter {
  readonly name: string;
  readonly call: Call;
  readonly outOfRange: readonly number[];
}

const refusal = (cause: 'TYPE' | 'RANGE', name: string): object =>
  expect.objectContaining({
    code: `ERR_HOTPATH_CPU_ARGUMENT_${cause}`,
    message: expect.stringMatching(new RegExp(`^${name}: expected `)),
  }) as object;

async function check({ name, call, outOfRange }: Parameter): Promise<void> {
  const at = async (value: unknown): Promise<unknown> => {
    try {
      return await call(value as never);
    } catch (error) {
      return error;
    }
  };
  for (const value of NO_NUMBERS) {
    expect(await at(value), `${name}, a ${typeof value}`).toEqual(refusal('TYPE', name));
  }
  for (const value of outOfRange) {
    expect(await at(value), `${name} = ${value}`).toEqual(refusal('RANGE', name));
  }
}

const ELEMENTS = [-2, 0, 1, 3];

const KINDS = [
  { kind: 'f32', make: () => Float32Array.from(ELEMENTS) as Vector },
  { kind: 'f64', make: () => Float64Array.from(ELEMENTS) as Vector },
  { kind: 'i32', make: () => Int32Array.from(ELEMENTS) as Vector },
];

const PLACES = [
  { place: 'in the heap', put: (v: Vector) => adopt(v as Float32Array) as Vector },
  { place: 'in ordinary memory', put: (v: Vector) => v },
];

const taken: Vector[] = [];

afterEach(() => {
  for (const vector of taken.splice(0)) if (vector.buffer instanceof SharedArrayBuffer) free(vector);
  redecide();
});

describe.each(PLACES)('kernels over vectors $place', ({ put }) => {
  const take = (make: () => Vector): Float32Array => {
    const vector = put(make());
    taken.push(vector);
    return vector as Float32Array;
  };

  test.each(KINDS)(
    'numbers that are none, or do not fit $kind, are refused by name',
    async ({ kind, make }) => {
      const [a, out] = [take(make), take(make)];
      const outOfRange = kind === 'i32' ? NO_INT32 : [];
      const before = [...out];
      const parameters: readonly Parameter[] = [
        { name: 'alpha', call: (value) => axpy(value, a, out), outOfRange },
        { name: 'alpha', call: (value) => scale(a, value, out), outOfRange },
        { name: 'low', call: (value) => clamp(a, value, 5, out), outOfRange },
        { name: 'high', call: (value) => clamp(a, -5, value, out), outOfRange },
        { name: 'value', call: (value) => countWhere(a, '>', value), outOfRange },
        { name: 'value', call: (value) => filter(a, '>', value, out), outOfRange },
        { name: 'value', call: (value) => lowerBound(a, value), outOfRange },
      ];
      for (const parameter of parameters) await check(parameter);
      const bins = new Int32Array(4);
      await check({
        name: 'low',
        call: (value) => histogram(a, value, 5, bins),
        outOfRange: [NaN, -Infinity, 5, 6],
      });
      await check({ name: 'high', call: (value) => histogram(a, -5, value, bins), outOfRange: [] });
      if (kind === 'i32') {
        for (const value of NO_INT32)
          expect(() => compare(a, '<', value as never)).toThrow(refusal('RANGE', 'b'));
      }
      expect([...out]).toEqual(before);
      expect([...bins]).toEqual([0, 0, 0, 0]);
    },
  );

  test.each(KINDS)('bounds in the wrong order, or NaN, are refused for $kind', ({ make }) => {
    const [a, out] = [take(make), take(make)];
    for (const [low, high] of [
      [2, 1],
      [NaN, 1],
      [0, NaN],
    ] as const) {
      expect(() => clamp(a, low, high, out)).toThrow(
        expect.objectContaining({ code: 'ERR_HOTPATH_CPU_ARGUMENT_RANGE' }) as Error,
      );
    }
    expect([...out]).toEqual([...make()]);
  });

  test.each([true, false])('NaN to compare with holds for no element but by !=, with SIMD %s', (simd) => {
    redecide(() => simd && detectSimd());
    for (const { make, kind } of KINDS) {
      if (kind === 'i32') continue;
      const [a, out] = [take(make), take(make)];
      for (const comparison of ['<', '<=', '==', '>', '>='] as const) {
        expect(countWhere(a, comparison, NaN)).toBe(0);
        expect(filter(a, comparison, NaN, out)).toBe(0);
        expect([...compare(a, comparison, NaN, new Uint8Array(4))]).toEqual([0, 0, 0, 0]);
      }
      expect(countWhere(a, '!=', NaN)).toBe(4);
      // Nothing is below NaN.
      expect(lowerBound(a, NaN)).toBe(0);
      expect(lowerBound(a, Infinity)).toBe(4);
      expect(lowerBound(a, -Infinity)).toBe(0);
      expect([...scale(a, NaN, out)]).toEqual([NaN, NaN, NaN, NaN]);
    }
  });
});

test('a byte is an integer from 0 to 255', async () => {
  const out = new Uint32Array(4);
  for (const bytes of [Uint8Array.of(1, 2, 1), adopt(Uint8Array.of(1, 2, 1))]) {
    await check({ name: 'byte', call: (value) => countByte(bytes, value), outOfRange: NO_BYTE });
    await check({ name: 'byte', call: (value) => positionsOfByte(bytes, value, out), outOfRange: NO_BYTE });
    expect([...out]).toEqual([0, 0, 0, 0]);
    if (bytes.buffer instanceof SharedArrayBuffer) free(bytes);
  }
});

test.each([undefined, null, 5, 'bins', new Float32Array(4)])('bins that are none are refused: %o', (bins) => {
  expect(() => histogram(new Float32Array(4), 0, 1, bins as never)).toThrow(refusal('TYPE', 'bins'));
});

describe('parallel calls and images', () => {
  let parallel: Parallel;
  beforeAll(() => void (parallel = createParallel({ threads: 1 })));
  afterAll(() => parallel.close());

  const NO_COUNT = [NaN, Infinity, -1, 0.5, 2 ** 31, 2 ** 53];

  test('counts, times and grains', async () => {
    const task = numbers('crunch');
    await check({
      name: 'threads',
      call: (threads) => createParallel({ threads }),
      outOfRange: [...NO_COUNT, 0],
    });
    const times = [NaN, Infinity, -1, 2 ** 31];
    await check({
      name: 'callerSliceMs',
      call: (callerSliceMs) => createParallel({ callerSliceMs }),
      outOfRange: times,
    });
    await check({
      name: 'stopGraceMs',
      call: (stopGraceMs) => createParallel({ stopGraceMs }),
      outOfRange: times,
    });
    await check({
      name: 'timeoutMs',
      call: (timeoutMs) => createParallel().close({ timeoutMs }),
      outOfRange: times,
    });
    await check({
      name: 'grain',
      call: (grain) => parallel.map([1], task, { grain }),
      outOfRange: [...NO_COUNT, 0],
    });
    await check({
      name: 'count',
      call: (count) => parallel.forEachRange(count, task),
      outOfRange: NO_COUNT,
    });
  });

  test('numbers of kernels over all threads', async () => {
    const [a, out] = [adopt(Int32Array.from(ELEMENTS)), adopt(Int32Array.from(ELEMENTS))];
    await check({
      name: 'alpha',
      call: (alpha) => parallel.kernel('axpy', [alpha, a, out]),
      outOfRange: NO_INT32,
    });
    await check({
      name: 'value',
      call: (value) => parallel.kernel('countWhere', [a, '>', value]),
      outOfRange: NO_INT32,
    });
    expect([...out]).toEqual(ELEMENTS);
    free(a);
    free(out);
  });

  test('sides, radii and levels of images', async () => {
    const [image, out] = [createImage(2, 2), createImage(2, 2)];
    const sides = [NaN, Infinity, -1, 0, 0.5, 65_536];
    await check({ name: 'width', call: (width) => createImage(width, 2), outOfRange: sides });
    await check({ name: 'height', call: (height) => createImage(2, height), outOfRange: sides });
    await check({
      name: 'image.width',
      call: (width) => boxBlur(parallel, { ...image, width }, 1, out),
      outOfRange: sides,
    });
    await check({
      name: 'radius',
      call: (radius) => boxBlur(parallel, image, radius, out),
      outOfRange: [NaN, Infinity, -1, 0.5, 1025],
    });
    await check({
      name: 'brightness',
      call: (brightness) => adjust(parallel, image, { brightness }),
      outOfRange: [NaN, Infinity, -1.01, 1.01],
    });
    await check({
      name: 'contrast',
      call: (contrast) => adjust(parallel, image, { contrast }),
      outOfRange: [NaN, Infinity, -0.01, 10.01],
    });
    free(image.pixels);
    free(out.pixels);
  });
});
