import { adopt, free } from '@hotpath/memory';

import { describe } from '../describe.ts';
import { ArgumentTypeError, ParallelClosedError } from '../errors.ts';
import { checkArrays, checkCount, isNumericArray, makeLike } from './arrays.ts';
import type { ElementOf, NumberArray, NumericArray, OwnArray } from './arrays.ts';
import type { Call } from './call.ts';
import { mapClones } from './clone-map.ts';
import type { NumberKernel, Operand, ParallelKernels } from './kernel-blocks.ts';
import { checkKernel, kernelTask, runKernel } from './kernel.ts';
import type { Crew } from './crew.ts';
import { COUNT_MAX } from './grain.ts';
import type { FoldInput, GatherBlock, RangeInput } from './loop.ts';
import { checkNumber, resolveMapOptions, resolveOptions } from './options.ts';
import type { MapOptions, ParallelOptions, ResolvedOptions } from './options.ts';
import { arrayItems, indexItems, mapShared } from './shared-map.ts';
import { pack } from './pack.ts';
import { ASCENDING, sortPlain, sortTyped } from './sort.ts';
import { LoadedTask, loadModuleTask } from './task.ts';
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
 * The numbers of `input` as a typed array; `undefined` where it holds something else.
 *
 * @throws ArgumentTypeError when `input` is neither a typed array of numbers nor a plain array.
 */
function numbersOf(input: NumberArray | readonly unknown[]): NumberArray | undefined {
  if (isNumericArray(input) && !(input instanceof BigInt64Array) && !(input instanceof BigUint64Array))
    return input;
  if (!Array.isArray(input)) {
    throw new ArgumentTypeError(
      `input: expected an array or a typed array of numbers, got ${describe(input)}`,
    );
  }
  const packed = pack(input);
  return ArrayBuffer.isView(packed) ? packed : undefined;
}

/** Folds clones of the items, block by block. */
async function gather(call: Call, input: readonly unknown[], initial: unknown): Promise<unknown> {
  checkCount(input.length);
  const blocks = Array.from({ length: Math.ceil(input.length / FOLD_BLOCK) }, (_, b): GatherBlock => {
    const first = b * FOLD_BLOCK;
    return { items: input.slice(first, first + FOLD_BLOCK), initial, first };
  });
  const results = new Array<unknown>(blocks.length);
  const onProgress =
    call.onProgress &&
    ((done: number) => call.onProgress?.(Math.min(done * FOLD_BLOCK, input.length), input.length));
  await mapClones({ ...call, task: call.task.withCost(0), onProgress }, blocks, results, 'gather');
  return call.task.fold(results, initial);
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
      if (numbers === undefined || (Array.isArray(input) && input.length === 0)) {
        return await gather(call, input as readonly unknown[], initial);
      }
      if (typeof initial !== 'number') {
        throw new ArgumentTypeError(`initial: expected a number, got ${describe(initial)}`);
      }
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
      refuseLocal(data);
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
    return this.#track(async () => {
      const checked = checkKernel(name, operands as readonly Operand[]);
      const result = await runKernel(this.#callOf(kernelTask(checked), options), checked);
      return result as K extends NumberKernel ? number : void;
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
    return this.#callOf(task instanceof LoadedTask ? task : await this.#module(task as TaskModule), options);
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
