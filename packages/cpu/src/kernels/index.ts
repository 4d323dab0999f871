export {
  abs,
  add,
  axpy,
  clamp,
  div,
  fma,
  maximum,
  minimum,
  mul,
  neg,
  scale,
  select,
  sign,
  sqrt,
  sub,
} from './generated/elementwise.ts';
export {
  argmax,
  argmin,
  cosineDistance,
  countPositive,
  distance,
  dot,
  max,
  mean,
  min,
  norm,
  squaredDistance,
  sum,
  variance,
} from './generated/reductions.ts';
export { countByte, positionsOfByte } from './bytes.ts';
export { compact, compare, type Comparison, countWhere, filter } from './compare.ts';
export { isSimdAvailable } from './instance.ts';
export { deinterleave, interleave } from './interleave.ts';
export type { FloatVector, Like, Vector } from './operands.ts';
export { cosineDistanceRows, dotRows, type RowResults, squaredDistanceRows } from './rows.ts';
export { byteHistogram, convert, histogram, lowerBound, prefixSum } from './scan.ts';
