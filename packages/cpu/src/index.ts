export {
  ArgumentRangeError,
  ArgumentTypeError,
  CpuError,
  type CpuErrorLike,
  FreedVectorError,
  ItemCloneError,
  ParallelClosedError,
  TaskClosureError,
  TaskError,
  TaskExportError,
  TaskModuleError,
  TaskResultError,
  TaskSourceError,
  ThreadsUnavailableError,
  WorkerDiedError,
} from './errors.ts';
export { add } from './kernels/add.ts';
export { axpy } from './kernels/axpy.ts';
export { dot } from './kernels/dot.ts';
export { isSimdAvailable } from './kernels/instance.ts';
export { sum } from './kernels/sum.ts';
export type { ElementOf, NumberArray, NumericArray, OwnArray } from './parallel/arrays.ts';
export type { MapOptions, ParallelOptions } from './parallel/options.ts';
export { createParallel, type Parallel } from './parallel/parallel.ts';
export { moduleTask, type ParallelTask, source, type TaskModule } from './parallel/task.ts';
