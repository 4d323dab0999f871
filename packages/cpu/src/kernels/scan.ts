import { allocate, free } from '@hotpath/memory';

import { ArgumentRangeError } from '../errors.ts';
import { kindOf, refuseUnlike, rounded } from './compare.ts';
import { simdKernels } from './instance.ts';
import {
  ADDRESS,
  checkInt32,
  isApart,
  isolate,
  isolateMask,
  locate,
  overlaps,
  overtakes,
  refuseNumber,
  refuseRoom,
  refuseType,
} from './operands.ts';
import type { Addressed, Like, Vector } from './operands.ts';

/**
 * Running totals: `out[i] = a[0] + … + a[i]`.
 *
 * i32 wraps around. f32 and f64 are added in the element type and in another order than a loop would, so the last bits
 * may differ: an element is at most `(i / 16 + 8) · u · Σ|a₀…aᵢ|` from the exact total, with u = 2⁻²⁴ or 2⁻⁵³. Vectors
 * outside the heap are added in f64.
 *
 * @param out has room for `a.length` elements; it may be `a` and may overlap it anyhow.
 * @returns `out`.
 * @throws ArgumentTypeError, ArgumentRangeError when `out` is of another type or too short.
 * @throws FreedVectorError when a vector was freed or its buffer detached.
 * @example
 * prefixSum(sizes, offsets);
 */
export function prefixSum<V extends Vector, O extends Like<V>>(a: V, out: O): O {
  const kind = kindOf('a', a);
  refuseUnlike('out', out, kind);
  const count = a.length;
  if (out.length < count) refuseRoom('out', out, count);
  const atA = (a as Addressed)[ADDRESS] || locate('a', a);
  const atOut = (out as Addressed)[ADDRESS] || locate('out', out);
  const k = simdKernels();
  if (k !== undefined && atA !== 0 && atOut !== 0 && !overtakes(atOut, atA, count * a.BYTES_PER_ELEMENT)) {
    if (kind === 'f32') k.prefixSum_f32(atOut, atA, count);
    else if (kind === 'f64') k.prefixSum_f64(atOut, atA, count);
    else k.prefixSum_i32(atOut, atA, count);
  } else {
    prefixSumScalar(out, isolate<Vector>(a, out), count, kind === 'i32');
  }
  return out;
}

function prefixSumScalar(out: Vector, a: Vector, count: number, wraps: boolean): void {
  let total = 0;
  for (let i = 0; i < count; i++) {
    total += a[i]!;
    if (wraps) total |= 0;
    out[i] = total;
  }
}

/**
 * Converts between element types, as assigning each element does: `out[i] = a[i]`. So f64 is rounded to f32, and what
 * goes to i32 is truncated and taken modulo 2³², with 0 for NaN and ±∞.
 *
 * @param out of any of the three types, with room for `a.length` elements; it may overlap `a`.
 * @returns `out`.
 * @throws ArgumentTypeError, ArgumentRangeError, FreedVectorError as {@link prefixSum}.
 * @example
 * convert(integers, fractions);
 */
export function convert<O extends Vector>(a: Vector, out: O): O {
  const from = kindOf('a', a);
  const to = kindOf('out', out);
  const count = a.length;
  if (out.length < count) refuseRoom('out', out, count);
  const atA = (a as Addressed)[ADDRESS] || locate('a', a);
  const atOut = (out as Addressed)[ADDRESS] || locate('out', out);
  const k = simdKernels();
  const isFast = k !== undefined && atA !== 0 && atOut !== 0;
  if (from === to || !isFast || !isApart(atOut, count * out.BYTES_PER_ELEMENT, atA, a.byteLength)) {
    // Of one type this is a copy of memory; else V8's loop, which copies what overlaps.
    out.set(a);
  } else if (from === 'f32') {
    k[to === 'f64' ? 'convert_f32_f64' : 'convert_f32_i32'](atOut, atA, count);
  } else if (from === 'f64') {
    k[to === 'f32' ? 'convert_f64_f32' : 'convert_f64_i32'](atOut, atA, count);
  } else {
    k[to === 'f32' ? 'convert_i32_f32' : 'convert_i32_f64'](atOut, atA, count);
  }
  return out;
}

/**
 * The index of the first element that is not below `value` in a vector sorted upwards; its length where all are below.
 * Written so that the search takes no branch on what it finds. O(log n).
 *
 * @param value is rounded to the element type first.
 * @throws ArgumentTypeError, ArgumentRangeError, FreedVectorError as {@link prefixSum}.
 * @example
 * const at = lowerBound(timestamps, since);
 */
export function lowerBound(a: Vector, value: number): number {
  const kind = kindOf('a', a);
  if (kind === 'i32') checkInt32('value', value);
  else if (typeof value !== 'number') refuseNumber('value', value);
  const atA = (a as Addressed)[ADDRESS] || locate('a', a);
  const k = simdKernels();
  if (k === undefined || atA === 0) return lowerBoundScalar(a, rounded(kind, value));
  if (kind === 'f32') return k.lowerBound_f32(atA, value, a.length);
  return kind === 'f64' ? k.lowerBound_f64(atA, value, a.length) : k.lowerBound_i32(atA, value, a.length);
}

function lowerBoundScalar(a: Vector, value: number): number {
  let base = 0;
  let n = a.length;
  while (n > 1) {
    const half = n >>> 1;
    base += Number(a[base + half - 1]! < value) * half;
    n -= half;
  }
  return n === 0 ? 0 : base + Number(a[base]! < value);
}

/**
 * Counts elements into bins of equal width from `low` to `high`, and adds the counts to `bins`: so fill it with 0 first,
 * or go on counting. What lies outside is not counted, nor is NaN; `high` itself belongs to the last bin.
 *
 * @throws ArgumentTypeError when an argument is of the wrong type.
 * @throws ArgumentRangeError when there is no bin, or `low` is not below `high`.
 * @throws FreedVectorError when a vector was freed or its buffer detached.
 * @example
 * const bins = allocate('i32', 20);
 * histogram(latencies, 0, 100, bins); // bins of 5 ms
 */
export function histogram(a: Vector, low: number, high: number, bins: Int32Array): Int32Array {
  const kind = kindOf('a', a);
  if (typeof low !== 'number') refuseNumber('low', low);
  if (typeof high !== 'number') refuseNumber('high', high);
  if (!(bins instanceof Int32Array)) refuseType('bins', bins, 'Int32Array');
  if (bins.length === 0) refuseRoom('bins', bins, 1);
  const scale = bins.length / (high - low);
  if (!(low < high) || !Number.isFinite(high - low) || !Number.isFinite(scale)) {
    throw new ArgumentRangeError(`low: expected finite bounds with low below high, got ${low} and ${high}`);
  }
  const atA = (a as Addressed)[ADDRESS] || locate('a', a);
  const atBins = (bins as Addressed)[ADDRESS] || locate('bins', bins);
  const k = simdKernels();
  if (k !== undefined && atA !== 0 && atBins !== 0 && !overlaps(a, bins)) {
    if (kind === 'f32') k.histogram_f32(atBins, bins.length, low, high, scale, atA, a.length);
    else if (kind === 'f64') k.histogram_f64(atBins, bins.length, low, high, scale, atA, a.length);
    else k.histogram_i32(atBins, bins.length, low, high, scale, atA, a.length);
  } else {
    histogramScalar(isolateMask(a, bins), low, high, scale, bins);
  }
  return bins;
}

function histogramScalar(a: Vector, low: number, high: number, scale: number, bins: Int32Array): void {
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    if (x >= low && x <= high) {
      const bin = Math.min(Math.trunc((x - low) * scale), bins.length - 1);
      bins[bin] = bins[bin]! + 1;
    }
  }
}

/** Below this a histogram of bytes does not pay for its tables. */
const TABLES_FROM_BYTES = 4096;

/**
 * Counts how often each byte value occurs, and adds the counts to `bins`, which has 256 elements.
 *
 * @throws ArgumentTypeError when `bytes` is no Uint8Array or `bins` no Int32Array.
 * @throws ArgumentRangeError when `bins` is shorter than 256.
 * @throws FreedVectorError when a vector was freed or its buffer detached.
 * @example
 * byteHistogram(image, allocate('i32', 256));
 */
export function byteHistogram(bytes: Uint8Array, bins: Int32Array): Int32Array {
  if (!(bytes instanceof Uint8Array)) refuseType('bytes', bytes, 'Uint8Array');
  if (!(bins instanceof Int32Array)) refuseType('bins', bins, 'Int32Array');
  if (bins.length < 256) refuseRoom('bins', bins, 256);
  const atBytes = (bytes as Addressed)[ADDRESS] || locate('bytes', bytes);
  const atBins = (bins as Addressed)[ADDRESS] || locate('bins', bins);
  const k = simdKernels();
  const scratch =
    k !== undefined &&
    bytes.length >= TABLES_FROM_BYTES &&
    atBytes !== 0 &&
    atBins !== 0 &&
    !overlaps(bytes, bins)
      ? takeTables()
      : undefined;
  if (k === undefined || scratch === undefined) {
    const apart = isolateMask(bytes, bins);
    for (let i = 0; i < apart.length; i++) bins[apart[i]!] = bins[apart[i]!]! + 1;
    return bins;
  }
  k.byteHistogram(atBins, scratch.byteOffset, atBytes, bytes.length);
  free(scratch);
  return bins;
}

/** Four tables of 256 counters; none where the heap is full or belongs to another thread. */
function takeTables(): Int32Array | undefined {
  try {
    return allocate('i32', 1024);
  } catch {
    return undefined;
  }
}
