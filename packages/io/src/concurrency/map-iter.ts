import { MapRun, parseMapOptions, type MapOptions, type Mapper } from './map.ts';
import { isThenable, iteratorOf, type Source } from './source.ts';

/**
 * Like `map`, with the results as an async iterable: for more of them than fit into memory. At most `concurrency`
 * items are drawn and not yet taken by the consumer, so a slow consumer slows the source down. Nothing starts before
 * the first result is asked for.
 *
 * A consumer that stops early (`break`) aborts the signal of the calls under way and closes the source. After a call
 * failed the results that come before it are handed out first.
 *
 * @throws {IoTypeError} @throws {IoRangeError} an argument that cannot be
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
  const resolved = parseMapOptions(mapper, options);
  const gate = new Gate(iteratorOf(source), resolved.concurrency);
  return iterate(gate, mapper, { ...options, ...resolved }, resolved.isOrdered);
}

async function* iterate<Item, Result>(
  gate: Gate<Item>,
  mapper: Mapper<Item, Result>,
  options: MapOptions & { readonly concurrency: number; readonly isOrdered: boolean },
  isOrdered: boolean,
): AsyncGenerator<Result, void, undefined> {
  const results = new Map<number, Result>();
  let wake = (): void => {};
  let arrivedCount = 0;
  let isOver = false;
  let failure: { readonly error: unknown } | undefined;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', onAbort);
  if (options.signal?.aborted) onAbort();
  const run = new MapRun(gate, mapper, options, (index, result) => {
    results.set(isOrdered ? index : arrivedCount++, result);
    wake();
  });
  const ended = run
    .run(stop.signal)
    .catch((error: unknown) => {
      failure = { error };
    })
    .then(() => {
      isOver = true;
      wake();
    });
  try {
    for (let index = 0; ;) {
      if (options.signal?.aborted) break;
      if (results.has(index)) {
        const result = results.get(index) as Result;
        results.delete(index++);
        gate.leave();
        yield result;
      } else if (isOver) {
        break;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
    stop.abort(new Error('the consumer stopped'));
    gate.close();
    if (isOver) await ended;
  }
  if (options.signal?.aborted) throw options.signal.reason;
  if (failure !== undefined) throw failure.error;
}

/** A source that gives the next item only while fewer than `capacity` are drawn and not taken. */
class Gate<Item> implements AsyncIterable<Item>, AsyncIterator<Item> {
  readonly #iterator: Iterator<Item> | AsyncIterator<Item>;
  readonly #capacity: number;
  #insideCount = 0;
  #isClosed = false;
  #open: (() => void) | undefined;

  constructor(iterator: Iterator<Item> | AsyncIterator<Item>, capacity: number) {
    this.#iterator = iterator;
    this.#capacity = capacity;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // The run that draws from this accepts results that are no promises.
  next(): Promise<IteratorResult<Item>> {
    if (this.#insideCount < this.#capacity) {
      this.#insideCount++;
      return this.#iterator.next() as Promise<IteratorResult<Item>>;
    }
    return this.#nextLater();
  }

  async #nextLater(): Promise<IteratorResult<Item>> {
    await new Promise<void>((resolve) => {
      this.#open = resolve;
    });
    if (this.#isClosed) return { done: true, value: undefined };
    this.#insideCount++;
    const next = this.#iterator.next();
    return isThenable(next) ? await next : next;
  }

  /** The consumer took a result. */
  leave(): void {
    this.#insideCount--;
    this.#open?.();
    this.#open = undefined;
  }

  /** Whoever waits for room gets the end. */
  close(): void {
    this.#isClosed = true;
    this.#open?.();
  }

  async return(): Promise<IteratorResult<Item>> {
    await this.#iterator.return?.();
    return { done: true, value: undefined };
  }
}
