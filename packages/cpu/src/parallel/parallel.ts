import { describe } from '../describe.ts';
import { ArgumentTypeError, ParallelClosedError, TaskResultError } from '../errors.ts';
import { locate } from '../kernels/operands.ts';
import { checkArrays, checkCount, checkInput, isNumericArray, makeLike } from './arrays.ts';
import type { ElementOf, NumberArray, NumericArray, OwnArray } from './arrays.ts';
import type { Call, Stoppable } from './call.ts';
import { mapClones } from './clone-map.ts';
import type { NumberKernel, Operand, ParallelKernels } from './kernel-blocks.ts';
import { checkKernel, kernelTask, runKernel } from './kernel.ts';
import { COUNT_MAX } from './grain.ts';
import type { GatherBlock, RangeInput } from './loop.ts';
import { checkNumber, resolveMapOptions, resolveOptions } from './options.ts';
import type { MapOptions, ParallelOptions, ResolvedOptions } from './options.ts';
import { arrayItems, foldItems, indexItems, mapShared } from './shared-map.ts';
import { areNumbers } from './pack.ts';
import { ASCENDING, sortPlain, sortTyped } from './sort.ts';
import { keyOf, LoadedTask, loadModuleTask } from './task.ts';
import type { ParallelTask, RangeTask, TaskModule } from './task.ts';
import { Threads } from './threads.ts';
import type { Parallel } from './api.ts';

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

/** Elements of a block of `reduce`: long enough to make the fold of results cheap, short enough to be shared. */
const FOLD_BLOCK = 1024;

/**
 * `input` where it holds numbers alone, else `undefined`.
 *
 * @throws ArgumentTypeError when it is neither a typed array of numbers nor a plain array.
 * @throws ArgumentRangeError, FreedVectorError as {@link checkInput}.
 */
function numbersOf(input: NumberArray | readonly unknown[]): NumberArray | readonly number[] | undefined {
  if (isNumericArray(input) && !(input instanceof BigInt64Array) && !(input instanceof BigUint64Array)) {
    checkInput('input', input);
    return input;
  }
  if (!Array.isArray(input)) {
    throw new ArgumentTypeError(
      `input: expected an array or a typed array of numbers, got ${describe(input)}`,
    );
  }
  return input.length > 0 && areNumbers(input) ? input : undefined;
}

/** Folds clones of the items, block by block. */
async function gather(call: Call, input: readonly unknown[], initial: unknown): Promise<unknown> {
  checkCount(input.length);
  const blocks = Array.from({ length: Math.ceil(input.length / FOLD_BLOCK) }, (_, b): GatherBlock => {
    const first = b * FOLD_BLOCK;
    return { items: input.slice(first, first + FOLD_BLOCK), initial, first, step: 1 };
  });
  const results = new Array<unknown>(blocks.length);
  const onProgress =
    call.onProgress &&
    ((done: number) => call.onProgress?.(Math.min(done * FOLD_BLOCK, input.length), input.length));
  await mapClones({ ...call, task: call.task.withCost(0), onProgress }, blocks, results, 'gather');
  return await foldResults(call, results, initial);
}

/**
 * Folds the results of blocks by the same function, as one more block; `initial` where there are none. The index of a result is that of
 * the first item of its block.
 */
async function foldResults(call: Call, results: readonly unknown[], initial: unknown): Promise<unknown> {
  if (results.length === 0) return initial;
  const [first, ...items] = results;
  if (items.length === 0) return first;
  const block: GatherBlock = { items, initial: first, first: FOLD_BLOCK, step: FOLD_BLOCK };
  const total: unknown[] = [];
  const task = call.task.withCost(0);
  await mapClones({ ...call, task, onProgress: undefined }, [block], total, 'gather');
  return total[0];
}

/**
 * Writes to a clone would be lost, and those to a freed vector would hit another's: that is found here and not in the results.
 *
 * @throws ArgumentTypeError for a typed array over ordinary memory, FreedVectorError for one that was freed.
 */
function checkData(data: unknown): void {
  const values = typeof data === 'object' && data !== null ? [data, ...Object.values(data)] : [];
  for (const value of ArrayBuffer.isView(data) ? [data] : values) {
    if (!ArrayBuffer.isView(value)) continue;
    if (!(value.buffer instanceof SharedArrayBuffer)) {
      throw new ArgumentTypeError(
        'data: expected typed arrays over shared memory; take them with allocate or adopt',
      );
    }
    locate('data', value);
  }
}

/** `result`, now or when `work` is done. */
function after<R>(work: Promise<void> | undefined, result: R): R | Promise<R> {
  return work === undefined ? result : work.then(() => result);
}

class PiscinaParallel implements Parallel {
  readonly #options: ResolvedOptions;
  readonly #threads: Threads;
  readonly #calls = new Set<Promise<unknown>>();
  readonly #modules = new Map<string, LoadedTask | Promise<LoadedTask>>();
  readonly #running = new Set<Stoppable>();
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
    return this.#track(() => {
      if (isNumericArray(input)) {
        checkInput('input', input);
        const output = makeLike(input, input.length);
        return this.#with(task, options, (call) => after(mapShared(call, arrayItems(input, output)), output));
      }
      if (!Array.isArray(input)) {
        throw new ArgumentTypeError(`input: expected an array or a typed array, got ${describe(input)}`);
      }
      checkCount(input.length);
      return this.#with(task, options, (call) => {
        const output = new Array<unknown>(input.length);
        return after(mapClones(call, input, output), output);
      });
    });
  }

  mapInto<A extends NumericArray, B extends NumericArray>(
    input: A,
    output: B,
    task: ParallelTask<ElementOf<A>, ElementOf<B>> | TaskModule,
    options: MapOptions = {},
  ): Promise<B> {
    return this.#track(() => {
      checkArrays(input, output);
      return this.#with(task, options, (call) => after(mapShared(call, arrayItems(input, output)), output));
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
      checkInput('input', input);
      const flags = new Uint8Array(input.length);
      await mapShared(await this.#call(task, options), arrayItems(input, flags, 'flag'));
      let kept = 0;
      for (let i = 0; i < flags.length; i++) kept += flags[i]!;
      const output = makeLike(input, kept);
      for (let i = 0, w = 0; i < input.length; i++) if (flags[i] === 1) output[w++] = input[i]!;
      return output;
    });
  }

  reduce(
    input: NumberArray | readonly number[],
    task: ParallelTask<number, number> | TaskModule,
    initial: number,
    options?: MapOptions,
  ): Promise<number>;
  reduce<T>(
    input: readonly T[],
    task: ParallelTask<T, T> | TaskModule,
    initial: T,
    options?: MapOptions,
  ): Promise<T>;
  reduce(
    input: NumberArray | readonly unknown[],
    task: ParallelTask<never, unknown> | TaskModule,
    initial: unknown,
    options: MapOptions = {},
  ): Promise<unknown> {
    return this.#track(async () => {
      const numbers = numbersOf(input);
      const call = await this.#call(task, options);
      if (numbers === undefined) return await gather(call, input as readonly unknown[], initial);
      if (typeof initial !== 'number') {
        throw new ArgumentTypeError(`initial: expected a number, got ${describe(initial)}`);
      }
      const results = new Float64Array(new SharedArrayBuffer(Math.ceil(numbers.length / FOLD_BLOCK) * 8));
      await mapShared(call, foldItems(numbers, FOLD_BLOCK, initial, results));
      const total = await foldResults(call, Array.from(results), initial);
      if (typeof total === 'number') return total;
      throw new TaskResultError(`the result of the fold: expected a number, got ${describe(total)}`, -1);
    });
  }

  sort<A extends NumericArray>(
    array: A,
    task?: ParallelTask<ElementOf<A>, number> | TaskModule,
    options?: MapOptions,
  ): Promise<A>;
  sort<I>(array: I[], task?: ParallelTask<I, number> | TaskModule, options?: MapOptions): Promise<I[]>;
  sort(
    array: NumericArray | unknown[],
    task: ParallelTask<never, number> | TaskModule = ASCENDING,
    options: MapOptions = {},
  ): Promise<unknown> {
    return this.#track(async () => {
      const call = await this.#call(task, options);
      if (isNumericArray(array)) await sortTyped(call, array);
      else if (Array.isArray(array)) await sortPlain(call, array);
      else throw new ArgumentTypeError(`array: expected an array or a typed array, got ${describe(array)}`);
      return array;
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
      checkData(data);
      const range: RangeInput = { data, length: count };
      const items = indexItems(count, range, new Uint8Array(0), 'range');
      await mapShared(await this.#call(task, options), items);
    });
  }

  kernel<K extends keyof ParallelKernels>(
    name: K,
    operands: ParallelKernels[K],
    options: MapOptions = {},
  ): Promise<K extends NumberKernel ? number : void> {
    return this.#track(() => {
      const checked = checkKernel(name, operands as readonly Operand[]);
      return runKernel(this.#callOf(kernelTask(checked), options), checked) as Promise<
        K extends NumberKernel ? number : void
      >;
    });
  }

  async close({ timeoutMs = 30_000 }: { readonly timeoutMs?: number } = {}): Promise<void> {
    checkNumber('timeoutMs', timeoutMs, 0, 2 ** 31 - 1, false);
    this.#closed ??= this.#close(timeoutMs);
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => {
      const error = new ParallelClosedError(`the pool was closed, and the call took ${timeoutMs} ms longer`);
      for (const call of this.#running) call.fail(error);
    }, timeoutMs);
    await Promise.allSettled(this.#calls);
    clearTimeout(timer);
    await this.#threads.destroy();
  }

  /** Runs a call, and remembers it for `close` where it is not over at once. */
  #track<R>(run: () => R | Promise<R>): Promise<R> {
    if (this.#closed !== undefined) return Promise.reject(new ParallelClosedError('the pool is closed'));
    try {
      const result = run();
      return result instanceof Promise ? this.#await(result) : Promise.resolve(result);
    } catch (error) {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an abort's reason may be anything
      return Promise.reject(error);
    }
  }

  async #await<R>(running: Promise<R>): Promise<R> {
    this.#calls.add(running);
    try {
      return await running;
    } finally {
      this.#calls.delete(running);
    }
  }

  /** Goes on with the call of a task; at once where it is loaded. */
  #with<R>(
    task: ParallelTask<never, unknown> | TaskModule,
    options: MapOptions,
    run: (call: Call) => R | Promise<R>,
  ): R | Promise<R> {
    const loaded = task instanceof LoadedTask ? task : this.#module(task as TaskModule);
    return loaded instanceof LoadedTask
      ? run(this.#callOf(loaded, options))
      : this.#loaded(loaded, options).then((ready) => run(this.#callOf(ready, options)));
  }

  /** A task when it is there. Its module may take long to load, or for ever: until then a call can be aborted, and ended by `close`. */
  async #loaded(loading: Promise<LoadedTask>, options: MapOptions): Promise<LoadedTask> {
    const { signal } = resolveMapOptions(options);
    signal?.throwIfAborted();
    let onAbort = (): void => {};
    let waiting: Stoppable | undefined;
    // oxlint-disable-next-line promise/avoid-new -- an abort and `close` are no promises
    const stopped = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal!.reason as Error);
      waiting = { fail: reject };
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#running.add(waiting!);
    try {
      return await Promise.race([loading, stopped]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#running.delete(waiting!);
    }
  }

  async #call(task: ParallelTask<never, unknown> | TaskModule, options: MapOptions): Promise<Call> {
    return await this.#with(task, options, (call) => call);
  }

  #callOf(task: LoadedTask, options: MapOptions): Call {
    const { signal, grain, onProgress } = resolveMapOptions(options);
    return {
      task,
      threads: this.#threads,
      options: this.#options,
      signal,
      grain,
      onProgress,
      running: this.#running,
    };
  }

  /** A module reference is loaded once a pool; what is learnt of its cost stays with it. */
  #module(reference: TaskModule): LoadedTask | Promise<LoadedTask> {
    const key = keyOf(reference);
    // It names nothing, and is refused with a message of its own.
    if (key === undefined) return loadModuleTask(reference);
    let task = this.#modules.get(key);
    if (task === undefined) {
      task = loadModuleTask(reference);
      this.#modules.set(key, task);
      task.then(
        (loaded) => this.#modules.set(key, loaded),
        () => this.#modules.delete(key),
      );
    }
    return task;
  }
}
