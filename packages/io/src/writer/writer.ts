import { Buffer } from 'node:buffer';
import { channel } from 'node:diagnostics_channel';
import { refusedBy, rejected, untilAborted, type WaitOptions } from '../abort.ts';
import { describe } from '../arguments.ts';
import { ClosedError, ArgumentTypeError, OverflowError, type WriteFailedError } from '../errors.ts';
import { nodeFileSystem } from './file-system.ts';
import { Intake, type Mark } from './intake.ts';
import { resolveWriterOptions, type ResolvedWriterOptions, type WriterOptions } from './options.ts';
import { Pump } from './pump.ts';
import { OpenTarget, type WriterTarget } from './target.ts';

/** Options of {@link Writer.flush}. */
export interface FlushOptions {
  /** Also wait for `fdatasync`: the bytes then survive a power cut. Default false. */
  readonly sync?: boolean;
  /** Ends the wait, not the writing. */
  readonly signal?: AbortSignal;
}

/** What a writer has done so far, in bytes unless the name says otherwise. */
export interface WriterStats {
  /** Taken by the system. */
  readonly writtenBytes: number;
  /** Known to be on the disk: what a `flush({ sync: true })` covered. */
  readonly durableBytes: number;
  /** Waiting; text that is not encoded yet counts one byte a UTF-16 unit. */
  readonly pendingBytes: number;
  /** Discarded by `overflow: 'drop'`. */
  readonly droppedBytes: number;
  /** Writes discarded by `overflow: 'drop'`. */
  readonly droppedCount: number;
  /** Calls of write(2), retries included. */
  readonly writeCallCount: number;
  /** Calls of fdatasync(2). */
  readonly syncCallCount: number;
}

const errorChannel = channel('hotpath:io:writer.error');
const dropChannel = channel('hotpath:io:writer.drop');

/**
 * An ordered, bounded, buffered writer. Made by {@link createWriter}; its methods may be called in any order, by any
 * number of producers, and each byte is written once, in the order of the calls.
 */
export class Writer implements AsyncDisposable {
  readonly #options: ResolvedWriterOptions;
  readonly #intake: Intake;
  readonly #pump: Pump;
  /** Pending bytes from which a write takes the slow way; which one is decided here, once. */
  readonly #limitBytes: number;
  #open = true;
  #closing: Promise<void> | undefined;
  #droppedBytes = 0;
  #droppedCount = 0;

  /** @internal Use {@link createWriter}. */
  constructor(target: WriterTarget, options?: WriterOptions) {
    const resolved = resolveWriterOptions(options);
    const fs = options?.fileSystem ?? nodeFileSystem;
    this.#options = resolved;
    this.#limitBytes = resolved.overflow === 'wait' ? resolved.maxPendingBytes : resolved.highWaterMark;
    this.#intake = new Intake(resolved);
    this.#pump = new Pump(OpenTarget.open(target, resolved, fs), this.#intake, resolved, fs, (error) => {
      this.#report(error);
    });
  }

  /**
   * Adds text, encoded as UTF-8, or a copy of the bytes, behind everything added before. A character whose two halves
   * come in two writes arrives whole.
   *
   * Amortised O(length); allocates nothing but the growth of a rope. No promise, no copy of the text before it is encoded.
   *
   * @returns false when `highWaterMark` bytes or more are pending: await {@link ready} before the next one. With
   * `overflow: 'wait'` the chunk is taken all the same; with `'drop'` it was discarded if the buffer was full before.
   * @throws {ClosedError} after `close()` or `destroy()`
   * @throws {OverflowError} the buffer is full and may not grow (`overflow`, `maxPendingBytes`); nothing was taken
   * @throws {ArgumentTypeError} neither a string nor bytes
   */
  write(chunk: string | Uint8Array): boolean {
    if (typeof chunk === 'string' && this.#intake.addQuietly(chunk)) return true;
    return this.#writeWithCare(chunk);
  }

  #writeWithCare(chunk: string | Uint8Array): boolean {
    const intake = this.#intake;
    const pump = this.#pump;
    if (!this.#open) throw new ClosedError('writer');
    if (intake.pendingBytes >= this.#limitBytes && !this.#makeRoom(chunk)) return false;
    if (typeof chunk === 'string') {
      if (intake.addText(chunk)) pump.urge();
    } else if (chunk instanceof Uint8Array) {
      if (intake.addBytes(chunk)) pump.urge();
    } else {
      throw new ArgumentTypeError(`chunk: expected a string or a Uint8Array, got ${describe(chunk)}`);
    }
    if (!pump.armed) pump.arm();
    if (pump.armed) intake.allowQuiet(this.#options.highWaterMark);
    return intake.pendingBytes < this.#options.highWaterMark;
  }

  /**
   * Like {@link write}, without the copy: the caller gives the bytes away and must not change them, or reuse their
   * memory, before a flush called afterwards resolves. Pays from about 32 KiB; shorter ones are copied all the same.
   *
   * @throws as {@link write}
   */
  writeOwned(bytes: Uint8Array): boolean {
    if (!this.#open) throw new ClosedError('writer');
    if (!(bytes instanceof Uint8Array)) {
      throw new ArgumentTypeError(`bytes: expected a Uint8Array, got ${describe(bytes)}`);
    }
    if (this.#intake.pendingBytes >= this.#limitBytes && !this.#makeRoom(bytes)) return false;
    if (this.#intake.addOwned(bytes)) this.#pump.urge();
    if (!this.#pump.armed) this.#pump.arm();
    return this.#intake.pendingBytes < this.#options.highWaterMark;
  }

  /**
   * Resolves when there is room: at once below `highWaterMark`, else as soon as half of it is free.
   *
   * @throws {WriteFailedError} the buffer is full and writing has failed
   * @throws {ClosedError} the writer was destroyed
   */
  ready(options?: WaitOptions): Promise<void> {
    const signal = options?.signal;
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    if (this.#intake.pendingBytes < this.#options.highWaterMark) return READY;
    return this.#pump.room(signal);
  }

  /**
   * Resolves when everything written before this call is with the system, and with `sync` on the disk, no matter how
   * much is written meanwhile. Half a character waits for its other half and is not waited for.
   *
   * The form with a callback is the one that loggers such as pino call.
   *
   * @throws {WriteFailedError} the system refused a write; see {@link retry}
   * @throws {SyncFailedError} `fdatasync` failed, now or before, on this file
   * @throws {ClosedError} the writer is closed, or was destroyed meanwhile
   */
  flush(options?: FlushOptions): Promise<void>;
  flush(callback: (error?: Error | null) => void): void;
  flush(options?: FlushOptions | ((error?: Error | null) => void)): Promise<void> | void {
    if (typeof options !== 'function') return this.#flush(options?.sync ?? false, options?.signal);
    this.#flush(false, undefined).then(() => options(), options);
  }

  #flush(sync: boolean, signal: AbortSignal | undefined): Promise<void> {
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    if (this.#isGone()) return rejected(new ClosedError('writer'));
    this.#intake.encodeText(false);
    if (sync && this.#isPastSync()) return rejected(new ClosedError('writer'));
    return this.#pump.flush(this.#intake.acceptedBytes, sync, signal);
  }

  /**
   * Writes everything that is pending before it returns: for exit handlers. It blocks the event loop, at most
   * `syncTimeoutMs` on a descriptor that takes nothing. In async mode a write may be under way on the thread pool; it is
   * waited for where that is possible, on regular files that nobody else appends to.
   *
   * @throws {WriteFailedError} the system refused a write, now or before
   * @throws {SyncFailedError} with `sync`, `fdatasync` failed, now or before
   * @throws {BusyError} the time is up, or a write is under way on a pipe, socket or terminal (use `mode: 'sync'` there)
   * @throws {ClosedError} the writer is closed
   */
  flushSync(options?: { readonly sync?: boolean }): void {
    const sync = options?.sync ?? false;
    if (this.#isGone() || (sync && this.#isPastSync())) throw new ClosedError('writer');
    this.#pump.flushSync(sync);
  }

  /**
   * Goes on in a file opened anew, for log rotation: what was written before this call goes to the old file, what
   * follows to the new one. After a `flush({ sync: true })` the old file is fsynced before it is let go.
   *
   * @param path the file to go on with; by default the path of the file before it
   * @throws {ArgumentTypeError} no path, and the writer was made from a descriptor or handle
   * @throws {OpenFailedError} the file cannot be opened; the writer keeps the old one
   * @throws {WriteFailedError} the old file takes no more; the writer keeps it
   */
  reopen(path?: string): Promise<void> {
    if (!this.#open) return rejected(new ClosedError('writer'));
    const target: unknown = path === undefined ? this.#pump.outlet.target.path : path;
    if (typeof target !== 'string') {
      return rejected(
        new ArgumentTypeError(`path: expected a string, for the writer has no path, got ${describe(target)}`),
      );
    }
    return this.#mark('reopen', path, false);
  }

  /** Goes on after a {@link WriteFailedError}, at exactly the byte that was refused. Does nothing otherwise; flush to see the outcome. */
  retry(): void {
    this.#pump.retry();
  }

  /**
   * Writes what is pending, then closes the descriptor if it is the writer's. From now on `write` throws. A second
   * call waits for the first. When it rejects with a {@link WriteFailedError} the writer is open again:
   * {@link retry} and close once more, or {@link destroy}.
   *
   * @param options `sync`: fsync before closing; `signal`: ends the wait, and the writer closes once it can
   */
  close(options?: FlushOptions): Promise<void> {
    const signal = options?.signal;
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    if (this.#closing === undefined) {
      if (!this.#open) return this.#pump.closed();
      const failure = this.#pump.failure;
      if (failure !== undefined) return rejected(failure);
      this.#open = false;
      this.#closing = this.#mark('end', undefined, options?.sync ?? false);
      this.#closing.catch(() => {
        this.#closing = undefined;
        this.#open = this.#pump.state === 'failed';
      });
    }
    return untilAborted(this.#closing, signal);
  }

  /**
   * Gives up: pending bytes are dropped, everybody who waits is rejected with a {@link ClosedError} whose cause is
   * `reason`, and the descriptor, if it is the writer's, is closed as soon as no call uses it. `close()` waits for that.
   */
  destroy(reason?: unknown): void {
    this.#open = false;
    this.#closing = undefined;
    this.#pump.destroy(new ClosedError('writer', reason));
  }

  /** `close()`, and when that fails `destroy()` too, so that no descriptor is left behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.close();
    } catch (error) {
      this.destroy(error);
      await this.#pump.closed();
      throw error;
    }
  }

  /** A snapshot of the counters. */
  stats(): WriterStats {
    const { outlet, durability } = this.#pump;
    return {
      writtenBytes: outlet.writtenBytes,
      durableBytes: durability.durableBytes,
      pendingBytes: outlet.pendingBytes,
      droppedBytes: this.#droppedBytes,
      droppedCount: this.#droppedCount,
      writeCallCount: outlet.callCount,
      syncCallCount: durability.callCount,
    };
  }

  /** Whether `write` takes anything: false after `close()` or `destroy()`. Named as in streams; pino knows a destination by it. */
  get writable(): boolean {
    return this.#open;
  }

  /** Why writing has stopped, until `retry()`. */
  get failure(): WriteFailedError | undefined {
    return this.#pump.failure;
  }

  /** Closed or destroyed; not merely closing, when the rest can still be flushed. */
  #isGone(): boolean {
    return !this.#open && (this.#closing === undefined || this.#pump.state === 'closed');
  }

  /** The descriptor is being closed, and may be another file's already, with bytes behind it that are not on the disk. */
  #isPastSync(): boolean {
    const { state, durability } = this.#pump;
    return state === 'closing' && durability.durableBytes < this.#intake.acceptedBytes;
  }

  /** The buffer is full. True when the chunk may be added all the same. */
  #makeRoom(chunk: string | Uint8Array): boolean {
    const { pendingBytes } = this.#intake;
    const { failure } = this.#pump;
    switch (this.#options.overflow) {
      case 'drop':
        this.#drop(chunk);
        return false;
      case 'throw':
        throw new OverflowError(pendingBytes, this.#limitBytes, 'bytes', failure);
      case 'wait':
        try {
          this.#pump.flushSync(false);
        } catch (error) {
          throw new OverflowError(pendingBytes, this.#limitBytes, 'bytes', error);
        }
        return true;
    }
  }

  #drop(chunk: string | Uint8Array): void {
    const bytes = Buffer.byteLength(chunk);
    this.#droppedBytes += bytes;
    this.#droppedCount++;
    if (dropChannel.hasSubscribers) dropChannel.publish({ writer: this, bytes });
  }

  #mark(kind: Mark['kind'], path: string | undefined, sync: boolean): Promise<void> {
    const failure = this.#pump.failure;
    if (failure !== undefined) return rejected(failure);
    return new Promise((resolve, reject) => {
      this.#intake.addMark({ kind, path, sync, resolve, reject });
      this.#pump.urge();
    });
  }

  /** Told on a turn of its own: the listeners may call the writer. */
  #report(error: Error): void {
    const { onError } = this.#options;
    if (onError === undefined && !errorChannel.hasSubscribers) return;
    queueMicrotask(() => {
      if (errorChannel.hasSubscribers) errorChannel.publish({ writer: this, error });
      onError?.(error);
    });
  }
}

/**
 * Opens a writer for a path, or for a descriptor or `FileHandle` that is open already. A path is opened here,
 * synchronously, so that a wrong one fails here; a FIFO without a reader would block, open that one yourself with
 * `O_NONBLOCK`.
 *
 * @throws {ArgumentTypeError} @throws {ArgumentRangeError} a target or an option that cannot be
 * @throws {OpenFailedError} the file cannot be opened
 *
 * @example
 * ```ts
 * import { createWriter } from '@hotpath/io';
 *
 * await using log = createWriter('app.log');
 * for (const line of lines) if (!log.write(`${line}\n`)) await log.ready();
 * await log.flush({ sync: true });
 * ```
 */
export function createWriter(target: WriterTarget, options?: WriterOptions): Writer {
  return new Writer(target, options);
}

const READY = Promise.resolve();
