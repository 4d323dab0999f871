import type { GcKind, MemoryStats, MonitorOptions } from '../dist/index.js';
import { GcWatcher } from '../dist/monitor/gc-watcher.js';
import type { GcPause, Running } from '../dist/monitor/gc-watcher.js';
import type { Host, LoopTimes } from '../dist/monitor/host.js';
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

/** Evenly from 0 up to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
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
  /** Collections that were recorded. */
  observed = 0;
  #now = 1000;
  readonly #timers = new Set<FakeTimer>();
  readonly #turns = new Set<FakeTimer>();
  readonly #recorders = new Set<GcPause[]>();
  readonly gc: GcWatcher;

  constructor(random: () => number = seededRandom(1)) {
    this.gc = new GcWatcher({
      nowMs: () => this.#now,
      record: () => this.#record(),
      every: (ms, callback) => this.#start(this.#turns, ms, callback),
      random,
    });
  }

  get ticking(): boolean {
    return this.#timers.size > 0;
  }

  get turning(): boolean {
    return this.#turns.size > 0;
  }

  get watching(): boolean {
    return this.#recorders.size > 0;
  }

  /** Lets time pass without a tick: the event loop is blocked. */
  block(ms: number): void {
    this.#now += ms;
    this.active += ms;
  }

  /** Time passes, then every monitor's timer ticks, whether it is due or not. */
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

  /** A collection that nobody was told yet, if it is recorded. */
  collect(kind: GcKind, durationMs: number): void {
    for (const recorder of this.#recorders) {
      recorder.push({ kind, durationMs });
      this.observed++;
    }
  }

  /** Somebody looks: what was collected is told. */
  tellCollections(): void {
    this.gc.flush();
  }

  nowMs(): number {
    return this.#now;
  }

  dateMs(): number {
    return 1_700_000_000_000 + this.#now + this.dateJumpMs;
  }

  every(ms: number, callback: () => void): Running {
    this.intervalMs = ms;
    return this.#start(this.#timers, ms, callback);
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

  #start(timers: Set<FakeTimer>, ms: number, callback: () => void): Running {
    const timer: FakeTimer = { ms, callback, dueMs: this.#now + ms };
    timers.add(timer);
    return { stop: () => void timers.delete(timer) };
  }

  #runDue(): void {
    for (const timer of [...this.#timers, ...this.#turns]) {
      if (timer.dueMs > this.#now) continue;
      timer.dueMs = this.#now + timer.ms;
      timer.callback();
    }
  }

  #record(): { stop(): readonly GcPause[] } {
    const seen: GcPause[] = [];
    this.#recorders.add(seen);
    return {
      stop: () => {
        this.#recorders.delete(seen);
        return seen;
      },
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
