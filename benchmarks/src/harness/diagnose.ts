/** Memory and latency of an operation, measured in a process and a run of their own: watching costs time. */

import { GCProfiler, getHeapStatistics } from 'node:v8';
import type { Loop } from './block.ts';
import { createLoop, timeBlock } from './block.ts';
import type { Diagnosis } from './protocol.ts';
import { median } from './statistics.ts';

const now = (): number => performance.now();

/** Below this, one operation is not timed alone: two timer calls cost 0.1 to 0.2 µs. */
const SHORTEST_TIMED_NS = 1000;
const MOST_LATENCIES = 10_000;
const EMPTY_OPERATIONS = 50_000;
/** Windows of this length seldom meet a collection. */
const WINDOW_MS = 0.5;
const FEWEST_WINDOWS = 5;
/** What V8's threads get for sweeping after a collection. */
const SWEEP_MS = 5;
/** Less than an object in hundreds of operations is what measuring itself leaves behind. */
const NOISE_BYTES = 0.05;

function liveBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** Growth of live memory over `count` operations, or `undefined` when a collection fell into them. */
async function growth(loop: Loop, count: number): Promise<number | undefined> {
  const profiler = new GCProfiler();
  profiler.start();
  const before = liveBytes();
  await timeBlock(loop, count);
  const after = liveBytes();
  return profiler.stop().statistics.length === 0 ? after - before : undefined;
}

/**
 * Bytes that an operation allocates: the median over windows that no collection falls into. Sums over collections
 * would be wrong for memory outside the heap, which is given back some time after the collection that found it dead.
 */
async function bytesPerOperation(loop: Loop, nsPerOp: number, budgetMs: number): Promise<number> {
  const nothing = createLoop(() => undefined, false);
  const overheads: number[] = [];
  for (let i = 0; i < FEWEST_WINDOWS; i++) overheads.push((await growth(nothing, 1)) ?? 0);
  const overhead = median(overheads);

  // Memory outside the heap is given back some time after a collection; the second one waits for that of the first.
  globalThis.gc?.();
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, SWEEP_MS));
  const perOperation: number[] = [];
  const end = now() + budgetMs;
  let count = Math.max(1, Math.min(10_000, Math.floor((WINDOW_MS * 1e6) / nsPerOp)));
  for (let window = 0; now() < end || (window < FEWEST_WINDOWS && perOperation.length < 1); window++) {
    const bytes = await growth(loop, count);
    if (bytes !== undefined) perOperation.push(Math.max(0, bytes - overhead) / count);
    else if (count > 1) count = Math.ceil(count / 2);
    else globalThis.gc?.();
  }
  if (perOperation.length === 0) return Number.NaN;
  const bytes = median(perOperation);
  return bytes < NOISE_BYTES ? 0 : bytes;
}

async function countCollections(loop: Loop, count: number): Promise<number> {
  const profiler = new GCProfiler();
  profiler.start();
  await timeBlock(loop, count);
  return profiler.stop().statistics.length;
}

async function singleLatencies(
  run: () => unknown,
  isAsync: boolean,
  nsPerOp: number,
  budgetMs: number,
): Promise<number[]> {
  if (nsPerOp < SHORTEST_TIMED_NS) return [];
  const latencies: number[] = [];
  const end = now() + budgetMs;
  while (latencies.length < MOST_LATENCIES) {
    const start = now();
    const result = run();
    if (isAsync) await result;
    const stop = now();
    latencies.push((stop - start) * 1e6);
    if (stop >= end) break;
  }
  return latencies.sort((a, b) => a - b);
}

export async function diagnose(
  run: () => unknown,
  isAsync: boolean,
  loop: Loop,
  nsPerOp: number,
  budgetMs: number,
): Promise<Diagnosis> {
  const thirdMs = budgetMs / 3;
  const bytesPerOp = await bytesPerOperation(loop, nsPerOp, thirdMs);
  const operations = Math.max(1, Math.min(5_000_000, Math.floor((thirdMs * 1e6) / nsPerOp)));
  const collections = await countCollections(loop, operations);
  const emptyLoop = createLoop(() => 0, isAsync);
  await timeBlock(emptyLoop, EMPTY_OPERATIONS);
  const emptyMs = await timeBlock(emptyLoop, EMPTY_OPERATIONS);
  return {
    bytesPerOp,
    collections,
    operations,
    latenciesNs: await singleLatencies(run, isAsync, nsPerOp, thirdMs),
    emptyNs: (emptyMs / EMPTY_OPERATIONS) * 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}
