/**
 * Bytes that one call allocates, whether they are collected or not.
 *
 *   empty the young generation │ look │ call × operations │ look │ … rounds of it, the median counts
 *
 * A window in which nothing was collected grows by exactly what was allocated, so windows are kept short enough for that:
 * a few hundred kilobytes. Where a single call makes V8 collect, what lies between two collections is added up instead,
 * from the sizes that V8 takes before and after each.
 */

import { GCProfiler } from 'node:v8';
import { functionOption, integerOption, objectOption, signalOption } from '../option-checks.ts';
import { claimThread } from '../session.ts';
import { isThenable } from '../thenable.ts';
import { collectYoung, heapSize } from './collector.ts';
import { abortable, keepApart, runAsync, runSync, sink } from './run.ts';
import type { Operation } from './run.ts';
import { median, medianInterval } from './statistics.ts';

export interface BytesPerOpOptions {
  /** Windows that are measured, an integer from 5 to 10,000. Default 15. */
  readonly rounds?: number;
  /**
   * Calls in a window, an integer from 1 to 10,000,000. By default as many as a window holds without a collection,
   * at most 20 ms of them and 131,072.
   */
  readonly operations?: number;
  /** Calls before the first window go on this long, so that code is compiled: 0 to 3,600,000 ms. Default 250. */
  readonly warmUpMs?: number;
  /** Ends the wait for a promise that never settles; a function that blocks the thread cannot be ended. */
  readonly signal?: AbortSignal;
}

/** What one call allocates. */
export interface BytesPerOp {
  /** On the heap and outside it together: the median of the windows. */
  readonly bytes: number;
  /** Ends of the 95 % interval of `bytes`. */
  readonly bytesLow: number;
  readonly bytesHigh: number;
  /** On the heap: objects, strings, closures, promises. */
  readonly heapBytes: number;
  /** Outside it: the contents of buffers. When a window saw a collection, this is a lower bound. */
  readonly externalBytes: number;
  /** Calls in a window. */
  readonly operations: number;
  /** Windows. */
  readonly rounds: number;
  /** Collections that fell into windows: 0 unless a single call makes V8 collect, or `operations` was asked for. */
  readonly collections: number;
}

interface Resolved {
  readonly rounds: number;
  readonly operations: number | undefined;
  readonly warmUpMs: number;
  readonly signal: AbortSignal | undefined;
}

interface Window {
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly collections: number;
  readonly durationMs: number;
}

/** A quarter of the megabyte that the young generation begins with. */
const MOST_WINDOW_HEAP_BYTES = 256 * 1024;
/** V8 collects when buffers have grown by 32 MB. */
const MOST_WINDOW_EXTERNAL_BYTES = 4 * 1024 * 1024;
const MOST_WINDOW_MS = 20;
/** Beyond it a window gains no precision: its own error is some bytes in all. */
const MOST_CHOSEN_OPERATIONS = 2 ** 17;
const MOST_OPERATIONS = 10_000_000;
const CALIBRATIONS = 7;

/**
 * Measures what one call of `operation` allocates. Takes about `warmUpMs` and `rounds` windows, in which the thread does
 * nothing else; what else runs between the turns of an asynchronous operation is counted too.
 *
 * @param operation called some thousand times, so it must not use up what it works on. When it returns a promise, each call
 *   waits for the one before, and the waiting itself is not counted.
 * @returns figures per call. Of small objects they are exact to a byte; an object of kilobytes counts with its share of the
 *   page ends that it leaves unused.
 * @throws {ArgumentTypeError} an argument has the wrong type.
 * @throws {ArgumentRangeError} a number is fractional or out of its range.
 * @throws {ProfilerBusyError} this thread is already being profiled.
 * @throws what `operation` throws or rejects with; the signal's reason when it aborts.
 *
 * @example
 * ```ts
 * const { bytes } = await bytesPerOp(() => JSON.parse(text));
 * ```
 */
export async function bytesPerOp(operation: Operation, options: BytesPerOpOptions = {}): Promise<BytesPerOp> {
  const resolved = resolve(operation, options);
  resolved.signal?.throwIfAborted();
  const release = claimThread('bytesPerOp()');
  try {
    return await abortable(measure(operation, resolved), resolved.signal);
  } finally {
    sink.last = undefined;
    release();
  }
}

function resolve(operation: unknown, options: BytesPerOpOptions): Resolved {
  functionOption('operation', operation);
  objectOption('options', options);
  const { rounds = 15, operations, warmUpMs = 250, signal } = options;
  signalOption(signal);
  return {
    rounds: integerOption('rounds', rounds, 5, 10_000, 'a number of windows'),
    operations:
      operations === undefined
        ? undefined
        : integerOption('operations', operations, 1, MOST_OPERATIONS, 'a number of calls'),
    warmUpMs: integerOption('warmUpMs', warmUpMs, 0, 3_600_000, 'a number of milliseconds'),
    signal,
  };
}

async function measure(operation: Operation, options: Resolved): Promise<BytesPerOp> {
  const first = operation();
  const isAsync = isThenable(first);
  sink.last = await first;
  await keepApart();
  await warmUp(operation, isAsync, options);
  const operations = options.operations ?? (await calibrate(operation, isAsync, options.signal));
  const floor = await floorOf(isAsync, operations, options.signal);
  const windows: Window[] = [];
  for (let round = 0; round < options.rounds; round++) {
    windows.push(await watch(operation, operations, isAsync, options.signal));
  }
  return summarise(windows, floor, operations);
}

async function warmUp(operation: Operation, isAsync: boolean, { warmUpMs, signal }: Resolved): Promise<void> {
  const end = performance.now() + warmUpMs;
  let times = 1;
  while (performance.now() < end) {
    signal?.throwIfAborted();
    const begin = performance.now();
    if (isAsync) await runAsync(operation, times);
    else runSync(operation, times);
    if (performance.now() - begin < 5) times *= 2;
  }
}

/** The greatest number of calls, up to doubling, whose window is short, small and free of collections. */
async function calibrate(
  operation: Operation,
  isAsync: boolean,
  signal: AbortSignal | undefined,
): Promise<number> {
  let operations = 1;
  while (operations < MOST_CHOSEN_OPERATIONS) {
    const window = await watch(operation, operations, isAsync, signal);
    if (window.collections > 0) return Math.max(1, operations >> 2);
    if (
      window.heapBytes * 2 > MOST_WINDOW_HEAP_BYTES ||
      window.externalBytes * 2 > MOST_WINDOW_EXTERNAL_BYTES ||
      window.durationMs * 2 > MOST_WINDOW_MS
    ) {
      return operations;
    }
    operations *= 2;
  }
  return operations;
}

/** What a window holds of our own: the look at its begin, and for promises the waiting. */
async function floorOf(
  isAsync: boolean,
  operations: number,
  signal: AbortSignal | undefined,
): Promise<Window> {
  const settled = Promise.resolve();
  const windows: Window[] = [];
  for (let round = 0; round < CALIBRATIONS; round++) {
    windows.push(await watch(isAsync ? () => settled : () => undefined, operations, isAsync, signal));
  }
  return {
    heapBytes: median(windows.map(({ heapBytes }) => heapBytes)),
    externalBytes: 0,
    collections: 0,
    durationMs: 0,
  };
}

async function watch(
  operation: Operation,
  operations: number,
  isAsync: boolean,
  signal: AbortSignal | undefined,
): Promise<Window> {
  signal?.throwIfAborted();
  const collections = new GCProfiler();
  collectYoung();
  collections.start();
  try {
    const beginMs = performance.now();
    const before = heapSize();
    if (isAsync) await runAsync(operation, operations);
    else runSync(operation, operations);
    const after = heapSize();
    const durationMs = performance.now() - beginMs;
    return { ...between(before, after, collections.stop()?.statistics ?? []), durationMs };
  } finally {
    collections.stop();
  }
}

type Collections = NonNullable<ReturnType<GCProfiler['stop']>>['statistics'];
type Size = ReturnType<typeof heapSize>;

/** Growth from the begin to the first collection, between two, and from the last to the end. */
function between(before: Size, after: Size, collections: Collections): Omit<Window, 'durationMs'> {
  let { heapBytes, externalBytes } = { heapBytes: -before.heapBytes, externalBytes: -before.externalBytes };
  for (const { beforeGC, afterGC } of collections) {
    heapBytes += beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize;
    externalBytes += beforeGC.heapStatistics.externalMemory - afterGC.heapStatistics.externalMemory;
  }
  return {
    heapBytes: heapBytes + after.heapBytes,
    externalBytes: externalBytes + after.externalBytes,
    collections: collections.length,
  };
}

function summarise(windows: readonly Window[], floor: Window, operations: number): BytesPerOp {
  const heapOf = (window: Window): number => Math.max(0, window.heapBytes - floor.heapBytes) / operations;
  const externalOf = (window: Window): number => Math.max(0, window.externalBytes) / operations;
  const total = medianInterval(windows.map((window) => heapOf(window) + externalOf(window)));
  return {
    bytes: total.value,
    bytesLow: total.low,
    bytesHigh: total.high,
    heapBytes: median(windows.map(heapOf)),
    externalBytes: median(windows.map(externalOf)),
    operations,
    rounds: windows.length,
    collections: windows.reduce((sum, window) => sum + window.collections, 0),
  };
}
