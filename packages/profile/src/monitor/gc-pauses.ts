/** Pauses of the garbage collector in a window, summed by kind: what was seen, and what is reckoned beyond. Pure. */

import type { GcReckoning } from './gc-reckoning.ts';
import { GC_KINDS } from './stats.ts';
import type { GcKind, GcKindStats, GcStats } from './stats.ts';

/** Pauses of one kind. */
class Pauses {
  readonly #reckoning: GcReckoning;
  readonly #kind: GcKind;
  #count = 0;
  #totalMs = 0;
  #maxMs = 0;
  /** Reckoned before the window. */
  #countBefore: number;
  #msBefore: number;

  constructor(reckoning: GcReckoning, kind: GcKind) {
    this.#reckoning = reckoning;
    this.#kind = kind;
    const { count, pauseMs } = reckoning.byKind[kind];
    this.#countBefore = count;
    this.#msBefore = pauseMs;
  }

  add(durationMs: number): void {
    this.#count++;
    this.#totalMs += durationMs;
    if (durationMs > this.#maxMs) this.#maxMs = durationMs;
  }

  clear(): void {
    this.#count = 0;
    this.#totalMs = 0;
    this.#maxMs = 0;
    const { count, pauseMs } = this.#reckoning.byKind[this.#kind];
    // What is reckoned below nothing is not shown, and held against the next window.
    this.#countBefore = Math.max(this.#countBefore, count);
    this.#msBefore = Math.max(this.#msBefore, pauseMs);
  }

  /** No less than was seen, though less may be reckoned in a short window. */
  snapshot(): GcKindStats {
    const { count, pauseMs } = this.#reckoning.byKind[this.#kind];
    return {
      count: this.#count + Math.round(Math.max(0, count - this.#countBefore)),
      pauseMsTotal: this.#totalMs + Math.max(0, pauseMs - this.#msBefore),
      pauseMsMax: this.#maxMs,
    };
  }
}

/** How long collections were not watched since the thread began. */
export type UnwatchedMs = (nowMs: number) => number;

export class GcPauses {
  readonly #byKind: Readonly<Record<GcKind, Pauses>>;
  readonly #unwatchedMs: UnwatchedMs;
  /** Before the window. */
  #unwatchedMsBefore = 0;

  constructor(reckoning: GcReckoning, unwatchedMs: UnwatchedMs) {
    this.#byKind = {
      minor: new Pauses(reckoning, 'minor'),
      major: new Pauses(reckoning, 'major'),
      incremental: new Pauses(reckoning, 'incremental'),
      weakcb: new Pauses(reckoning, 'weakcb'),
    };
    this.#unwatchedMs = unwatchedMs;
  }

  add(kind: GcKind, durationMs: number): void {
    this.#byKind[kind].add(durationMs);
  }

  snapshot(nowMs: number, windowMs: number): GcStats {
    const { minor, major, incremental, weakcb } = this.#byKind;
    const byKind = {
      minor: minor.snapshot(),
      major: major.snapshot(),
      incremental: incremental.snapshot(),
      weakcb: weakcb.snapshot(),
    };
    const all = GC_KINDS.map((kind) => byKind[kind]);
    const pauseMsTotal = all.reduce((sum, kind) => sum + kind.pauseMsTotal, 0);
    const unwatchedMs = this.#unwatchedMs(nowMs) - this.#unwatchedMsBefore;
    return {
      count: all.reduce((sum, { count }) => sum + count, 0),
      pauseMsTotal,
      pauseMsMax: Math.max(...all.map((kind) => kind.pauseMsMax)),
      // A pause is told when it has ended, so one that began in the window before can be longer than this window.
      pauseShare: windowMs > 0 ? Math.min(1, pauseMsTotal / windowMs) : 0,
      watchedShare: windowMs > 0 ? Math.max(0, 1 - unwatchedMs / windowMs) : 1,
      byKind,
    };
  }

  /** A window begins. */
  clear(nowMs: number): void {
    this.#unwatchedMsBefore = this.#unwatchedMs(nowMs);
    for (const kind of GC_KINDS) this.#byKind[kind].clear();
  }
}
