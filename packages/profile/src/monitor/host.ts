/** What the monitor needs of the machine: the clocks, a timer and the counters of Node. Tests bring their own. */

import { constants, performance, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
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

const KINDS: ReadonlyMap<number, GcKind> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

const observeGc: GcHost['observe'] = (onPause, onTold) => {
  const tell = (entries: readonly PerformanceEntryWithDetail[]): void => {
    for (const { detail, duration, startTime } of entries) {
      // V8 may add kinds; what it does not name is the young generation's (minor mark-sweep).
      onPause(KINDS.get(detail?.kind ?? -1) ?? 'minor', duration, startTime);
    }
    if (entries.length > 0) onTold();
  };
  const observer = new PerformanceObserver((list) => {
    tell(list.getEntries());
  });
  observer.observe({ entryTypes: ['gc'] });
  return {
    flush: () => {
      tell(observer.takeRecords());
    },
    stop: () => {
      observer.disconnect();
    },
  };
};

/** Node hands over what was collected at the begin of the event loop's `check` phase, before the immediates. */
const everyTurn: GcHost['everyTurn'] = (ms, onTurn, onSettled) => {
  let settling: NodeJS.Immediate | undefined;
  const timer = setInterval(() => {
    onTurn();
    settling = setImmediate(onSettled).unref();
  }, ms).unref();
  return {
    stop: () => {
      clearInterval(timer);
      clearImmediate(settling);
    },
  };
};

interface PerformanceEntryWithDetail {
  readonly startTime: number;
  readonly duration: number;
  readonly detail?: { readonly kind?: number };
}

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
  every: (ms, callback) => {
    const timer = setInterval(callback, ms).unref();
    return {
      stop: () => {
        clearInterval(timer);
      },
    };
  },
  loopTimes: () => {
    const { active, idle } = performance.eventLoopUtilization();
    return { activeMs: active, idleMs: idle };
  },
  gc: new GcWatcher({ nowMs, observe: observeGc, everyTurn, random: Math.random }),
  memory,
  resources: () => process.getActiveResourcesInfo(),
  warn: (message, cause) => {
    const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    process.emitWarning(message, { type: 'HotpathProfileWarning', detail });
  },
};
