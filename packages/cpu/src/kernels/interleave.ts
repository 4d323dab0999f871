import { describe } from '../describe.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { kindOf, refuseUnlike } from './compare.ts';
import { simdKernels } from './instance.ts';
import { ADDRESS, locate, overlaps, refuseLength, refuseRoom } from './operands.ts';
import type { Addressed, Like, Vector } from './operands.ts';

/**
 * Columns to records (struct of arrays to array of structs): `out[i · k + j] = columns[j][i]` for k columns.
 *
 * @param out has room for all elements; it may not overlap a column.
 * @returns `out`.
 * @throws ArgumentTypeError when there is no column, or one is of another type.
 * @throws ArgumentRangeError when lengths differ, or `out` is too short or overlaps a column.
 * @throws FreedVectorError when a vector was freed or its buffer detached.
 * @example
 * interleave([x, y, z], points);
 */
export function interleave<V extends Vector, O extends Like<V>>(columns: readonly V[], out: O): O {
  const { addresses, at, count, wide } = check('columns', columns, 'out', out);
  if (out.length < count * columns.length) refuseRoom('out', out, count * columns.length);
  const k = simdKernels();
  if (k === undefined || at === 0 || addresses.includes(0)) {
    columns.forEach((column, j) => {
      for (let i = 0, w = j; i < count; i++, w += columns.length) out[w] = column[i]!;
    });
    return out;
  }
  const [a, b, c, d] = addresses as [number, number, number, number];
  if (columns.length === 2) k[wide ? 'interleave2_64' : 'interleave2_32'](at, a, b, count);
  else if (columns.length === 4) k[wide ? 'interleave4_64' : 'interleave4_32'](at, a, b, c, d, count);
  else {
    const size = wide ? 8 : 4;
    addresses.forEach((address, j) => {
      k[wide ? 'stride_64' : 'stride_32'](at + j * size, columns.length, address, 1, count);
    });
  }
  return out;
}

/**
 * Records to columns (array of structs to struct of arrays): `columns[j][i] = a[i · k + j]` for k columns.
 *
 * @param columns of one length; they may not overlap `a` or each other.
 * @throws ArgumentTypeError when there is no column, or one is of another type.
 * @throws ArgumentRangeError when `a` has not exactly as many elements as the columns, or two of all these overlap.
 * @throws FreedVectorError when a vector was freed or its buffer detached.
 * @example
 * deinterleave(points, [x, y, z]);
 */
export function deinterleave<V extends Vector>(a: V, columns: readonly Like<V>[]): void {
  const { addresses, at, count, wide } = check('columns', columns, 'a', a);
  if (a.length !== count * columns.length)
    refuseLength('a', a, count * columns.length, 'the columns together');
  for (let j = 1; j < columns.length; j++) refuseOverlap(columns, j);
  const k = simdKernels();
  if (k === undefined || at === 0 || addresses.includes(0)) {
    columns.forEach((column, j) => {
      for (let i = 0, r = j; i < count; i++, r += columns.length) column[i] = a[r]!;
    });
    return;
  }
  const [x, y, z, w] = addresses as [number, number, number, number];
  if (columns.length === 2) k[wide ? 'deinterleave2_64' : 'deinterleave2_32'](at, x, y, count);
  else if (columns.length === 4) k[wide ? 'deinterleave4_64' : 'deinterleave4_32'](at, x, y, z, w, count);
  else {
    const size = wide ? 8 : 4;
    addresses.forEach((address, j) => {
      k[wide ? 'stride_64' : 'stride_32'](address, 1, at + j * size, columns.length, count);
    });
  }
}

/** @throws ArgumentRangeError when column `j`, which is written to, overlaps one before it. */
function refuseOverlap(columns: readonly Vector[], j: number): void {
  for (let i = 0; i < j; i++) {
    if (overlaps(columns[i]!, columns[j]!)) {
      throw new ArgumentRangeError(`columns[${j}]: expected no overlap with columns[${i}]`);
    }
  }
}

function check(
  name: string,
  columns: readonly Vector[],
  otherName: string,
  other: Vector,
): { addresses: number[]; at: number; count: number; wide: boolean } {
  if (!Array.isArray(columns) || columns.length === 0) {
    throw new ArgumentTypeError(`${name}: expected an array of vectors, got ${describe(columns)}`);
  }
  const kind = kindOf(otherName, other);
  const count = (columns[0] as Vector | undefined)?.length ?? 0;
  const addresses = (columns as readonly Vector[]).map((column, j) => {
    refuseUnlike(`${name}[${j}]`, column, kind);
    if (column.length !== count) refuseLength(`${name}[${j}]`, column, count, `${name}[0]`);
    if (overlaps(column, other)) {
      throw new ArgumentRangeError(`${otherName}: expected no overlap with ${name}[${j}]`);
    }
    return (column as Addressed)[ADDRESS] || locate(`${name}[${j}]`, column);
  });
  return {
    addresses,
    at: (other as Addressed)[ADDRESS] || locate(otherName, other),
    count,
    wide: kind === 'f64',
  };
}
