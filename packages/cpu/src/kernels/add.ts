import { allocate } from '@hotpath/memory';

import { simdKernels } from './instance.ts';
import { checkF32, checkLength, checkRoom, locate, overtakes, overtakesView } from './operands.ts';

/**
 * Adds two vectors element by element: `out[i] = a[i] + b[i]`, rounded to f32 like `Math.fround` of the sum.
 *
 * Vectors in the heap of `@hotpath/memory` are added with WebAssembly SIMD, in place, nothing copied; where one of them
 * lives elsewhere a scalar loop gives the same bits. NaN, −0 and ±∞ behave as in JavaScript. O(n).
 *
 * @param out receives the sum in its first `a.length` elements. It may be `a` or `b`, and may overlap them anyhow: the
 *   result is as if both were read before anything was written (an `out` that starts inside an input costs a copy).
 *   Without it a new vector is made: in the heap where `a` and `b` both live there, and then the caller owns and
 *   frees it; an ordinary Float32Array otherwise.
 * @returns `out`.
 * @throws ArgumentTypeError when an argument is no Float32Array.
 * @throws ArgumentRangeError when `a` and `b` differ in length, or `out` is shorter.
 * @throws FreedVectorError when a vector was freed.
 * @example
 * const a = allocate('f32', 1000).fill(1);
 * const b = allocate('f32', 1000).fill(2);
 * add(a, b, a); // a is all 3
 */
export function add<T extends Float32Array>(a: Float32Array, b: Float32Array, out: T): T;
export function add(a: Float32Array, b: Float32Array): Float32Array;
export function add(a: Float32Array, b: Float32Array, out?: Float32Array): Float32Array {
  checkF32('a', a);
  checkF32('b', b);
  const count = a.length;
  checkLength('b', b, count, 'a');
  const atA = locate('a', a);
  const atB = locate('b', b);
  if (out === undefined) {
    out = atA !== 0 && atB !== 0 ? allocate('f32', count) : new Float32Array(count);
  } else {
    checkF32('out', out);
    checkRoom('out', out, count);
  }
  const atOut = locate('out', out);
  const bytes = count * 4;
  const kernels = simdKernels();
  if (
    kernels !== undefined &&
    atA !== 0 &&
    atB !== 0 &&
    atOut !== 0 &&
    !overtakes(atOut, atA, bytes) &&
    !overtakes(atOut, atB, bytes)
  ) {
    kernels.add_f32(atOut, atA, atB, count);
  } else {
    addScalar(overtakesView(out, a) ? a.slice() : a, overtakesView(out, b) ? b.slice() : b, out, count);
  }
  return out;
}

/** The loop behind {@link add} for vectors outside the heap, and its oracle. Storing into `out` rounds to f32. */
function addScalar(a: Float32Array, b: Float32Array, out: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) out[i] = a[i]! + b[i]!;
}
