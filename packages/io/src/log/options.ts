import { boolean, integer, object, oneOf, optionalFunction } from '../arguments.ts';
import type { WriterFileSystem } from '../writer/file-system.ts';

/** Options of {@link openLog}. */
export interface LogOptions {
  /** Pending bytes from which `isFull` is true and `ready()` waits. Default 1 MiB; 1 or more. */
  readonly highWaterMark?: number;
  /** Longest payload that `append` takes. Default 64 MiB; 1 to 1 GiB. What is in the file already may be longer. */
  readonly maxRecordBytes?: number;
  /** A path's permissions when it is created. Default 0o666, less the umask. */
  readonly fileMode?: number;
  /** False leaves out the lock file: where something else sees to it that there is one writer. Default true. */
  readonly lock?: boolean;
  /**
   * What opening does with a damaged place behind which sound records follow: `refuse` (default) throws a
   * `LogCorruptError` and changes nothing; `truncate` cuts the file there and loses those records.
   */
  readonly damage?: 'refuse' | 'truncate';
  /** Called once for each failed write or fsync, beside the rejections. */
  readonly onError?: (error: Error) => void;
  /** The system calls of appending. Default `node:fs`; tests put faults here. */
  readonly fileSystem?: WriterFileSystem;
}

export interface ResolvedLogOptions {
  readonly highWaterMark: number;
  readonly maxRecordBytes: number;
  readonly fileMode: number;
  readonly lock: boolean;
  readonly truncateDamage: boolean;
  readonly onError: ((error: Error) => void) | undefined;
  readonly fileSystem: WriterFileSystem | undefined;
}

/** @throws {ArgumentTypeError} @throws {ArgumentRangeError} an option that cannot be */
export function resolveLogOptions(options: LogOptions = {}): ResolvedLogOptions {
  object('options', options);
  return {
    highWaterMark: integer('highWaterMark', options.highWaterMark, 1 << 20, 1, Number.MAX_SAFE_INTEGER),
    maxRecordBytes: integer('maxRecordBytes', options.maxRecordBytes, 64 << 20, 1, 1 << 30),
    fileMode: integer('fileMode', options.fileMode, 0o666, 0, 0o7777),
    lock: boolean('lock', options.lock, true),
    truncateDamage: oneOf('damage', options.damage, ['refuse', 'truncate']) === 'truncate',
    onError: optionalFunction('onError', options.onError),
    fileSystem: options.fileSystem,
  };
}
