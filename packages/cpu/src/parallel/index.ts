export type { ElementOf, NumberArray, NumericArray, OwnArray } from './arrays.ts';
export type { MapOptions, ParallelOptions } from './options.ts';
export type { Parallel } from './api.ts';
export { createParallel } from './parallel.ts';
export { moduleTask, type ParallelTask, type RangeTask, source, type TaskModule } from './task.ts';
export type { NumberKernel, ParallelKernels } from './kernel-blocks.ts';
