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
export { createChannel, type Channel, type ChannelWaitOptions } from './concurrency/channel.ts';
export { forEach, map, type MapContext, type MapOptions, type Mapper } from './concurrency/map.ts';
export { mapIter } from './concurrency/map-iter.ts';
export { pipeline, type Pipeline, type PipelineOptions } from './concurrency/pipeline.ts';
export type { Sink } from './concurrency/sinks.ts';
export { Semaphore, type AcquireOptions, type Permit } from './concurrency/semaphore.ts';
export type { Source } from './concurrency/source.ts';
export {
  BatchResultError,
  BatchTimeoutError,
  BusyError,
  ClosedError,
  IoError,
  IoRangeError,
  IoTypeError,
  isRetryable,
  LogCorruptError,
  LogLockedError,
  NotALogError,
  OpenFailedError,
  OverflowError,
  ReleasedTwiceError,
  SyncFailedError,
  WriteFailedError,
  type IoErrorCode,
} from './errors.ts';
export {
  openLog,
  readLog,
  type Log,
  type LogReadOptions,
  type LogStats,
  type LogWaitOptions,
} from './log/log.ts';
export type { LogOptions } from './log/options.ts';
export type { LogRecovery } from './log/recover.ts';
export type { LogRecord } from './log/scanner.ts';
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
