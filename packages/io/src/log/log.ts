import { Buffer } from 'node:buffer';
import { refusedBy, rejected, untilAborted, type WaitOptions } from '../abort.ts';
import { describe } from '../arguments.ts';
import {
  ClosedError,
  IoError,
  ArgumentRangeError,
  ArgumentTypeError,
  OpenFailedError,
  SyncFailedError,
  type WriteFailedError,
} from '../errors.ts';
import { createWriter, type Writer } from '../writer/writer.ts';
import { FrameEncoder } from './frame.ts';
import { LogLock } from './lock.ts';
import { resolveLogOptions, type LogOptions, type ResolvedLogOptions } from './options.ts';
import { readRecords, type LogReadOptions } from './read.ts';
import { recover, type LogRecovery } from './recover.ts';
import type { LogRecord } from './scanner.ts';

/** A snapshot of a log. */
export interface LogStats {
  /** Records appended by this object. */
  readonly appendedCount: number;
  /** Where the next record goes. */
  readonly endPosition: number;
  /** Every record before this is on the disk. */
  readonly durablePosition: number;
  readonly pendingBytes: number;
  /** Calls of fdatasync(2). */
  readonly syncCallCount: number;
}

/** Everybody who waits for the same fdatasync. */
class Group {
  endPosition = 0;
  resolve!: () => void;
  reject!: (error: unknown) => void;
  readonly promise: Promise<void> = new Promise((resolve, reject: (error: unknown) => void) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/**
 * A durable append log. Made by {@link openLog}.
 *
 * ```
 *  append ──► frame ──► writer ──► file
 *  durable ──► next group ── when the one before is down ──► one fdatasync ──► all of the group
 * ```
 * After a failed fdatasync nothing more can be known of the file: the log is poisoned, and every later call but `close`,
 * `destroy` and `read` fails with the same error. Open it anew to see what survived.
 */
export class Log implements AsyncDisposable {
  /** What opening found. */
  readonly recovery: LogRecovery;
  readonly path: string;
  readonly #writer: Writer;
  readonly #lock: LogLock | undefined;
  readonly #encoder = new FrameEncoder();
  readonly #maxRecordBytes: number;
  #appendedCount = 0;
  #endPosition: number;
  #durablePosition: number;
  #current: Group | undefined;
  #next: Group | undefined;
  #poison: SyncFailedError | undefined;
  #isOpen = true;
  #isFull = false;
  #isDestroyed = false;
  #closing: Promise<void> | undefined;

  /** @internal Use {@link openLog}. */
  constructor(
    path: string,
    writer: Writer,
    lock: LogLock | undefined,
    recovery: LogRecovery,
    options: ResolvedLogOptions,
  ) {
    this.path = path;
    this.recovery = recovery;
    this.#writer = writer;
    this.#lock = lock;
    this.#maxRecordBytes = options.maxRecordBytes;
    this.#endPosition = recovery.endPosition;
    this.#durablePosition = recovery.endPosition;
  }

  /**
   * Adds a record, text as UTF-8 or a copy of the bytes, and returns its position. It is not durable yet: await
   * {@link durable}. O(length); no promise.
   *
   * @throws {ClosedError} after `close()` or `destroy()`
   * @throws {SyncFailedError} the log is poisoned
   * @throws {OverflowError} the disk refuses writes and the buffer is full; nothing was taken
   * @throws {ArgumentTypeError} neither a string nor bytes
   * @throws {ArgumentRangeError} longer than `maxRecordBytes`
   */
  append(record: string | Uint8Array): number {
    if (!this.#isOpen) throw new ClosedError('log');
    if (this.#poison !== undefined) throw this.#poison;
    if (typeof record !== 'string' && !(record instanceof Uint8Array)) {
      throw new ArgumentTypeError(`record: expected a string or a Uint8Array, got ${describe(record)}`);
    }
    const payloadBytes = typeof record === 'string' ? Buffer.byteLength(record) : record.byteLength;
    if (payloadBytes > this.#maxRecordBytes) {
      throw new ArgumentRangeError(
        `record: expected at most maxRecordBytes (${this.#maxRecordBytes}), got ${payloadBytes}`,
      );
    }
    const frame = this.#encoder.encode(record, payloadBytes);
    this.#isFull = !(this.#encoder.isOwned ? this.#writer.writeOwned(frame) : this.#writer.write(frame));
    const position = this.#endPosition;
    this.#endPosition += frame.byteLength;
    this.#appendedCount++;
    return position;
  }

  /** Whether the last append left `highWaterMark` bytes or more pending: await {@link ready} before the next one. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /**
   * Resolves when there is room for more.
   *
   * @throws {WriteFailedError} @throws {ClosedError} as the writer's
   */
  ready(options?: WaitOptions): Promise<void> {
    return this.#writer.ready(options);
  }

  /**
   * Resolves when the record at this position, and so all before it, are on the disk. All who wait share one fdatasync;
   * who comes while it runs shares the next.
   *
   * @param position as `append` returned it; without one, everything appended before this call
   * @throws {ArgumentTypeError} @throws {ArgumentRangeError} nothing was appended at the position
   * @throws {WriteFailedError} the disk refused a write: {@link retry}, and wait anew
   * @throws {SyncFailedError} the log is poisoned
   * @throws {ClosedError} the log is closed, or was destroyed meanwhile
   */
  durable(position: number = this.#endPosition - 1, options?: WaitOptions): Promise<void> {
    if (typeof position !== 'number') {
      return rejected(new ArgumentTypeError(`position: expected a number, got ${describe(position)}`));
    }
    if (!(position >= 0 && position < this.#endPosition)) {
      return rejected(
        new ArgumentRangeError(`position: expected 0 to ${this.#endPosition - 1}, got ${position}`),
      );
    }
    const signal = options?.signal;
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    if (position < this.#durablePosition) return DONE;
    if (this.#poison !== undefined) return rejected(this.#poison);
    if (!this.#isOpen && this.#closing === undefined) return rejected(new ClosedError('log'));
    return untilAborted(this.#groupOf(position).promise, signal);
  }

  #groupOf(position: number): Group {
    if (this.#current !== undefined && position < this.#current.endPosition) return this.#current;
    if (this.#next === undefined) {
      this.#next = new Group();
      // After the promises that are ready now: whoever they wake appends and joins this group.
      if (this.#current === undefined) process.nextTick(this.#startGroup);
    }
    return this.#next;
  }

  readonly #startGroup = (): void => {
    const group = this.#next;
    if (group === undefined || this.#current !== undefined) return;
    this.#next = undefined;
    this.#current = group;
    group.endPosition = this.#endPosition;
    this.#writer.flush({ sync: true }).then(
      () => {
        this.#durablePosition = group.endPosition;
        this.#endGroup();
        group.resolve();
      },
      (error: unknown) => {
        if (error instanceof SyncFailedError) this.#poison = error;
        this.#endGroup();
        group.reject(error);
      },
    );
  };

  #endGroup(): void {
    this.#current = undefined;
    if (this.#next !== undefined) process.nextTick(this.#startGroup);
  }

  /** Goes on after a {@link WriteFailedError}, at exactly the byte that was refused. */
  retry(): void {
    this.#writer.retry();
  }

  /** Why writing has stopped, until `retry()`; a poisoned log has its {@link SyncFailedError} here for good. */
  get failure(): WriteFailedError | SyncFailedError | undefined {
    return this.#poison ?? this.#writer.failure;
  }

  /**
   * The records from a position on, up to what was appended before this call. Memory stays bounded; the log goes on meanwhile.
   *
   * @throws {ArgumentRangeError} no record starts at `from`
   * @throws {WriteFailedError} what was appended cannot be written, so not be read
   * @throws {LogCorruptError} a record is damaged and sound ones follow it; behind those before it
   */
  async *read(options?: LogReadOptions): AsyncGenerator<LogRecord, void, undefined> {
    const endPosition = this.#endPosition;
    if (this.#poison === undefined) {
      try {
        await this.#writer.flush();
      } catch (error) {
        // Closed: all of it is in the file, or was given up.
        if (!(error instanceof ClosedError)) throw error;
      }
    }
    yield* readRecords(this.path, options, endPosition);
  }

  /** A snapshot of the counters. */
  stats(): LogStats {
    const { pendingBytes, syncCallCount } = this.#writer.stats();
    return {
      appendedCount: this.#appendedCount,
      endPosition: this.#endPosition,
      durablePosition: this.#durablePosition,
      pendingBytes,
      syncCallCount,
    };
  }

  /**
   * Makes everything durable, closes the file and removes the lock. A second call waits for the first. When it rejects
   * with a {@link WriteFailedError} the log is open again: {@link retry} and close once more, or {@link destroy}.
   */
  close(options?: WaitOptions): Promise<void> {
    const signal = options?.signal;
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    if (this.#closing === undefined) {
      this.#isOpen = false;
      this.#closing = this.#close();
    }
    return untilAborted(this.#closing, signal);
  }

  async #close(): Promise<void> {
    try {
      await this.#writer.close({ sync: true });
      if (!this.#isDestroyed) this.#durablePosition = this.#endPosition;
    } catch (error) {
      if (error instanceof SyncFailedError) this.#poison = error;
      if (this.#writer.writable) {
        this.#closing = undefined;
        this.#isOpen = true;
        throw error;
      }
      await this.#lock?.release();
      throw error;
    }
    await this.#lock?.release();
  }

  /** Gives up: what is pending is dropped, who waits is rejected; `close()` then waits for the file and the lock. */
  destroy(reason?: unknown): void {
    this.#isOpen = false;
    this.#isDestroyed = true;
    this.#writer.destroy(reason);
    this.#closing = this.#close();
    // Reported by close(); without that call nobody needs to know.
    this.#closing.catch(() => {});
  }

  /** `close()`, and when that fails `destroy()` too, so that neither descriptor nor lock is left behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.close();
    } catch (error) {
      this.destroy(error);
      await this.close();
      throw error;
    }
  }
}

const DONE = Promise.resolve();

/**
 * Opens a log for appending, and creates it where there is none: takes the lock, reads the file through, cuts off a
 * record that was not finished, and fsyncs file and folder. What it found is in {@link Log.recovery}.
 *
 * O(size of the file).
 *
 * @throws {ArgumentTypeError} @throws {ArgumentRangeError} an argument that cannot be
 * @throws {LogLockedError} another writer that lives has it
 * @throws {NotALogError} the file holds something else; it is left as it is
 * @throws {LogCorruptError} a record in the middle is damaged; the file is left as it is
 * @throws {OpenFailedError} the file or its lock cannot be opened or created
 *
 * @example
 * ```ts
 * import { openLog } from '@hotpath/io';
 *
 * await using log = await openLog('orders.log');
 * const position = log.append(JSON.stringify({ order: 42 }));
 * await log.durable(position); // survives a power cut from here on
 * for await (const { bytes } of log.read({ from: position })) console.log(Buffer.from(bytes).toString());
 * ```
 */
export async function openLog(path: string, options?: LogOptions): Promise<Log> {
  if (typeof path !== 'string') throw new ArgumentTypeError(`path: expected a string, got ${describe(path)}`);
  const resolved = resolveLogOptions(options);
  let lock: LogLock | undefined;
  try {
    if (resolved.lock) lock = await LogLock.acquire(path);
    const recovery = await recover(path, resolved);
    const { highWaterMark, onError, fileSystem } = resolved;
    const writer = createWriter(path, {
      highWaterMark,
      ...(onError && { onError }),
      ...(fileSystem && { fileSystem }),
    });
    return new Log(path, writer, lock, recovery, resolved);
  } catch (error) {
    await lock?.release();
    throw error instanceof IoError ? error : new OpenFailedError(path, error);
  }
}
