import { simdKernels } from './instance.ts';
import { checkF32, checkLength, locate } from './operands.ts';

/**
 * The dot product `a[0] · b[0] + a[1] · b[1] + …`, accumulating in f32; 0 for empty vectors. The result is an f32 value.
 *
 * Each product is rounded to f32 before it is added. The SIMD kernel keeps 32 partial sums and folds them pairwise: it
 * is at most `(n / 32 + 16) · 2⁻²⁴ · Σ|aᵢ · bᵢ|` from the exact result, to first order, and 2⁻¹⁴⁹ a product where
 * products underflow. The order is fixed, so equal inputs give equal results. Vectors outside the heap are accumulated
 * in f64 and rounded once, within the same bound, so the two paths may differ in the last bits; and a product or
 * partial sum beyond 3.4e38 is ±∞ in the kernel alone. NaN and ±∞ in the inputs behave as in JavaScript. O(n),
 * allocates nothing.
 *
 * @throws ArgumentTypeError when `a` or `b` is no Float32Array.
 * @throws ArgumentRangeError when they differ in length.
 * @throws FreedVectorError when one was freed.
 * @example
 * dot(query, row); // similarity of two embeddings of length 1
 */
export function dot(a: Float32Array, b: Float32Array): number {
  checkF32('a', a);
  checkF32('b', b);
  const count = a.length;
  checkLength('b', b, count, 'a');
  const atA = locate('a', a);
  const atB = locate('b', b);
  const kernels = simdKernels();
  return kernels !== undefined && atA !== 0 && atB !== 0 ? kernels.dot_f32(atA, atB, count) : dotScalar(a, b);
}

/** The loop behind {@link dot} for vectors outside the heap, and its oracle. */
function dotScalar(a: Float32Array, b: Float32Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return Math.fround(total);
}
