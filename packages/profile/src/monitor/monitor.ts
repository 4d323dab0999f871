/**
 * A monitor for production: one unref'd timer, the thread's recorder of collections, and counters that are read on demand.
 *
 *   start          tick tick tick … tick                 tick …                stop
 *     ├── window, windowMs long ──┤├── window ─────────────┤├── window, short ──┤
 *                                 └ onSample, channel      └ onSample, channel  └ the result of stop()
 *
 * How late the loop is: every tick was due `resolutionMs` after the one before. A tick that comes `late` milliseconds
 * after it was due stands for those that were due in the meantime and could not run either, so `late − resolutionMs`,
 * `late − 2 × resolutionMs` … are counted too. Without them a stall of a second would be one look among a hundred, and
 * p99 would not see it (coordinated omission).
 */

import { channel } from 'node:diagnostics_channel';
import { MonitorStoppedError } from '../errors.ts';
import { functionOption } from '../option-checks.ts';
import { isThenable } from '../thenable.ts';
import { DelayHistogram } from './delay-histogram.ts';
import type { GcPauseListener, GcReader, Running } from './gc-watcher.ts';
import { nodeHost } from './host.ts';
import type { Host, LoopTimes } from './host.ts';
import { resolveOptions } from './options.ts';
import type { MonitorOptions, ResolvedOptions } from './options.ts';
import type { EventLoopStats, MonitorStats, ResourceStats } from './stats.ts';

/** Name of the `diagnostics_channel` on which each window is published as it ends: a {@link MonitorStats}. */
export const MONITOR_CHANNEL = 'hotpath:profile:monitor';

const windows = channel(MONITOR_CHANNEL);

/** Missed ticks of a longer stall than this many resolutions are counted in as many equal steps instead. */
const MOST_STEPS = 256;

/** A running monitor; made by {@link monitor}. */
export interface Monitor extends Disposable {
  /** False once stopped. */
  readonly running: boolean;
  /**
   * The open window up to now. It goes on: reading changes nothing, so any number of readers may look. A stall counts
   * once it is over. After `stop()`, the last window.
   *
   * Costs some tens of microseconds, more for each thousand open handles, and allocates the result.
   */
  stats(): MonitorStats;
  /**
   * The window that ended last, whole, or `undefined` during the first. What a scraper reads: its length does not
   * depend on when it is read.
   */
  lastWindow(): MonitorStats | undefined;
  /**
   * Drops the open window and begins a new one; nobody is told of the one dropped.
   *
   * @throws {MonitorStoppedError} the monitor was stopped.
   */
  reset(): void;
  /**
   * Tells each pause of the garbage collector from now on, within a fifth of a second or when `stats()` is read: for a histogram
   * of them.
   * While somebody listens every collection is watched, whatever that costs: see {@link GcStats.watchedShare}. What the
   * listener throws, or rejects with, is counted in `failedCallbacks` and reaches nobody else, as with `onSample`.
   *
   * @returns what ends it; `stop()` does too.
   */
  onGcPause(listener: GcPauseListener): () => void;
  /** Ends the monitor and gives its last, shorter window, which `onSample` is not told. Later calls give the same. */
  stop(): MonitorStats;
}

/** The monitor over any host; {@link monitor} is this over Node. */
export class HostMonitor implements Monitor {
  readonly #options: ResolvedOptions;
  readonly #host: Host;
  readonly #ticks: Running;
  readonly #delays = new DelayHistogram();
  readonly #gc: GcReader;
  #startedAtMs = 0;
  #startMs = 0;
  #startLoop: LoopTimes = { activeMs: 0, idleMs: 0 };
  #lastTickMs: number;
  #last: MonitorStats | undefined;
  #final: MonitorStats | undefined;
  #failedCallbacks = 0;

  constructor(options: ResolvedOptions, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#gc = host.gc.join();
    this.#open();
    this.#lastTickMs = this.#startMs;
    this.#ticks = host.every(options.resolutionMs, () => {
      this.#tick();
    });
  }

  get running(): boolean {
    return this.#final === undefined;
  }

  stats(): MonitorStats {
    this.#flush();
    return this.#final ?? this.#snapshot();
  }

  lastWindow(): MonitorStats | undefined {
    return this.#last;
  }

  reset(): void {
    if (this.#final !== undefined)
      throw new MonitorStoppedError('the monitor was stopped: start another one');
    this.#flush();
    this.#open();
  }

  onGcPause(listener: GcPauseListener): () => void {
    functionOption('listener', listener);
    // What was seen before is not for it.
    this.#flush();
    // A listener of its own for each call: the same function twice is told twice, and ended once each.
    const own: GcPauseListener = (kind, durationMs) =>
      this.#call('a listener of onGcPause', () => listener(kind, durationMs));
    this.#gc.listeners.add(own);
    if (this.running) this.#host.gc.watchAll();
    return () => {
      this.#gc.listeners.delete(own);
    };
  }

  stop(): MonitorStats {
    try {
      this.#flush();
      return (this.#final ??= this.#lastSnapshot());
    } finally {
      this.#ticks.stop();
      this.#host.gc.leave(this.#gc);
    }
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** What Node has not told yet belongs to the window in which it is read. A listener may stop the monitor in this. */
  #flush(): void {
    if (this.running) this.#host.gc.flush();
  }

  #open(): void {
    this.#delays.clear();
    this.#startedAtMs = this.#host.dateMs();
    this.#startMs = this.#host.nowMs();
    this.#gc.pauses.clear(this.#startMs);
    this.#startLoop = this.#host.loopTimes();
  }

  #tick(): void {
    const nowMs = this.#host.nowMs();
    const { resolutionMs, windowMs } = this.#options;
    const lateUs = (nowMs - this.#lastTickMs - resolutionMs) * 1000;
    this.#lastTickMs = nowMs;
    this.#recordLate(lateUs, resolutionMs * 1000);
    if (nowMs - this.#startMs >= windowMs) this.#roll();
  }

  #recordLate(lateUs: number, resolutionUs: number): void {
    this.#delays.record(lateUs);
    const missed = Math.floor(lateUs / resolutionUs);
    if (missed <= 0) return;
    const steps = Math.min(missed, MOST_STEPS);
    const ticksAStep = missed / steps;
    for (let step = 1; step <= steps; step++) {
      const times = Math.round(step * ticksAStep) - Math.round((step - 1) * ticksAStep);
      this.#delays.record(lateUs - step * ticksAStep * resolutionUs, times);
    }
  }

  #roll(): void {
    this.#flush();
    if (!this.running) return;
    const ended = this.#snapshot();
    this.#last = ended;
    this.#open();
    if (windows.hasSubscribers) windows.publish(ended);
    const { onSample } = this.#options;
    if (onSample === undefined) return;
    this.#call('onSample', () => onSample(ended));
  }

  /** What it throws, or rejects with, ends here. */
  #call(which: string, callback: () => unknown): void {
    try {
      const result = callback();
      if (isThenable(result)) result.then(undefined, (error: unknown) => this.#callbackFailed(which, error));
    } catch (error) {
      this.#callbackFailed(which, error);
    }
  }

  #callbackFailed(which: string, error: unknown): void {
    this.#failedCallbacks++;
    if (this.#failedCallbacks === 1) {
      this.#host.warn(`${which} of a monitor failed; later failures are only counted`, error);
    }
  }

  /** A stall that ends with the stop has no tick behind it, and would be missed. */
  #lastSnapshot(): MonitorStats {
    const { resolutionMs } = this.#options;
    const overdueMs = this.#host.nowMs() - this.#lastTickMs - resolutionMs;
    if (overdueMs > 0) this.#recordLate(overdueMs * 1000, resolutionMs * 1000);
    return this.#snapshot();
  }

  #snapshot(): MonitorStats {
    const nowMs = this.#host.nowMs();
    const durationMs = Math.max(0, nowMs - this.#startMs);
    return {
      startedAtMs: this.#startedAtMs,
      durationMs,
      eventLoop: this.#eventLoop(),
      gc: this.#gc.pauses.snapshot(nowMs, durationMs),
      memory: this.#host.memory(),
      resources: countByType(this.#host.resources()),
      failedCallbacks: this.#failedCallbacks,
    };
  }

  #eventLoop(): EventLoopStats {
    const { activeMs, idleMs } = this.#host.loopTimes();
    const active = Math.max(0, activeMs - this.#startLoop.activeMs);
    const idle = Math.max(0, idleMs - this.#startLoop.idleMs);
    const delays = this.#delays;
    return {
      delayCount: delays.count,
      delayMsMean: delays.meanUs / 1000,
      delayMsStddev: delays.stddevUs / 1000,
      delayMsMin: delays.minUs / 1000,
      delayMsP50: delays.quantileUs(0.5) / 1000,
      delayMsP90: delays.quantileUs(0.9) / 1000,
      delayMsP99: delays.quantileUs(0.99) / 1000,
      delayMsMax: delays.maxUs / 1000,
      utilization: active + idle > 0 ? active / (active + idle) : 0,
      activeMs: active,
      idleMs: idle,
    };
  }
}

function countByType(types: readonly string[]): ResourceStats {
  const byType: Record<string, number> = {};
  for (const type of types) byType[type] = (byType[type] ?? 0) + 1;
  return { count: types.length, byType };
}

/**
 * Watches this thread's event loop, collections, memory and handles until it is stopped. What that costs is in the README.
 * It never keeps the process alive. Several monitors may run at once; each has its own windows.
 *
 * @throws {ArgumentTypeError} an option has the wrong type.
 * @throws {ArgumentRangeError} `windowMs` or `resolutionMs` is fractional or out of its range.
 *
 * @example
 * ```ts
 * using health = monitor({
 *   windowMs: 10_000,
 *   onSample: ({ eventLoop, gc }) => log.info({ p99: eventLoop.delayMsP99, gc: gc.pauseShare }),
 * });
 * ```
 */
export function monitor(options?: MonitorOptions): Monitor {
  return new HostMonitor(resolveOptions(options), nodeHost);
}
