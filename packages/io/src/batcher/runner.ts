import { AsyncResource } from 'node:async_hooks';
import { BatchResultError } from '../errors.ts';
import type { Batch, Settler } from './batch.ts';
import { callHandler, checkResults, type BatchHandler, type BatchResults } from './handler.ts';
import { retryDelayMs, type ResolvedBatcherOptions } from './options.ts';

/** What a runner tells its batcher. */
export interface RunnerEvents<Item> {
  /** All items of a batch are settled, and its place is free. */
  onSettled(): void;
  /** A pushed item failed for good. */
  onLost(error: unknown, item: Item): void;
}

/** The batches under way: calls the handler, tries again what failed, and settles each item once. */
export class BatchRunner<Item, Result> {
  readonly #handler: BatchHandler<Item, Result>;
  readonly #options: ResolvedBatcherOptions<Item>;
  readonly #events: RunnerEvents<Item>;
  /** The handler runs in the asynchronous context in which the batcher was made, whoever fills a batch. */
  readonly #scope = new AsyncResource('HotpathBatcher');
  readonly #running = new Set<Batch<Item, Result>>();
  #isDestroyed = false;
  #destroyError: unknown;
  runningCount = 0;
  succeededCount = 0;
  failedCount = 0;
  callCount = 0;
  retryCallCount = 0;

  constructor(
    handler: BatchHandler<Item, Result>,
    options: ResolvedBatcherOptions<Item>,
    events: RunnerEvents<Item>,
  ) {
    this.#handler = handler;
    this.#options = options;
    this.#events = events;
  }

  get batchCount(): number {
    return this.#running.size;
  }

  /** Number of the first item under way; Infinity when there is none. */
  get firstSequence(): number {
    let first = Infinity;
    for (const batch of this.#running) first = Math.min(first, batch.firstSequence);
    return first;
  }

  start(batch: Batch<Item, Result>): void {
    this.runningCount += batch.items.length;
    this.#running.add(batch);
    void this.#run(batch);
  }

  /** Fails everything under way; the signals of the calls abort. */
  destroy(error: unknown): void {
    this.#isDestroyed = true;
    this.#destroyError = error;
    for (const batch of this.#running) batch.cancel?.(error);
  }

  /** Settles items that no call will see any more. */
  failAll(batch: Batch<Item, Result>, error: unknown): void {
    for (let index = 0; index < batch.items.length; index++) {
      this.#fail(batch.items[index]!, batch.settlers[index], error);
    }
    batch.shared?.tell();
  }

  /** Calls the handler until every item of the batch is settled. Never rejects. */
  async #run(batch: Batch<Item, Result>): Promise<void> {
    for (let attempt = 0; batch.items.length > 0; attempt++) {
      const count = batch.items.length;
      let results: BatchResults<Result> | undefined;
      let failure: { readonly error: unknown } | undefined;
      this.callCount++;
      if (attempt > 0) this.retryCallCount++;
      try {
        const { timeoutMs } = this.#options;
        results = await callHandler(this.#handler, batch, attempt, timeoutMs, this.#scope);
        checkResults(results, batch.items, count);
      } catch (error) {
        failure = { error };
      }
      if (failure === undefined && !hasError(results)) {
        this.#succeed(batch, results as readonly Result[] | undefined);
        break;
      }
      this.#settle(batch, count, results, failure, attempt);
      if (batch.items.length > 0) await this.#pause(batch, attempt + 1);
    }
    this.#running.delete(batch);
    this.#events.onSettled();
  }

  /** The usual case, without a question an item. */
  #succeed(batch: Batch<Item, Result>, results: readonly Result[] | undefined): void {
    const { items, settlers, shared } = batch;
    batch.clear();
    this.succeededCount += items.length;
    this.runningCount -= items.length;
    for (let index = 0; index < settlers.length; index++)
      settlers[index]?.resolve(results?.[index] as Result);
    shared?.tell();
  }

  /** Settles the items; those that are worth another try stay in the batch. */
  #settle(
    batch: Batch<Item, Result>,
    count: number,
    results: BatchResults<Result> | undefined,
    failure: { readonly error: unknown } | undefined,
    attempt: number,
  ): void {
    const { items, settlers, shared } = batch;
    batch.clear();
    for (let index = 0; index < count; index++) {
      const result = results?.[index] as Result | Error;
      if (failure === undefined && !(result instanceof Error)) {
        this.succeededCount++;
        this.runningCount--;
        settlers[index]?.resolve(result);
        continue;
      }
      let error = failure === undefined ? result : failure.error;
      const settler = settlers[index];
      let isWorthRetry = false;
      try {
        isWorthRetry = this.#isWorthRetry(error, attempt);
      } catch (thrown) {
        // By the user's `isRetryable`.
        error = thrown;
      }
      if (!isWorthRetry) {
        this.runningCount--;
        this.#fail(items[index]!, settler, error);
      } else if (settler === undefined) {
        batch.push(items[index]!);
      } else {
        batch.put(items[index]!, settler === shared ? shared.later() : settler);
      }
    }
    shared?.tell();
  }

  #isWorthRetry(error: unknown, attempt: number): boolean {
    const { retries, isRetryable } = this.#options.retry;
    if (attempt >= retries || this.#isDestroyed || error instanceof BatchResultError) return false;
    // It may have destroyed the batcher.
    return isRetryable(error) && !this.#isDestroyed;
  }

  #fail(item: Item, settler: Settler<Result> | undefined, error: unknown): void {
    this.failedCount++;
    if (settler === undefined) this.#events.onLost(error, item);
    else settler.reject(error);
  }

  /** The wait before a retry; cancelling ends it early, with nothing left to call for. */
  #pause(batch: Batch<Item, Result>, attempt: number): Promise<void> {
    return new Promise((resolve) => {
      const giveUp = (error: unknown): void => {
        this.runningCount -= batch.items.length;
        this.failAll(batch, error);
        batch.clear();
        resolve();
      };
      try {
        const timer = setTimeout(resolve, retryDelayMs(attempt, this.#options.retry));
        batch.cancel = (error) => {
          clearTimeout(timer);
          giveUp(error);
        };
        // By the user's `isRetryable` or `random`, when there was nothing to cancel.
        if (this.#isDestroyed) batch.cancel(this.#destroyError);
      } catch (error) {
        // From the user's `random`.
        giveUp(error);
      }
    });
  }
}

function hasError(results: readonly unknown[] | void): boolean {
  if (results === undefined) return false;
  for (let index = 0; index < results.length; index++) if (results[index] instanceof Error) return true;
  return false;
}
