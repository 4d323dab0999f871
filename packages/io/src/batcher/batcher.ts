import { channel } from 'node:diagnostics_channel';
import { refusedBy, rejected, untilAborted, type WaitOptions } from '../abort.ts';
import { abortSignal, describe } from '../arguments.ts';
import { ClosedError, ArgumentRangeError, ArgumentTypeError, OverflowError } from '../errors.ts';
import { Waiters } from '../waiters.ts';
import { Batch, type Settler } from './batch.ts';
import type { BatchHandler } from './handler.ts';
import { resolveBatcherOptions, type BatcherOptions, type ResolvedBatcherOptions } from './options.ts';
import { BatchRunner } from './runner.ts';

/** A snapshot of a batcher, in items unless the name says otherwise. */
export interface BatcherStats {
  readonly queuedCount: number;
  readonly runningCount: number;
  readonly succeededCount: number;
  readonly failedCount: number;
  readonly runningBatchCount: number;
  /** Calls of the handler, retries included. */
  readonly callCount: number;
  readonly retryCallCount: number;
}

const errorChannel = channel('hotpath:io:batcher.error');

/**
 * Collects items and hands them to a handler in batches. Made by {@link createBatcher}.
 *
 * ```
 *  push, add ──► open batch ── full ──► full batches ──► at most `concurrency` under way ──► results
 *                    └────── its time is up, a flush, and a free place ──────▲
 * ```
 * A batch whose time is up while all places are taken stays open and goes on filling: the slower the handler, the
 * larger the batches.
 */
export class Batcher<Item, Result> implements AsyncDisposable {
  readonly #options: ResolvedBatcherOptions<Item>;
  readonly #highWaterCount: number;
  #open: Batch<Item, Result>;
  #full: Batch<Item, Result>[] = [];
  readonly #runner: BatchRunner<Item, Result>;
  #isArmed = false;
  #isDue = false;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #isOpen = true;
  #closing: Promise<void> | undefined;
  #isDone = false;
  #detach: (() => void) | undefined;

  /** Items taken in; the sequence number of the next one. */
  #sequence = 0;
  #queuedCount = 0;
  /** The first failure of a pushed item that nobody was told of. */
  #untold: { readonly error: unknown } | undefined;
  readonly #roomWaiters = new Waiters();
  readonly #doneWaiters = new Waiters();

  /** @internal Use {@link createBatcher}. */
  constructor(handler: BatchHandler<Item, Result>, options?: BatcherOptions<Item>) {
    if (typeof handler !== 'function') {
      throw new ArgumentTypeError(`handler: expected a function, got ${describe(handler)}`);
    }
    this.#options = resolveBatcherOptions(options);
    this.#runner = new BatchRunner(handler, this.#options, {
      onSettled: () => {
        this.#settleWaiters();
        this.#dispatch();
      },
      onLost: (error, item) => this.#lose(error, item),
    });
    this.#highWaterCount = this.#options.maxQueued >>> 1;
    this.#open = new Batch(0);
    const signal = abortSignal(options?.signal);
    if (signal === undefined) return;
    const onAbort = (): void => this.destroy(signal.reason);
    signal.addEventListener('abort', onAbort);
    this.#detach = () => signal.removeEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  }

  /**
   * Adds an item without a promise: the cheap way, where the outcome of single items does not matter. Failures go to
   * `onError`, or else reject the next `flush` or `close`. May call the handler before it returns.
   *
   * @returns false when half of `maxQueued` items or more wait: await {@link ready} before the next one
   * @throws {OverflowError} `maxQueued` items wait; the item was not taken
   * @throws {ClosedError} after `close()` or `destroy()`
   */
  push(item: Item): boolean {
    this.#admit(item).push(item);
    this.#admitted();
    return this.#queuedCount < this.#highWaterCount;
  }

  /**
   * Adds an item; the promise settles with its own result or error. May call the handler before it returns.
   *
   * @throws {OverflowError} `maxQueued` items wait; the item was not taken
   * @throws {ClosedError} the batcher is closed, or was destroyed meanwhile
   * @throws what the handler threw or returned for the item, after the last retry
   */
  add(item: Item, options?: WaitOptions): Promise<Result> {
    const signal = options?.signal;
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    let batch: Batch<Item, Result>;
    try {
      batch = this.#admit(item);
    } catch (error) {
      return rejected(error);
    }
    let promise: Promise<Result>;
    if (signal === undefined) {
      promise = batch.add(item);
    } else {
      promise = batch.addAlone(item);
      this.#watch(signal, promise, batch.settlers.at(-1)!);
    }
    this.#admitted();
    return promise;
  }

  /** Resolves when less than a quarter of `maxQueued` items wait, at once below half of it. */
  ready(options?: WaitOptions): Promise<void> {
    const signal = options?.signal;
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    if (!this.#isOpen) return Promise.reject(new ClosedError('batcher'));
    if (this.#queuedCount < this.#highWaterCount) return READY;
    const ready = this.#roomWaiters.wait(0, signal);
    this.#dispatch();
    return ready;
  }

  /**
   * Starts what waits without waiting for full batches, and resolves when every item added before this call is settled,
   * no matter what is added meanwhile.
   *
   * @throws the first failure of a pushed item, where there is no `onError`
   * @throws {ClosedError} the batcher is closed, or was destroyed meanwhile
   */
  flush(options?: WaitOptions): Promise<void> {
    const signal = options?.signal;
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    if (this.#isOver()) return rejected(new ClosedError('batcher'));
    return this.#drain(signal);
  }

  async #drain(signal: AbortSignal | undefined): Promise<void> {
    const done = this.#doneWaiters.wait(this.#sequence, signal);
    this.#dispatch();
    this.#settleWaiters();
    await done;
    const untold = this.#untold;
    this.#untold = undefined;
    if (untold !== undefined) throw untold.error;
  }

  /**
   * Takes no more items, and resolves when all are settled. A second call waits for the first.
   *
   * @param options `signal` ends the wait; to end the work too, `destroy`
   * @throws as {@link flush}
   */
  close(options?: WaitOptions): Promise<void> {
    const signal = options?.signal;
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    if (this.#closing === undefined) {
      if (!this.#isOpen) return READY;
      this.#isOpen = false;
      this.#roomWaiters.failBeyond(-1, new ClosedError('batcher'));
      this.#closing = this.#drain(undefined);
      const over = (): void => {
        this.#isDone = true;
        this.#detach?.();
      };
      this.#closing.then(over, over);
    }
    return untilAborted(this.#closing, signal);
  }

  /**
   * Gives up: every item that is not settled fails with a {@link ClosedError} whose cause is `reason`, and the signals
   * of the calls under way abort.
   */
  destroy(reason?: unknown): void {
    if (this.#isOver()) return;
    this.#isOpen = false;
    this.#closing = undefined;
    this.#detach?.();
    this.#disarm();
    const error = new ClosedError('batcher', reason);
    this.#runner.destroy(error);
    const waiting = [...this.#full, this.#open];
    this.#full = [];
    this.#open = new Batch(this.#sequence);
    this.#queuedCount = 0;
    for (const batch of waiting) this.#runner.failAll(batch, error);
    this.#roomWaiters.failBeyond(-1, error);
    this.#doneWaiters.failBeyond(-1, error);
  }

  /** `close()`, and when that fails the failure, all items being settled. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A snapshot of the counters. */
  stats(): BatcherStats {
    return {
      queuedCount: this.#queuedCount,
      runningCount: this.#runner.runningCount,
      succeededCount: this.#runner.succeededCount,
      failedCount: this.#runner.failedCount,
      runningBatchCount: this.#runner.batchCount,
      callCount: this.#runner.callCount,
      retryCallCount: this.#runner.retryCallCount,
    };
  }

  /** Closed and done, or destroyed. */
  #isOver(): boolean {
    return this.#isDone || (!this.#isOpen && this.#closing === undefined);
  }

  // ── Taking items in ───────────────────────────────────────────────────────────────────────────────────────────

  /** The batch that takes the item. */
  #admit(item: Item): Batch<Item, Result> {
    if (!this.#isOpen) throw new ClosedError('batcher');
    const { maxQueued, maxBytes } = this.#options;
    if (this.#queuedCount >= maxQueued) throw new OverflowError(this.#queuedCount, maxQueued, 'items');
    if (maxBytes !== Infinity) {
      const bytes = this.#options.sizeOf(item);
      if (!(bytes >= 0)) throw new ArgumentRangeError(`sizeOf: expected 0 or more, got ${describe(bytes)}`);
      if (this.#open.items.length > 0 && this.#open.bytes + bytes > maxBytes) this.#seal();
      this.#open.bytes += bytes;
    }
    return this.#open;
  }

  #admitted(): void {
    this.#sequence++;
    this.#queuedCount++;
    if (this.#open.items.length >= this.#options.maxItems || this.#open.bytes >= this.#options.maxBytes) {
      this.#seal();
    } else if (!this.#isArmed) {
      this.#arm();
    }
    if (this.#full.length > 0) this.#dispatch();
  }

  /** Aborting rejects the item, and takes it back when no batch has started with it. */
  #watch(signal: AbortSignal, promise: Promise<Result>, settler: Settler<Result>): void {
    const onAbort = (): void => {
      settler.reject(signal.reason);
      if (this.#open.remove(settler) || this.#full.some((batch) => batch.remove(settler))) {
        this.#queuedCount--;
        this.#tellRoom();
        this.#settleWaiters();
      }
    };
    const detach = (): void => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort);
    promise.then(detach, detach);
  }

  #arm(): void {
    this.#isArmed = true;
    const { lingerMs } = this.#options;
    // Not unref'd: a process that ended here would lose the items.
    if (lingerMs === 0) this.#immediate = setImmediate(this.#onTime);
    else if (lingerMs !== Infinity) this.#timer = setTimeout(this.#onTime, lingerMs);
  }

  #disarm(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    this.#isArmed = false;
    this.#isDue = false;
  }

  readonly #onTime = (): void => {
    this.#isDue = true;
    this.#dispatch();
  };

  #seal(): void {
    this.#full.push(this.#open);
    this.#open = new Batch(this.#sequence);
    this.#disarm();
  }

  // ── Running batches ───────────────────────────────────────────────────────────────────────────────────────────

  #dispatch(): void {
    while (this.#runner.batchCount < this.#options.concurrency) {
      if (this.#full.length === 0) {
        const isWanted = this.#isDue || this.#roomWaiters.count > 0 || this.#isFlushing();
        if (!isWanted || this.#open.items.length === 0) return;
        this.#seal();
      }
      const batch = this.#full.shift()!;
      // All of them may have been taken back.
      if (batch.items.length === 0) continue;
      this.#queuedCount -= batch.items.length;
      this.#tellRoom();
      this.#runner.start(batch);
    }
  }

  /** A pushed item failed, and there is no promise to tell. */
  #lose(error: unknown, item: Item): void {
    if (errorChannel.hasSubscribers) errorChannel.publish({ batcher: this, error, item });
    const { onError } = this.#options;
    if (onError === undefined) this.#untold ??= { error };
    else queueMicrotask(() => onError(error, item));
  }

  #tellRoom(): void {
    if (this.#queuedCount <= this.#highWaterCount >>> 1) this.#roomWaiters.reach(0);
  }

  #isFlushing(): boolean {
    return this.#doneWaiters.lastPosition > this.#open.firstSequence;
  }

  /** Tells the flushes whose items are all settled. */
  #settleWaiters(): void {
    if (this.#doneWaiters.count === 0) return;
    let first = Math.min(this.#sequence, this.#runner.firstSequence);
    if (this.#open.items.length > 0) first = Math.min(first, this.#open.firstSequence);
    for (const batch of this.#full) if (batch.items.length > 0) first = Math.min(first, batch.firstSequence);
    this.#doneWaiters.reach(first);
  }
}

/**
 * Collects items, handed in one by one, and calls `handler` with many at once.
 *
 * @throws {ArgumentTypeError} @throws {ArgumentRangeError} a handler or an option that cannot be
 *
 * @example
 * ```ts
 * import { createBatcher } from '@hotpath/io';
 *
 * const users = createBatcher(async (ids: readonly number[]) => {
 *   const rows = await db.query('SELECT … WHERE id = ANY($1)', [ids]);
 *   return ids.map((id) => rows.find((row) => row.id === id) ?? new Error(`no user ${id}`));
 * });
 * const user = await users.add(42);
 * ```
 */
export function createBatcher<Item, Result = void>(
  handler: BatchHandler<Item, Result>,
  options?: BatcherOptions<Item>,
): Batcher<Item, Result> {
  return new Batcher(handler, options);
}

const READY = Promise.resolve();
