import { ArgumentTypeError } from '../errors.ts';
import { describe } from '../describe.ts';
import { simdKernels } from './instance.ts';
import { checkF32, checkLength, locate, overtakes, overtakesView } from './operands.ts';

/**
 * Adds a multiple of one vector to another, in place: `y[i] = alpha * x[i] + y[i]`. The name is that of BLAS.
 *
 * `alpha` is rounded to f32, then the product, then the sum: `Math.fround(Math.fround(alpha * x[i]) + y[i])`. The plain
 * `y[i] += alpha * x[i]` rounds once and may differ in the last bit. Heap vectors use WebAssembly SIMD, others a scalar
 * loop with the same bits. NaN, −0 and ±∞ behave as in JavaScript. O(n), allocates nothing.
 *
 * `x` and `y` may be the same vector or overlap anyhow: the result is as if both were read before anything was written
 * (a `y` that starts inside `x` costs a copy).
 *
 * @returns `y`.
 * @throws ArgumentTypeError when `alpha` is no number, or `x` or `y` no Float32Array.
 * @throws ArgumentRangeError when `x` and `y` differ in length.
 * @throws FreedVectorError when a vector was freed.
 * @example
 * axpy(dt, velocity, position); // position += dt * velocity
 */
export function axpy<T extends Float32Array>(alpha: number, x: Float32Array, y: T): T {
  if (typeof alpha !== 'number')
    throw new ArgumentTypeError(`alpha: expected a number, got ${describe(alpha)}`);
  checkF32('x', x);
  checkF32('y', y);
  const count = y.length;
  checkLength('x', x, count, 'y');
  const atX = locate('x', x);
  const atY = locate('y', y);
  const kernels = simdKernels();
  if (kernels !== undefined && atX !== 0 && atY !== 0 && !overtakes(atY, atX, count * 4)) {
    kernels.axpy_f32(alpha, atX, atY, count);
  } else {
    axpyScalar(Math.fround(alpha), overtakesView(y, x) ? x.slice() : x, y, count);
  }
  return y;
}

/** The loop behind {@link axpy} for vectors outside the heap, and its oracle. */
function axpyScalar(alpha: number, x: Float32Array, y: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) y[i] = Math.fround(alpha * x[i]!) + y[i]!;
}
