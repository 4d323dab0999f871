import { IoRangeError, IoTypeError } from '../errors.ts';
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
/** A linger is a latency bound; setTimeout itself turns anything above 2^31 − 1 ms into 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {IoTypeError} an option of the wrong type
 * @throws {IoRangeError} an option outside its range
 */
export function resolveWriterOptions(options: WriterOptions = {}): ResolvedWriterOptions {
  if (typeof options !== 'object' || options === null) {
    throw new IoTypeError(`options: expected an object, got ${describe(options)}`);
  }
  const highWaterMark = integer('highWaterMark', options.highWaterMark, MIB, 1, Number.MAX_SAFE_INTEGER);
  return {
    sync: oneOf('mode', options.mode, ['async', 'sync']) === 'sync',
    highWaterMark,
    lowWaterMark: highWaterMark >>> 1,
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
    onError: callback('onError', options.onError),
  };
}

function integer(
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw new IoTypeError(`${name}: expected a number, got ${describe(value)}`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new IoRangeError(`${name}: expected an integer from ${min} to ${max}, got ${value}`);
  }
  return value;
}

function duration(name: string, value: number | undefined, fallback: number, min: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw new IoTypeError(`${name}: expected a number, got ${describe(value)}`);
  if (Number.isNaN(value) || value < min || (value > MAX_TIMER_MS && value !== Infinity)) {
    throw new IoRangeError(
      `${name}: expected milliseconds from ${min} to ${MAX_TIMER_MS}, or Infinity, got ${value}`,
    );
  }
  return value;
}

function boolean(name: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean')
    throw new IoTypeError(`${name}: expected a boolean, got ${describe(value)}`);
  return value;
}

function oneOf<T extends string>(name: string, value: T | undefined, allowed: readonly [T, ...T[]]): T {
  if (value === undefined) return allowed[0];
  if (!allowed.includes(value)) {
    throw new IoRangeError(`${name}: expected ${allowed.join(', ')}, got ${describe(value)}`);
  }
  return value;
}

function callback<T>(name: string, value: T | undefined): T | undefined {
  if (value !== undefined && typeof value !== 'function') {
    throw new IoTypeError(`${name}: expected a function, got ${describe(value)}`);
  }
  return value;
}

/** A value for a message: its type, and itself where that is short and says something. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`;
  return typeof value;
}
