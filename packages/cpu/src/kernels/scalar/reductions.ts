/**
 * The loops behind the kernels that give a number: for vectors outside the heap, where there is no SIMD, and as the
 * oracle of the tests. They accumulate in f64.
 */

import type { Vector } from '../operands.ts';

export function sumScalar(a: Vector): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]!;
  return total;
}

export function dotScalar(a: Vector, b: Vector): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

export function squaresScalar(a: Vector): number {
  return dotScalar(a, a);
}

/** Σ(aᵢ − mean)² */
export function deviationScalar(a: Vector): number {
  const mean = sumScalar(a) / a.length;
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i]! - mean) * (a[i]! - mean);
  return total;
}

export function minScalar(a: Vector): number {
  let least = Infinity;
  for (let i = 0; i < a.length; i++) least = Math.min(least, a[i]!);
  return least;
}

export function maxScalar(a: Vector): number {
  let greatest = -Infinity;
  for (let i = 0; i < a.length; i++) greatest = Math.max(greatest, a[i]!);
  return greatest;
}

export function argminScalar(a: Vector): number {
  let index = a.length === 0 ? -1 : 0;
  for (let i = 0; i < a.length; i++) {
    if (Number.isNaN(a[i]!)) return i;
    if (a[i]! < a[index]!) index = i;
  }
  return index;
}

export function argmaxScalar(a: Vector): number {
  let index = a.length === 0 ? -1 : 0;
  for (let i = 0; i < a.length; i++) {
    if (Number.isNaN(a[i]!)) return i;
    if (a[i]! > a[index]!) index = i;
  }
  return index;
}

export function countPositiveScalar(a: Vector): number {
  if (a instanceof Int32Array) return countPositiveIntegers(a);
  let count = 0;
  for (let i = 0; i < a.length; i++) count += Number(a[i]! > 0);
  return count;
}

/**
 * Without a branch: of `−v & ~v` the sign bit is set for v > 0 alone. `(v > 0) | 0` reads better, and newer versions of V8 make a
 * branch of it again, which costs a misprediction for every other random element (1e5 on V8 14: 486 µs instead of 68). Four a turn,
 * because the turn itself costs as much as an element (115 µs one by one on V8 11.3, 84 on 14).
 */
function countPositiveIntegers(a: Int32Array): number {
  const blocks = a.length & ~3;
  let count = 0;
  let i = 0;
  for (; i < blocks; i += 4) {
    const v = a[i]!;
    const w = a[i + 1]!;
    const x = a[i + 2]!;
    const y = a[i + 3]!;
    count += ((-v & ~v) >>> 31) + ((-w & ~w) >>> 31) + ((-x & ~x) >>> 31) + ((-y & ~y) >>> 31);
  }
  for (; i < a.length; i++) count += (-a[i]! & ~a[i]!) >>> 31;
  return count;
}

export function squaredDistanceScalar(a: Vector, b: Vector): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i]! - b[i]!) * (a[i]! - b[i]!);
  return total;
}

export function distanceScalar(a: Vector, b: Vector): number {
  return Math.sqrt(squaredDistanceScalar(a, b));
}

export function cosineDistanceScalar(a: Vector, b: Vector): number {
  const aa = squaresScalar(a);
  const bb = squaresScalar(b);
  if (aa === 0 && bb === 0) return 0;
  if (aa === 0 || bb === 0) return 1;
  return 1 - dotScalar(a, b) / (Math.sqrt(aa) * Math.sqrt(bb));
}
