// Bytes counted and found.

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
