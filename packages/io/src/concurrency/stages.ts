import { describe } from '../arguments.ts';
import { IoTypeError } from '../errors.ts';
import { isThenable, iteratorOf, type Source } from './source.ts';

/** Some items at once, or `undefined` at the end; a promise only where something really waits. */
export type Pulled<T> = readonly T[] | undefined | Promise<readonly T[] | undefined>;

/**
 * A part of a pipeline, asked by the next one for a batch when that has dealt with the last: so at most one batch is
 * under way in each, whatever the speeds. Batches are never empty and belong to whoever pulled them.
 */
export interface Stage<T> {
  pull(): Pulled<T>;
  /** Ends the source; nothing is pulled afterwards. */
  close(): Promise<void>;
}

/** Draws from the source: up to a batch from a synchronous one, one item from an asynchronous one, so that none is held back. */
export class SourceStage<T> implements Stage<T> {
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #batchSize: number;
  #isDone = false;

  constructor(source: Source<T>, batchSize: number) {
    this.#iterator = iteratorOf(source);
    this.#batchSize = batchSize;
  }

  pull(): Pulled<T> {
    if (this.#isDone) return undefined;
    const batch: T[] = [];
    try {
      while (batch.length < this.#batchSize) {
        const next = this.#iterator.next();
        if (isThenable(next)) return this.#await(next);
        if (next.done === true) {
          this.#isDone = true;
          break;
        }
        batch.push(next.value);
      }
    } catch (error) {
      // A source that threw is over, and is not to be closed.
      this.#isDone = true;
      throw error;
    }
    return batch.length > 0 ? batch : undefined;
  }

  async #await(next: Promise<IteratorResult<T>>): Promise<readonly T[] | undefined> {
    try {
      const { done, value } = await next;
      if (done !== true) return [value];
      this.#isDone = true;
      return undefined;
    } catch (error) {
      this.#isDone = true;
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    await this.#iterator.return?.();
  }
}

/** What a stage does with an item: adds what becomes of it, or returns a promise after which it has. */
export type Step<T, U> = (item: T, output: U[]) => PromiseLike<void> | undefined;

/** A step for each item. Goes through a batch without a promise for as long as no step returns one. */
export class StepStage<T, U> implements Stage<U> {
  readonly #upstream: Stage<T>;
  readonly #step: Step<T, U>;

  constructor(upstream: Stage<T>, step: Step<T, U>) {
    this.#upstream = upstream;
    this.#step = step;
  }

  pull(): Pulled<U> {
    const step = this.#step;
    for (;;) {
      const batch = this.#upstream.pull();
      if (batch === undefined) return undefined;
      if (isThenable(batch)) return this.#pullLater(batch);
      const output: U[] = [];
      for (let index = 0; index < batch.length; index++) {
        const pending = step(batch[index]!, output);
        if (pending !== undefined) return this.#goOn(batch, index, pending, output);
      }
      if (output.length > 0) return output;
    }
  }

  async #pullLater(first: PromiseLike<readonly T[] | undefined>): Promise<readonly U[] | undefined> {
    for (let batch = await first; batch !== undefined; batch = await this.#upstream.pull()) {
      const output: U[] = [];
      for (const item of batch) {
        const pending = this.#step(item, output);
        if (pending !== undefined) await pending;
      }
      if (output.length > 0) return output;
    }
    return undefined;
  }

  async #goOn(
    batch: readonly T[],
    waitingIndex: number,
    waiting: PromiseLike<void>,
    output: U[],
  ): Promise<readonly U[] | undefined> {
    await waiting;
    for (let index = waitingIndex + 1; index < batch.length; index++) {
      const pending = this.#step(batch[index]!, output);
      if (pending !== undefined) await pending;
    }
    return output.length > 0 ? output : this.pull();
  }

  close(): Promise<void> {
    return this.#upstream.close();
  }
}

/** Groups of a fixed size; the last may be smaller. */
export class BatchStage<T> implements Stage<T[]> {
  readonly #upstream: Stage<T>;
  readonly #size: number;
  #group: T[] = [];

  constructor(upstream: Stage<T>, size: number) {
    this.#upstream = upstream;
    this.#size = size;
  }

  pull(): Pulled<T[]> {
    for (;;) {
      const batch = this.#upstream.pull();
      if (isThenable(batch)) return this.#pullLater(batch);
      const groups = this.#take(batch);
      if (groups === undefined || groups.length > 0) return groups;
    }
  }

  async #pullLater(first: PromiseLike<readonly T[] | undefined>): Promise<readonly T[][] | undefined> {
    for (let batch = await first; ; batch = await this.#upstream.pull()) {
      const groups = this.#take(batch);
      if (groups === undefined || groups.length > 0) return groups;
    }
  }

  #take(batch: readonly T[] | undefined): T[][] | undefined {
    if (batch === undefined) {
      if (this.#group.length === 0) return undefined;
      const last = this.#group;
      this.#group = [];
      return [last];
    }
    const groups: T[][] = [];
    for (const item of batch) {
      if (this.#group.push(item) < this.#size) continue;
      groups.push(this.#group);
      this.#group = [];
    }
    return groups;
  }

  close(): Promise<void> {
    return this.#upstream.close();
  }
}

/** Many items of each; drawn as they are wanted, so that one that yields endlessly is bounded too. */
export class FlatMapStage<T, U> implements Stage<U> {
  readonly #upstream: Stage<T>;
  readonly #expand: (item: T) => Source<U> | PromiseLike<Source<U>>;
  readonly #batchSize: number;
  #batch: readonly T[] = [];
  #index = 0;
  #inner: SourceStage<U> | undefined;

  constructor(
    upstream: Stage<T>,
    expand: (item: T) => Source<U> | PromiseLike<Source<U>>,
    batchSize: number,
  ) {
    this.#upstream = upstream;
    this.#expand = expand;
    this.#batchSize = batchSize;
  }

  pull(): Pulled<U> {
    for (;;) {
      if (this.#inner !== undefined) {
        const output = this.#inner.pull();
        if (isThenable(output)) return this.#orNext(output);
        if (output !== undefined) return output;
        this.#inner = undefined;
      }
      if (this.#index < this.#batch.length) {
        const source = this.#expand(this.#batch[this.#index++]!);
        if (isThenable(source)) return this.#openLater(source);
        this.#open(source);
        continue;
      }
      const batch = this.#upstream.pull();
      if (isThenable(batch)) return this.#refillLater(batch);
      if (batch === undefined) return undefined;
      this.#refill(batch);
    }
  }

  #open(source: Source<U>): void {
    if (typeof source === 'string') {
      throw new IoTypeError(`flatMap: expected an iterable of items, got ${describe(source)}`);
    }
    this.#inner = new SourceStage(source, this.#batchSize);
  }

  #refill(batch: readonly T[]): void {
    this.#batch = batch;
    this.#index = 0;
  }

  async #orNext(output: PromiseLike<readonly U[] | undefined>): Promise<readonly U[] | undefined> {
    const items = await output;
    if (items !== undefined) return items;
    this.#inner = undefined;
    return this.pull();
  }

  async #openLater(source: PromiseLike<Source<U>>): Promise<readonly U[] | undefined> {
    this.#open(await source);
    return this.pull();
  }

  async #refillLater(batch: PromiseLike<readonly T[] | undefined>): Promise<readonly U[] | undefined> {
    const items = await batch;
    if (items === undefined) return undefined;
    this.#refill(items);
    return this.pull();
  }

  async close(): Promise<void> {
    try {
      await this.#inner?.close();
    } finally {
      await this.#upstream.close();
    }
  }
}
