// Where an extremum is, and where a value belongs.

import { max_f32, max_f64, max_i32, min_f32, min_f64, min_i32 } from './table';

/** Index of the first element equal to `value`, or the first NaN where `value` is NaN. */
// @ts-ignore: decorator
@inline
function indexOf<T extends number>(a: usize, value: T, count: i32): i32 {
  const bytes = (<usize>count) * sizeof<T>();
  const blocks = bytes & ~63;
  const isNaN = value != value;
  const v = v128.splat<T>(value);
  let i: usize = 0;
  if (isNaN) {
    for (; i < bytes; i += sizeof<T>()) {
      const x = load<T>(a + i);
      if (x != x) break;
    }
  } else {
    for (; i < blocks; i += 64) {
      const e0 = v128.eq<T>(v128.load(a + i), v);
      const e1 = v128.eq<T>(v128.load(a + i, 16), v);
      const e2 = v128.eq<T>(v128.load(a + i, 32), v);
      const e3 = v128.eq<T>(v128.load(a + i, 48), v);
      if (v128.any_true(v128.or(v128.or(e0, e1), v128.or(e2, e3)))) break;
    }
    while (i < bytes && load<T>(a + i) != value) i += sizeof<T>();
  }
  return <i32>(i / sizeof<T>());
}

/** Elements whose extremum is found before the next are looked at: 16 KB, so that the search finds them in the cache. */
// @ts-ignore: decorator
@inline const BLOCK: i32 = 4096;

// The extremum block by block, remembering the first block that has it, then a search in that block alone.

export function argmax_f32(a: usize, count: i32): i32 {
  if (count == 0) return -1;
  let best: f32 = 0;
  let at = -1;
  for (let start = 0; start < count; start += BLOCK) {
    const m = max_f32(a + (<usize>start << 2), min<i32>(BLOCK, count - start));
    if (m != m) return start + indexOf<f32>(a + (<usize>start << 2), m, count - start);
    if (at < 0 || m > best) { best = m; at = start; }
  }
  return at + indexOf<f32>(a + (<usize>at << 2), best, count - at);
}

export function argmin_f32(a: usize, count: i32): i32 {
  if (count == 0) return -1;
  let best: f32 = 0;
  let at = -1;
  for (let start = 0; start < count; start += BLOCK) {
    const m = min_f32(a + (<usize>start << 2), min<i32>(BLOCK, count - start));
    if (m != m) return start + indexOf<f32>(a + (<usize>start << 2), m, count - start);
    if (at < 0 || m < best) { best = m; at = start; }
  }
  return at + indexOf<f32>(a + (<usize>at << 2), best, count - at);
}

export function argmax_f64(a: usize, count: i32): i32 {
  if (count == 0) return -1;
  let best: f64 = 0;
  let at = -1;
  for (let start = 0; start < count; start += BLOCK) {
    const m = max_f64(a + (<usize>start << 3), min<i32>(BLOCK, count - start));
    if (m != m) return start + indexOf<f64>(a + (<usize>start << 3), m, count - start);
    if (at < 0 || m > best) { best = m; at = start; }
  }
  return at + indexOf<f64>(a + (<usize>at << 3), best, count - at);
}

export function argmin_f64(a: usize, count: i32): i32 {
  if (count == 0) return -1;
  let best: f64 = 0;
  let at = -1;
  for (let start = 0; start < count; start += BLOCK) {
    const m = min_f64(a + (<usize>start << 3), min<i32>(BLOCK, count - start));
    if (m != m) return start + indexOf<f64>(a + (<usize>start << 3), m, count - start);
    if (at < 0 || m < best) { best = m; at = start; }
  }
  return at + indexOf<f64>(a + (<usize>at << 3), best, count - at);
}

export function argmax_i32(a: usize, count: i32): i32 {
  return count == 0 ? -1 : indexOf<i32>(a, max_i32(a, count), count);
}

export function argmin_i32(a: usize, count: i32): i32 {
  return count == 0 ? -1 : indexOf<i32>(a, min_i32(a, count), count);
}

/**
 * The binary search of a fixed number of steps: each moves by a conditional move instead of a branch. A step waits for the one before it,
 * so what it computes is little: `last` is the element before the first that may be the answer, and moves by half of what is left.
 */
// @ts-ignore: decorator
@inline
function lowerBound<T extends number>(a: usize, value: T, count: i32): i32 {
  let last = a - sizeof<T>();
  let n = <usize>count * sizeof<T>();
  while (n > sizeof<T>()) {
    const half = (n >>> 1) & ~(sizeof<T>() - 1);
    last = select<usize>(last + half, last, load<T>(last + half) < value);
    n -= half;
  }
  if (n != 0 && load<T>(last + n) < value) last += n;
  return <i32>((last + sizeof<T>() - a) / sizeof<T>());
}

export function lowerBound_f32(a: usize, value: f32, count: i32): i32 { return lowerBound<f32>(a, value, count); }
export function lowerBound_f64(a: usize, value: f64, count: i32): i32 { return lowerBound<f64>(a, value, count); }
export function lowerBound_i32(a: usize, value: i32, count: i32): i32 { return lowerBound<i32>(a, value, count); }
