// Prefix sums.

/**
 * Four registers a turn. The lanes of a register become sums of windows: of the last two elements, then of the last four,
 * which the elements of the register before it are shifted in for. So the running totals of the block are the window sums
 * plus, lane by lane, the register before, and no lane has to be spread over a register but the last of the block, which
 * carries. (With each register summed by itself, the sums of all four have to be spread: 31 instructions on the three ports
 * that add and shuffle instead of 24, which is what a turn takes there.) The carry passes through one addition a turn, so
 * the turns overlap. Windows end at the block: across it, lanes would round each in their own way, and neighbouring totals
 * drift apart.
 */
export function prefixSum_f32(out: usize, a: usize, count: i32): void {
  prefix4<f32>(out, a, count);
}

export function prefixSum_i32(out: usize, a: usize, count: i32): void {
  prefix4<i32>(out, a, count);
}

/** Each element plus the one before it. This form of shuffle, a part of two registers one behind the other, V8 makes one `palignr` of. */
// @ts-ignore: decorator
@inline
function windows<T extends number>(before: v128, v: v128): v128 {
  return v128.add<T>(v, v128.shuffle<i32>(before, v, 3, 4, 5, 6));
}

/** Sums of pairs to sums of four. */
// @ts-ignore: decorator
@inline
function windows4<T extends number>(before: v128, pairs: v128): v128 {
  return v128.add<T>(pairs, v128.shuffle<i32>(before, pairs, 2, 3, 4, 5));
}

// @ts-ignore: decorator
@inline
function prefix4<T extends number>(out: usize, a: usize, count: i32): void {
  const bytes = (<usize>count) * 4;
  const blocks = bytes & ~63;
  const zero = v128.splat<T>(<T>0);
  let carry = zero;
  let i: usize = 0;
  for (; i < blocks; i += 64) {
    const v0 = v128.load(a + i);
    const v1 = v128.load(a + i, 16);
    const v2 = v128.load(a + i, 32);
    const v3 = v128.load(a + i, 48);
    const w0 = windows<T>(zero, v0);
    const w1 = windows<T>(v0, v1);
    const w2 = windows<T>(v1, v2);
    const w3 = windows<T>(v2, v3);
    const p0 = windows4<T>(zero, w0);
    const p1 = v128.add<T>(p0, windows4<T>(w0, w1));
    const p2 = v128.add<T>(p1, windows4<T>(w1, w2));
    const p3 = v128.add<T>(p2, windows4<T>(w2, w3));
    const last = v128.add<T>(carry, p3);
    v128.store(out + i, v128.add<T>(carry, p0));
    v128.store(out + i, v128.add<T>(carry, p1), 16);
    v128.store(out + i, v128.add<T>(carry, p2), 32);
    v128.store(out + i, last, 48);
    carry = v128.shuffle<i32>(last, last, 3, 3, 3, 3);
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
