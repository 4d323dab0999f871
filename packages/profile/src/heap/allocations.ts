/** What a function allocates, by call site, whether it is collected or not. */

import type { CallNode } from '../flame/call-node.ts';
import { flameGraph } from '../flame/flame-graph.ts';
import type { FlameGraphOptions } from '../flame/flame-graph.ts';
import { ArgumentTypeError } from '../errors.ts';
import { functionOption, integerOption, kindOf, objectOption, signalOption } from '../option-checks.ts';
import { openSession } from '../session.ts';
import { sourcePlaces } from '../source-maps/source-places.ts';
import { framesOf, topSites, treeOf } from './allocation-tree.ts';
import type { AllocationSite, AllocationTree, Places } from './allocation-tree.ts';
import { ownFrames } from './own-frames.ts';
import { abortable } from './run.ts';
import { startSampling, stopSampling } from './sampler.ts';
import type { V8HeapProfile } from './sampler.ts';

export interface AllocationsOptions {
  /**
   * About one sample is taken in so many bytes, an integer from 64 to 16,777,216. Less is more precise, slower and holds
   * more memory: some hundred bytes a sample. Default 4096, which gives a megabyte 256 samples.
   */
  readonly intervalBytes?: number;
  /** Whether places are told in the sources that the code was compiled from, where it has source maps. Default true. */
  readonly sourceMaps?: boolean;
  /** Ends the wait for a promise that never settles; a function that blocks the thread cannot be ended. */
  readonly signal?: AbortSignal;
}

/** What was allocated while a function ran. Estimates from samples; figures do not change afterwards. */
export interface AllocationProfile<Value = unknown> {
  /** What the function returned, or its promise gave. */
  readonly value: Value;
  /** On the heap; the contents of buffers lie outside it and are not sampled: `bytesPerOp` counts them. */
  readonly bytes: number;
  readonly sampleCount: number;
  /** The profile as V8 gave it, of the compiled code: `JSON.stringify` makes a `.heapprofile` file of it, for DevTools. */
  readonly heapprofile: V8HeapProfile;
  /** Every path that allocated, in bytes. */
  readonly root: CallNode;
  /** The functions that allocated most by themselves, the heaviest first, at most `count`: 20 by default. */
  top(count?: number): readonly AllocationSite[];
  /** The tree as an SVG, in bytes; a profile's `root` as `before` gives the difference. See {@link flameGraph}. */
  flameGraph(options?: Omit<FlameGraphOptions, 'unit'>): string;
}

const DEFAULT_INTERVAL_BYTES = 4096;
const LEAST_INTERVAL_BYTES = 64;
const MOST_INTERVAL_BYTES = 16 * 1024 * 1024;
const DEFAULT_TOP = 20;
const MOST_TOP = 1_000_000;

/**
 * Runs `operation` once and tells which functions allocated how much, objects that were collected meanwhile included.
 * V8 names functions, not lines within them, and what it has inlined counts for the function that it became part of; `callers`
 * tells by which way they were reached. What else runs on this thread
 * between the turns of an asynchronous operation is seen too, under its own functions.
 *
 * @param operation run once; when it returns a promise, until that settles. For a profile worth reading it should allocate
 *   some hundred times `intervalBytes`: let it do its work in a loop.
 * @throws {ArgumentTypeError} an argument has the wrong type.
 * @throws {ArgumentRangeError} a number is fractional or out of its range.
 * @throws {ProfilerBusyError} this thread is already being profiled, by this package or another tool.
 * @throws {InspectorUnavailableError} this Node was built without the inspector, or may not use it.
 * @throws what `operation` throws or rejects with; the signal's reason when it aborts.
 *
 * @example
 * ```ts
 * const profile = await allocations(() => renderPages(1000));
 * for (const { name, selfBytes } of profile.top(5)) console.log(name, selfBytes);
 * ```
 */
export async function allocations<Value>(
  operation: () => Value | PromiseLike<Value>,
  options: AllocationsOptions = {},
): Promise<AllocationProfile<Value>> {
  functionOption('operation', operation);
  objectOption('options', options);
  const { intervalBytes = DEFAULT_INTERVAL_BYTES, sourceMaps = true, signal } = options;
  integerOption(
    'intervalBytes',
    intervalBytes,
    LEAST_INTERVAL_BYTES,
    MOST_INTERVAL_BYTES,
    'a number of bytes',
  );
  if (typeof sourceMaps !== 'boolean') {
    throw new ArgumentTypeError(`sourceMaps: expected a boolean, got ${kindOf(sourceMaps)}`);
  }
  signalOption(signal);
  signal?.throwIfAborted();
  const { value, heapprofile } = await sample(operation, intervalBytes, signal);
  const places = await sourcePlaces(sourceMaps ? framesOf(heapprofile) : []);
  return new SampledAllocations(value, heapprofile, places);
}

async function sample<Value>(
  operation: () => Value | PromiseLike<Value>,
  intervalBytes: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly value: Value; readonly heapprofile: V8HeapProfile }> {
  using session = openSession('allocations()');
  startSampling(session, intervalBytes, 'all');
  let value: Value;
  let heapprofile: V8HeapProfile;
  try {
    value = await abortable(runOnce(operation), signal);
  } finally {
    heapprofile = stopSampling(session);
  }
  return { value, heapprofile };
}

async function runOnce<Value>(operation: () => Value | PromiseLike<Value>): Promise<Value> {
  return await operation();
}

const own = ownFrames(import.meta.url, [allocations.name, sample.name, runOnce.name]);

class SampledAllocations<Value> implements AllocationProfile<Value> {
  readonly value: Value;
  readonly heapprofile: V8HeapProfile;
  readonly bytes: number;
  readonly sampleCount: number;
  readonly root: CallNode;
  readonly #tree: AllocationTree;

  constructor(value: Value, heapprofile: V8HeapProfile, places: Places) {
    this.value = value;
    this.heapprofile = heapprofile;
    this.#tree = treeOf(heapprofile, own, places);
    this.root = this.#tree.root;
    this.bytes = this.root.total;
    this.sampleCount = heapprofile.samples.length;
  }

  top(count: number = DEFAULT_TOP): readonly AllocationSite[] {
    return topSites(this.#tree, integerOption('count', count, 1, MOST_TOP, 'a number of functions'));
  }

  flameGraph(options: Omit<FlameGraphOptions, 'unit'> = {}): string {
    objectOption('options', options);
    return flameGraph(this.root, { title: 'Allocations', ...options, unit: 'bytes' });
  }
}
