import { untilAborted } from '../abort.ts';
import { abortSignal, describe, integer, object } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
import type { MapOptions } from './map.ts';
import { mapIter } from './map-iter.ts';
import { driverOf, type Sink, type SinkDriver } from './sinks.ts';
import { isThenable, type Source } from './source.ts';
import { BatchStage, FlatMapStage, SourceStage, StepStage, type Stage, type StepKind } from './stages.ts';

/** Options of {@link pipeline}. */
export interface PipelineOptions {
  /**
   * Items that a stage handles at a time, and so the bound: at most this many lie between two stages. Default 64; 1 for
   * items that are large. Asynchronous sources are drawn from one by one.
   */
  readonly batchSize?: number;
  /** Aborting rejects with the signal's reason, closes the source and aborts the sink. */
  readonly signal?: AbortSignal;
}

interface Resolved {
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * A description of a pipeline; runs when `to` is called or it is iterated, once. Made by {@link pipeline}.
 *
 * ```
 *  source ◄─pull─ stage ◄─pull─ stage ◄─pull─ sink        a batch at a time, and none ahead
 * ```
 */
export class Pipeline<T> implements AsyncIterable<T> {
  readonly #stage: Stage<T>;
  readonly #options: Resolved;

  /** @internal Use {@link pipeline}. */
  constructor(stage: Stage<T>, options: Resolved) {
    this.#stage = stage;
    this.#options = options;
  }

  /**
   * What the function returns for each item, in order. With `concurrency` above 1 that many calls are under way at once
   * (`ordered: false` lets results overtake); without, one.
   */
  map<U>(
    mapper: (item: T) => U | PromiseLike<U>,
    options?: Pick<MapOptions, 'concurrency' | 'ordered'>,
  ): Pipeline<U> {
    checkFunction('map', mapper);
    if (options?.concurrency !== undefined && options.concurrency !== 1) {
      const { batchSize, signal } = this.#options;
      const results = mapIter(this, (item) => mapper(item), { ...options, ...(signal && { signal }) });
      return new Pipeline(new SourceStage(results, batchSize, signal), this.#options);
    }
    return this.#step('map', mapper);
  }

  /** The items for which the function returns true, or a promise of it. */
  filter<U extends T>(predicate: (item: T) => item is U): Pipeline<U>;
  filter(predicate: (item: T) => boolean | PromiseLike<boolean>): Pipeline<T>;
  filter(predicate: (item: T) => boolean | PromiseLike<boolean>): Pipeline<T> {
    checkFunction('filter', predicate);
    return this.#step('filter', predicate);
  }

  /** Calls the function with each item and passes the item on, after the promise when it returns one. */
  tap(observer: (item: T) => unknown): Pipeline<T> {
    checkFunction('tap', observer);
    return this.#step('tap', observer);
  }

  /** Arrays of `size` items; the last may be smaller. Waits until an array is full. */
  batch(size: number): Pipeline<T[]> {
    if (size === undefined) throw new ArgumentTypeError('size: expected a number, got undefined');
    const checked = integer('size', size, 1, 1, 2 ** 30);
    return new Pipeline(new BatchStage(this.#stage, checked), this.#options);
  }

  /** The items of the iterable, or async iterable, that the function returns for each item; drawn as they are wanted. */
  flatMap<U>(expand: (item: T) => Source<U> | PromiseLike<Source<U>>): Pipeline<U> {
    checkFunction('flatMap', expand);
    const { batchSize, signal } = this.#options;
    return new Pipeline(new FlatMapStage(this.#stage, expand, batchSize, signal), this.#options);
  }

  #step<U>(kind: StepKind, call: (item: T) => unknown): Pipeline<U> {
    const stage = this.#stage;
    const step = { kind, call };
    const next = stage instanceof StepStage ? stage.with<U>(step) : new StepStage<T, U>(stage, [step]);
    return new Pipeline<U>(next, this.#options);
  }

  /**
   * Runs the pipeline into the sink, and resolves with the number of items when the sink has ended: a function has
   * settled for each, a writer is flushed, a channel closed, a stream finished.
   *
   * When anything fails the sink has had what came before it; then the source is closed, the sink aborted (a channel and
   * a stream are destroyed; a writer is left as it is) and the promise rejects with the first error.
   *
   * @throws {ArgumentTypeError} nothing that takes items
   * @throws what a stage, the source or the sink threw, or the signal's reason
   */
  async to(sink: Sink<T>): Promise<number> {
    const { signal } = this.#options;
    const driver = driverOf(sink);
    const run = new Run(this.#stage, driver, signal);
    try {
      signal?.throwIfAborted();
      return await untilAborted(run.finish(), signal);
    } catch (error) {
      driver.abort(error);
      const closed = run.stop();
      // A source that is being asked answers only after that, if ever.
      if (!signal?.aborted) await closed;
      throw error;
    }
  }

  /** The items, as an async iterable: `Readable.from(pipeline)` and `ReadableStream.from(pipeline)` make streams of it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    const { signal } = this.#options;
    try {
      for (;;) {
        signal?.throwIfAborted();
        const pulled = this.#stage.pull();
        const batch = isThenable(pulled) ? await untilAborted(pulled, signal) : pulled;
        if (batch === undefined) return;
        for (const item of batch) {
          yield item;
          signal?.throwIfAborted();
        }
      }
    } finally {
      const closed = this.#stage.close();
      if (signal?.aborted) closed.catch(() => {});
      else await closed;
    }
  }
}

/** One way of a pipeline into its sink. */
class Run<T> {
  readonly #stage: Stage<T>;
  readonly #driver: SinkDriver<T>;
  readonly #signal: AbortSignal | undefined;
  #isStopped = false;

  constructor(stage: Stage<T>, driver: SinkDriver<T>, signal: AbortSignal | undefined) {
    this.#stage = stage;
    this.#driver = driver;
    this.#signal = signal;
  }

  async finish(): Promise<number> {
    let count = 0;
    while (!this.#isStopped) {
      this.#signal?.throwIfAborted();
      const pulled = this.#stage.pull();
      const batch = isThenable(pulled) ? await pulled : pulled;
      if (batch === undefined) {
        await this.#driver.end();
        break;
      }
      for (const item of batch) {
        if (this.#isStopped || this.#signal?.aborted) break;
        const pending = this.#driver.write(item);
        if (pending !== undefined) await pending;
        count++;
      }
    }
    return count;
  }

  /** Closes the source; what it throws then is less than the failure that came before. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    try {
      await this.#stage.close();
    } catch {
      // See above.
    }
  }
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function')
    throw new ArgumentTypeError(`${name}: expected a function, got ${describe(value)}`);
}

/**
 * Starts a pipeline: stages that are handed batches inside and see single items outside, with backpressure from the
 * sink to the source. Stages that return no promises cost no promise. Nothing runs before `to` or an iteration.
 *
 * @throws {ArgumentTypeError} @throws {ArgumentRangeError} a source or an option that cannot be
 *
 * @example
 * ```ts
 * import { createWriter, lines, pipeline } from '@hotpath/io';
 *
 * await using output = createWriter('errors.log');
 * await pipeline(lines('app.log'))
 *   .filter((line) => line.includes('error'))
 *   .map((line) => `${line}\n`)
 *   .to(output);
 * ```
 */
export function pipeline<T>(source: Source<T>, options: PipelineOptions = {}): Pipeline<T> {
  object('options', options);
  const batchSize = integer('batchSize', options.batchSize, 64, 1, 1 << 20);
  const signal = abortSignal(options.signal);
  return new Pipeline(new SourceStage(source, batchSize, signal), { batchSize, signal });
}
