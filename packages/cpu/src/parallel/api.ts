import type { ElementOf, NumberArray, NumericArray, OwnArray } from './arrays.ts';
import type { NumberKernel, ParallelKernels } from './kernel-blocks.ts';
import type { MapOptions } from './options.ts';
import type { ParallelTask, RangeTask, TaskModule } from './task.ts';

/** A pool of threads for parallel calls, made by `createParallel`. Calls may run at the same time. */
export interface Parallel {
  /** Threads that work on a call, the calling one included where it takes part. */
  readonly threads: number;

  /**
   * Applies the task to every item and gives the results in the order of the items, in a new typed array of the same
   * kind in ordinary memory. The task is called as `fn(value, index)`, must be synchronous, and must give a number (a
   * bigint for BigInt arrays), which is converted as by an assignment to an element. It runs in the calling thread
   * too.
   *
   * Calls that threads cannot shorten are computed here, small ones before this returns where the task is loaded. Others are shared: an
   * array in shared memory is read where it is, any other is copied once.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when an argument is invalid.
   * @throws FreedVectorError when an array was freed, or its buffer detached.
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
   * and then their results by the same function; the index of such a result is that of its block's first item. Blocks do not
   * depend on the number of threads, so equal inputs give equal results. An array that is not in shared memory is copied once.
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
   * Folds the items of a plain array, likewise: `T` is what the items are and what they fold to. Items are cloned to the workers, and
   * so is `initial`, once a block; do not change it in the task where that would be seen by another block.
   */
  reduce<T>(
    input: readonly T[],
    task: ParallelTask<T, T> | TaskModule,
    initial: T,
    options?: MapOptions,
  ): Promise<T>;

  /**
   * Sorts in place, stably. Without a task numbers go upwards as `TypedArray.prototype.sort` has them: −0 before 0, NaN last. A task is
   * a comparator `fn(a, b)`, as `Array.prototype.sort` takes it.
   *
   * Typed arrays, and plain arrays of numbers, are copied twice for the time of the call. Other items of a plain array are cloned to the
   * workers, which pays where comparing costs more than cloning (text in a language's order); the array keeps its own items.
   * `undefined` goes last. After a rejection the array is as it was.
   *
   * Do not touch the array before the promise settles.
   *
   * @returns `array`.
   * @throws as `map`; ArgumentTypeError when items of a plain array are no numbers and there is no comparator; TaskResultError when
   *   the comparator gives no number, or contradicts itself.
   */
  sort<A extends NumericArray>(
    array: A,
    task?: ParallelTask<ElementOf<A>, number> | TaskModule,
    options?: MapOptions,
  ): Promise<A>;
  sort<I>(array: I[], task?: ParallelTask<I, number> | TaskModule, options?: MapOptions): Promise<I[]>;

  /**
   * Calls the task as `fn(start, end, data)` for ranges that together are 0 to `count`, each once, in whatever thread is
   * free. `data` is cloned to the workers; typed arrays in it must be over shared memory (`allocate`), and are seen by all. The workers
   * are attached to the heap, so kernels called there over parts of such vectors use SIMD.
   *
   * @throws as `map`; ArgumentTypeError when a typed array in `data` is over ordinary memory, where writes would be lost, or `data` cannot be
   *   cloned.
   */
  forEachRange(
    count: number,
    task: RangeTask | TaskModule,
    data?: unknown,
    options?: MapOptions,
  ): Promise<void>;

  /**
   * Runs a kernel over large vectors of the heap in all threads, as `kernels[name](...operands)` would in this one. Nothing is copied.
   * What an element costs is learnt from call to call. A call that would take less than a millisecond is computed at once, in a microsecond
   * more than by the kernel itself; more is shared, and gains 1.2 to 1.8 times on two cores, as far as memory lets it.
   *
   * Numbers of more than 1,048,576 elements are folded from blocks, at most 64 of them and none shorter than 262,144 elements, so equal
   * inputs give equal results at any number of threads; those of fewer elements are the kernel's own. An output
   * may be an input; it may not overlap one otherwise. Do not free the vectors before the promise settles.
   *
   * @returns the number of a kernel that gives one.
   * @throws as the kernel; ArgumentTypeError for a name that is not in {@link ParallelKernels}, and for a vector outside the heap;
   *   what `forEachRange` throws.
   * @example
   * await parallel.kernel('add', [a, b, out]);
   * const total = await parallel.kernel('sum', [out]);
   */
  kernel<K extends keyof ParallelKernels>(
    name: K,
    operands: ParallelKernels[K],
    options?: MapOptions,
  ): Promise<K extends NumberKernel ? number : void>;

  /**
   * Waits for the calls that are running, at most `timeoutMs` (30 s by default), then ends the threads. Calls made
   * afterwards reject. May be called twice. A call that takes longer rejects with ParallelClosedError.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}
