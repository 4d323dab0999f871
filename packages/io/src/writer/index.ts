/** `@hotpath/io/writer`: a buffered file writer. */

export { toNodeWritable, toWebWritable, type AdapterOptions } from './adapters.ts';
export type { WriterFileSystem } from './file-system.ts';
export type { OverflowPolicy, WriterOptions } from './options.ts';
export type { WriterTarget } from './target.ts';
export { createWriter, type FlushOptions, type Writer, type WriterStats } from './writer.ts';
export {
  BusyError,
  ClosedError,
  IoError,
  ArgumentRangeError,
  ArgumentTypeError,
  OpenFailedError,
  OverflowError,
  SyncFailedError,
  WriteFailedError,
  isRetryable,
  type IoErrorCode,
} from '../errors.ts';
export type { WaitOptions } from '../abort.ts';
