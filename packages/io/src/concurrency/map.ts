import { setMaxListeners } from 'node:events';
import { abortSignal, boolean, describe, integer, object } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
import { abandon, isThenable, iteratorOf, type Source } from './source.ts';

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
 * @throws {ArgumentTypeError} @throws {ArgumentRangeError} an argument that cannot be
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
  const resolved = parseMapOptions(mapper, options);
  const run = new MapRun(source, mapper, resolved, Infinity, (index, result) => {
    if (resolved.isOrdered) results[index] = result;
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
  const resolved = parseMapOptions(mapper, options);
  await new MapRun(source, mapper, resolved, Infinity, undefined).run(options?.signal);
}

/** Options after checks and defaults. */
export interface ResolvedMapOptions {
  readonly concurrency: number;
  readonly isOrdered: boolean;
}

/** What a {@link CallbackMapper} learns beside its item. */
export interface CallbackContext {
  readonly index: number;
  /** Aborts when nobody wants the results any more; not when the source or a call has failed, for what was begun before is handed out. */
  readonly stopSignal: AbortSignal | undefined;
}

/** What works by callbacks all along, where a promise an item would cost as much as the work. */
export interface CallbackMapper<Item, Result> {
  /** Calls one of the two, once, and never before it has returned. */
  start(
    item: Item,
    context: CallbackContext,
    fulfilled: (result: Result) => void,
    rejected: (error: unknown) => void,
  ): void;
}

/** @throws {ArgumentTypeError} @throws {ArgumentRangeError} an argument that cannot be */
export function parseMapOptions(mapper: unknown, options: MapOptions | undefined): ResolvedMapOptions {
  if (options !== undefined) object('options', options);
  if (typeof mapper !== 'function')
    throw new ArgumentTypeError(`mapper: expected a function, got ${describe(mapper)}`);
  const concurrency =
    options?.concurrency === Infinity
      ? Infinity
      : integer('concurrency', options?.concurrency, DEFAULT_CONCURRENCY, 1, Number.MAX_SAFE_INTEGER);
  abortSignal(options?.signal);
  return { concurrency, isOrdered: boolean('ordered', options?.ordered, true) };
}

/**
 * One call of `map`: up to `concurrency` lanes, which draw from the same source.
 *
 * ```
 *  lane:  draw an item  ─►  mapper(item)  ─►  keep the result  ─►  draw …
 * ```
 * A lane and its two functions are made once and serve one item after another, so an item costs what its own promise
 * costs and one reaction: less than an `await`, and several times less than a queue of promises.
 *
 * A further lane starts when a call is pending and a place is free, so a synchronous mapper has one. Only one lane at a
 * time waits for an asynchronous source, for not every iterator can be asked twice at once; a lane that would be the
 * second ends, and the first starts others when it has its item. Where results are held for a consumer, a lane that has
 * no room for one more ends as well, and starts again when the consumer takes one.
 */
export class MapRun<Item, Result> {
  readonly #source: Source<Item>;
  readonly #iterator: Iterator<Item> | AsyncIterator<Item>;
  readonly #mapper: Mapper<Item, Result> | CallbackMapper<Item, Result>;
  readonly #collect: ((index: number, result: Result) => void) | undefined;
  readonly #concurrency: number;
  /** Most items that are drawn and not yet taken. */
  readonly #capacity: number;
  /** Once there are as many, no more are drawn until there are as few as this. */
  readonly #refillCount: number;
  #isRefilling = true;
  readonly #abort = new LazyAbort();
  #stopSignal: AbortSignal | undefined;
  #onEnd = (): void => {};
  #nextIndex = 0;
  #takenCount = 0;
  #laneCount = 0;
  /** Lanes that ended, for use again. */
  readonly #idleLanes: Lane<Result>[] = [];
  #isDrawing = false;
  #isDone = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    source: Source<Item>,
    mapper: Mapper<Item, Result> | CallbackMapper<Item, Result>,
    options: ResolvedMapOptions,
    capacity: number,
    collect: ((index: number, result: Result) => void) | undefined,
  ) {
    this.#source = source;
    this.#iterator = iteratorOf(source);
    this.#mapper = mapper;
    this.#collect = collect;
    this.#concurrency = options.concurrency;
    this.#capacity = capacity;
    // Calls that are made one behind the other find the threads of the pool awake, which to wake costs more than a call.
    this.#refillCount = typeof mapper === 'function' ? capacity - 1 : capacity >>> 1;
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    this.#stopSignal = signal;
    const ended = new Promise<void>((resolve) => {
      this.#onEnd = resolve;
    });
    const onAbort = (): void => {
      this.#fail(signal?.reason);
      this.#onEnd();
    };
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    else this.#startLanes();
    await ended;
    signal?.removeEventListener('abort', onAbort);
    if (this.#failure === undefined) return;
    const closed = this.#closeSource();
    // A source that is being asked answers this only after that, if ever.
    if (!this.#isDrawing && !signal?.aborted) await closed;
    throw this.#failure.error;
  }

  /** The consumer took a result: room for another item. Only where a capacity was given. */
  taken(): void {
    this.#takenCount++;
    this.#startLanes();
  }

  #startLanes(): void {
    while (this.#laneCount < this.#concurrency && this.#mayDraw() && !this.#isDrawing) {
      this.#laneCount++;
      this.#advance(this.#idleLanes.pop() ?? this.#createLane());
    }
  }

  #createLane(): Lane<Result> {
    const lane: Lane<Result> = {
      index: 0,
      fulfilled: (result) => this.#landed(lane, result),
      rejected: (error) => this.#endLane(lane, { error }),
    };
    return lane;
  }

  #mayDraw(): boolean {
    if (this.#isDone) return false;
    const count = this.#nextIndex - this.#takenCount;
    if (count <= this.#refillCount) this.#isRefilling = true;
    else if (count >= this.#capacity) this.#isRefilling = false;
    return this.#isRefilling;
  }

  /** Draws and maps until a call is pending, the source makes it wait, or there is nothing left. */
  #advance(lane: Lane<Result>): void {
    try {
      while (this.#mayDraw()) {
        const next = this.#iterator.next();
        if (isThenable(next)) {
          void this.#drawLater(lane, next);
          return;
        }
        if (this.#isPending(lane, next)) return;
      }
    } catch (error) {
      this.#endLane(lane, { error });
      return;
    }
    this.#endLane(lane);
  }

  /** Never rejects. */
  async #drawLater(lane: Lane<Result>, next: Promise<IteratorResult<Item>>): Promise<void> {
    this.#isDrawing = true;
    let isPending = false;
    try {
      const drawn = await next;
      this.#isDrawing = false;
      // It may have ended meanwhile.
      if (!this.#isDone) isPending = this.#isPending(lane, drawn);
    } catch (error) {
      this.#isDrawing = false;
      this.#endLane(lane, { error });
      return;
    }
    if (isPending) this.#startLanes();
    else this.#advance(lane);
  }

  /** Maps what was drawn; true when the lane has to wait for the result. */
  #isPending(lane: Lane<Result>, drawn: IteratorResult<Item>): boolean {
    if (drawn.done === true) {
      this.#isDone = true;
      return false;
    }
    const index = this.#nextIndex++;
    const mapper = this.#mapper;
    if (typeof mapper !== 'function') {
      lane.index = index;
      const { fulfilled, rejected } = lane;
      mapper.start(drawn.value, { index, stopSignal: this.#stopSignal }, fulfilled, rejected);
      return true;
    }
    const returned = mapper(drawn.value, new ItemContext(index, this.#abort));
    if (!isThenable(returned)) {
      this.#collect?.(index, returned);
      return false;
    }
    lane.index = index;
    Promise.resolve(returned).then(lane.fulfilled, lane.rejected);
    return true;
  }

  #landed(lane: Lane<Result>, result: Result): void {
    this.#collect?.(lane.index, result);
    if (this.#isDrawing) this.#endLane(lane);
    else this.#advance(lane);
  }

  #endLane(lane: Lane<Result>, failure?: { readonly error: unknown }): void {
    if (failure !== undefined) this.#fail(failure.error);
    this.#laneCount--;
    if (!this.#isDone) {
      this.#idleLanes.push(lane);
      return;
    }
    // After a failure a source that never answers must not keep the error back.
    const waited = this.#failure !== undefined && this.#isDrawing ? 1 : 0;
    if (this.#laneCount === waited) this.#onEnd();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#isDone = true;
    this.#abort.abort(this.#failure.error);
  }

  /** Tells the source that no more is wanted; what it throws then is less than the failure that came before. */
  async #closeSource(): Promise<void> {
    try {
      if (this.#isDrawing) await abandon(this.#source, this.#iterator);
      else await this.#iterator.return?.();
    } catch {
      // See above.
    }
  }
}

/** A place for one call at a time. */
interface Lane<Result> {
  /** Place of its item in the source. */
  index: number;
  readonly fulfilled: (result: Result) => void;
  readonly rejected: (error: unknown) => void;
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
