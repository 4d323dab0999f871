/** Pauses of the garbage collector in a window, summed by kind, and reckoned for the gaps in which nobody watched. Pure. */

import { LONGEST_GAP_MS } from './gc-budget.ts';
import type { GcRates } from './gc-rates.ts';
import { MOST_RESOLUTION_MS } from './options.ts';
import { GC_KINDS } from './stats.ts';
import type { GcKind, GcKindStats, GcStats } from './stats.ts';

/**
 * A gap ends at the first tick after its time. One that lasts longer than this was a stall, or the process was stopped:
 * whether anything was collected in it nobody can know, and the rate of the last slice for an hour would be an invention.
 */
const MOST_RECKONED_MS = LONGEST_GAP_MS + MOST_RESOLUTION_MS;

/** Pauses of one kind. */
class Pauses {
  count = 0;
  totalMs = 0;
  maxMs = 0;

  add(durationMs: number): void {
    this.count++;
    this.totalMs += durationMs;
    if (durationMs > this.maxMs) this.maxMs = durationMs;
  }

  clear(): void {
    this.count = 0;
    this.totalMs = 0;
    this.maxMs = 0;
  }

  snapshot(): GcKindStats {
    return { count: Math.round(this.count), pauseMsTotal: this.totalMs, pauseMsMax: this.maxMs };
  }
}

export class GcPauses {
  readonly #byKind = {
    minor: new Pauses(),
    major: new Pauses(),
    incremental: new Pauses(),
    weakcb: new Pauses(),
  };
  readonly #rates: GcRates;
  /** Up to where the gap is reckoned; `undefined` while collections are watched. */
  #gapFromMs: number | undefined;
  /** Where reckoning ends, should the gap go on. */
  #reckonableUntilMs = 0;
  #unwatchedMs = 0;

  constructor(rates: GcRates) {
    this.#rates = rates;
  }

  add(kind: GcKind, durationMs: number): void {
    this.#byKind[kind].add(durationMs);
  }

  /** Nobody watches from now on. */
  startGap(nowMs: number): void {
    this.#gapFromMs = nowMs;
    this.#reckonableUntilMs = nowMs + MOST_RECKONED_MS;
  }

  endGap(nowMs: number): void {
    this.#reckonGap(nowMs);
    this.#gapFromMs = undefined;
  }

  snapshot(nowMs: number, windowMs: number): GcStats {
    this.#reckonGap(nowMs);
    const { minor, major, incremental, weakcb } = this.#byKind;
    const byKind = {
      minor: minor.snapshot(),
      major: major.snapshot(),
      incremental: incremental.snapshot(),
      weakcb: weakcb.snapshot(),
    };
    const all = GC_KINDS.map((kind) => byKind[kind]);
    const pauseMsTotal = all.reduce((sum, kind) => sum + kind.pauseMsTotal, 0);
    return {
      count: all.reduce((sum, { count }) => sum + count, 0),
      pauseMsTotal,
      pauseMsMax: Math.max(...all.map((kind) => kind.pauseMsMax)),
      // A pause is told when it has ended, so one that began in the window before can be longer than this window.
      pauseShare: windowMs > 0 ? Math.min(1, pauseMsTotal / windowMs) : 0,
      watchedShare: windowMs > 0 ? Math.max(0, 1 - this.#unwatchedMs / windowMs) : 1,
      byKind,
    };
  }

  /** A window begins; slices and gaps go on. */
  clear(nowMs: number): void {
    this.#reckonGap(nowMs);
    this.#unwatchedMs = 0;
    for (const kind of GC_KINDS) this.#byKind[kind].clear();
  }

  /** A clock that went back makes no gap. */
  #reckonGap(nowMs: number): void {
    if (this.#gapFromMs === undefined) return;
    const gapMs = Math.max(0, nowMs - this.#gapFromMs);
    const reckonableMs = Math.min(gapMs, Math.max(0, this.#reckonableUntilMs - this.#gapFromMs));
    this.#gapFromMs = nowMs;
    this.#unwatchedMs += gapMs;
    for (const kind of GC_KINDS) {
      const { countPerMs, pauseMsPerMs } = this.#rates.byKind[kind];
      this.#byKind[kind].count += countPerMs * reckonableMs;
      this.#byKind[kind].totalMs += pauseMsPerMs * reckonableMs;
    }
  }
}
