/** `@hotpath/io/batcher`: many items, one call. */

export { createBatcher, type Batcher, type BatcherStats, type BatchWaitOptions } from './batcher.ts';
export type { BatchContext, BatchHandler, BatchResults } from './handler.ts';
export type { BatcherOptions, RetryOptions } from './options.ts';
export {
  BatchResultError,
  BatchTimeoutError,
  ClosedError,
  IoError,
  ArgumentRangeError,
  ArgumentTypeError,
  OverflowError,
  type IoErrorCode,
} from '../errors.ts';
