import { duration, integer, MAX_TIMER_MS, object, optionalFunction } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';

/** When and how often a failed item is tried again. */
export interface RetryOptions {
  /** Tries after the first one. Default 3; 1 or more. */
  readonly retries?: number;
  /** Bound of the first wait; it doubles with each. Default 100 ms. */
  readonly baseMs?: number;
  /** Bound of every wait. Default 10,000 ms. */
  readonly maxMs?: number;
  /** Which errors are worth it. Default: all. */
  readonly isRetryable?: (error: unknown) => boolean;
  /** From 0 to below 1. Default `Math.random`. */
  readonly random?: () => number;
}

/** Options of {@link createBatcher}. */
export interface BatcherOptions<Item> {
  /** Items that make a batch full. Default 100; 1 or more. */
  readonly maxItems?: number;
  /** Bytes, as `sizeOf` counts them, that a batch does not exceed; a larger item goes alone. Default: no bound. */
  readonly maxBytes?: number;
  /** Size of an item in bytes. Default: the length of bytes, three times that of a string; needed with `maxBytes` for others. */
  readonly sizeOf?: (item: Item) => number;
  /**
   * Milliseconds that a batch may wait to become full, counted from its first item. Default 0: until the end of the
   * turn of the event loop. `Infinity`: only a full batch, a flush or a close.
   */
  readonly lingerMs?: number;
  /** Batches under way at once. Default 1, which keeps the order of the items; 1 or more. */
  readonly concurrency?: number;
  /** Items that may wait for a batch to start. From half of it on `push` returns false, at it `push` and `add` fail. Default 100 × `maxItems`; 2 or more. */
  readonly maxQueued?: number;
  /** Tries failed items again, those alone, with exponential backoff and full jitter. Default: no second try. */
  readonly retry?: RetryOptions;
  /** Milliseconds that one call of the handler may take. Default `Infinity`. */
  readonly timeoutMs?: number;
  /** Aborting destroys the batcher with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Told of each pushed item that failed for good. Without it the next `flush` or `close` rejects with the first such error. */
  readonly onError?: (error: unknown, item: Item) => void;
}

/** Options after checks and defaults. */
export interface ResolvedBatcherOptions<Item> {
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly sizeOf: (item: Item) => number;
  readonly lingerMs: number;
  readonly concurrency: number;
  readonly maxQueued: number;
  readonly retry: Required<RetryOptions>;
  readonly timeoutMs: number;
  readonly onError: ((error: unknown, item: Item) => void) | undefined;
}

/** An array holds no more. */
const MAX_COUNT = 2 ** 32 - 1;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {ArgumentTypeError} an option of the wrong type
 * @throws {ArgumentRangeError} an option outside its range
 */
export function resolveBatcherOptions<Item>(
  options: BatcherOptions<Item> = {},
): ResolvedBatcherOptions<Item> {
  object('options', options);
  const maxItems = integer('maxItems', options.maxItems, 100, 1, MAX_COUNT);
  return {
    maxItems,
    maxBytes:
      options.maxBytes === undefined || options.maxBytes === Infinity
        ? Infinity
        : integer('maxBytes', options.maxBytes, 0, 1, Number.MAX_SAFE_INTEGER),
    sizeOf: optionalFunction('sizeOf', options.sizeOf) ?? defaultSizeOf,
    lingerMs: duration('lingerMs', options.lingerMs, 0, 0),
    concurrency: integer('concurrency', options.concurrency, 1, 1, MAX_COUNT),
    maxQueued: integer(
      'maxQueued',
      options.maxQueued,
      Math.min(MAX_COUNT, Math.max(2, 100 * maxItems)),
      2,
      MAX_COUNT,
    ),
    retry: resolveRetry(options.retry),
    timeoutMs: duration('timeoutMs', options.timeoutMs, Infinity, 1),
    onError: optionalFunction('onError', options.onError),
  };
}

function resolveRetry(retry: RetryOptions | undefined): Required<RetryOptions> {
  if (retry !== undefined) object('retry', retry);
  return {
    retries: retry === undefined ? 0 : integer('retry.retries', retry.retries, 3, 1, MAX_COUNT),
    baseMs: duration('retry.baseMs', retry?.baseMs, 100, 0),
    maxMs: duration('retry.maxMs', retry?.maxMs, 10_000, 0),
    isRetryable: optionalFunction('retry.isRetryable', retry?.isRetryable) ?? (() => true),
    random: optionalFunction('retry.random', retry?.random) ?? Math.random,
  };
}

/**
 * Full jitter: anything from 0 to the bound, so that batches that failed together do not come back together.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 *
 * @param attempt 1 for the wait before the first retry
 */
export function retryDelayMs(attempt: number, retry: Required<RetryOptions>): number {
  return retry.random() * Math.min(retry.maxMs, retry.baseMs * 2 ** Math.min(attempt - 1, 50), MAX_TIMER_MS);
}

function defaultSizeOf(item: unknown): number {
  // An upper bound, for the exact length costs a pass over the text.
  if (typeof item === 'string') return item.length * 3;
  if (item instanceof Uint8Array) return item.byteLength;
  throw new ArgumentTypeError(
    'sizeOf: expected a function, for maxBytes and items that are neither strings nor bytes',
  );
}
