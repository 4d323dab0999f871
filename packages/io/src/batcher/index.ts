/** `@hotpath/io/batcher`: many items, one call. */

export {
  createBatcher,
  type BatchContext,
  type Batcher,
  type BatcherStats,
  type BatchHandler,
  type BatchResults,
  type BatchWaitOptions,
} from './batcher.ts';
export type { BatcherOptions, RetryOptions } from './options.ts';
export {
  BatchResultError,
  BatchTimeoutError,
  ClosedError,
  IoError,
  IoRangeError,
  IoTypeError,
  OverflowError,
  type IoErrorCode,
} from '../errors.ts';
