// The exports of the kernel binary. `./table` is generated from tools/kernels at build time.
export * from './table';
export * from './movement';
