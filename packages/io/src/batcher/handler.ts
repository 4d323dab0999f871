import type { AsyncResource } from 'node:async_hooks';
import { describe } from '../arguments.ts';
import { BatchResultError, BatchTimeoutError } from '../errors.ts';
import type { Batch } from './batch.ts';

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

/**
 * One call of the handler; rejects with what it throws, when it takes too long, or when the batch is cancelled.
 *
 * @param scope the asynchronous context that the handler runs in
 */
export function callHandler<Item, Result>(
  handler: BatchHandler<Item, Result>,
  batch: Batch<Item, Result>,
  attempt: number,
  timeoutMs: number,
  scope: AsyncResource,
): Promise<BatchResults<Result>> {
  const context = new CallContext(attempt);
  return new Promise((resolve, reject: (error: unknown) => void) => {
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
      const returned = scope.runInAsyncScope(handler, undefined, batch.items, context);
      if (isThenable(returned)) returned.then(settle, fail);
      else settle(returned);
    } catch (error) {
      fail(error);
    }
  });
}

/** @throws {BatchResultError} the handler changed its array, or returned anything but nothing or as many results as items */
export function checkResults(results: unknown, items: readonly unknown[], count: number): void {
  if (items.length !== count) {
    throw new BatchResultError(count, `its array of items changed to ${items.length}`);
  }
  if (results === undefined) return;
  if (!Array.isArray(results)) throw new BatchResultError(count, describe(results));
  if (results.length !== count) throw new BatchResultError(count, `an array of ${results.length}`);
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

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === 'function';
}
