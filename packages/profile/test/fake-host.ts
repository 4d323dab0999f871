import type { GcKind, MemoryStats } from '../dist/index.js';
import { GcBudget } from '../dist/monitor/gc-budget.js';
import type { GcWatch, Host, LoopTimes, Running } from '../dist/monitor/host.js';

const MEMORY: MemoryStats = {
  rssBytes: 6,
  heapUsedBytes: 1,
  heapTotalBytes: 2,
  heapLimitBytes: 3,
  externalBytes: 5,
  arrayBuffersBytes: 4,
};

/** A machine whose clock stands still until it is told to go on. */
export class FakeHost implements Host {
  active = 0;
  idle = 0;
  types: string[] = [];
  readonly warnings: { readonly message: string; readonly cause: unknown }[] = [];
  intervalMs = 0;
  /** Thrown when memory is asked for. */
  memoryError: Error | undefined;
  /** How far the wall clock was set. */
  dateJumpMs = 0;
  #now = 1000;
  readonly gcBudget = new GcBudget();
  #tick: (() => void) | undefined;
  #onPause: ((kind: GcKind, durationMs: number) => void) | undefined;
  #untold: (readonly [GcKind, number])[] = [];

  get ticking(): boolean {
    return this.#tick !== undefined;
  }

  get watching(): boolean {
    return this.#onPause !== undefined;
  }

  /** Lets time pass without a tick: the event loop is blocked. */
  block(ms: number): void {
    this.#now += ms;
    this.active += ms;
  }

  /** Time passes, then a tick. */
  tick(ms: number = this.intervalMs): void {
    this.#now += ms;
    this.idle += ms;
    this.#tick?.();
  }

  ticks(count: number): void {
    for (let tick = 0; tick < count; tick++) this.tick();
  }

  /** A collection that Node has not told yet. */
  collect(kind: GcKind, durationMs: number): void {
    this.#untold.push([kind, durationMs]);
  }

  /** The event loop turns: what was collected is told to who watches. */
  tellCollections(): void {
    for (const [kind, durationMs] of this.#untold.splice(0)) this.#onPause?.(kind, durationMs);
  }

  nowMs(): number {
    return this.#now;
  }

  dateMs(): number {
    return 1_700_000_000_000 + this.#now + this.dateJumpMs;
  }

  every(ms: number, callback: () => void): Running {
    this.intervalMs = ms;
    this.#tick = callback;
    return { stop: () => (this.#tick = undefined) };
  }

  loopTimes(): LoopTimes {
    return { activeMs: this.active, idleMs: this.idle };
  }

  watchGc(onPause: (kind: GcKind, durationMs: number) => void): GcWatch {
    this.#onPause = onPause;
    return {
      flush: () => {
        this.tellCollections();
      },
      stop: () => (this.#onPause = undefined),
    };
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
}
