// Kernels that are no plain map or fold: scans, searches, tables, bytes, and the two layouts of structures.

import { max_f32, max_f64, max_i32, min_f32, min_f64, min_i32 } from './table';

// ---- prefix sums

/**
 * Four registers a turn. Each is summed within itself, by two shifts (the
 * form of shuffle that V8 makes one `palignr` of); then the sums of the registers before it and the
 * carry are added. The carry passes through one addition a turn, so the turns overlap.
 */
export function prefixSum_f32(out: usize, a: usize, count: i32): void {
  prefix4<f32>(out, a, count);
}

export function prefixSum_i32(out: usize, a: usize, count: i32): void {
  prefix4<i32>(out, a, count);
}

// @ts-ignore: decorator
@inline
function within<T extends number>(v: v128): v128 {
  const zero = v128.splat<T>(<T>0);
  v = v128.add<T>(v, v128.shuffle<i32>(zero, v, 3, 4, 5, 6));
  return v128.add<T>(v, v128.shuffle<i32>(zero, v, 2, 3, 4, 5));
}

// @ts-ignore: decorator
@inline
function last<T extends number>(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 3, 3, 3, 3);
}

// @ts-ignore: decorator
@inline
function prefix4<T extends number>(out: usize, a: usize, count: i32): void {
  const bytes = (<usize>count) * 4;
  const blocks = bytes & ~63;
  let carry = v128.splat<T>(<T>0);
  let i: usize = 0;
  for (; i < blocks; i += 64) {
    const p0 = within<T>(v128.load(a + i));
    const p1 = within<T>(v128.load(a + i, 16));
    const p2 = within<T>(v128.load(a + i, 32));
    const p3 = within<T>(v128.load(a + i, 48));
    const s0 = last<T>(p0);
    const s1 = v128.add<T>(s0, last<T>(p1));
    const s2 = v128.add<T>(s1, last<T>(p2));
    const s3 = v128.add<T>(s2, last<T>(p3));
    v128.store(out + i, v128.add<T>(carry, p0));
    v128.store(out + i, v128.add<T>(v128.add<T>(carry, s0), p1), 16);
    v128.store(out + i, v128.add<T>(v128.add<T>(carry, s1), p2), 32);
    v128.store(out + i, v128.add<T>(v128.add<T>(carry, s2), p3), 48);
    carry = v128.add<T>(carry, s3);
  }
  let total = v128.extract_lane<T>(carry, 0);
  for (; i < bytes; i += 4) {
    total = <T>(total + load<T>(a + i));
    store<T>(out + i, total);
  }
}

export function prefixSum_f64(out: usize, a: usize, count: i32): void {
  const bytes = (<usize>count) * 8;
  const blocks = bytes & ~31;
  const zero = f64x2.splat(0);
  let carry = zero;
  let i: usize = 0;
  for (; i < blocks; i += 32) {
    const v0 = v128.load(a + i);
    const v1 = v128.load(a + i, 16);
    const p0 = f64x2.add(v0, v128.shuffle<i64>(zero, v0, 1, 2));
    const p1 = f64x2.add(v1, v128.shuffle<i64>(zero, v1, 1, 2));
    const s0 = v128.shuffle<i64>(p0, p0, 1, 1);
    const s1 = f64x2.add(s0, v128.shuffle<i64>(p1, p1, 1, 1));
    v128.store(out + i, f64x2.add(carry, p0));
    v128.store(out + i, f64x2.add(f64x2.add(carry, s0), p1), 16);
    carry = f64x2.add(carry, s1);
  }
  let total = f64x2.extract_lane(carry, 0);
  for (; i < bytes; i += 8) {
    total += load<f64>(a + i);
    store<f64>(out + i, total);
  }
}

// ---- searches

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

/** The binary search of a fixed number of steps: each moves by a product instead of a branch. */
// @ts-ignore: decorator
@inline
function lowerBound<T extends number>(a: usize, value: T, count: i32): i32 {
  let base: i32 = 0;
  let n = count;
  while (n > 1) {
    const half = n >>> 1;
    base += i32(load<T>(a + <usize>(base + half - 1) * sizeof<T>()) < value) * half;
    n -= half;
  }
  return n == 0 ? 0 : base + i32(load<T>(a + <usize>base * sizeof<T>()) < value);
}

export function lowerBound_f32(a: usize, value: f32, count: i32): i32 { return lowerBound<f32>(a, value, count); }
export function lowerBound_f64(a: usize, value: f64, count: i32): i32 { return lowerBound<f64>(a, value, count); }
export function lowerBound_i32(a: usize, value: i32, count: i32): i32 { return lowerBound<i32>(a, value, count); }

// ---- tables of counts

/** The next two elements as doubles. */
// @ts-ignore: decorator
@inline
function twoDoubles<T extends number>(at: usize): v128 {
  if (sizeof<T>() == 8) return v128.load(at);
  const pair = v128.load64_zero(at);
  return isFloat<T>() ? f64x2.promote_low_f32x4(pair) : f64x2.convert_low_i32x4_s(pair);
}

// @ts-ignore: decorator
@inline
function bin<T extends number>(bins: usize, lastBin: i32, low: f64, high: f64, scale: f64, at: usize): void {
  const x = <f64>load<T>(at);
  if (x >= low && x <= high) {
    const p = bins + (<usize>min<i32>(<i32>((x - low) * scale), lastBin) << 2);
    store<i32>(p, load<i32>(p) + 1);
  }
}

/**
 * Adds to `bins`. Four elements a turn find their bins together, unless one of them lies outside: a conversion of one double that
 * may not trap costs a comparison and a branch, one of a register neither.
 */
// @ts-ignore: decorator
@inline
function histogram<T extends number>(bins: usize, length: i32, low: f64, high: f64, scale: f64, a: usize, count: i32): void {
  const lastBin = length - 1;
  const lastBins = i32x4.splat(lastBin);
  const lows = f64x2.splat(low);
  const highs = f64x2.splat(high);
  const scales = f64x2.splat(scale);
  const bytes = (<usize>count) * sizeof<T>();
  const turn: usize = 4 * sizeof<T>();
  const blocks = bytes - bytes % turn;
  let i: usize = 0;
  for (; i < blocks; i += turn) {
    const x = twoDoubles<T>(a + i);
    const y = twoDoubles<T>(a + i + 2 * sizeof<T>());
    const isInside = v128.and(
      v128.and(f64x2.ge(x, lows), f64x2.le(x, highs)),
      v128.and(f64x2.ge(y, lows), f64x2.le(y, highs)),
    );
    if (!i64x2.all_true(isInside)) {
      for (let k: usize = 0; k < turn; k += sizeof<T>()) bin<T>(bins, lastBin, low, high, scale, a + i + k);
      continue;
    }
    const p = i32x4.trunc_sat_f64x2_s_zero(f64x2.mul(f64x2.sub(x, lows), scales));
    const q = i32x4.trunc_sat_f64x2_s_zero(f64x2.mul(f64x2.sub(y, lows), scales));
    const at = i32x4.min_s(v128.shuffle<i64>(p, q, 0, 2), lastBins);
    raise0(bins, <usize>i32x4.extract_lane(at, 0));
    raise0(bins, <usize>i32x4.extract_lane(at, 1));
    raise0(bins, <usize>i32x4.extract_lane(at, 2));
    raise0(bins, <usize>i32x4.extract_lane(at, 3));
  }
  for (; i < bytes; i += sizeof<T>()) bin<T>(bins, lastBin, low, high, scale, a + i);
}

export function histogram_f32(bins: usize, length: i32, low: f64, high: f64, scale: f64, a: usize, count: i32): void {
  histogram<f32>(bins, length, low, high, scale, a, count);
}
export function histogram_f64(bins: usize, length: i32, low: f64, high: f64, scale: f64, a: usize, count: i32): void {
  histogram<f64>(bins, length, low, high, scale, a, count);
}
export function histogram_i32(bins: usize, length: i32, low: f64, high: f64, scale: f64, a: usize, count: i32): void {
  histogram<i32>(bins, length, low, high, scale, a, count);
}

/**
 * Counts bytes into four tables in turn, so that equal neighbours do not wait for each other's store, and adds the tables
 * to `bins`. `scratch` is 4 KB, zeroed. Each byte is loaded by itself: taken from a wider word it costs a shift and a mask more,
 * while of loads there are two a cycle to spare. What is left is five instructions a byte and one store a cycle.
 */
export function byteHistogram(bins: usize, scratch: usize, a: usize, count: i32): void {
  const n = <usize>count;
  const blocks = n & ~7;
  let i: usize = 0;
  for (; i < blocks; i += 8) {
    const p = a + i;
    raise0(scratch, <usize>load<u8>(p));
    raise1(scratch, <usize>load<u8>(p, 1));
    raise2(scratch, <usize>load<u8>(p, 2));
    raise3(scratch, <usize>load<u8>(p, 3));
    raise0(scratch, <usize>load<u8>(p, 4));
    raise1(scratch, <usize>load<u8>(p, 5));
    raise2(scratch, <usize>load<u8>(p, 6));
    raise3(scratch, <usize>load<u8>(p, 7));
  }
  for (; i < n; i++) raise0(scratch, <usize>load<u8>(a + i));
  for (let j: usize = 0; j < 1024; j += 16) {
    const s = scratch + j;
    const pair = i32x4.add(v128.load(s), v128.load(s, 1024));
    const other = i32x4.add(v128.load(s, 2048), v128.load(s, 3072));
    v128.store(bins + j, i32x4.add(v128.load(bins + j), i32x4.add(pair, other)));
  }
}

// @ts-ignore: decorator
@inline
function raise0(tables: usize, index: usize): void {
  const p = tables + (index << 2);
  store<u32>(p, load<u32>(p) + 1);
}

// @ts-ignore: decorator
@inline
function raise1(tables: usize, index: usize): void {
  const p = tables + (index << 2);
  store<u32>(p, load<u32>(p, 1024) + 1, 1024);
}

// @ts-ignore: decorator
@inline
function raise2(tables: usize, index: usize): void {
  const p = tables + (index << 2);
  store<u32>(p, load<u32>(p, 2048) + 1, 2048);
}

// @ts-ignore: decorator
@inline
function raise3(tables: usize, index: usize): void {
  const p = tables + (index << 2);
  store<u32>(p, load<u32>(p, 3072) + 1, 3072);
}

// ---- bytes

/** Byte counters of 8 bits hold 255 turns; then they are widened. */
export function countByte(a: usize, byte: i32, count: i32): i32 {
  const n = <usize>count;
  const single = n & ~15;
  const v = i8x16.splat(<i8>byte);
  let total = 0;
  let i: usize = 0;
  while (i < single) {
    const stop = min<usize>(single, i + 16 * 255);
    let s = i8x16.splat(0);
    for (; i < stop; i += 16) s = i8x16.sub(s, i8x16.eq(v128.load(a + i), v));
    const words = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(s));
    total += i32x4.extract_lane(words, 0) + i32x4.extract_lane(words, 1) + i32x4.extract_lane(words, 2) + i32x4.extract_lane(words, 3);
  }
  for (; i < n; i++) total += i32(load<u8>(a + i) == <u8>byte);
  return total;
}

/** Writes at most `room` positions and returns how many. */
export function positionsOfByte(out: usize, room: i32, a: usize, byte: i32, count: i32): i32 {
  const n = <usize>count;
  const single = n & ~15;
  const v = i8x16.splat(<i8>byte);
  const end = out + (<usize>room << 2);
  let w = out;
  let i: usize = 0;
  for (; i < single; i += 16) {
    let bits = i8x16.bitmask(i8x16.eq(v128.load(a + i), v));
    while (bits != 0) {
      if (w == end) return room;
      store<u32>(w, <u32>i + <u32>ctz<i32>(bits));
      w += 4;
      bits &= bits - 1;
    }
  }
  for (; i < n; i++) {
    if (load<u8>(a + i) == <u8>byte) {
      if (w == end) return room;
      store<u32>(w, <u32>i);
      w += 4;
    }
  }
  return <i32>((w - out) >> 2);
}

// ---- arrays of structures and structures of arrays

export function interleave2_32(out: usize, a: usize, b: usize, count: i32): void {
  const n = <usize>count;
  const blocks = n & ~3;
  let i: usize = 0;
  for (; i < blocks; i += 4) {
    const x = v128.load(a + (i << 2));
    const y = v128.load(b + (i << 2));
    v128.store(out + (i << 3), v128.shuffle<i32>(x, y, 0, 4, 1, 5));
    v128.store(out + (i << 3), v128.shuffle<i32>(x, y, 2, 6, 3, 7), 16);
  }
  for (; i < n; i++) {
    store<u32>(out + (i << 3), load<u32>(a + (i << 2)));
    store<u32>(out + (i << 3), load<u32>(b + (i << 2)), 4);
  }
}

export function deinterleave2_32(a: usize, x: usize, y: usize, count: i32): void {
  const n = <usize>count;
  const blocks = n & ~3;
  let i: usize = 0;
  for (; i < blocks; i += 4) {
    const low = v128.load(a + (i << 3));
    const high = v128.load(a + (i << 3), 16);
    v128.store(x + (i << 2), v128.shuffle<i32>(low, high, 0, 2, 4, 6));
    v128.store(y + (i << 2), v128.shuffle<i32>(low, high, 1, 3, 5, 7));
  }
  for (; i < n; i++) {
    store<u32>(x + (i << 2), load<u32>(a + (i << 3)));
    store<u32>(y + (i << 2), load<u32>(a + (i << 3), 4));
  }
}

export function interleave4_32(out: usize, a: usize, b: usize, c: usize, d: usize, count: i32): void {
  const n = <usize>count;
  const blocks = n & ~3;
  let i: usize = 0;
  for (; i < blocks; i += 4) {
    const x = v128.load(a + (i << 2));
    const y = v128.load(b + (i << 2));
    const z = v128.load(c + (i << 2));
    const w = v128.load(d + (i << 2));
    const xy0 = v128.shuffle<i32>(x, y, 0, 4, 1, 5);
    const xy1 = v128.shuffle<i32>(x, y, 2, 6, 3, 7);
    const zw0 = v128.shuffle<i32>(z, w, 0, 4, 1, 5);
    const zw1 = v128.shuffle<i32>(z, w, 2, 6, 3, 7);
    const o = out + (i << 4);
    v128.store(o, v128.shuffle<i64>(xy0, zw0, 0, 2));
    v128.store(o, v128.shuffle<i64>(xy0, zw0, 1, 3), 16);
    v128.store(o, v128.shuffle<i64>(xy1, zw1, 0, 2), 32);
    v128.store(o, v128.shuffle<i64>(xy1, zw1, 1, 3), 48);
  }
  for (; i < n; i++) {
    const o = out + (i << 4);
    store<u32>(o, load<u32>(a + (i << 2)));
    store<u32>(o, load<u32>(b + (i << 2)), 4);
    store<u32>(o, load<u32>(c + (i << 2)), 8);
    store<u32>(o, load<u32>(d + (i << 2)), 12);
  }
}

export function deinterleave4_32(a: usize, x: usize, y: usize, z: usize, w: usize, count: i32): void {
  const n = <usize>count;
  const blocks = n & ~3;
  let i: usize = 0;
  for (; i < blocks; i += 4) {
    const p = a + (i << 4);
    const r0 = v128.load(p);
    const r1 = v128.load(p, 16);
    const r2 = v128.load(p, 32);
    const r3 = v128.load(p, 48);
    const xy0 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
    const xy1 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
    const zw0 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
    const zw1 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
    v128.store(x + (i << 2), v128.shuffle<i64>(xy0, xy1, 0, 2));
    v128.store(y + (i << 2), v128.shuffle<i64>(xy0, xy1, 1, 3));
    v128.store(z + (i << 2), v128.shuffle<i64>(zw0, zw1, 0, 2));
    v128.store(w + (i << 2), v128.shuffle<i64>(zw0, zw1, 1, 3));
  }
  for (; i < n; i++) {
    const p = a + (i << 4);
    store<u32>(x + (i << 2), load<u32>(p));
    store<u32>(y + (i << 2), load<u32>(p, 4));
    store<u32>(z + (i << 2), load<u32>(p, 8));
    store<u32>(w + (i << 2), load<u32>(p, 12));
  }
}

/** Copies elements from one spacing to another; spacings in elements. One call for each component of a structure. */
export function stride_32(out: usize, outStep: i32, a: usize, aStep: i32, count: i32): void {
  const o = (<usize>outStep) << 2;
  const s = (<usize>aStep) << 2;
  for (let i = 0; i < count; i++, out += o, a += s) store<u32>(out, load<u32>(a));
}

export function stride_64(out: usize, outStep: i32, a: usize, aStep: i32, count: i32): void {
  const o = (<usize>outStep) << 3;
  const s = (<usize>aStep) << 3;
  for (let i = 0; i < count; i++, out += o, a += s) store<u64>(out, load<u64>(a));
}

/** Takes the elements whose mask byte is not 0; writes every element and moves on only behind those that stay. */
// @ts-ignore: decorator
@inline
function compact<T extends number>(out: usize, a: usize, mask: usize, count: i32): i32 {
  let w = out;
  for (let i: usize = 0, n = <usize>count; i < n; i++) {
    store<T>(w, load<T>(a + i * sizeof<T>()));
    w += usize(load<u8>(mask + i) != 0) * sizeof<T>();
  }
  return <i32>((w - out) / sizeof<T>());
}

export function compact_32(out: usize, a: usize, mask: usize, count: i32): i32 { return compact<u32>(out, a, mask, count); }
export function compact_64(out: usize, a: usize, mask: usize, count: i32): i32 { return compact<u64>(out, a, mask, count); }
