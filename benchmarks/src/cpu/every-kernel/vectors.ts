/** What the rows of the table work on: the same values for every variant of a row, in the heap or outside it. */

import type { Vector } from '@hotpath/cpu/kernels';

import { seededFloats } from '../../workloads/floats.ts';

export type Kind = 'f32' | 'f64' | 'i32';

export const KINDS: readonly Kind[] = ['f32', 'f64', 'i32'];

/** Elements a vector: three vectors of f64 fit a second-level cache. */
export const LENGTH = 10_000;

/** Elements a row of the matrix that `a` is for the kernels over rows. */
export const WIDTH = 100;

/** The greatest of positive inputs: products of i32 stay far below 2³¹. */
export const greatest = (kind: Kind): number => (kind === 'i32' ? 1000 : 1);

export interface Vectors {
  readonly kind: Kind;
  /** Above 0, at most `greatest(kind)`. */
  readonly a: Vector;
  readonly b: Vector;
  readonly c: Vector;
  /** Of both signs, at random: a branch on them is guessed wrong every other time. */
  readonly signed: Vector;
  readonly other: Vector;
  /** `a`, sorted. */
  readonly sorted: Vector;
  /** The first `WIDTH` elements of `b`. */
  readonly query: Vector;
  /** For results; by element type where they convert. */
  readonly out: Vector;
  readonly outs: Readonly<Record<Kind, Vector>>;
  /** Records of two and of four fields, room for either, and the columns they are taken apart into. */
  readonly pairs: Vector;
  readonly quads: Vector;
  readonly records: Vector;
  readonly columns: readonly Vector[];
  /** A result a row: f64 for i32. */
  readonly results: Float32Array | Float64Array;
  readonly mask: Uint8Array;
  readonly maskOut: Uint8Array;
  readonly bytes: Uint8Array;
  readonly bins: Int32Array;
  readonly positions: Uint32Array;
  /** A factor that changes its sign from call to call, so that what is added again and again stays where it is. */
  readonly nextFactor: () => number;
  /** Makes `out` and `bins` 0, and the factor positive. */
  reset(): void;
}

/** Where a variant's vectors live: as they were made, or copied into the heap. */
export type Place = <A extends Vector | Uint8Array | Uint32Array>(array: A) => A;

const ARRAYS = { f32: Float32Array, f64: Float64Array, i32: Int32Array } as const;

export function makeVectors(kind: Kind, seed: number, place: Place): Vectors {
  const typed = (kind: Kind, length: number, value: (i: number) => number): Vector => {
    const array = new ARRAYS[kind](length);
    for (let i = 0; i < length; i++) array[i] = value(i);
    return place<Vector>(array);
  };
  const random = (n: number): Float32Array => seededFloats(LENGTH, seed + n);
  const positive = (n: number): Vector => {
    const values = random(n);
    return typed(kind, LENGTH, (i) =>
      kind === 'i32' ? 1 + Math.trunc(values[i]! * 999) : values[i]! + 1e-3,
    );
  };
  const signed = (n: number): Vector => {
    const values = random(n);
    return typed(kind, LENGTH, (i) => (values[i]! - 0.5) * (kind === 'i32' ? 2000 : 1));
  };
  const zeros = (kind: Kind, length = LENGTH): Vector => typed(kind, length, () => 0);
  const bytes = random(7);
  const a = positive(0);
  const b = positive(1);
  const out = zeros(kind);
  const bins = place(new Int32Array(256));
  const factor = kind === 'i32' ? 3 : 0.75;
  let isNegative = false;
  return {
    kind,
    a,
    b,
    c: positive(2),
    signed: signed(3),
    other: signed(4),
    sorted: place(a.slice().sort()),
    query: typed(kind, WIDTH, (i) => b[i]!),
    out,
    outs: { f32: zeros('f32'), f64: zeros('f64'), i32: zeros('i32') },
    pairs: typed(kind, 2 * LENGTH, (i) => i),
    quads: typed(kind, 4 * LENGTH, (i) => i),
    records: zeros(kind, 4 * LENGTH),
    columns: Array.from({ length: 4 }, () => zeros(kind)),
    results: zeros(kind === 'f32' ? 'f32' : 'f64', LENGTH / WIDTH) as Float32Array | Float64Array,
    mask: place(Uint8Array.from(bytes, (value) => Number(value > 0.5))),
    maskOut: place(new Uint8Array(LENGTH)),
    bytes: place(Uint8Array.from(bytes, (value) => value * 256)),
    bins,
    positions: place(new Uint32Array(LENGTH)),
    nextFactor() {
      isNegative = !isNegative;
      return isNegative ? factor : -factor;
    },
    reset() {
      isNegative = false;
      out.fill(0);
      bins.fill(0);
    },
  };
}
