import { describe } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
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

/** What becomes of an item: what the function returned, itself when that is truthy, or itself in any case. */
export type StepKind = 'map' | 'filter' | 'tap';

/** A function for each item. Goes through a batch without a promise for as long as the function returns none. */
export class StepStage<T, U> implements Stage<U> {
  readonly #upstream: Stage<T>;
  readonly #kind: StepKind;
  readonly #call: (item: T) => unknown;

  constructor(upstream: Stage<T>, kind: StepKind, call: (item: T) => unknown) {
    this.#upstream = upstream;
    this.#kind = kind;
    this.#call = call;
  }

  pull(): Pulled<U> {
    const call = this.#call;
    for (;;) {
      const batch = this.#upstream.pull();
      if (batch === undefined) return undefined;
      if (isThenable(batch)) return this.#pullLater(batch);
      const output: U[] = [];
      for (let index = 0; index < batch.length; index++) {
        const item = batch[index]!;
        const returned = call(item);
        if (isThenable(returned)) return this.#goOn(batch, index, returned, output);
        this.#emit(item, returned, output);
      }
      if (output.length > 0) return output;
    }
  }

  #emit(item: T, returned: unknown, output: unknown[]): void {
    if (this.#kind === 'map') output.push(returned);
    else if (this.#kind === 'tap' || returned) output.push(item);
  }

  async #pullLater(first: PromiseLike<readonly T[] | undefined>): Promise<readonly U[] | undefined> {
    for (let batch = await first; batch !== undefined; batch = await this.#upstream.pull()) {
      const output: U[] = [];
      await this.#rest(batch, 0, output);
      if (output.length > 0) return output;
    }
    return undefined;
  }

  async #goOn(
    batch: readonly T[],
    waitingIndex: number,
    waiting: PromiseLike<unknown>,
    output: U[],
  ): Promise<readonly U[] | undefined> {
    this.#emit(batch[waitingIndex]!, await waiting, output);
    await this.#rest(batch, waitingIndex + 1, output);
    return output.length > 0 ? output : this.pull();
  }

  async #rest(batch: readonly T[], firstIndex: number, output: U[]): Promise<void> {
    for (let index = firstIndex; index < batch.length; index++) {
      const item = batch[index]!;
      const returned = this.#call(item);
      this.#emit(item, isThenable(returned) ? await returned : returned, output);
    }
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
      throw new ArgumentTypeError(`flatMap: expected an iterable of items, got ${describe(source)}`);
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
