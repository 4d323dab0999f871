// Small inlined pieces of the kernels that the table describes.
//
// Conventions of this folder:
// - Pointers are byte addresses in the imported memory; `count` is in elements, at least 0.
// - No kernel checks anything: types, lengths, liveness and overlap were checked by the caller.
// - No data segments, no globals, no allocation: the memory belongs to @hotpath/memory. Tables live in registers.
// - Reads run ahead of writes by at most one block, in ascending order, so an output may be an input or lie below it.
// - An export is named `<operation>_<type>`.

// @ts-ignore: decorator
@inline
export function absOne<T extends number>(a: T): T {
  if (isFloat<T>()) return abs<T>(a);
  return a < 0 ? <T>(0 - a) : a;
}

/** i32 as `(a / b) | 0`: 0 for a division by 0, and −2³¹ for −2³¹ / −1. */
// @ts-ignore: decorator
@inline
export function divOne<T extends number>(a: T, b: T): T {
  if (isFloat<T>()) return <T>(a / b);
  if (b == 0) return <T>0;
  if (b == -1) return <T>(0 - a);
  return <T>(a / b);
}

/**
 * There is no division of integers in SIMD. In f64 the quotient of two i32 is exact enough to be truncated; the
 * saturation of −2³¹ / −1 and of a division by 0 is put right by masks.
 */
// @ts-ignore: decorator
@inline
export function divLanes<T extends number>(a: v128, b: v128): v128 {
  if (isFloat<T>()) return v128.div<T>(a, b);
  const low = i32x4.trunc_sat_f64x2_s_zero(f64x2.div(f64x2.convert_low_i32x4_s(a), f64x2.convert_low_i32x4_s(b)));
  const aHigh = v128.shuffle<i64>(a, a, 1, 1);
  const bHigh = v128.shuffle<i64>(b, b, 1, 1);
  const high = i32x4.trunc_sat_f64x2_s_zero(f64x2.div(f64x2.convert_low_i32x4_s(aHigh), f64x2.convert_low_i32x4_s(bHigh)));
  const quotient = v128.shuffle<i64>(low, high, 0, 2);
  const zero = i32x4.splat(0);
  return v128.bitselect(i32x4.neg(a), v128.andnot(quotient, i32x4.eq(b, zero)), i32x4.eq(b, i32x4.splat(-1)));
}

// @ts-ignore: decorator
@inline
export function clampOne<T extends number>(a: T, low: T, high: T): T {
  return a < low ? low : high < a ? high : a;
}

/** pmin and pmax are one instruction each and keep NaN and −0 of their second operand, as the two comparisons do. */
// @ts-ignore: decorator
@inline
export function clampLanes<T extends number>(a: v128, low: v128, high: v128): v128 {
  if (isFloat<T>()) return v128.pmin<T>(v128.pmax<T>(a, low), high);
  return v128.min<T>(v128.max<T>(a, low), high);
}

// @ts-ignore: decorator
@inline
export function signOne<T extends number>(a: T): T {
  return a > 0 ? <T>1 : a < 0 ? <T>-1 : a;
}

// @ts-ignore: decorator
@inline
export function signLanes<T extends number>(a: v128): v128 {
  const zero = v128.splat<T>(<T>0);
  const positive = v128.gt<T>(a, zero);
  const negative = v128.lt<T>(a, zero);
  return v128.bitselect(v128.splat<T>(<T>1), v128.bitselect(v128.splat<T>(<T>-1), a, negative), positive);
}

/** Widens the next bytes of a mask to a register's lanes: all ones where the byte is not 0. */
// @ts-ignore: decorator
@inline
export function maskLanes<T extends number>(at: usize): v128 {
  if (sizeof<T>() == 8) {
    const words = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load16_splat(at)));
    return i64x2.ne(i64x2.extend_low_i32x4_u(words), i64x2.splat(0));
  }
  return i32x4.ne(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at))), i32x4.splat(0));
}

/** 0 or −0, whichever JavaScript's minimum or maximum of the vector is; its elements are known to have no other extremum. */
// @ts-ignore: decorator
export function zeroOf<T extends number>(a: usize, count: i32, isMinimum: bool): T {
  let hasNegative = false;
  let hasPositive = false;
  for (let i: usize = 0, n = <usize>count; i < n; i++) {
    const x = load<T>(a + i * sizeof<T>());
    if (x == 0) {
      if (<T>1 / x < 0) hasNegative = true;
      else hasPositive = true;
    }
  }
  const isNegative = isMinimum ? hasNegative : !hasPositive;
  return isNegative ? <T>-0.0 : <T>0;
}

/** Cosine distance from the three products. */
// @ts-ignore: decorator
@inline
export function cosineOf(ab: f64, aa: f64, bb: f64): f64 {
  if (aa == 0 && bb == 0) return 0;
  if (aa == 0 || bb == 0) return 1;
  return 1 - ab / (sqrt<f64>(aa) * sqrt<f64>(bb));
}

/**
 * Of each pair of lanes, moves the upper one down where the lower one goes. With two stores, the second behind what the
 * first pair left, that packs a register without the usual table of 16 orders, which the memory has no place for.
 */
// @ts-ignore: decorator
@inline
export function pack32(x: v128, mask: v128): v128 {
  return v128.bitselect(x, v128.shuffle<i32>(x, x, 1, 1, 3, 3), v128.shuffle<i32>(mask, mask, 0, 0, 2, 2));
}

// @ts-ignore: decorator
@inline
export function pack64(x: v128, mask: v128): v128 {
  return v128.bitselect(x, v128.shuffle<i64>(x, x, 1, 1), v128.shuffle<i64>(mask, mask, 0, 0));
}

/** A double as JavaScript's `x | 0` gives it: truncated, then modulo 2³². */
export function wrapOne(x: f64): i32 {
  if (abs<f64>(x) < 2147483648) return <i32>x;
  const whole = trunc<f64>(x);
  const rest = whole - floor<f64>(whole / 4294967296) * 4294967296;
  return rest >= 0 ? <i32><u32>rest : 0;
}

/** Lanes beyond i32 are rare: they are found by one comparison and done one by one. */
export function wrap_f32(x: v128): v128 {
  const fits = f32x4.lt(f32x4.abs(x), f32x4.splat(2147483648));
  if (i32x4.all_true(fits)) return i32x4.trunc_sat_f32x4_s(x);
  return i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(
    wrapOne(<f64>f32x4.extract_lane(x, 0))),
    1, wrapOne(<f64>f32x4.extract_lane(x, 1))),
    2, wrapOne(<f64>f32x4.extract_lane(x, 2))),
    3, wrapOne(<f64>f32x4.extract_lane(x, 3)));
}

export function wrap_f64(x: v128, y: v128): v128 {
  const limit = f64x2.splat(2147483648);
  const fits = v128.and(f64x2.lt(f64x2.abs(x), limit), f64x2.lt(f64x2.abs(y), limit));
  if (i64x2.all_true(fits)) {
    return v128.shuffle<i64>(i32x4.trunc_sat_f64x2_s_zero(x), i32x4.trunc_sat_f64x2_s_zero(y), 0, 2);
  }
  return i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(
    wrapOne(f64x2.extract_lane(x, 0))),
    1, wrapOne(f64x2.extract_lane(x, 1))),
    2, wrapOne(f64x2.extract_lane(y, 0))),
    3, wrapOne(f64x2.extract_lane(y, 1)));
}
