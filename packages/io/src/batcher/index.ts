/** `@hotpath/io/batcher`: many items, one call. */

export { createBatcher, type Batcher, type BatcherStats } from './batcher.ts';
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
export type { WaitOptions } from '../abort.ts';
