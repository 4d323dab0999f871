import { setMaxListeners } from 'node:events';
import {
  MapRun,
  parseMapOptions,
  type CallbackMapper,
  type MapOptions,
  type Mapper,
  type ResolvedMapOptions,
} from './map.ts';
import type { Source } from './source.ts';

/**
 * Like `map`, with the results as an async iterable: for more of them than fit into memory. At most `concurrency`
 * items are drawn and not yet taken by the consumer, so a slow consumer slows the source down. Nothing starts before
 * the first result is asked for.
 *
 * A consumer that stops early (`break`) aborts the signal of the calls under way and closes the source. After a call
 * failed the results that come before it are handed out first.
 *
 * @throws {ArgumentTypeError} @throws {ArgumentRangeError} an argument that cannot be
 * @throws what the mapper or the source threw first, or the signal's reason; from the iteration
 *
 * @example
 * ```ts
 * import { mapIter } from '@hotpath/io';
 *
 * const double = async (item: number): Promise<number> => item * 2;
 * for await (const result of mapIter([1, 2, 3], double, { concurrency: 2 })) console.log(result);
 * ```
 */
export function mapIter<Item, Result>(
  source: Source<Item>,
  mapper: Mapper<Item, Result>,
  options?: MapOptions,
): AsyncGenerator<Result, void, undefined> {
  return iterate(source, mapper, parseMapOptions(mapper, options), options?.signal, () => {});
}

/** As {@link mapIter}, and tells `onTaken` of each result right before the consumer gets it. */
export function iterate<Item, Result>(
  source: Source<Item>,
  mapper: Mapper<Item, Result> | CallbackMapper<Item, Result>,
  options: ResolvedMapOptions,
  signal: AbortSignal | undefined,
  onTaken: (result: Result) => void,
): AsyncGenerator<Result, void, undefined> {
  const results = new Results<Result>(options.isOrdered);
  const run = new MapRun(source, mapper, options, options.concurrency, (index, result) => {
    results.add(index, result);
  });
  return handOut(run, results, signal, onTaken);
}

async function* handOut<Item, Result>(
  run: MapRun<Item, Result>,
  results: Results<Result>,
  signal: AbortSignal | undefined,
  onTaken: (result: Result) => void,
): AsyncGenerator<Result, void, undefined> {
  let failure: { readonly error: unknown } | undefined;
  const stop = new AbortController();
  // Each item under way may listen: that is no leak.
  setMaxListeners(0, stop.signal);
  const onAbort = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  const ended = run
    .run(stop.signal)
    .catch((error: unknown) => {
      failure = { error };
    })
    .then(() => results.end());
  try {
    for (;;) {
      if (signal?.aborted) break;
      if (results.hasNext) {
        const result = results.take();
        run.taken();
        onTaken(result);
        yield result;
      } else if (results.isOver) {
        break;
      } else {
        await results.more();
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (results.isOver) await ended;
    else stop.abort(new Error('the consumer stopped'));
  }
  if (signal?.aborted) throw signal.reason;
  if (failure !== undefined) throw failure.error;
}

/** What has come and is not taken, in the order in which it is to be taken. */
class Results<Result> {
  readonly #isOrdered: boolean;
  readonly #byPlace = new Map<number, Result>();
  #arrivedCount = 0;
  #takenCount = 0;
  #wake: (() => void) | undefined;
  isOver = false;

  constructor(isOrdered: boolean) {
    this.#isOrdered = isOrdered;
  }

  get hasNext(): boolean {
    return this.#byPlace.has(this.#takenCount);
  }

  add(index: number, result: Result): void {
    const place = this.#isOrdered ? index : this.#arrivedCount;
    this.#arrivedCount++;
    this.#byPlace.set(place, result);
    // Whoever waits for an earlier one need not wake up.
    if (place === this.#takenCount) this.#wake?.();
  }

  /** Only where there is one. */
  take(): Result {
    const result = this.#byPlace.get(this.#takenCount) as Result;
    this.#byPlace.delete(this.#takenCount++);
    return result;
  }

  end(): void {
    this.isOver = true;
    this.#wake?.();
  }

  /** Until there is a next one or no more. */
  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
