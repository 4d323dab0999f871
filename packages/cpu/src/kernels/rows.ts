import { ArgumentRangeError } from '../errors.ts';
import { kindOf, refuseUnlike } from './compare.ts';
import { simdKernels } from './instance.ts';
import { ADDRESS, isApart, isolateMask, locate, refuseRoom, refuseType } from './operands.ts';
import type { Addressed, Like, Vector } from './operands.ts';
import { cosineDistanceScalar, dotScalar, squaredDistanceScalar } from './scalar/reductions.ts';

/** What the rows of a matrix are measured by. */
type Measure = 'dot' | 'distance2' | 'cosine';

/** The vector that results over rows of `V` are written to: f64 for i32. */
export type RowResults<V extends Vector> = V extends Float32Array ? Float32Array : Float64Array;

const SCALARS = { dot: dotScalar, distance2: squaredDistanceScalar, cosine: cosineDistanceScalar } as const;

/**
 * The dot product of one query with each row of a matrix, in one call: `out[r] = dot(query, row r)`.
 *
 * The matrix is one vector, row behind row, each of `query.length` elements; the number of rows follows from its length.
 *
 * @param out receives a result a row, f64 where the elements are i32. It may not overlap the inputs' memory without a copy.
 * @returns the number of rows.
 * @throws ArgumentTypeError when an argument is of the wrong type.
 * @throws ArgumentRangeError when `query` is empty, the matrix does not consist of whole rows, or `out` is too short.
 * @throws FreedVectorError when a vector was freed or its buffer detached.
 * @example
 * dotRows(query, embeddings, scores);
 * const best = argmax(scores);
 */
export function dotRows<V extends Vector>(query: V, matrix: Like<V>, out: RowResults<V>): number {
  return rows('dot', query, matrix, out);
}

/**
 * The squared Euclidean distance of one query to each row of a matrix. Shapes and errors as of {@link dotRows}.
 *
 * @example
 * squaredDistanceRows(point, centroids, distances);
 * const nearest = argmin(distances);
 */
export function squaredDistanceRows<V extends Vector>(query: V, matrix: Like<V>, out: RowResults<V>): number {
  return rows('distance2', query, matrix, out);
}

/**
 * The cosine distance of one query to each row of a matrix. Shapes and errors as of {@link dotRows}.
 *
 * @example
 * cosineDistanceRows(query, embeddings, distances);
 */
export function cosineDistanceRows<V extends Vector>(query: V, matrix: Like<V>, out: RowResults<V>): number {
  return rows('cosine', query, matrix, out);
}

function rows(measure: Measure, query: Vector, matrix: Vector, out: Float32Array | Float64Array): number {
  const kind = kindOf('query', query);
  refuseUnlike('matrix', matrix, kind);
  const width = query.length;
  const count = width === 0 ? 0 : matrix.length / width;
  if (width === 0 || !Number.isInteger(count)) {
    throw new ArgumentRangeError(
      `matrix: expected whole rows of ${width} elements like query, got ${matrix.length} elements`,
    );
  }
  const Out = kind === 'f32' ? Float32Array : Float64Array;
  if (!(out instanceof Out)) refuseType('out', out, Out.name);
  if (out.length < count) refuseRoom('out', out, count);
  const atQuery = (query as Addressed)[ADDRESS] || locate('query', query);
  const atMatrix = (matrix as Addressed)[ADDRESS] || locate('matrix', matrix);
  const atOut = (out as Addressed)[ADDRESS] || locate('out', out);
  const outBytes = count * out.BYTES_PER_ELEMENT;
  const k = simdKernels();
  if (
    k !== undefined &&
    atQuery !== 0 &&
    atMatrix !== 0 &&
    atOut !== 0 &&
    isApart(atOut, outBytes, atQuery, query.byteLength) &&
    isApart(atOut, outBytes, atMatrix, matrix.byteLength)
  ) {
    k[`${measure}Rows_${kind}`](atOut, atQuery, atMatrix, count, width);
    return count;
  }
  const one = SCALARS[measure];
  const apartQuery = isolateMask(query, out);
  const apartMatrix = isolateMask(matrix, out);
  for (let r = 0; r < count; r++) {
    out[r] = one(apartQuery, apartMatrix.subarray(r * width, (r + 1) * width));
  }
  return count;
}
