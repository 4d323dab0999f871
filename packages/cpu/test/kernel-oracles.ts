/** The elementwise kernels by naive oracles, the values that they are tried on, and where these lie. */
import * as cpu from '@hotpath/cpu';
import { allocate, free } from '@hotpath/memory';

import { detectSimd, redecide } from '../dist/kernels/instance.js';

export type Vector = Float32Array | Float64Array | Int32Array;
export type Kind = 'f32' | 'f64' | 'i32';

export const KINDS: readonly Kind[] = ['f32', 'f64', 'i32'];
export const ARRAYS = { f32: Float32Array, f64: Float64Array, i32: Int32Array };
const { fround } = Math;

/** One element as the kernel must give it; what a typed array stores is the rounding. */
export type Oracle = (kind: Kind, ...x: number[]) => number;

export interface Elementwise {
  readonly inputs: number;
  readonly numbers?: number;
  readonly floatsOnly?: boolean;
  readonly oracle: Oracle;
  readonly run: (vectors: Vector[], numbers: number[], out: Vector) => Vector;
}

export type Loose = (...values: unknown[]) => Vector;
export const loose = (fn: unknown): Loose => fn as Loose;
const plain = (
  name: keyof typeof cpu,
  inputs: number,
  numbers: number,
  oracle: Oracle,
  floatsOnly = false,
): Elementwise => ({
  inputs,
  numbers,
  floatsOnly,
  oracle,
  // oxlint-disable-next-line import/namespace -- the name is one of its keys, and that is what is listed below
  run: (vectors, values, out) => loose(cpu[name])(...vectors, ...values, out),
});

export const ELEMENTWISE: Readonly<Record<string, Elementwise>> = {
  add: plain('add', 2, 0, (_, a, b) => a + b),
  sub: plain('sub', 2, 0, (_, a, b) => a - b),
  mul: plain('mul', 2, 0, (kind, a, b) => (kind === 'i32' ? Math.imul(a, b) : a * b)),
  div: plain('div', 2, 0, (_, a, b) => a / b),
  fma: plain('fma', 3, 0, (kind, a, b, c) =>
    kind === 'i32' ? Math.imul(a, b) + c : kind === 'f32' ? fround(a * b) + c : a * b + c,
  ),
  axpy: {
    inputs: 2,
    numbers: 1,
    oracle: (kind, x, y, alpha) =>
      kind === 'i32'
        ? Math.imul(alpha, x) + y
        : kind === 'f32'
          ? fround(fround(alpha) * x) + y
          : alpha * x + y,
    run: ([x, y], [alpha], out) => {
      out.set(y!);
      return loose(cpu.axpy)(alpha, x, out.subarray(0, y!.length));
    },
  },
  scale: plain('scale', 1, 1, (kind, a, alpha) =>
    kind === 'i32' ? Math.imul(a, alpha) : kind === 'f32' ? a * fround(alpha) : a * alpha,
  ),
  abs: plain('abs', 1, 0, (_, a) => Math.abs(a)),
  neg: plain('neg', 1, 0, (_, a) => -a),
  sqrt: plain('sqrt', 1, 0, (_, a) => Math.sqrt(a), true),
  minimum: plain('minimum', 2, 0, (_, a, b) => Math.min(a, b)),
  maximum: plain('maximum', 2, 0, (_, a, b) => Math.max(a, b)),
  clamp: {
    inputs: 1,
    oracle: (_, a) => (a < -2 ? -2 : a > 7 ? 7 : a),
    run: ([a], _, out) => loose(cpu.clamp)(a, -2, 7, out),
  },
  sign: plain('sign', 1, 0, (_, a) => Math.sign(a)),
  select: {
    inputs: 3,
    oracle: (_, mask, a, b) => (mask > 0 ? a : b),
    run: ([m, a, b], _, out) => {
      const isHeap = m!.buffer instanceof SharedArrayBuffer;
      const mask = isHeap ? allocate('u8', m!.length) : new Uint8Array(m!.length);
      m!.forEach((x, i) => (mask[i] = x > 0 ? 1 + (i % 255) : 0));
      const result = loose(cpu.select)(mask, a, b, out);
      if (isHeap) free(mask);
      return result;
    },
  },
};

export const SPECIALS: Readonly<Record<Kind, readonly number[]>> = {
  f32: [
    0,
    -0,
    1,
    -1,
    NaN,
    Infinity,
    -Infinity,
    3.4028234663852886e38,
    -3.4028234663852886e38,
    1e-45,
    0.1,
    2 ** 31,
    -(2 ** 31),
    2 ** 32 + 4096,
    1.5,
    -2.5,
  ],
  f64: [
    0,
    -0,
    1,
    -1,
    NaN,
    Infinity,
    -Infinity,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    5e-324,
    0.1,
    2 ** 31,
    -(2 ** 31) - 0.5,
    2 ** 53 + 2,
    1e300,
    -2.5,
  ],
  i32: [0, 1, -1, 2147483647, -2147483648, 7, -7, 65536, 46341, -46341],
};

export const value: Readonly<Record<Kind, (i: number) => number>> = {
  f32: (i) => fround(Math.sin(i + 1) * 10 ** (i % 5)),
  f64: (i) => Math.sin(i + 1) * 10 ** (i % 7),
  i32: (i) => Math.imul(i + 1, 0x9e37_79b1),
};

export const make = (kind: Kind, values: ArrayLike<number>): Vector => ARRAYS[kind].from(values);

export const taken: ArrayBufferView[] = [];

export type Place = (kind: Kind, values: ArrayLike<number>, misalignment?: number) => Vector;

export const inHeap: Place = (kind, values, misalignment = 0) => {
  const block = allocate(kind, values.length + misalignment);
  taken.push(block);
  const view = block.subarray(misalignment) as Vector;
  view.set(values);
  return misalignment === 0 ? block : view;
};
export const foreign: Place = (kind, values, misalignment = 0) => {
  const view = new ARRAYS[kind](values.length + misalignment).subarray(misalignment) as Vector;
  view.set(values);
  return view;
};

/** Where a kernel finds its vectors, and what it then runs as. */
export interface Path {
  readonly path: 'simd' | 'scalar, SIMD off' | 'scalar, foreign arrays';
  readonly place: Place;
  readonly simd: boolean;
}

export const PATHS: readonly Path[] = [
  { path: 'simd', place: inHeap, simd: true },
  { path: 'scalar, SIMD off', place: inHeap, simd: false },
  { path: 'scalar, foreign arrays', place: foreign, simd: true },
];

/** Decides again, whether kernels run as SIMD, as a path asks for it. */
export const prepare = (simd: boolean): void => redecide(() => simd && detectSimd());

/** All lengths up to four turns of the widest loop and a tail; a few of them where no turns are taken. */
export const lengthsOf = (path: Path['path'], kind: Kind): number[] => {
  const most = 4 * (kind === 'f64' ? 16 : 32) + 3;
  return path === 'simd' ? Array.from({ length: most + 1 }, (_, n) => n) : [0, 1, 2, 3, 5, 17, most];
};

export const vector = (kind: Kind, length: number, seed: number): Vector =>
  make(
    kind,
    Array.from({ length }, (_, i) => value[kind](i * 3 + seed * 101)),
  );

/** All pairs of special values, as two vectors. */
export const specialPairs = (kind: Kind): [Vector, Vector] => {
  const s = SPECIALS[kind];
  return [ARRAYS[kind].from(s.flatMap((x) => s.map(() => x))), ARRAYS[kind].from(s.flatMap(() => s))];
};

export const freeNow = (): void => {
  taken.splice(0).forEach((view) => free(view));
};
