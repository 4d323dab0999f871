/**
 * Who watches the collections of a thread: one observer for all monitors, since Node's cost is by collection and observer.
 * Slices and gaps begin for all of them at once, so each sees what any other sees. Pure but for the observer it is given.
 *
 *   observer ─┬─> rates                       as the end of a slice tells them
 *             ├─> pauses of monitor A, its listeners
 *             └─> pauses of monitor B, its listeners
 */

import { GcBudget } from './gc-budget.ts';
import { GcPauses } from './gc-pauses.ts';
import { GcRates } from './gc-rates.ts';
import type { GcKind } from './stats.ts';

/** Told of each pause; must not throw. */
export type GcPauseListener = (kind: GcKind, durationMs: number) => void;

export interface GcObserver {
  /** Hands over at once what was seen and not yet told. */
  flush(): void;
  stop(): void;
}

/** Begins to observe. `onPause` is given each pause, and `onTold` is called after some were. */
export type ObserveGc = (onPause: GcPauseListener, onTold: () => void) => GcObserver;

/** What one monitor is told. */
export interface GcReader {
  readonly pauses: GcPauses;
  /** While there are any, every collection is watched. */
  readonly listeners: Set<GcPauseListener>;
}

export class GcWatcher {
  readonly #observe: ObserveGc;
  readonly #clock: () => number;
  readonly #budget = new GcBudget();
  readonly #rates = new GcRates();
  readonly #readers = new Set<GcReader>();
  /** `undefined` in a gap, and while there is no reader. */
  #observer: GcObserver | undefined;

  /** @param clock monotonic, in milliseconds; the same that the readers' ticks are told by. */
  constructor(observe: ObserveGc, clock: () => number) {
    this.#observe = observe;
    this.#clock = clock;
  }

  join(nowMs: number): GcReader {
    // What was seen before is not for the one that comes.
    this.flush();
    const reader: GcReader = { pauses: new GcPauses(this.#rates), listeners: new Set() };
    if (this.#observer === undefined) reader.pauses.startGap(nowMs);
    this.#readers.add(reader);
    this.choose(nowMs);
    return reader;
  }

  /** May be called twice. */
  leave(reader: GcReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#observer?.stop();
    this.#observer = undefined;
  }

  /** Tells at once what was seen and not yet told. Listeners may do anything in it, such as stop their monitor. */
  flush(): void {
    this.#observer?.flush();
  }

  /** To be called at every tick of a monitor, and when a listener has come. */
  choose(nowMs: number): void {
    const isWatching = this.#observer !== undefined;
    const isAfforded = this.#budget.affords(nowMs, isWatching) || this.#isListenedTo();
    if (isAfforded !== isWatching) {
      if (isAfforded) this.#startSlice(nowMs);
      else this.#endSlice(nowMs);
    } else if (isWatching) {
      this.#rates.tick(nowMs);
    }
  }

  #startSlice(nowMs: number): void {
    for (const { pauses } of this.#readers) pauses.endGap(nowMs);
    this.#rates.startSlice(nowMs);
    this.#observer = this.#observe(
      (kind, durationMs) => this.#tell(kind, durationMs),
      () => this.#told(),
    );
  }

  #endSlice(nowMs: number): void {
    const observer = this.#observer;
    // First, so that what the flush tells does not end the slice once more.
    this.#observer = undefined;
    observer?.flush();
    observer?.stop();
    this.#budget.startGap();
    this.#rates.endSlice(nowMs);
    for (const { pauses } of this.#readers) pauses.startGap(nowMs);
  }

  #tell(kind: GcKind, durationMs: number): void {
    // A listener has stopped the last monitor, and more of the same batch comes.
    if (this.#readers.size === 0) return;
    // With a listener all are watched, whatever they cost, and the budget stays whole for when it has gone.
    if (!this.#isListenedTo()) this.#budget.spend();
    this.#rates.add(kind, durationMs);
    for (const { pauses, listeners } of this.#readers) {
      pauses.add(kind, durationMs);
      for (const listener of listeners) listener(kind, durationMs);
    }
  }

  #told(): void {
    if (this.#observer === undefined || this.#isListenedTo()) return;
    const nowMs = this.#clock();
    if (this.#budget.isOverdrawn(nowMs)) this.#endSlice(nowMs);
  }

  #isListenedTo(): boolean {
    for (const { listeners } of this.#readers) if (listeners.size > 0) return true;
    return false;
  }
}
