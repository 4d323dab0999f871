/** Memory and latency of an operation, measured in a process and a run of their own: watching costs time. */

import { GCProfiler } from 'node:v8';
import type { Loop } from './block.ts';
import { createLoop, timeBlock } from './block.ts';
import type { Diagnosis } from './protocol.ts';

const { now } = performance;

/** Below this, one operation is not timed alone: two timer calls cost 0.1 to 0.2 µs. */
const SHORTEST_TIMED_NS = 1000;
const MOST_LATENCIES = 10_000;
const EMPTY_OPERATIONS = 200_000;

function liveBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What was allocated: what each collection found beyond what the one before it left, and what stands at the end. */
async function allocated(loop: Loop, count: number): Promise<{ bytes: number; collections: number }> {
  globalThis.gc?.();
  globalThis.gc?.();
  const before = liveBytes();
  const profiler = new GCProfiler();
  profiler.start();
  await timeBlock(loop, count);
  const after = liveBytes();
  const { statistics } = profiler.stop();
  let bytes = 0;
  let left = before;
  for (const { beforeGC, afterGC } of statistics) {
    bytes += beforeGC.heapStatistics.usedHeapSize + beforeGC.heapStatistics.externalMemory - left;
    left = afterGC.heapStatistics.usedHeapSize + afterGC.heapStatistics.externalMemory;
  }
  return { bytes: Math.max(0, bytes + after - left), collections: statistics.length };
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
  const memoryMs = budgetMs / 2;
  const operations = Math.max(1, Math.min(5_000_000, Math.floor((memoryMs * 1e6) / nsPerOp)));
  const { bytes, collections } = await allocated(loop, operations);
  const emptyLoop = createLoop(() => 0, isAsync);
  await timeBlock(emptyLoop, EMPTY_OPERATIONS);
  const emptyMs = await timeBlock(emptyLoop, EMPTY_OPERATIONS);
  return {
    bytesPerOp: bytes / operations,
    collections,
    operations,
    latenciesNs: await singleLatencies(run, isAsync, nsPerOp, budgetMs / 2),
    emptyNs: (emptyMs / EMPTY_OPERATIONS) * 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}
