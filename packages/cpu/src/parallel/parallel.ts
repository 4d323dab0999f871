import { adopt, free } from '@hotpath/memory';

import { describe } from '../describe.ts';
import { ArgumentTypeError, ParallelClosedError } from '../errors.ts';
import { checkArrays, checkCount, isNumericArray, makeLike } from './arrays.ts';
import type { ElementOf, NumberArray, NumericArray, OwnArray } from './arrays.ts';
import type { Call } from './call.ts';
import { mapClones } from './clone-map.ts';
import type { Crew } from './crew.ts';
import { COUNT_MAX } from './grain.ts';
import type { FoldInput, RangeInput } from './loop.ts';
import { checkNumber, resolveMapOptions, resolveOptions } from './options.ts';
import type { MapOptions, ParallelOptions, ResolvedOptions } from './options.ts';
import { arrayItems, indexItems, mapShared } from './shared-map.ts';
import { pack } from './pack.ts';
import { LoadedTask, loadModuleTask } from './task.ts';
import type { ParallelTask, RangeTask, TaskModule } from './task.ts';
import { Threads } from './threads.ts';

/**
 * Makes a pool of threads for parallel calls. No thread is started before a call is worth one. An idle pool keeps no
 * process alive; one that is not needed any more is closed.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when an option is invalid.
 * @example
 * await using parallel = createParallel();
 * const task = { module: new URL('./score.js', import.meta.url), export: 'score' };
 * const scores = await parallel.map(values, task);
 */
export function createParallel(options: ParallelOptions = {}): Parallel {
  return new PiscinaParallel(resolveOptions(options));
}

/** A pool of threads for parallel calls, made by {@link createParallel}. Calls may run at the same time. */
export interface Parallel {
  /** Threads that work on a call, the calling one included where it takes part. */
  readonly threads: number;

  /**
   * Applies the task to every item and gives the results in the order of the items, in a new typed array of the same
   * kind in ordinary memory. The task is called as `fn(value, index)`, must be synchronous, and must give a number (a
   * bigint for BigInt arrays), which is converted as by an assignment to an element. It runs in the calling thread
   * too.
   *
   * Small calls are computed at once, without threads. Larger ones are shared: an array in shared memory is read where
   * it is, any other is copied once.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when an argument is invalid.
   * @throws TaskModuleError, TaskExportError when the task names a module or export that is not there.
   * @throws TaskError when the task throws; with the index, and the thrown value as its cause. The rest is stopped.
   * @throws TaskClosureError when a task from source needs a variable from outside itself.
   * @throws TaskResultError when the task gives something else than a number.
   * @throws WorkerDiedError when a worker ends while it holds items.
   * @throws ThreadsUnavailableError with `callerSliceMs: 0`, when no worker can be started.
   * @throws ParallelClosedError after `close`.
   * @throws `signal.reason` when aborted.
   */
  map<A extends NumericArray>(
    input: A,
    task: ParallelTask<ElementOf<A>, ElementOf<A>> | TaskModule,
    options?: MapOptions,
  ): Promise<OwnArray<A>>;

  /**
   * Applies the task to every item of a plain array. Items and results are structured clones where a worker computed
   * them and the values themselves where the calling thread did, so treat them as values.
   *
   * @throws as for typed arrays; and ItemCloneError when an item cannot be cloned, TaskResultError when a result
   *   cannot be or is a promise.
   */
  map<I, O>(input: readonly I[], task: ParallelTask<I, O> | TaskModule, options?: MapOptions): Promise<O[]>;

  /**
   * As `map`, into an array of the caller's, of whatever kind: `output[i] = fn(input[i], i)`. Where both arrays are in
   * shared memory, as vectors of `@hotpath/memory` are, nothing is copied. `output` may be `input`. After a rejection
   * `output` holds some of the results.
   *
   * Do not free or overwrite the arrays before the promise settles.
   *
   * @returns `output`.
   */
  mapInto<A extends NumericArray, B extends NumericArray>(
    input: A,
    output: B,
    task: ParallelTask<ElementOf<A>, ElementOf<B>> | TaskModule,
    options?: MapOptions,
  ): Promise<B>;

  /**
   * The items for which the task gives something true, in their order: of a typed array a new one of the same kind, of a plain
   * array the items themselves.
   *
   * @throws as `map`; TaskResultError when the task gives no boolean or number for an item of a typed array.
   */
  filter<A extends NumericArray>(
    input: A,
    task: ParallelTask<ElementOf<A>, boolean | number> | TaskModule,
    options?: MapOptions,
  ): Promise<OwnArray<A>>;
  filter<I>(
    input: readonly I[],
    task: ParallelTask<I, unknown> | TaskModule,
    options?: MapOptions,
  ): Promise<I[]>;

  /**
   * Folds numbers: the task is called as `fn(accumulated, value, index)`, first with `initial`. It must be associative and
   * `initial` its identity (0 for a sum, −∞ for a maximum), because blocks of items are folded apart, each from `initial`,
   * and then their results by the same function. Blocks do not depend on the number of threads, so equal inputs give equal
   * results. An array that is not in shared memory is copied once.
   *
   * @throws as `map`.
   */
  reduce(
    input: NumberArray | readonly number[],
    task: ParallelTask<number, number> | TaskModule,
    initial: number,
    options?: MapOptions,
  ): Promise<number>;

  /**
   * Calls the task as `fn(start, end, data)` for ranges that together are 0 to `count`, each once, in whatever thread is
   * free. `data` is cloned to the workers; typed arrays in it must be over shared memory (`allocate`), and are seen by all.
   *
   * @throws as `map`; ArgumentTypeError when a typed array in `data` is over ordinary memory, where writes would be lost.
   */
  forEachRange(
    count: number,
    task: RangeTask | TaskModule,
    data?: unknown,
    options?: MapOptions,
  ): Promise<void>;

  /**
   * Waits for the calls that are running, at most `timeoutMs` (30 s by default), then ends the threads. Calls made
   * afterwards reject. May be called twice. A call that takes longer rejects with ParallelClosedError.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}

/** Elements of a block of `reduce`: long enough to make the fold of results cheap, short enough to be shared. */
const FOLD_BLOCK = 1024;

/** @throws ArgumentTypeError when `input` is neither a typed array of numbers nor a plain array of numbers. */
function numbersOf(input: NumberArray | readonly number[]): NumberArray {
  if (isNumericArray(input) && !(input instanceof BigInt64Array) && !(input instanceof BigUint64Array))
    return input;
  const packed = Array.isArray(input) ? pack(input) : undefined;
  if (packed === undefined || !ArrayBuffer.isView(packed)) {
    throw new ArgumentTypeError(`input: expected an array of numbers, got ${describe(input)}`);
  }
  return packed;
}

/** Writes to a clone would be lost: that is found here and not in the results. */
function refuseLocal(data: unknown): void {
  const values = typeof data === 'object' && data !== null ? [data, ...Object.values(data)] : [];
  for (const value of ArrayBuffer.isView(data) ? [data] : values) {
    if (ArrayBuffer.isView(value) && !(value.buffer instanceof SharedArrayBuffer)) {
      throw new ArgumentTypeError(
        'data: expected typed arrays over shared memory; take them with allocate or adopt',
      );
    }
  }
}

class PiscinaParallel implements Parallel {
  readonly #options: ResolvedOptions;
  readonly #threads: Threads;
  readonly #calls = new Set<Promise<unknown>>();
  readonly #modules = new Map<string, Promise<LoadedTask>>();
  readonly #crews = new Set<Crew>();
  #closed: Promise<void> | undefined;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#threads = new Threads(options.workerCount, options.resourceLimits);
  }

  get threads(): number {
    return this.#options.threads;
  }

  map<A extends NumericArray>(
    input: A,
    task: ParallelTask<ElementOf<A>, ElementOf<A>> | TaskModule,
    options?: MapOptions,
  ): Promise<OwnArray<A>>;
  map<I, O>(input: readonly I[], task: ParallelTask<I, O> | TaskModule, options?: MapOptions): Promise<O[]>;
  map(
    input: NumericArray | readonly unknown[],
    task: ParallelTask<never, unknown> | TaskModule,
    options: MapOptions = {},
  ): Promise<unknown> {
    return this.#track(async () => {
      if (isNumericArray(input)) {
        const output = makeLike(input, input.length);
        checkArrays(input, output);
        await mapShared(await this.#call(task, options), arrayItems(input, output));
        return output;
      }
      if (!Array.isArray(input)) {
        throw new ArgumentTypeError(`input: expected an array or a typed array, got ${describe(input)}`);
      }
      checkCount(input.length);
      const output = new Array<unknown>(input.length);
      await mapClones(await this.#call(task, options), input, output);
      return output;
    });
  }

  mapInto<A extends NumericArray, B extends NumericArray>(
    input: A,
    output: B,
    task: ParallelTask<ElementOf<A>, ElementOf<B>> | TaskModule,
    options: MapOptions = {},
  ): Promise<B> {
    return this.#track(async () => {
      checkArrays(input, output);
      await mapShared(await this.#call(task, options), arrayItems(input, output));
      return output;
    });
  }

  filter<A extends NumericArray>(
    input: A,
    task: ParallelTask<ElementOf<A>, boolean | number> | TaskModule,
    options?: MapOptions,
  ): Promise<OwnArray<A>>;
  filter<I>(
    input: readonly I[],
    task: ParallelTask<I, unknown> | TaskModule,
    options?: MapOptions,
  ): Promise<I[]>;
  filter(
    input: NumericArray | readonly unknown[],
    task: ParallelTask<never, unknown> | TaskModule,
    options: MapOptions = {},
  ): Promise<unknown> {
    if (!isNumericArray(input)) {
      return this.map(input, task as TaskModule, options).then((flags) =>
        input.filter((_, i) => Boolean(flags[i])),
      );
    }
    return this.#track(async () => {
      checkCount(input.length);
      const flags = new Uint8Array(input.length);
      await mapShared(await this.#call(task, options), arrayItems(input, flags, 'flag'));
      const kept = flags.reduce((total, flag) => total + flag, 0);
      const output = makeLike(input, kept);
      for (let i = 0, w = 0; i < input.length; i++) if (flags[i] === 1) output[w++] = input[i]!;
      return output;
    });
  }

  reduce(
    input: NumberArray | readonly number[],
    task: ParallelTask<number, number> | TaskModule,
    initial: number,
    options: MapOptions = {},
  ): Promise<number> {
    return this.#track(async () => {
      if (typeof initial !== 'number') {
        throw new ArgumentTypeError(`initial: expected a number, got ${describe(initial)}`);
      }
      const numbers = numbersOf(input);
      const call = await this.#call(task, options);
      const isShared = numbers.buffer instanceof SharedArrayBuffer || this.#options.workerCount === 0;
      const copy = isShared ? undefined : adopt(numbers as Float64Array);
      try {
        const array = copy === undefined ? numbers : copy.subarray();
        const blocks = Math.ceil(array.length / FOLD_BLOCK);
        const results = new Float64Array(new SharedArrayBuffer(blocks * 8));
        const fold: FoldInput = { array, block: FOLD_BLOCK, initial, length: blocks };
        await mapShared(call, indexItems(blocks, fold, results, 'fold'));
        return call.task.fold(results, initial);
      } finally {
        if (copy !== undefined) free(copy);
      }
    });
  }

  forEachRange(
    count: number,
    task: RangeTask | TaskModule,
    data?: unknown,
    options: MapOptions = {},
  ): Promise<void> {
    return this.#track(async () => {
      checkNumber('count', count, 0, COUNT_MAX, true);
      refuseLocal(data);
      const range: RangeInput = { data, length: count };
      const items = indexItems(count, range, new Uint8Array(0), 'range');
      await mapShared(await this.#call(task, options), items);
    });
  }

  close({ timeoutMs = 30_000 }: { readonly timeoutMs?: number } = {}): Promise<void> {
    checkNumber('timeoutMs', timeoutMs, 0, 2 ** 31 - 1, false);
    this.#closed ??= this.#close(timeoutMs);
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => {
      const error = new ParallelClosedError(`the pool was closed, and the call took ${timeoutMs} ms longer`);
      for (const crew of this.#crews) crew.fail(error);
    }, timeoutMs);
    await Promise.allSettled(this.#calls);
    clearTimeout(timer);
    await this.#threads.destroy();
  }

  /** Runs a call and remembers it for `close`. */
  async #track<R>(run: () => Promise<R>): Promise<R> {
    if (this.#closed !== undefined) throw new ParallelClosedError('the pool is closed');
    const running = run();
    this.#calls.add(running);
    try {
      return await running;
    } finally {
      this.#calls.delete(running);
    }
  }

  async #call(task: ParallelTask<never, unknown> | TaskModule, options: MapOptions): Promise<Call> {
    const { signal, grain, onProgress } = resolveMapOptions(options);
    return {
      task: task instanceof LoadedTask ? task : await this.#module(task as TaskModule),
      threads: this.#threads,
      options: this.#options,
      signal,
      grain,
      onProgress,
      crews: this.#crews,
    };
  }

  /** A module reference is loaded once a pool; what is learnt of its cost stays with it. */
  #module(reference: TaskModule): Promise<LoadedTask> {
    const key =
      typeof reference === 'object' && reference !== null
        ? `${reference.export} ${String(reference.module)}`
        : '';
    let loading = this.#modules.get(key);
    if (loading === undefined) {
      loading = loadModuleTask(reference);
      this.#modules.set(key, loading);
      loading.catch(() => this.#modules.delete(key));
    }
    return loading;
  }
}
