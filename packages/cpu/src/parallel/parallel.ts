import { describe } from '../describe.ts';
import { ArgumentTypeError, ParallelClosedError } from '../errors.ts';
import { checkArrays, checkCount, isNumericArray, makeLike } from './arrays.ts';
import type { ElementOf, NumericArray, OwnArray } from './arrays.ts';
import type { Call } from './call.ts';
import { mapClones } from './clone-map.ts';
import type { Crew } from './crew.ts';
import { checkNumber, resolveMapOptions, resolveOptions } from './options.ts';
import type { MapOptions, ParallelOptions, ResolvedOptions } from './options.ts';
import { mapShared } from './shared-map.ts';
import { LoadedTask, loadModuleTask } from './task.ts';
import type { ParallelTask, TaskModule } from './task.ts';
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
   * Waits for the calls that are running, at most `timeoutMs` (30 s by default), then ends the threads. Calls made
   * afterwards reject. May be called twice. A call that takes longer rejects with ParallelClosedError.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
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
        await mapShared(await this.#call(task, options), input, output);
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
      await mapShared(await this.#call(task, options), input, output);
      return output;
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
    const { signal, grain } = resolveMapOptions(options);
    return {
      task: task instanceof LoadedTask ? task : await this.#module(task as TaskModule),
      threads: this.#threads,
      options: this.#options,
      signal,
      grain,
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
