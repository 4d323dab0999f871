import { setTimeout as sleep } from 'node:timers/promises';
import { checkCount, checkFunction, checkSignal } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { withSignal } from '../signal.ts';

/** How far a warm-up is. */
export interface WarmProgress {
  /** Keys that are in the cache now. */
  readonly warmedCount: number;
  /** Keys whose loader failed. */
  readonly failedCount: number;
}

/** Options of `warm`. */
export interface WarmOptions {
  /** Keys loaded at a time; 8 by default. */
  readonly concurrency?: number;
  /** Keys begun a second at most, so that the database is not the first victim; without limit by default. */
  readonly rps?: number;
  /** Called after each key. */
  readonly onProgress?: (progress: WarmProgress) => void;
  /** Ends the warm-up; `warm` then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** Reads every key once, `concurrency` at a time. A key that fails is counted and is no reason to stop. */
export async function warmUp<Id>(
  ids: Iterable<Id> | AsyncIterable<Id>,
  read: (id: Id) => Promise<unknown>,
  options: WarmOptions,
): Promise<WarmProgress> {
  const concurrency = checkCount('concurrency', options.concurrency ?? 8);
  const { rps = Infinity, onProgress, signal } = options;
  if (typeof rps !== 'number') throw new ArgumentTypeError(`rps: expected a number, got ${typeof rps}`);
  if (!(rps > 0)) throw new ArgumentRangeError(`rps: expected more than 0, got ${rps}`);
  if (onProgress !== undefined) checkFunction('onProgress', onProgress);
  if (signal !== undefined) checkSignal(signal);
  if (!isIterable(ids)) throw new ArgumentTypeError(`ids: expected an iterable, got ${typeof ids}`);
  const iterator: Iterator<Id> | AsyncIterator<Id> =
    Symbol.asyncIterator in ids ? ids[Symbol.asyncIterator]() : ids[Symbol.iterator]();
  let warmedCount = 0;
  let failedCount = 0;
  let nextAt = performance.now();
  // An async generator queues calls of next by itself; a hand-written one need not.
  let turn: Promise<unknown> = Promise.resolve();
  const take = (): Promise<IteratorResult<Id>> => {
    const taking = turn.then(async () => {
      const waitMs = nextAt - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
      nextAt = Math.max(performance.now(), nextAt) + 1000 / rps;
      return iterator.next();
    });
    turn = taking.catch(() => {});
    return taking;
  };
  let ended = false;
  const work = async (): Promise<void> => {
    for (;;) {
      if (ended) return;
      signal?.throwIfAborted();
      const next = await take();
      if (next.done === true) return;
      try {
        await read(next.value);
        warmedCount++;
      } catch {
        failedCount++;
      }
      onProgress?.({ warmedCount, failedCount });
    }
  };
  const workAll = (): Promise<unknown> => Promise.all(Array.from({ length: concurrency }, work));
  try {
    await (signal === undefined ? workAll() : withSignal(workAll, signal));
  } catch (error) {
    ended = true;
    // Not waited for: a generator ends when the step that it is at does, which may be never.
    void close(iterator);
    signal?.throwIfAborted();
    throw error;
  }
  return { warmedCount, failedCount };
}

/** Never rejects. */
async function close(iterator: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // What ended the warm-up is told instead.
  }
}

function isIterable<T>(ids: Iterable<T> | AsyncIterable<T>): boolean {
  return typeof ids === 'object' && ids !== null && (Symbol.asyncIterator in ids || Symbol.iterator in ids);
}
