import { simdKernels } from './instance.ts';
import { checkF32, locate } from './operands.ts';

/**
 * Sums a vector, accumulating in f32; 0 for an empty one. The result is an f32 value.
 *
 * The SIMD kernel keeps 32 partial sums and folds them pairwise, so its error is far below that of one running f32
 * sum: at most `(n / 32 + 15) · 2⁻²⁴ · Σ|aᵢ|` from the exact sum, to first order. The order of the additions is fixed,
 * so equal inputs give equal results. Vectors outside the heap are summed in f64 and rounded once, within the same
 * bound, so the two paths may differ in the last bits; and a partial sum beyond 3.4e38 is ±∞ in the kernel alone.
 * NaN and ±∞ in the input behave as in JavaScript. O(n), allocates nothing.
 *
 * @throws ArgumentTypeError when `a` is no Float32Array.
 * @throws FreedVectorError when it was freed.
 * @example
 * const a = allocate('f32', 1000).fill(0.5);
 * sum(a); // 500
 */
export function sum(a: Float32Array): number {
  checkF32('a', a);
  const atA = locate('a', a);
  const kernels = simdKernels();
  return kernels !== undefined && atA !== 0 ? kernels.sum_f32(atA, a.length) : sumScalar(a);
}

/** The loop behind {@link sum} for vectors outside the heap, and its oracle. */
function sumScalar(a: Float32Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]!;
  return Math.fround(total);
}
