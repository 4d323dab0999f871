// The exports of the kernel binary: one line a family.
export { add_f32, axpy_f32 } from './elementwise';
export { dot_f32, sum_f32 } from './reductions';
