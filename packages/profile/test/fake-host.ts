import type { GcKind, GcPauseListener, MemoryStats, MonitorOptions } from '../dist/index.js';
import { GcWatcher } from '../dist/monitor/gc-watcher.js';
import type { GcObserver } from '../dist/monitor/gc-watcher.js';
import type { Host, LoopTimes, Running } from '../dist/monitor/host.js';
import { HostMonitor } from '../dist/monitor/monitor.js';
import { resolveOptions } from '../dist/monitor/options.js';

const MEMORY: MemoryStats = {
  rssBytes: 6,
  heapUsedBytes: 1,
  heapTotalBytes: 2,
  heapLimitBytes: 3,
  externalBytes: 5,
  arrayBuffersBytes: 4,
};

interface FakeTimer {
  readonly ms: number;
  readonly callback: () => void;
  dueMs: number;
}

interface FakeObserver {
  readonly onPause: GcPauseListener;
  readonly onTold: () => void;
  untold: (readonly [GcKind, number])[];
}

function tellTo(observer: FakeObserver): void {
  const told = observer.untold;
  observer.untold = [];
  for (const [kind, durationMs] of told) observer.onPause(kind, durationMs);
  if (told.length > 0) observer.onTold();
}

/** A machine whose clock stands still until it is told to go on. */
export class FakeHost implements Host {
  active = 0;
  idle = 0;
  types: string[] = [];
  readonly warnings: { readonly message: string; readonly cause: unknown }[] = [];
  /** Of the timer that began last. */
  intervalMs = 0;
  /** Thrown when memory is asked for. */
  memoryError: Error | undefined;
  /** How far the wall clock was set. */
  dateJumpMs = 0;
  /** Collections that an observer saw: what Node takes its time for. */
  observed = 0;
  #now = 1000;
  readonly #timers = new Set<FakeTimer>();
  readonly #observers = new Set<FakeObserver>();
  readonly gc = new GcWatcher(
    (onPause, onTold) => this.#observe(onPause, onTold),
    () => this.#now,
  );

  get ticking(): boolean {
    return this.#timers.size > 0;
  }

  get watching(): boolean {
    return this.#observers.size > 0;
  }

  /** Lets time pass without a tick: the event loop is blocked. */
  block(ms: number): void {
    this.#now += ms;
    this.active += ms;
  }

  /** Time passes, then every timer ticks, whether it is due or not. */
  tick(ms: number = this.intervalMs): void {
    this.#now += ms;
    this.idle += ms;
    for (const timer of this.#timers) timer.dueMs = this.#now;
    this.#runDue();
  }

  ticks(count: number): void {
    for (let tick = 0; tick < count; tick++) this.tick();
  }

  /** Time passes, then the timers that are due tick. */
  pass(ms: number): void {
    this.#now += ms;
    this.idle += ms;
    this.#runDue();
  }

  /** A collection that Node has not told yet, if it is observed. */
  collect(kind: GcKind, durationMs: number): void {
    for (const { untold } of this.#observers) {
      untold.push([kind, durationMs]);
      this.observed++;
    }
  }

  /** The event loop turns: what was collected is told to who watches. */
  tellCollections(): void {
    for (const observer of this.#observers) tellTo(observer);
  }

  nowMs(): number {
    return this.#now;
  }

  dateMs(): number {
    return 1_700_000_000_000 + this.#now + this.dateJumpMs;
  }

  every(ms: number, callback: () => void): Running {
    this.intervalMs = ms;
    const timer: FakeTimer = { ms, callback, dueMs: this.#now + ms };
    this.#timers.add(timer);
    return { stop: () => void this.#timers.delete(timer) };
  }

  loopTimes(): LoopTimes {
    return { activeMs: this.active, idleMs: this.idle };
  }

  memory(): MemoryStats {
    if (this.memoryError !== undefined) throw this.memoryError;
    return MEMORY;
  }

  resources(): readonly string[] {
    return this.types;
  }

  warn(message: string, cause: unknown): void {
    this.warnings.push({ message, cause });
  }

  #runDue(): void {
    for (const timer of this.#timers) {
      if (timer.dueMs > this.#now) continue;
      timer.dueMs = this.#now + timer.ms;
      timer.callback();
    }
  }

  #observe(onPause: GcPauseListener, onTold: () => void): GcObserver {
    const observer: FakeObserver = { onPause, onTold, untold: [] };
    this.#observers.add(observer);
    return {
      flush: () => tellTo(observer),
      stop: () => void this.#observers.delete(observer),
    };
  }
}

/** A monitor over a machine of its own. */
export function start(options: MonitorOptions = {}): {
  readonly host: FakeHost;
  readonly health: HostMonitor;
} {
  const host = new FakeHost();
  return { host, health: new HostMonitor(resolveOptions({ resolutionMs: 10, ...options }), host) };
}
