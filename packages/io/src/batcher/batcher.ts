import { AsyncResource } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { rejected, untilAborted } from '../abort.ts';
import { describe } from '../arguments.ts';
import {
  BatchResultError,
  BatchTimeoutError,
  ClosedError,
  IoRangeError,
  IoTypeError,
  OverflowError,
} from '../errors.ts';
import { Waiters } from '../waiters.ts';
import { Batch, type Reject, type Resolve } from './batch.ts';
import {
  resolveBatcherOptions,
  retryDelayMs,
  type BatcherOptions,
  type ResolvedBatcherOptions,
} from './options.ts';

/** What a handler learns of the call. */
export interface BatchContext {
  /** 0 for the first try. */
  readonly attempt: number;
  /** Aborts when the call takes longer than `timeoutMs` or the batcher is destroyed. Made when first read. */
  readonly signal: AbortSignal;
}

/**
 * Does the work for many items at once. It returns nothing, or one result an item in their order, where an `Error`
 * fails its item alone. What it throws fails all of them. The array is its own to keep, not to change.
 */
export type BatchHandler<Item, Result> = (
  items: readonly Item[],
  context: BatchContext,
) => BatchResults<Result> | PromiseLike<BatchResults<Result>>;

/** What a handler returns. */
export type BatchResults<Result> = readonly (Result | Error)[] | void;

/** Options of the waits: {@link Batcher.add}, `ready`, `flush`, `close`. */
export interface BatchWaitOptions {
  /** Ends the wait. An item that no batch has started with is taken back. */
  readonly signal?: AbortSignal;
}

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

// One executor for all promises: a closure an item would cost more than the promise.
let newResolve: Resolve<never>;
let newReject: Reject;
function capture(resolve: Resolve<never>, reject: Reject): void {
  newResolve = resolve;
  newReject = reject;
}

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
  readonly #handler: BatchHandler<Item, Result>;
  readonly #options: ResolvedBatcherOptions<Item>;
  /** The handler runs in the asynchronous context in which the batcher was made, whoever fills a batch. */
  readonly #scope = new AsyncResource('HotpathBatcher');
  readonly #highWaterCount: number;
  #open: Batch<Item, Result>;
  #full: Batch<Item, Result>[] = [];
  readonly #running = new Set<Batch<Item, Result>>();
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
  #runningCount = 0;
  #succeededCount = 0;
  #failedCount = 0;
  #callCount = 0;
  #retryCallCount = 0;
  /** The first failure of a pushed item that nobody was told of. */
  #untold: { readonly error: unknown } | undefined;
  readonly #roomWaiters = new Waiters();
  readonly #doneWaiters = new Waiters();

  /** @internal Use {@link createBatcher}. */
  constructor(handler: BatchHandler<Item, Result>, options?: BatcherOptions<Item>) {
    if (typeof handler !== 'function') {
      throw new IoTypeError(`handler: expected a function, got ${describe(handler)}`);
    }
    this.#handler = handler;
    this.#options = resolveBatcherOptions(options);
    this.#highWaterCount = this.#options.maxQueued >>> 1;
    this.#open = new Batch(0);
    const signal = options?.signal;
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
  add(item: Item, options?: BatchWaitOptions): Promise<Result> {
    const signal = options?.signal;
    if (signal?.aborted) return rejected(signal.reason);
    const promise = new Promise<Result>(capture as never);
    const resolve = newResolve as Resolve<Result>;
    const reject = newReject;
    try {
      this.#admit(item).add(item, resolve, reject);
    } catch (error) {
      reject(error);
      return promise;
    }
    if (signal !== undefined) this.#watch(signal, promise, reject);
    this.#admitted();
    return promise;
  }

  /** Resolves when less than a quarter of `maxQueued` items wait, at once below half of it. */
  ready(options?: BatchWaitOptions): Promise<void> {
    const signal = options?.signal;
    if (signal?.aborted) return rejected(signal.reason);
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
  flush(options?: BatchWaitOptions): Promise<void> {
    const signal = options?.signal;
    if (signal?.aborted) return rejected(signal.reason);
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
  close(options?: BatchWaitOptions): Promise<void> {
    const signal = options?.signal;
    if (signal?.aborted) return rejected(signal.reason);
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
    for (const batch of this.#running) batch.cancel?.(error);
    const waiting = [...this.#full, this.#open];
    this.#full = [];
    this.#open = new Batch(this.#sequence);
    this.#queuedCount = 0;
    for (const batch of waiting) this.#failAll(batch, error);
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
      runningCount: this.#runningCount,
      succeededCount: this.#succeededCount,
      failedCount: this.#failedCount,
      runningBatchCount: this.#running.size,
      callCount: this.#callCount,
      retryCallCount: this.#retryCallCount,
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
      if (!(bytes >= 0)) throw new IoRangeError(`sizeOf: expected 0 or more, got ${describe(bytes)}`);
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
  #watch(signal: AbortSignal, promise: Promise<Result>, reject: Reject): void {
    const onAbort = (): void => {
      reject(signal.reason);
      if (this.#open.remove(reject) || this.#full.some((batch) => batch.remove(reject))) {
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
    while (this.#running.size < this.#options.concurrency) {
      if (this.#full.length === 0) {
        const isWanted = this.#isDue || this.#roomWaiters.count > 0 || this.#isFlushing();
        if (!isWanted || this.#open.items.length === 0) return;
        this.#seal();
      }
      const batch = this.#full.shift()!;
      // All of them may have been taken back.
      if (batch.items.length === 0) continue;
      this.#queuedCount -= batch.items.length;
      this.#runningCount += batch.items.length;
      this.#running.add(batch);
      this.#tellRoom();
      void this.#run(batch);
    }
  }

  #tellRoom(): void {
    if (this.#queuedCount <= this.#highWaterCount >>> 1) this.#roomWaiters.reach(0);
  }

  #isFlushing(): boolean {
    return this.#doneWaiters.lastPosition > this.#open.firstSequence;
  }

  /** Calls the handler until every item of the batch is settled. Never rejects. */
  async #run(batch: Batch<Item, Result>): Promise<void> {
    const { retries, isRetryable } = this.#options.retry;
    for (let attempt = 0; batch.items.length > 0; attempt++) {
      const count = batch.items.length;
      let results: BatchResults<Result> | undefined;
      let failure: { readonly error: unknown } | undefined;
      try {
        results = await this.#call(batch, attempt);
        checkResults(results, batch.items, count);
      } catch (error) {
        failure = { error };
      }
      this.#settleItems(batch, count, results, failure, (error) => {
        return attempt < retries && this.#isAlive(batch) && isRetryable(error);
      });
      if (batch.items.length > 0) await this.#pause(batch, attempt + 1);
    }
    this.#running.delete(batch);
    this.#settleWaiters();
    this.#dispatch();
  }

  #isAlive(batch: Batch<Item, Result>): boolean {
    return this.#running.has(batch) && !this.#isOver();
  }

  /** One call of the handler; rejects with what it throws, when it takes too long, or when the batch is cancelled. */
  #call(batch: Batch<Item, Result>, attempt: number): Promise<BatchResults<Result>> {
    this.#callCount++;
    if (attempt > 0) this.#retryCallCount++;
    const context = new CallContext(attempt);
    const { timeoutMs } = this.#options;
    return new Promise((resolve, reject: Reject) => {
      let timer: NodeJS.Timeout | undefined;
      batch.cancel = (error) => {
        clearTimeout(timer);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever the handler threw
        reject(error);
        context.abort(error);
      };
      if (timeoutMs !== Infinity) {
        timer = setTimeout(() => batch.cancel?.(new BatchTimeoutError(timeoutMs)), timeoutMs);
      }
      const settle = (results: BatchResults<Result>): void => {
        clearTimeout(timer);
        resolve(results);
      };
      const fail = (error: unknown): void => {
        clearTimeout(timer);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever the handler threw
        reject(error);
      };
      try {
        const returned = this.#scope.runInAsyncScope(this.#handler, undefined, batch.items, context);
        if (isThenable(returned)) returned.then(settle, fail);
        else settle(returned);
      } catch (error) {
        fail(error);
      }
    });
  }

  /** Settles the items; those that are worth another try stay in the batch. */
  #settleItems(
    batch: Batch<Item, Result>,
    count: number,
    results: BatchResults<Result>,
    failure: { readonly error: unknown } | undefined,
    isWorthRetry: (error: unknown) => boolean,
  ): void {
    const { items, resolves, rejects } = batch;
    batch.items = [];
    batch.resolves = [];
    batch.rejects = [];
    for (let index = 0; index < count; index++) {
      const result = results?.[index] as Result | Error;
      if (failure === undefined && !(result instanceof Error)) {
        this.#succeededCount++;
        this.#runningCount--;
        resolves[index]?.(result);
        continue;
      }
      const error = failure === undefined ? result : failure.error;
      const reject = rejects[index];
      if (!(error instanceof BatchResultError) && isWorthRetry(error)) {
        if (reject === undefined) batch.push(items[index]!);
        else batch.add(items[index]!, resolves[index]!, reject);
      } else {
        this.#runningCount--;
        this.#failItem(items[index]!, reject, error);
      }
    }
  }

  #failAll(batch: Batch<Item, Result>, error: unknown): void {
    for (let index = 0; index < batch.items.length; index++) {
      this.#failItem(batch.items[index]!, batch.rejects[index], error);
    }
  }

  #failItem(item: Item, reject: Reject | undefined, error: unknown): void {
    this.#failedCount++;
    if (reject !== undefined) {
      reject(error);
      return;
    }
    if (errorChannel.hasSubscribers) errorChannel.publish({ batcher: this, error, item });
    const { onError } = this.#options;
    if (onError === undefined) this.#untold ??= { error };
    else queueMicrotask(() => onError(error, item));
  }

  /** The wait before a retry; cancelling ends it early, and the call that follows fails at once. */
  #pause(batch: Batch<Item, Result>, attempt: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, retryDelayMs(attempt, this.#options.retry));
      batch.cancel = (error) => {
        clearTimeout(timer);
        this.#runningCount -= batch.items.length;
        this.#failAll(batch, error);
        batch.items = [];
        resolve();
      };
    });
  }

  /** Tells the flushes whose items are all settled. */
  #settleWaiters(): void {
    if (this.#doneWaiters.count === 0) return;
    let first = this.#sequence;
    if (this.#open.items.length > 0) first = this.#open.firstSequence;
    for (const batch of this.#full) if (batch.items.length > 0) first = Math.min(first, batch.firstSequence);
    for (const batch of this.#running) first = Math.min(first, batch.firstSequence);
    this.#doneWaiters.reach(first);
  }
}

/** The signal is made on demand: most handlers never look. */
class CallContext implements BatchContext {
  readonly attempt: number;
  #controller: AbortController | undefined;
  #reason: { readonly error: unknown } | undefined;

  constructor(attempt: number) {
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason.error);
    return this.#controller.signal;
  }

  abort(error: unknown): void {
    this.#reason = { error };
    this.#controller?.abort(error);
  }
}

/**
 * Collects items, handed in one by one, and calls `handler` with many at once.
 *
 * @throws {IoTypeError} @throws {IoRangeError} a handler or an option that cannot be
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

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === 'function';
}

function checkResults(results: unknown, items: readonly unknown[], count: number): void {
  if (items.length !== count)
    throw new BatchResultError(count, `its array of items changed to ${items.length}`);
  if (results === undefined) return;
  if (!Array.isArray(results)) throw new BatchResultError(count, describe(results));
  if (results.length !== count) throw new BatchResultError(count, `an array of ${results.length}`);
}
