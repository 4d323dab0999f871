/** Every kernel with the plain loop it replaces. A new kernel gets a line here. */

import type * as Kernels_ from '@hotpath/cpu/kernels';

import * as loops from './loops.ts';
import { fold1, fold1Signed, fold2, map1, map2, map2Signed, rows } from './loops.ts';
import { type Kind, KINDS, type Vectors, greatest } from './vectors.ts';

export type Kernels = typeof Kernels_;

type Output = 'out' | 'outs' | 'records' | 'columns' | 'results' | 'maskOut' | 'bins' | 'positions';

export interface KernelRow {
  readonly name: string;
  readonly kinds: readonly (Kind | 'u8')[];
  /** What the answer is: the number that is returned, as many elements of `out` as it says, or whole vectors. */
  readonly gives: 'number' | 'kept' | Output;
  readonly naive: (v: Vectors) => unknown;
  readonly ours: (kernels: Kernels, v: Vectors) => unknown;
}

const FLOATS = ['f32', 'f64'] as const;

type Ours = KernelRow['ours'];
type Naive = KernelRow['naive'];

const row =
  (gives: KernelRow['gives'], kinds: KernelRow['kinds'] = KINDS) =>
  (name: string, naive: Naive, ours: Ours): KernelRow => ({ name, kinds, gives, naive, ours });

const vector = row('out');
const floats = row('out', FLOATS);
const number = row('number');

// Made once: a closure a call would be another function to V8 each time.
const TOTAL = fold1((total, x) => total + x);
const SQUARES_OF_A = fold1((total, x) => total + x * x);
const SQUARES = fold2((total, a, b) => total + (a - b) * (a - b));

const ELEMENTWISE = [
  vector(
    'add',
    map2((a, b) => a + b),
    (k, v) => k.add(v.a, v.b, v.out),
  ),
  vector(
    'sub',
    map2((a, b) => a - b),
    (k, v) => k.sub(v.a, v.b, v.out),
  ),
  vector(
    'mul',
    map2((a, b) => a * b),
    (k, v) => k.mul(v.a, v.b, v.out),
  ),
  vector(
    'div',
    map2((a, b) => a / b),
    (k, v) => k.div(v.a, v.b, v.out),
  ),
  vector(
    'fma',
    ({ a, b, c, out }) => {
      for (let i = 0; i < out.length; i++) out[i] = a[i]! * b[i]! + c[i]!;
    },
    (k, v) => k.fma(v.a, v.b, v.c, v.out),
  ),
  vector(
    'axpy',
    ({ a, out, nextFactor }) => {
      const alpha = nextFactor();
      for (let i = 0; i < out.length; i++) out[i] = alpha * a[i]! + out[i]!;
    },
    (k, v) => k.axpy(v.nextFactor(), v.a, v.out),
  ),
  vector(
    'scale',
    map1((x) => x * 3),
    (k, v) => k.scale(v.signed, 3, v.out),
  ),
  vector(
    'abs',
    map1((x) => Math.abs(x)),
    (k, v) => k.abs(v.signed, v.out),
  ),
  vector(
    'neg',
    map1((x) => -x),
    (k, v) => k.neg(v.signed, v.out),
  ),
  floats(
    'sqrt',
    ({ a, out }) => {
      for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(a[i]!);
    },
    (k, v) => k.sqrt(v.a as Float32Array, v.out as Float32Array),
  ),
  vector(
    'minimum',
    map2Signed((a, b) => Math.min(a, b)),
    (k, v) => k.minimum(v.signed, v.other, v.out),
  ),
  vector(
    'maximum',
    map2Signed((a, b) => Math.max(a, b)),
    (k, v) => k.maximum(v.signed, v.other, v.out),
  ),
  vector(
    'clamp',
    ({ kind, signed, out }) => {
      const limit = greatest(kind) / 4;
      for (let i = 0; i < out.length; i++) out[i] = Math.min(Math.max(signed[i]!, -limit), limit);
    },
    (k, v) => k.clamp(v.signed, -greatest(v.kind) / 4, greatest(v.kind) / 4, v.out),
  ),
  vector(
    'sign',
    map1((x) => Math.sign(x)),
    (k, v) => k.sign(v.signed, v.out),
  ),
  vector(
    'select',
    ({ mask, a, b, out }) => {
      for (let i = 0; i < out.length; i++) out[i] = mask[i] ? a[i]! : b[i]!;
    },
    (k, v) => k.select(v.mask, v.a, v.b, v.out),
  ),
  ...KINDS.map((to) =>
    row(
      'outs',
      KINDS.filter((kind) => kind !== to),
    )(
      `convert to ${to}`,
      ({ a, outs }) => {
        const out = outs[to];
        for (let i = 0; i < a.length; i++) out[i] = a[i]!;
      },
      (k, v) => k.convert(v.a, v.outs[to]),
    ),
  ),
];

const REDUCTIONS = [
  number('sum', TOTAL, (k, v) => k.sum(v.a)),
  row('number', ['f32'])('sum in f64', TOTAL, (k, v) => k.sum(v.a, 'f64')),
  number(
    'dot',
    fold2((total, a, b) => total + a * b),
    (k, v) => k.dot(v.a, v.b),
  ),
  row('number', ['f32'])(
    'dot in f64',
    fold2((total, a, b) => total + a * b),
    (k, v) => k.dot(v.a, v.b, 'f64'),
  ),
  number(
    'mean',
    (v) => TOTAL(v) / v.a.length,
    (k, v) => k.mean(v.a),
  ),
  number('variance', loops.variance, (k, v) => k.variance(v.a)),
  number(
    'norm',
    (v) => Math.sqrt(SQUARES_OF_A(v)),
    (k, v) => k.norm(v.a),
  ),
  number(
    'min',
    fold1Signed((least, x) => (x < least ? x : least), Infinity),
    (k, v) => k.min(v.signed),
  ),
  number(
    'max',
    fold1Signed((most, x) => (x > most ? x : most), -Infinity),
    (k, v) => k.max(v.signed),
  ),
  number(
    'argmin',
    loops.place((x, best) => x < best),
    (k, v) => k.argmin(v.signed),
  ),
  number(
    'argmax',
    loops.place((x, best) => x > best),
    (k, v) => k.argmax(v.signed),
  ),
  number(
    'countPositive',
    fold1Signed((n, x) => (x > 0 ? n + 1 : n)),
    (k, v) => k.countPositive(v.signed),
  ),
  number(
    'countWhere',
    fold1Signed((n, x) => (x <= 0 ? n + 1 : n)),
    (k, v) => k.countWhere(v.signed, '<=', 0),
  ),
];

const DISTANCES = [
  number('squaredDistance', SQUARES, (k, v) => k.squaredDistance(v.a, v.b)),
  number(
    'distance',
    (v) => Math.sqrt(SQUARES(v)),
    (k, v) => k.distance(v.a, v.b),
  ),
  number(
    'cosineDistance',
    ({ a, b, results }) => {
      loops.cosines(a, b, results);
      return results[0];
    },
    (k, v) => k.cosineDistance(v.a, v.b),
  ),
  row('results')(
    'dotRows',
    rows((total, q, x) => total + q * x),
    (k, v) => k.dotRows(v.query, v.a, v.results),
  ),
  row('results')(
    'squaredDistanceRows',
    rows((total, q, x) => total + (q - x) * (q - x)),
    (k, v) => k.squaredDistanceRows(v.query, v.a, v.results),
  ),
  row('results')(
    'cosineDistanceRows',
    ({ query, a, results }) => loops.cosines(query, a, results),
    (k, v) => k.cosineDistanceRows(v.query, v.a, v.results),
  ),
];

const MOVEMENT = [
  row('maskOut')(
    'compare',
    ({ signed, other, maskOut }) => {
      for (let i = 0; i < maskOut.length; i++) maskOut[i] = Number(signed[i]! < other[i]!);
    },
    (k, v) => k.compare(v.signed, '<', v.other, v.maskOut),
  ),
  row('maskOut')(
    'compare to number',
    ({ signed, maskOut }) => {
      for (let i = 0; i < maskOut.length; i++) maskOut[i] = Number(signed[i]! < 0);
    },
    (k, v) => k.compare(v.signed, '<', 0, v.maskOut),
  ),
  row('kept')('filter', loops.keepPositive, (k, v) => k.filter(v.signed, '>', 0, v.out)),
  row('kept')('compact', loops.keepMasked, (k, v) => k.compact(v.a, v.mask, v.out)),
  vector('prefixSum', loops.prefix, (k, v) => k.prefixSum(v.a, v.out)),
  row('bins')('histogram', loops.bin, (k, v) => k.histogram(v.a, 0, greatest(v.kind) + 1, v.bins)),
  number('lowerBound', loops.searches, (k, { sorted, query }) => {
    let total = 0;
    for (let q = 0; q < query.length; q++) total += k.lowerBound(sorted, query[q]!);
    return total;
  }),
  row('records')('interleave 2', loops.interleave2, (k, v) => k.interleave([v.a, v.b], v.records)),
  row('records')('interleave 4', loops.interleave4, (k, v) =>
    k.interleave([v.a, v.b, v.c, v.signed], v.records),
  ),
  row('columns')('deinterleave 2', loops.deinterleave2, (k, v) =>
    k.deinterleave(v.pairs, v.columns.slice(0, 2)),
  ),
  row('columns')('deinterleave 4', loops.deinterleave4, (k, v) => k.deinterleave(v.quads, v.columns)),
];

const BYTES = [
  row('number', ['u8'])(
    'countByte',
    ({ bytes }) => {
      let count = 0;
      for (let i = 0; i < bytes.length; i++) if (bytes[i] === 10) count++;
      return count;
    },
    (k, v) => k.countByte(v.bytes, 10),
  ),
  row('positions', ['u8'])(
    'positionsOfByte',
    ({ bytes, positions }) => {
      let found = 0;
      for (let i = 0; i < bytes.length; i++) if (bytes[i] === 10) positions[found++] = i;
      return found;
    },
    (k, v) => k.positionsOfByte(v.bytes, 10, v.positions),
  ),
  row('bins', ['u8'])(
    'byteHistogram',
    ({ bytes, bins }) => {
      for (let i = 0; i < bytes.length; i++) bins[bytes[i]!]!++;
    },
    (k, v) => k.byteHistogram(v.bytes, v.bins),
  ),
];

export const KERNEL_ROWS: readonly KernelRow[] = [
  ...ELEMENTWISE,
  ...REDUCTIONS,
  ...DISTANCES,
  ...MOVEMENT,
  ...BYTES,
];
