export {
  createBatcher,
  type BatchContext,
  type Batcher,
  type BatcherStats,
  type BatchHandler,
  type BatchResults,
  type BatchWaitOptions,
} from './batcher/batcher.ts';
export type { BatcherOptions, RetryOptions } from './batcher/options.ts';
export {
  forEach,
  map,
  type MapContext,
  type MapOptions,
  type Mapper,
  type Source,
} from './concurrency/map.ts';
export { Semaphore, type AcquireOptions, type Permit } from './concurrency/semaphore.ts';
export {
  BatchResultError,
  BatchTimeoutError,
  BusyError,
  ClosedError,
  IoError,
  IoRangeError,
  IoTypeError,
  isRetryable,
  OpenFailedError,
  OverflowError,
  ReleasedTwiceError,
  SyncFailedError,
  WriteFailedError,
  type IoErrorCode,
} from './errors.ts';
export { toNodeWritable, toWebWritable, type AdapterOptions } from './writer/adapters.ts';
export type { WriterFileSystem } from './writer/file-system.ts';
export type { OverflowPolicy, WriterOptions } from './writer/options.ts';
export type { WriterTarget } from './writer/target.ts';
export {
  createWriter,
  type FlushOptions,
  type ReadyOptions,
  type Writer,
  type WriterStats,
} from './writer/writer.ts';
