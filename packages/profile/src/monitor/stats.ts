/** What a monitor tells. Plain data, so that it can be logged, sent and compared; names end in their unit. */

/** How late the event loop ran what was due, and how busy it was. */
export interface EventLoopStats {
  /** Looks at the clock that mean and quantiles stand on, those that a blocked loop missed included. */
  readonly delayCount: number;
  readonly delayMsMean: number;
  readonly delayMsStddev: number;
  /** The look that was least late, exact: mostly 0. */
  readonly delayMsMin: number;
  readonly delayMsP50: number;
  readonly delayMsP90: number;
  readonly delayMsP99: number;
  /** The longest stall, exact. */
  readonly delayMsMax: number;
  /** Share of the window in which the loop was not waiting for events, 0 to 1. */
  readonly utilization: number;
  readonly activeMs: number;
  readonly idleMs: number;
}

/** Pauses of one kind of collection. */
export interface GcKindStats {
  readonly count: number;
  readonly pauseMsTotal: number;
  readonly pauseMsMax: number;
}

/** The kinds of collection, by the names that OpenTelemetry gives them (`v8js.gc.type`). */
export type GcKind = 'minor' | 'major' | 'incremental' | 'weakcb';

export const GC_KINDS: readonly GcKind[] = ['minor', 'major', 'incremental', 'weakcb'];

export interface GcStats extends GcKindStats {
  /** Share of the window that pauses took, 0 to 1. */
  readonly pauseShare: number;
  /**
   * Share of the window in which collections were watched, 0 to 1. It is 1 up to some 10 collections a second, and in a
   * burst of up to 100 after ten calm seconds. Beyond, watching would cost more than the rest of the monitor: one
   * of so many turns of 20 ms is watched, drawn by lot, at least one in a hundred. Counts and totals are then estimates
   * without bias, whose errors are in the README; the longest pause is that of those watched.
   */
  readonly watchedShare: number;
  readonly byKind: Readonly<Record<GcKind, GcKindStats>>;
}

/** Memory at the end of the window. */
export interface MemoryStats {
  /**
   * Of the whole process, in a worker thread too. Where the system cannot be asked (no file descriptor is left, no `/proc`)
   * this and `arrayBuffersBytes` are what they were when it last could, 0 before.
   */
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** Where V8 gives up: `--max-old-space-size` and the young generation. */
  readonly heapLimitBytes: number;
  /** Held outside the heap by objects in it; holds `arrayBuffersBytes`. */
  readonly externalBytes: number;
  readonly arrayBuffersBytes: number;
}

/** What keeps the event loop alive at the end of the window: timers, sockets, requests under way. */
export interface ResourceStats {
  readonly count: number;
  /** By the names of `process.getActiveResourcesInfo()`: `Timeout`, `TCPSocketWrap`, `FSReqPromise` … */
  readonly byType: Readonly<Record<string, number>>;
}

/** One window. A snapshot: it does not change afterwards. */
export interface MonitorStats {
  /** When the window began, in milliseconds since the epoch by the wall clock. */
  readonly startedAtMs: number;
  /** How long it has lasted, by the monotonic clock. */
  readonly durationMs: number;
  readonly eventLoop: EventLoopStats;
  readonly gc: GcStats;
  readonly memory: MemoryStats;
  readonly resources: ResourceStats;
  /** Calls of `onSample` that threw or rejected, and of listeners that threw, since the monitor began. */
  readonly failedCallbacks: number;
}
