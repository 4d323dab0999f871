// Reductions in f32. Eight registers of four lanes make 32 partial sums; they are folded pairwise, so the error grows
// with count / 32 and not with count. The scalar tail is at most 3 elements.

import { LANE_BYTES, REDUCE_BYTES, sumLanes } from './lanes';

/** a[0] + a[1] + … */
export function sum_f32(a: usize, count: i32): f32 {
  const bytes = (<usize>count) << 2;
  const blocks = bytes & ~(REDUCE_BYTES - 1);
  const lanes = bytes & ~(LANE_BYTES - 1);
  let s0 = f32x4.splat(0);
  let s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  let i: usize = 0;
  for (; i < blocks; i += REDUCE_BYTES) {
    const p = a + i;
    s0 = f32x4.add(s0, v128.load(p));
    s1 = f32x4.add(s1, v128.load(p, 16));
    s2 = f32x4.add(s2, v128.load(p, 32));
    s3 = f32x4.add(s3, v128.load(p, 48));
    s4 = f32x4.add(s4, v128.load(p, 64));
    s5 = f32x4.add(s5, v128.load(p, 80));
    s6 = f32x4.add(s6, v128.load(p, 96));
    s7 = f32x4.add(s7, v128.load(p, 112));
  }
  for (; i < lanes; i += LANE_BYTES) s0 = f32x4.add(s0, v128.load(a + i));
  s0 = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  s4 = f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7));
  let total = sumLanes(f32x4.add(s0, s4));
  for (; i < bytes; i += 4) total += load<f32>(a + i);
  return total;
}

/** a[0] * b[0] + a[1] * b[1] + … */
export function dot_f32(a: usize, b: usize, count: i32): f32 {
  const bytes = (<usize>count) << 2;
  const blocks = bytes & ~(REDUCE_BYTES - 1);
  const lanes = bytes & ~(LANE_BYTES - 1);
  let s0 = f32x4.splat(0);
  let s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  let i: usize = 0;
  for (; i < blocks; i += REDUCE_BYTES) {
    const p = a + i;
    const q = b + i;
    s0 = f32x4.add(s0, f32x4.mul(v128.load(p), v128.load(q)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(p, 16), v128.load(q, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(p, 32), v128.load(q, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(p, 48), v128.load(q, 48)));
    s4 = f32x4.add(s4, f32x4.mul(v128.load(p, 64), v128.load(q, 64)));
    s5 = f32x4.add(s5, f32x4.mul(v128.load(p, 80), v128.load(q, 80)));
    s6 = f32x4.add(s6, f32x4.mul(v128.load(p, 96), v128.load(q, 96)));
    s7 = f32x4.add(s7, f32x4.mul(v128.load(p, 112), v128.load(q, 112)));
  }
  for (; i < lanes; i += LANE_BYTES) s0 = f32x4.add(s0, f32x4.mul(v128.load(a + i), v128.load(b + i)));
  s0 = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  s4 = f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7));
  let total = sumLanes(f32x4.add(s0, s4));
  for (; i < bytes; i += 4) total += load<f32>(a + i) * load<f32>(b + i);
  return total;
}
