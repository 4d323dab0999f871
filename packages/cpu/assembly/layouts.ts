// Arrays of structures and structures of arrays, and elements moved to the front.

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

/**
 * A column's elements from `from` on into its field of records of `fields` fields: what is left when the blocks of four are done.
 * `records` is where that field of the first record is.
 */
// @ts-ignore: decorator
@inline
function restIn(records: usize, fields: i32, column: usize, from: usize, count: i32): void {
  stride_32(records + from * fields * 4, fields, column + from * 4, 1, count - <i32>from);
}

/** As {@link restIn}, from records to columns. */
// @ts-ignore: decorator
@inline
function restOut(records: usize, fields: i32, column: usize, from: usize, count: i32): void {
  stride_32(column + from * 4, 1, records + from * fields * 4, fields, count - <i32>from);
}

export function interleave2_32(out: usize, a: usize, b: usize, count: i32): void {
  const blocks = (<usize>count) & ~3;
  let i: usize = 0;
  for (; i < blocks; i += 4) {
    const x = v128.load(a + (i << 2));
    const y = v128.load(b + (i << 2));
    v128.store(out + (i << 3), v128.shuffle<i32>(x, y, 0, 4, 1, 5));
    v128.store(out + (i << 3), v128.shuffle<i32>(x, y, 2, 6, 3, 7), 16);
  }
  restIn(out, 2, a, i, count);
  restIn(out + 4, 2, b, i, count);
}

export function deinterleave2_32(a: usize, x: usize, y: usize, count: i32): void {
  const blocks = (<usize>count) & ~3;
  let i: usize = 0;
  for (; i < blocks; i += 4) {
    const low = v128.load(a + (i << 3));
    const high = v128.load(a + (i << 3), 16);
    v128.store(x + (i << 2), v128.shuffle<i32>(low, high, 0, 2, 4, 6));
    v128.store(y + (i << 2), v128.shuffle<i32>(low, high, 1, 3, 5, 7));
  }
  restOut(a, 2, x, i, count);
  restOut(a + 4, 2, y, i, count);
}

export function interleave4_32(out: usize, a: usize, b: usize, c: usize, d: usize, count: i32): void {
  const blocks = (<usize>count) & ~3;
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
  restIn(out, 4, a, i, count);
  restIn(out + 4, 4, b, i, count);
  restIn(out + 8, 4, c, i, count);
  restIn(out + 12, 4, d, i, count);
}

export function deinterleave4_32(a: usize, x: usize, y: usize, z: usize, w: usize, count: i32): void {
  const blocks = (<usize>count) & ~3;
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
  restOut(a, 4, x, i, count);
  restOut(a + 4, 4, y, i, count);
  restOut(a + 8, 4, z, i, count);
  restOut(a + 12, 4, w, i, count);
}

export function interleave2_64(out: usize, a: usize, b: usize, count: i32): void {
  const blocks = (<usize>count) & ~1;
  let i: usize = 0;
  for (; i < blocks; i += 2) {
    const x = v128.load(a + (i << 3));
    const y = v128.load(b + (i << 3));
    v128.store(out + (i << 4), v128.shuffle<i64>(x, y, 0, 2));
    v128.store(out + (i << 4), v128.shuffle<i64>(x, y, 1, 3), 16);
  }
  if (i < <usize>count) {
    store<u64>(out + (i << 4), load<u64>(a + (i << 3)));
    store<u64>(out + (i << 4), load<u64>(b + (i << 3)), 8);
  }
}

export function deinterleave2_64(a: usize, x: usize, y: usize, count: i32): void {
  const blocks = (<usize>count) & ~1;
  let i: usize = 0;
  for (; i < blocks; i += 2) {
    const low = v128.load(a + (i << 4));
    const high = v128.load(a + (i << 4), 16);
    v128.store(x + (i << 3), v128.shuffle<i64>(low, high, 0, 2));
    v128.store(y + (i << 3), v128.shuffle<i64>(low, high, 1, 3));
  }
  if (i < <usize>count) {
    store<u64>(x + (i << 3), load<u64>(a + (i << 4)));
    store<u64>(y + (i << 3), load<u64>(a + (i << 4), 8));
  }
}

export function interleave4_64(out: usize, a: usize, b: usize, c: usize, d: usize, count: i32): void {
  for (let i: usize = 0, n = <usize>count; i < n; i++, out += 32) {
    store<u64>(out, load<u64>(a + (i << 3)));
    store<u64>(out, load<u64>(b + (i << 3)), 8);
    store<u64>(out, load<u64>(c + (i << 3)), 16);
    store<u64>(out, load<u64>(d + (i << 3)), 24);
  }
}

export function deinterleave4_64(a: usize, x: usize, y: usize, z: usize, w: usize, count: i32): void {
  const blocks = (<usize>count) & ~1;
  let i: usize = 0;
  for (; i < blocks; i += 2) {
    const p = a + (i << 5);
    const xy0 = v128.load(p);
    const zw0 = v128.load(p, 16);
    const xy1 = v128.load(p, 32);
    const zw1 = v128.load(p, 48);
    v128.store(x + (i << 3), v128.shuffle<i64>(xy0, xy1, 0, 2));
    v128.store(y + (i << 3), v128.shuffle<i64>(xy0, xy1, 1, 3));
    v128.store(z + (i << 3), v128.shuffle<i64>(zw0, zw1, 0, 2));
    v128.store(w + (i << 3), v128.shuffle<i64>(zw0, zw1, 1, 3));
  }
  if (i < <usize>count) {
    const p = a + (i << 5);
    store<u64>(x + (i << 3), load<u64>(p));
    store<u64>(y + (i << 3), load<u64>(p, 8));
    store<u64>(z + (i << 3), load<u64>(p, 16));
    store<u64>(w + (i << 3), load<u64>(p, 24));
  }
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
