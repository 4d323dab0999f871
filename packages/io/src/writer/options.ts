import { boolean, duration, integer, object, oneOf, optionalFunction } from '../arguments.ts';
import type { WriterFileSystem } from './file-system.ts';

/** What a write does when `highWaterMark` bytes are already pending. */
export type OverflowPolicy = 'wait' | 'drop' | 'throw';

/** Options of {@link createWriter}. */
export interface WriterOptions {
  /**
   * `async` (default) writes on the thread pool, one write under way at a time. `sync` writes on the calling thread:
   * fewer microseconds a line and nothing under way when the process dies, but a slow disk stalls the event loop.
   */
  readonly mode?: 'async' | 'sync';
  /** Pending bytes from which `write()` returns false. Default 1 MiB; 1 or more. */
  readonly highWaterMark?: number;
  /** Buffered bytes that start a write at once. Default 256 KiB; 1 to 8 MiB, and at most `highWaterMark`. */
  readonly flushBytes?: number;
  /**
   * Milliseconds that fewer than `flushBytes` bytes may wait for company. Default 0, the next turn of the event loop.
   * `Infinity`: only `flushBytes`, a flush or a close writes. The timer keeps the process alive, because what it
   * guards would be lost.
   */
  readonly lingerMs?: number;
  /**
   * A write made while `highWaterMark` bytes are pending: `wait` (default) takes it and counts on the producer to await
   * `ready()`; `drop` discards it whole and counts it; `throw` throws an `OverflowError` and takes nothing.
   */
  readonly overflow?: OverflowPolicy;
  /**
   * With `overflow: 'wait'`, the bound for producers that ignore the `false` of `write()`, such as most loggers: at this
   * many pending bytes `write()` itself writes, synchronously, before it takes more. Default 16 × `highWaterMark`;
   * `Infinity` asks for an unbounded buffer.
   */
  readonly maxPendingBytes?: number;
  /** A path only: true (default) appends, false truncates. */
  readonly append?: boolean;
  /** A path only: permissions of a file that is created. Default 0o666, less the umask. */
  readonly fileMode?: number;
  /** A path only: create missing parent folders. Default false. */
  readonly mkdir?: boolean;
  /** Whether close and destroy close the descriptor. Default true for a path, false for an fd or a FileHandle. */
  readonly autoClose?: boolean;
  /** Milliseconds after which `flushSync()` gives up on a descriptor that takes nothing. Default 5000. */
  readonly syncTimeoutMs?: number;
  /** Called once for each failed write or fsync, beside the rejections: for producers that never flush. */
  readonly onError?: (error: Error) => void;
  /** The system calls. Default `node:fs`; tests put faults here. */
  readonly fileSystem?: WriterFileSystem;
}

/** Options after checks and defaults; the only form that the core accepts. */
export interface ResolvedWriterOptions {
  readonly sync: boolean;
  readonly highWaterMark: number;
  readonly lowWaterMark: number;
  readonly flushBytes: number;
  readonly lingerMs: number;
  readonly overflow: OverflowPolicy;
  readonly maxPendingBytes: number;
  readonly append: boolean;
  readonly fileMode: number;
  readonly mkdir: boolean;
  readonly autoClose: boolean | undefined;
  readonly syncTimeoutMs: number;
  readonly onError: ((error: Error) => void) | undefined;
}

const MIB = 1 << 20;
const DEFAULT_FLUSH_BYTES = 256 * 1024;
const MAX_FLUSH_BYTES = 8 * MIB;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {ArgumentTypeError} an option of the wrong type
 * @throws {ArgumentRangeError} an option outside its range
 */
export function resolveWriterOptions(options: WriterOptions = {}): ResolvedWriterOptions {
  object('options', options);
  const highWaterMark = integer('highWaterMark', options.highWaterMark, MIB, 1, Number.MAX_SAFE_INTEGER);
  return {
    sync: oneOf('mode', options.mode, ['async', 'sync']) === 'sync',
    highWaterMark,
    lowWaterMark: Math.floor(highWaterMark / 2),
    flushBytes: integer(
      'flushBytes',
      options.flushBytes,
      Math.min(DEFAULT_FLUSH_BYTES, highWaterMark),
      1,
      Math.min(MAX_FLUSH_BYTES, highWaterMark),
    ),
    lingerMs: duration('lingerMs', options.lingerMs, 0, 0),
    overflow: oneOf('overflow', options.overflow, ['wait', 'drop', 'throw']),
    maxPendingBytes:
      options.maxPendingBytes === Infinity
        ? Infinity
        : integer(
            'maxPendingBytes',
            options.maxPendingBytes,
            16 * highWaterMark,
            highWaterMark,
            Number.MAX_SAFE_INTEGER,
          ),
    append: boolean('append', options.append, true),
    fileMode: integer('fileMode', options.fileMode, 0o666, 0, 0o7777),
    mkdir: boolean('mkdir', options.mkdir, false),
    autoClose: options.autoClose === undefined ? undefined : boolean('autoClose', options.autoClose, true),
    syncTimeoutMs: duration('syncTimeoutMs', options.syncTimeoutMs, 5000, 1),
    onError: optionalFunction('onError', options.onError),
  };
}
