import { allocate } from '@hotpath/memory';

import { describe } from '../describe.ts';
import { ArgumentTypeError } from '../errors.ts';
import { simdKernels } from './instance.ts';
import {
  ADDRESS,
  checkInt32,
  foreignKind,
  isApart,
  isolate,
  isolateMask,
  locate,
  overtakes,
  refuseLength,
  refuseNumber,
  refuseRoom,
  refuseType,
} from './operands.ts';
import type { Addressed, Like, Vector } from './operands.ts';
import {
  compactScalar,
  compareScalar,
  compareToScalar,
  countWhereScalar,
  filterScalar,
} from './scalar/compare.ts';

/** How two elements are compared, as in JavaScript: NaN is unequal to everything, −0 equals 0. */
export type Comparison = '<' | '<=' | '==' | '!=' | '>' | '>=';

const VECTORS = 'Float32Array, Float64Array or Int32Array';

/**
 * Compares element by element and makes a mask: `out[i] = a[i] < b[i] ? 1 : 0`, likewise for the other comparisons.
 * {@link select} and {@link compact} take such masks.
 *
 * @param b a vector like `a`, or a number, which is rounded to the element type first.
 * @param out receives the mask in its first `a.length` bytes; it may overlap the inputs. Without it one is made: in the
 *   heap where the inputs live there, and then the caller frees it.
 * @throws ArgumentTypeError when an argument is of the wrong type, or `comparison` none of the six.
 * @throws ArgumentRangeError when lengths differ, `out` is shorter, or the number does not fit i32.
 * @throws FreedVectorError when a vector was freed or its buffer detached.
 * @example
 * const isHot = compare(temperatures, '>', 30);
 */
export function compare<V extends Vector>(
  a: V,
  comparison: Comparison,
  b: Like<V> | number,
  out?: Uint8Array,
): Uint8Array {
  const kind = kindOf('a', a);
  const op = operatorOf(comparison);
  const count = a.length;
  const atA = (a as Addressed)[ADDRESS] || locate('a', a);
  let atB = atA;
  if (typeof b === 'number') {
    if (kind === 'i32') checkInt32('b', b);
  } else {
    refuseUnlike('b', b, kind);
    if (b.length !== count) refuseLength('b', b, count, 'a');
    atB = (b as Addressed)[ADDRESS] || locate('b', b);
  }
  if (out === undefined) {
    out = atA !== 0 && atB !== 0 ? allocate('u8', count) : new Uint8Array(count);
  } else {
    if (!(out instanceof Uint8Array)) refuseType('out', out, 'Uint8Array');
    if (out.length < count) refuseRoom('out', out, count);
  }
  const atOut = (out as Addressed)[ADDRESS] || locate('out', out);
  const bytes = count * a.BYTES_PER_ELEMENT;
  const k = simdKernels();
  const isFast =
    k !== undefined &&
    atA !== 0 &&
    atB !== 0 &&
    atOut !== 0 &&
    isApart(atOut, count, atA, bytes) &&
    isApart(atOut, count, atB, bytes);
  if (typeof b === 'number') {
    if (!isFast) compareToScalar(op, out, isolateMask(a, out), rounded(kind, b), count);
    else if (kind === 'f32') k.compareTo_f32(op, atOut, atA, b, count);
    else if (kind === 'f64') k.compareTo_f64(op, atOut, atA, b, count);
    else k.compareTo_i32(op, atOut, atA, b, count);
  } else if (isFast) {
    if (kind === 'f32') k.compare_f32(op, atOut, atA, atB, count);
    else if (kind === 'f64') k.compare_f64(op, atOut, atA, atB, count);
    else k.compare_i32(op, atOut, atA, atB, count);
  } else {
    compareScalar(op, out, isolateMask(a, out), isolateMask(b, out), count);
  }
  return out;
}

/**
 * Counts the elements for which a comparison with a number holds, without a branch.
 *
 * @param value is rounded to the element type first.
 * @throws ArgumentTypeError, ArgumentRangeError, FreedVectorError as {@link compare}.
 * @example
 * countWhere(latencies, '>=', 100);
 */
export function countWhere(a: Vector, comparison: Comparison, value: number): number {
  const kind = kindOf('a', a);
  const op = operatorOf(comparison);
  checkValue(kind, value);
  const atA = (a as Addressed)[ADDRESS] || locate('a', a);
  const k = simdKernels();
  if (k === undefined || atA === 0) return countWhereScalar(op, a, rounded(kind, value));
  if (kind === 'f32') return k.countWhere_f32(op, atA, value, a.length);
  return kind === 'f64'
    ? k.countWhere_f64(op, atA, value, a.length)
    : k.countWhere_i32(op, atA, value, a.length);
}

/**
 * Moves the elements for which a comparison with a number holds to the front of `out`, in their order, and returns how
 * many there are (filter and compact in one).
 *
 * @param value is rounded to the element type first.
 * @param out has room for `a.length` elements; it may be `a`, and may overlap it anyhow. What lies behind the kept ones is
 *   unspecified afterwards.
 * @throws ArgumentTypeError, ArgumentRangeError, FreedVectorError as {@link compare}.
 * @example
 * const kept = filter(samples, '>', 0, samples);
 * const positive = samples.subarray(0, kept);
 */
export function filter<V extends Vector>(a: V, comparison: Comparison, value: number, out: Like<V>): number {
  const kind = kindOf('a', a);
  const op = operatorOf(comparison);
  checkValue(kind, value);
  const count = a.length;
  const atA = (a as Addressed)[ADDRESS] || locate('a', a);
  refuseUnlike('out', out, kind);
  if (out.length < count) refuseRoom('out', out, count);
  const atOut = (out as Addressed)[ADDRESS] || locate('out', out);
  const k = simdKernels();
  if (k === undefined || atA === 0 || atOut === 0 || overtakes(atOut, atA, count * a.BYTES_PER_ELEMENT)) {
    return filterScalar(op, out, isolate<Vector>(a, out), rounded(kind, value), count);
  }
  if (kind === 'f32') return k.filter_f32(op, atOut, atA, value, count);
  return kind === 'f64'
    ? k.filter_f64(op, atOut, atA, value, count)
    : k.filter_i32(op, atOut, atA, value, count);
}

/**
 * Moves the elements whose mask byte is not 0 to the front of `out`, in their order, and returns how many there are.
 *
 * @param mask a Uint8Array of `a.length` bytes, as {@link compare} makes it.
 * @param out as of {@link filter}.
 * @throws ArgumentTypeError, ArgumentRangeError, FreedVectorError as {@link compare}.
 * @example
 * const kept = compact(prices, compare(amounts, '>', 0), out);
 */
export function compact<V extends Vector>(a: V, mask: Uint8Array, out: Like<V>): number {
  const kind = kindOf('a', a);
  const count = a.length;
  if (!(mask instanceof Uint8Array)) refuseType('mask', mask, 'Uint8Array');
  if (mask.length !== count) refuseLength('mask', mask, count, 'a');
  refuseUnlike('out', out, kind);
  if (out.length < count) refuseRoom('out', out, count);
  const atA = (a as Addressed)[ADDRESS] || locate('a', a);
  const atMask = (mask as Addressed)[ADDRESS] || locate('mask', mask);
  const atOut = (out as Addressed)[ADDRESS] || locate('out', out);
  const bytes = count * a.BYTES_PER_ELEMENT;
  const k = simdKernels();
  const isFast =
    k !== undefined &&
    atA !== 0 &&
    atMask !== 0 &&
    atOut !== 0 &&
    !overtakes(atOut, atA, bytes) &&
    isApart(atOut, bytes, atMask, count);
  if (!isFast) return compactScalar(out, isolate<Vector>(a, out), isolateMask(mask, out), count);
  return kind === 'f64' ? k.compact_64(atOut, atA, atMask, count) : k.compact_32(atOut, atA, atMask, count);
}

// Kernels are named in the text and not by a key that is put together: such a look-up costs as much as the call.

type Kind = 'f32' | 'f64' | 'i32';

export function kindOf(name: string, view: Vector): Kind {
  if (view instanceof Float32Array) return 'f32';
  if (view instanceof Float64Array) return 'f64';
  if (view instanceof Int32Array) return 'i32';
  const kind = foreignKind(name, view, VECTORS);
  return kind === 'Float32Array' ? 'f32' : kind === 'Float64Array' ? 'f64' : 'i32';
}

const ARRAYS = { f32: 'Float32Array', f64: 'Float64Array', i32: 'Int32Array' } as const;

/** @throws ArgumentTypeError when `view` does not hold elements of `kind`. */
export function refuseUnlike(name: string, view: Vector, kind: Kind): void {
  if (
    kind === 'f32'
      ? view instanceof Float32Array
      : kind === 'f64'
        ? view instanceof Float64Array
        : view instanceof Int32Array
  ) {
    return;
  }
  refuseType(name, view, ARRAYS[kind]);
}

function checkValue(kind: Kind, value: number): void {
  if (kind === 'i32') checkInt32('value', value);
  else if (typeof value !== 'number') refuseNumber('value', value);
}

/** The number as an element would hold it. */
export function rounded(kind: Kind, value: number): number {
  return kind === 'f32' ? Math.fround(value) : value;
}

/** The number by which a kernel knows a comparison. */
function operatorOf(comparison: Comparison): number {
  switch (comparison) {
    case '<':
      return 0;
    case '<=':
      return 1;
    case '==':
      return 2;
    case '!=':
      return 3;
    case '>':
      return 4;
    case '>=':
      return 5;
    default:
      throw new ArgumentTypeError(`comparison: expected one of < <= == != > >=, got ${describe(comparison)}`);
  }
}
