// The exports of the kernel binary. `./table` is generated from tools/kernels at build time.
export * from './table';
export * from './scans';
export * from './searches';
export * from './histograms';
export * from './bytes';
export * from './layouts';
