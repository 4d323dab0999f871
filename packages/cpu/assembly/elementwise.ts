// Elementwise kernels. Reads run ahead of writes by at most one block, in ascending order, so `out` may be an input
// or lie below it; an `out` that starts inside an input is the caller's to avoid.

import { BLOCK_BYTES, LANE_BYTES } from './lanes';

/** out[i] = a[i] + b[i] */
// @ts-ignore: decorator
@inline
function add<T extends number>(out: usize, a: usize, b: usize, count: i32): void {
  const bytes = (<usize>count) * sizeof<T>();
  const blocks = bytes & ~(BLOCK_BYTES - 1);
  const lanes = bytes & ~(LANE_BYTES - 1);
  let i: usize = 0;
  for (; i < blocks; i += BLOCK_BYTES) {
    const p = a + i;
    const q = b + i;
    const o = out + i;
    v128.store(o, v128.add<T>(v128.load(p), v128.load(q)));
    v128.store(o, v128.add<T>(v128.load(p, 16), v128.load(q, 16)), 16);
    v128.store(o, v128.add<T>(v128.load(p, 32), v128.load(q, 32)), 32);
    v128.store(o, v128.add<T>(v128.load(p, 48), v128.load(q, 48)), 48);
  }
  for (; i < lanes; i += LANE_BYTES) v128.store(out + i, v128.add<T>(v128.load(a + i), v128.load(b + i)));
  for (; i < bytes; i += sizeof<T>()) store<T>(out + i, <T>(load<T>(a + i) + load<T>(b + i)));
}

/** y[i] = alpha * x[i] + y[i], the product rounded before the sum: WebAssembly has no fused form that every CPU agrees on. */
// @ts-ignore: decorator
@inline
function axpy<T extends number>(alpha: T, x: usize, y: usize, count: i32): void {
  const factor = v128.splat<T>(alpha);
  const bytes = (<usize>count) * sizeof<T>();
  const blocks = bytes & ~(BLOCK_BYTES - 1);
  const lanes = bytes & ~(LANE_BYTES - 1);
  let i: usize = 0;
  for (; i < blocks; i += BLOCK_BYTES) {
    const p = x + i;
    const q = y + i;
    v128.store(q, v128.add<T>(v128.mul<T>(factor, v128.load(p)), v128.load(q)));
    v128.store(q, v128.add<T>(v128.mul<T>(factor, v128.load(p, 16)), v128.load(q, 16)), 16);
    v128.store(q, v128.add<T>(v128.mul<T>(factor, v128.load(p, 32)), v128.load(q, 32)), 32);
    v128.store(q, v128.add<T>(v128.mul<T>(factor, v128.load(p, 48)), v128.load(q, 48)), 48);
  }
  for (; i < lanes; i += LANE_BYTES) {
    v128.store(y + i, v128.add<T>(v128.mul<T>(factor, v128.load(x + i)), v128.load(y + i)));
  }
  for (; i < bytes; i += sizeof<T>()) store<T>(y + i, <T>(<T>(alpha * load<T>(x + i)) + load<T>(y + i)));
}

export function add_f32(out: usize, a: usize, b: usize, count: i32): void {
  add<f32>(out, a, b, count);
}

export function axpy_f32(alpha: f32, x: usize, y: usize, count: i32): void {
  axpy<f32>(alpha, x, y, count);
}
