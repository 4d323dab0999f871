/** `@hotpath/io/log`: a durable append log. */

export { openLog, type Log, type LogStats } from './log.ts';
export type { LogOptions } from './options.ts';
export { readLog, type LogReadOptions } from './read.ts';
export type { LogRecovery } from './recover.ts';
export type { LogRecord } from './scanner.ts';
export {
  ClosedError,
  IoError,
  ArgumentRangeError,
  ArgumentTypeError,
  LogCorruptError,
  LogLockedError,
  NotALogError,
  OpenFailedError,
  OverflowError,
  SyncFailedError,
  WriteFailedError,
  isRetryable,
  type IoErrorCode,
} from '../errors.ts';
export type { WaitOptions } from '../abort.ts';
