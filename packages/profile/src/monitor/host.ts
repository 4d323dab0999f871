/** What the monitor needs of the machine: the clocks, a timer and the counters of Node. Tests bring their own. */

import { performance } from 'node:perf_hooks';
import { GCProfiler, getHeapStatistics } from 'node:v8';
import { GcWatcher } from './gc-watcher.ts';
import type { GcHost, Running } from './gc-watcher.ts';
import type { GcKind, MemoryStats } from './stats.ts';

export interface LoopTimes {
  readonly activeMs: number;
  readonly idleMs: number;
}

export interface Host {
  /** Monotonic, in milliseconds. */
  nowMs(): number;
  /** Wall clock, in milliseconds since the epoch. */
  dateMs(): number;
  /** Calls back about every `ms`, without keeping the process alive. */
  every(ms: number, callback: () => void): Running;
  /** Times of the event loop since it began. */
  loopTimes(): LoopTimes;
  /** What watches the collections for all monitors of this thread. */
  readonly gc: GcWatcher;
  memory(): MemoryStats;
  /** The types of what keeps the loop alive, one for each. */
  resources(): readonly string[];
  warn(message: string, cause: unknown): void;
}

/** V8 may add kinds; what is not named here is the young generation's. */
const KINDS: ReadonlyMap<string, GcKind> = new Map([
  ['MarkSweepCompact', 'major'],
  ['IncrementalMarking', 'incremental'],
  ['ProcessWeakCallbacks', 'weakcb'],
]);

/** A `PerformanceObserver` would run JavaScript for each collection, which takes ten times as long as this does. */
const record: GcHost['record'] = () => {
  const profiler = new GCProfiler();
  profiler.start();
  return {
    stop: () =>
      (profiler.stop()?.statistics ?? []).map(({ gcType, cost: us }) => ({
        kind: KINDS.get(gcType) ?? 'minor',
        durationMs: us / 1000,
      })),
  };
};

const every: GcHost['every'] = (ms, callback) => {
  const timer = setInterval(callback, ms).unref();
  return {
    stop: () => {
      clearInterval(timer);
    },
  };
};

let lastRssBytes = 0;
let lastArrayBuffersBytes = 0;

/** Never throws: the monitor is not to end the service that it watches. */
function memory(): MemoryStats {
  const heap = getHeapStatistics();
  try {
    const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
    lastRssBytes = rss;
    lastArrayBuffersBytes = arrayBuffers;
    return {
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      heapTotalBytes: heapTotal,
      heapLimitBytes: heap.heap_size_limit,
      externalBytes: external,
      arrayBuffersBytes: arrayBuffers,
    };
  } catch {
    // It reads /proc/self/stat, which fails when file descriptors have run out. V8 tells the rest without a file.
    return {
      rssBytes: lastRssBytes,
      heapUsedBytes: heap.used_heap_size,
      heapTotalBytes: heap.total_heap_size,
      heapLimitBytes: heap.heap_size_limit,
      externalBytes: heap.external_memory,
      arrayBuffersBytes: Math.min(lastArrayBuffersBytes, heap.external_memory),
    };
  }
}

const nowMs = (): number => performance.now();

/** Node itself. */
export const nodeHost: Host = {
  nowMs,
  dateMs: () => Date.now(),
  every,
  loopTimes: () => {
    const { active, idle } = performance.eventLoopUtilization();
    return { activeMs: active, idleMs: idle };
  },
  gc: new GcWatcher({ nowMs, record, every, random: Math.random }),
  memory,
  resources: () => process.getActiveResourcesInfo(),
  warn: (message, cause) => {
    const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    process.emitWarning(message, { type: 'HotpathProfileWarning', detail });
  },
};
