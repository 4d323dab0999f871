import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';

import { describe } from '../describe.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';

/** How a pool for parallel calls is made. */
export interface ParallelOptions {
  /**
   * Threads that work on a call, the calling one included. Default: `os.availableParallelism()`. From 1, which starts
   * no thread at all, to 256.
   */
  readonly threads?: number;
  /**
   * Longest time in milliseconds that the calling thread computes before it lets its event loop turn; an item that
   * takes longer delays it. Default 5. With 0 the calling thread never runs a task: every call goes to workers,
   * however small it is, and `threads` workers are started.
   */
  readonly callerSliceMs?: number;
  /**
   * After a call was stopped by an abort or a failure: milliseconds that a worker may need to finish its item before
   * its thread is ended and replaced. Default 1000.
   */
  readonly stopGraceMs?: number;
  /** Limits of each worker, as for `new Worker`; its heap is the process's default otherwise. */
  readonly resourceLimits?: ResourceLimits;
}

/** How one call is made. */
export interface MapOptions {
  /**
   * Stops the call: it rejects with `signal.reason` once no thread touches the data any more. The workers live on.
   */
  readonly signal?: AbortSignal;
  /**
   * Items that a thread takes at once, over typed arrays. Default: as many as take about 50 µs, measured as the call
   * runs, and fewer towards the end. From 1 to 1,048,576.
   */
  readonly grain?: number;
  /**
   * Told in the calling thread, about every 50 ms and at the end, how many of the items are done. What it throws fails the call.
   */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ResolvedOptions {
  readonly workerCount: number;
  /** Threads that compute: the workers, and the caller where it takes part. */
  readonly threads: number;
  readonly callerSliceMs: number;
  readonly stopGraceMs: number;
  readonly resourceLimits: ResourceLimits | undefined;
}

const THREADS_MAX = 256;
const DURATION_MAX = 2 ** 31 - 1;
const GRAIN_OPTION_MAX: number = 1 << 20;

/** @throws ArgumentTypeError, ArgumentRangeError when an option is invalid. */
export function resolveOptions(options: ParallelOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentTypeError(`options: expected an object, got ${describe(options)}`);
  }
  const {
    threads = Math.min(availableParallelism(), THREADS_MAX),
    callerSliceMs = 5,
    stopGraceMs = 1000,
  } = options;
  checkNumber('threads', threads, 1, THREADS_MAX, true);
  checkNumber('callerSliceMs', callerSliceMs, 0, DURATION_MAX, false);
  checkNumber('stopGraceMs', stopGraceMs, 0, DURATION_MAX, false);
  const { resourceLimits } = options;
  if (resourceLimits !== undefined && (typeof resourceLimits !== 'object' || resourceLimits === null)) {
    throw new ArgumentTypeError(`resourceLimits: expected an object, got ${describe(resourceLimits)}`);
  }
  const workerCount = callerSliceMs === 0 ? threads : threads - 1;
  return { workerCount, threads, callerSliceMs, stopGraceMs, resourceLimits };
}

export interface ResolvedMapOptions {
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((done: number, total: number) => void) | undefined;
  /** 0 when it is to be measured. */
  readonly grain: number;
}

/** @throws ArgumentTypeError, ArgumentRangeError when an option is invalid. */
export function resolveMapOptions(options: MapOptions): ResolvedMapOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentTypeError(`options: expected an object, got ${describe(options)}`);
  }
  const { signal, grain, onProgress } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new ArgumentTypeError(`signal: expected an AbortSignal, got ${describe(signal)}`);
  }
  if (grain !== undefined) checkNumber('grain', grain, 1, GRAIN_OPTION_MAX, true);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new ArgumentTypeError(`onProgress: expected a function, got ${describe(onProgress)}`);
  }
  return { signal, grain: grain ?? 0, onProgress };
}

export function checkNumber(
  name: string,
  value: unknown,
  minimum: number,
  maximum: number,
  isInteger: boolean,
): void {
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`${name}: expected a number, got ${describe(value)}`);
  if (!(value >= minimum && value <= maximum) || (isInteger && !Number.isInteger(value))) {
    const what = isInteger ? 'an integer' : 'a number';
    throw new ArgumentRangeError(`${name}: expected ${what} from ${minimum} to ${maximum}, got ${value}`);
  }
}
