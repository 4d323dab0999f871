import { describe } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
import { abandon, isThenable, iteratorOf, type Source } from './source.ts';

interface Failure {
  readonly error: unknown;
}

/** Some items at once, or `undefined` at the end; a promise only where something really waits. */
export type Pulled<T> = readonly T[] | undefined | Promise<readonly T[] | undefined>;

/**
 * A part of a pipeline, asked by the next one for a batch when that has dealt with the last: so at most one batch is
 * under way in each, whatever the speeds. Batches are never empty and belong to whoever pulled them. One that something
 * failed behind is handed out up to there, and the next pull fails: what came before an error reaches the sink.
 */
export interface Stage<T> {
  pull(): Pulled<T>;
  /** Ends the source; nothing is pulled afterwards. */
  close(): Promise<void>;
}

/** Draws from the source: up to a batch from a synchronous one, one item from an asynchronous one, so that none is held back. */
export class SourceStage<T> implements Stage<T> {
  readonly #source: Source<T>;
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #batchSize: number;
  readonly #signal: AbortSignal | undefined;
  /** An asynchronous source, that has not answered. */
  #isAsked = false;
  #isDone = false;
  #failure: Failure | undefined;

  /** @param signal also ends pipelines that never wait, in which nobody is told of the abort but who looks */
  constructor(source: Source<T>, batchSize: number, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#iterator = iteratorOf(source);
    this.#batchSize = batchSize;
    this.#signal = signal;
  }

  pull(): Pulled<T> {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#isDone) return undefined;
    this.#signal?.throwIfAborted();
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
      if (batch.length === 0) throw error;
      this.#failure = { error };
    }
    return batch.length > 0 ? batch : undefined;
  }

  async #await(next: Promise<IteratorResult<T>>): Promise<readonly T[] | undefined> {
    this.#isAsked = true;
    try {
      const { done, value } = await next;
      if (done !== true) return [value];
      this.#isDone = true;
      return undefined;
    } catch (error) {
      this.#isDone = true;
      throw error;
    } finally {
      this.#isAsked = false;
    }
  }

  async close(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    if (this.#isAsked) await abandon(this.#source, this.#iterator);
    else await this.#iterator.return?.();
  }
}

/** What becomes of an item: what the function returned, itself when that is truthy, or itself in any case. */
export type StepKind = 'map' | 'filter' | 'tap';

/** A function for each item. */
export interface Step {
  readonly kind: StepKind;
  readonly call: (item: never) => unknown;
}

/** An item whose step returned a promise. */
interface Waiting {
  readonly stepIndex: number;
  readonly item: unknown;
  readonly returned: PromiseLike<unknown>;
}

/** In the place of an item that was filtered out. */
const DROPPED: unique symbol = Symbol('dropped');

/**
 * Functions for each item, one behind the other: an item goes through all of them before the next one starts, so what
 * lies between two of them is one item and no array. No promise for as long as the functions return none.
 */
export class StepStage<T, U> implements Stage<U> {
  readonly #upstream: Stage<T>;
  readonly #steps: readonly Step[];
  #failure: Failure | undefined;

  constructor(upstream: Stage<T>, steps: readonly Step[]) {
    this.#upstream = upstream;
    this.#steps = steps;
  }

  /** The same with one step more. */
  with<V>(step: Step): StepStage<T, V> {
    return new StepStage(this.#upstream, [...this.#steps, step]);
  }

  pull(): Pulled<U> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const steps = this.#steps;
    for (;;) {
      const batch = this.#upstream.pull();
      if (batch === undefined) return undefined;
      if (isThenable(batch)) return this.#pullLater(batch);
      const output: U[] = [];
      try {
        for (let index = 0; index < batch.length; index++) {
          let item: unknown = batch[index];
          for (let stepIndex = 0; stepIndex < steps.length && item !== DROPPED; stepIndex++) {
            const { kind, call } = steps[stepIndex]!;
            const returned = call(item as never);
            if (isThenable(returned)) return this.#goOn(batch, index, output, { stepIndex, item, returned });
            item = outcomeOf(kind, item, returned);
          }
          if (item !== DROPPED) output.push(item as U);
        }
      } catch (error) {
        this.#fail(error, output);
      }
      if (output.length > 0) return output;
    }
  }

  async #pullLater(first: Pulled<T>): Promise<readonly U[] | undefined> {
    for (let batch = await first; batch !== undefined; batch = await this.#upstream.pull()) {
      const output: U[] = [];
      await this.#rest(batch, 0, output);
      if (output.length > 0) return output;
    }
    return undefined;
  }

  async #goOn(
    batch: readonly T[],
    firstIndex: number,
    output: U[],
    waiting: Waiting,
  ): Promise<readonly U[] | undefined> {
    await this.#rest(batch, firstIndex, output, waiting);
    return output.length > 0 ? output : this.#pullLater(this.#upstream.pull());
  }

  /** @param waiting the first of them, where it is in a step already */
  async #rest(batch: readonly T[], firstIndex: number, output: U[], waiting?: Waiting): Promise<void> {
    try {
      for (let index = firstIndex; index < batch.length; index++) {
        let item: unknown = batch[index];
        let stepIndex = 0;
        if (waiting !== undefined && index === firstIndex) {
          item = outcomeOf(this.#steps[waiting.stepIndex]!.kind, waiting.item, await waiting.returned);
          stepIndex = waiting.stepIndex + 1;
        }
        for (; stepIndex < this.#steps.length && item !== DROPPED; stepIndex++) {
          const { kind, call } = this.#steps[stepIndex]!;
          const returned = call(item as never);
          item = outcomeOf(kind, item, isThenable(returned) ? await returned : returned);
        }
        if (item !== DROPPED) output.push(item as U);
      }
    } catch (error) {
      this.#fail(error, output);
    }
  }

  /** At once where nothing came before it, else with the next pull. */
  #fail(error: unknown, output: readonly U[]): void {
    if (output.length === 0) throw error;
    this.#failure = { error };
  }

  close(): Promise<void> {
    return this.#upstream.close();
  }
}

function outcomeOf(kind: StepKind, item: unknown, returned: unknown): unknown {
  if (kind === 'map') return returned;
  return kind === 'tap' || returned ? item : DROPPED;
}

/** Groups of a fixed size; the last may be smaller. */
export class BatchStage<T> implements Stage<T[]> {
  readonly #upstream: Stage<T>;
  readonly #size: number;
  #group: T[] = [];
  #failure: Failure | undefined;

  constructor(upstream: Stage<T>, size: number) {
    this.#upstream = upstream;
    this.#size = size;
  }

  pull(): Pulled<T[]> {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      for (;;) {
        const batch = this.#upstream.pull();
        if (isThenable(batch)) return this.#pullLater(batch);
        const groups = this.#take(batch);
        if (groups === undefined || groups.length > 0) return groups;
      }
    } catch (error) {
      return this.#fail(error);
    }
  }

  async #pullLater(first: PromiseLike<readonly T[] | undefined>): Promise<readonly T[][] | undefined> {
    try {
      for (let batch = await first; ; batch = await this.#upstream.pull()) {
        const groups = this.#take(batch);
        if (groups === undefined || groups.length > 0) return groups;
      }
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** At once where no group has begun, else with the next pull, behind what the group has. */
  #fail(error: unknown): T[][] {
    if (this.#group.length === 0) throw error;
    this.#failure = { error };
    const last = this.#group;
    this.#group = [];
    return [last];
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
  readonly #signal: AbortSignal | undefined;
  #batch: readonly T[] = [];
  #index = 0;
  #inner: SourceStage<U> | undefined;

  constructor(
    upstream: Stage<T>,
    expand: (item: T) => Source<U> | PromiseLike<Source<U>>,
    batchSize: number,
    signal: AbortSignal | undefined,
  ) {
    this.#upstream = upstream;
    this.#expand = expand;
    this.#batchSize = batchSize;
    this.#signal = signal;
  }

  pull(): Pulled<U> {
    for (;;) {
      const output = this.#step();
      if (isThenable(output)) return this.#pullLater(output);
      if (output === undefined || output.length > 0) return output;
    }
  }

  /** A loop, for a promise that waited for the next pull would hold one more for each item that expands to nothing. */
  async #pullLater(first: Promise<readonly U[] | undefined>): Promise<readonly U[] | undefined> {
    for (let output = await first; ; output = await this.#step()) {
      if (output === undefined || output.length > 0) return output;
    }
  }

  /** Some items, none when there may be more, `undefined` at the end. */
  #step(): Pulled<U> {
    if (this.#inner !== undefined) {
      const output = this.#inner.pull();
      return isThenable(output) ? this.#drainLater(output) : this.#drained(output);
    }
    if (this.#index < this.#batch.length) {
      const source = this.#expand(this.#batch[this.#index++]!);
      return isThenable(source) ? this.#openLater(source) : this.#open(source);
    }
    const batch = this.#upstream.pull();
    return isThenable(batch) ? this.#refillLater(batch) : this.#refill(batch);
  }

  #open(source: Source<U>): readonly U[] {
    if (typeof source === 'string') {
      throw new ArgumentTypeError(`flatMap: expected an iterable of items, got ${describe(source)}`);
    }
    this.#inner = new SourceStage(source, this.#batchSize, this.#signal);
    return NONE;
  }

  async #openLater(source: PromiseLike<Source<U>>): Promise<readonly U[]> {
    return this.#open(await source);
  }

  #drained(output: readonly U[] | undefined): readonly U[] {
    if (output !== undefined) return output;
    this.#inner = undefined;
    return NONE;
  }

  async #drainLater(output: PromiseLike<readonly U[] | undefined>): Promise<readonly U[]> {
    return this.#drained(await output);
  }

  #refill(batch: readonly T[] | undefined): readonly U[] | undefined {
    if (batch === undefined) return undefined;
    this.#batch = batch;
    this.#index = 0;
    return NONE;
  }

  async #refillLater(batch: PromiseLike<readonly T[] | undefined>): Promise<readonly U[] | undefined> {
    return this.#refill(await batch);
  }

  async close(): Promise<void> {
    try {
      await this.#inner?.close();
    } finally {
      await this.#upstream.close();
    }
  }
}

const NONE: readonly never[] = [];
