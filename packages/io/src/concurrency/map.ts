import { setMaxListeners } from 'node:events';
import { boolean, describe, integer, object } from '../arguments.ts';
import { IoTypeError } from '../errors.ts';
import { isThenable, iteratorOf, type Source } from './source.ts';

/** Options of {@link map} and {@link forEach}. */
export interface MapOptions {
  /** Calls under way at once. Default 16; 1 or more. `Infinity` must be asked for by name. */
  readonly concurrency?: number;
  /** Results in the order of the source (default), or with false in the order in which the calls end. */
  readonly ordered?: boolean;
  /** Aborting rejects at once with the signal's reason, starts nothing more and aborts the signal that the calls have. */
  readonly signal?: AbortSignal;
}

/** What a call learns beside its item. */
export interface MapContext {
  /** Place of the item in the source, from 0. */
  readonly index: number;
  /** Aborts when the whole is aborted or another call has failed. Made when first read. */
  readonly signal: AbortSignal;
}

/** Called with each item; returns the result or a promise of it. */
export type Mapper<Item, Result> = (item: Item, context: MapContext) => Result | PromiseLike<Result>;

const DEFAULT_CONCURRENCY = 16;

/**
 * Calls `mapper` for each item of the source, at most `concurrency` at once, and resolves with the results in the order
 * of the source. Items are drawn when a place is free, so the source may be endless or slower than the calls.
 *
 * After a call fails nothing more is started; the promise rejects with the first error once the calls under way have
 * settled, and the source is closed. No promise an item is made by us, and results that are no promises are not awaited:
 * a mapper that is synchronous all along runs through without yielding to the event loop.
 *
 * @throws {IoTypeError} @throws {IoRangeError} an argument that cannot be
 * @throws what the mapper or the source threw first, or the signal's reason
 *
 * @example
 * ```ts
 * import { map } from '@hotpath/io';
 *
 * const bodies = await map(urls, async (url, { signal }) => (await fetch(url, { signal })).text(), { concurrency: 8 });
 * ```
 */
export async function map<Item, Result>(
  source: Source<Item>,
  mapper: Mapper<Item, Result>,
  options?: MapOptions,
): Promise<Result[]> {
  const results: Result[] = [];
  const run = new MapRun(source, mapper, parseMapOptions(mapper, options), (index, result, isOrdered) => {
    if (isOrdered) results[index] = result;
    else results.push(result);
  });
  await run.run(options?.signal);
  return results;
}

/**
 * Like {@link map} and keeps no results: memory stays bounded however many items there are.
 *
 * @throws as {@link map}
 */
export async function forEach<Item>(
  source: Source<Item>,
  mapper: Mapper<Item, unknown>,
  options?: MapOptions,
): Promise<void> {
  await new MapRun(source, mapper, parseMapOptions(mapper, options), undefined).run(options?.signal);
}

/** Options after checks and defaults. */
export interface ResolvedMapOptions {
  readonly concurrency: number;
  readonly isOrdered: boolean;
}

/** @throws {IoTypeError} @throws {IoRangeError} an argument that cannot be */
export function parseMapOptions(mapper: unknown, options: MapOptions | undefined): ResolvedMapOptions {
  if (options !== undefined) object('options', options);
  if (typeof mapper !== 'function')
    throw new IoTypeError(`mapper: expected a function, got ${describe(mapper)}`);
  const concurrency =
    options?.concurrency === Infinity
      ? Infinity
      : integer('concurrency', options?.concurrency, DEFAULT_CONCURRENCY, 1, Number.MAX_SAFE_INTEGER);
  return { concurrency, isOrdered: boolean('ordered', options?.ordered, true) };
}

/**
 * One call of `map`: up to `concurrency` loops, which draw from the same source. A loop is one asynchronous function
 * for all the items that it handles; that is what makes this several times cheaper than a queue of promises.
 *
 * ```
 *  loop:  draw an item  ─►  mapper(item)  ─►  keep the result  ─►  draw …
 * ```
 * A further loop starts when a call is pending and a place is free, so a synchronous mapper has one. Only one loop at a
 * time waits for an asynchronous source, for not every iterator can be asked twice at once; a loop that would be the
 * second ends, and the first starts others when it has its item.
 */
export class MapRun<Item, Result> {
  readonly #iterator: Iterator<Item> | AsyncIterator<Item>;
  readonly #mapper: Mapper<Item, Result>;
  readonly #collect: ((index: number, result: Result, isOrdered: boolean) => void) | undefined;
  readonly #concurrency: number;
  readonly #isOrdered: boolean;
  readonly #abort = new LazyAbort();
  #onEnd = (): void => {};
  #nextIndex = 0;
  #loopCount = 0;
  #isDrawing = false;
  #isDone = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    source: Source<Item>,
    mapper: Mapper<Item, Result>,
    options: ResolvedMapOptions,
    collect: ((index: number, result: Result, isOrdered: boolean) => void) | undefined,
  ) {
    this.#iterator = iteratorOf(source);
    this.#mapper = mapper;
    this.#collect = collect;
    this.#concurrency = options.concurrency;
    this.#isOrdered = options.isOrdered;
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#onEnd = resolve;
    });
    const onAbort = (): void => {
      this.#fail(signal?.reason);
      this.#onEnd();
    };
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    else this.#startLoops();
    await ended;
    signal?.removeEventListener('abort', onAbort);
    if (this.#failure === undefined) return;
    const closed = this.#closeSource();
    // A source that is being asked answers this only after that, if ever.
    if (!this.#isDrawing && !signal?.aborted) await closed;
    throw this.#failure.error;
  }

  #startLoops(): void {
    while (this.#loopCount < this.#concurrency && !this.#isDone && !this.#isDrawing) {
      this.#loopCount++;
      void this.#loop();
    }
  }

  /** Draws and maps until there is nothing left, or another loop draws; never rejects. */
  async #loop(): Promise<void> {
    try {
      while (!this.#isDone) {
        const next = this.#iterator.next();
        const isAsync = isThenable(next);
        const drawn = isAsync ? await this.#awaitDraw(next) : next;
        // It may have ended meanwhile.
        if (this.#isDone) break;
        if (drawn.done === true) {
          this.#isDone = true;
          break;
        }
        const index = this.#nextIndex++;
        const returned = this.#mapper(drawn.value, new ItemContext(index, this.#abort));
        if (!isThenable(returned)) {
          this.#collect?.(index, returned, this.#isOrdered);
          continue;
        }
        if (isAsync) this.#startLoops();
        const result = await returned;
        this.#collect?.(index, result, this.#isOrdered);
        if (this.#isDrawing) break;
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#loopCount--;
    // After a failure a source that never answers must not keep the error back.
    const waited = this.#failure !== undefined && this.#isDrawing ? 1 : 0;
    if (this.#loopCount === waited) this.#onEnd();
  }

  async #awaitDraw(next: Promise<IteratorResult<Item>>): Promise<IteratorResult<Item>> {
    this.#isDrawing = true;
    try {
      return await next;
    } finally {
      this.#isDrawing = false;
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#isDone = true;
    this.#abort.abort(this.#failure.error);
  }

  /** Tells the source that no more is wanted; what it throws then is less than the failure that came before. */
  async #closeSource(): Promise<void> {
    try {
      await this.#iterator.return?.();
    } catch {
      // See above.
    }
  }
}

/** One signal for all calls, made when one of them asks. */
class LazyAbort {
  #controller: AbortController | undefined;
  #reason: { readonly error: unknown } | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // Each call under way may listen: that is no leak.
      setMaxListeners(0, this.#controller.signal);
    }
    if (this.#reason !== undefined) this.#controller.abort(this.#reason.error);
    return this.#controller.signal;
  }

  abort(error: unknown): void {
    this.#reason ??= { error };
    this.#controller?.abort(error);
  }
}

class ItemContext implements MapContext {
  readonly index: number;
  readonly #abort: LazyAbort;

  constructor(index: number, abort: LazyAbort) {
    this.index = index;
    this.#abort = abort;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }
}
