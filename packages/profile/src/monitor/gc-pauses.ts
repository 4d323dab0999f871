/**
 * Pauses of the garbage collector, summed by kind, and reckoned for the gaps in which nobody watched. Pure.
 *
 *   watched ├── slice ──┤  gap  ├─ slice ─┤    gap    ├──
 *                       └ as many as the slice before it had, by time
 */

import type { GcKind, GcKindStats, GcStats } from './stats.ts';

const KINDS: readonly GcKind[] = ['minor', 'major', 'incremental', 'weakcb'];

/** Pauses of one kind. */
class Pauses {
  count = 0;
  totalMs = 0;
  maxMs = 0;
  /** Of the slice that is watched, or was last. */
  sliceCount = 0;
  sliceTotalMs = 0;

  add(durationMs: number): void {
    this.count++;
    this.totalMs += durationMs;
    this.sliceCount++;
    this.sliceTotalMs += durationMs;
    if (durationMs > this.maxMs) this.maxMs = durationMs;
  }

  /** As if the slice had gone on for so many times its length. */
  reckon(slices: number): void {
    this.count += this.sliceCount * slices;
    this.totalMs += this.sliceTotalMs * slices;
  }

  startSlice(): void {
    this.sliceCount = 0;
    this.sliceTotalMs = 0;
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
  #sliceStartMs: number;
  #sliceMs = 0;
  /** Up to where the gap is reckoned; `undefined` while collections are watched. */
  #gapFromMs: number | undefined;
  #unwatchedMs = 0;

  constructor(nowMs: number) {
    this.#sliceStartMs = nowMs;
  }

  get isWatching(): boolean {
    return this.#gapFromMs === undefined;
  }

  add(kind: GcKind, durationMs: number): void {
    this.#byKind[kind].add(durationMs);
  }

  /** Nobody watches from now on. */
  startGap(nowMs: number): void {
    this.#sliceMs = nowMs - this.#sliceStartMs;
    this.#gapFromMs = nowMs;
  }

  startSlice(nowMs: number): void {
    this.#reckonGap(nowMs);
    this.#gapFromMs = undefined;
    this.#sliceStartMs = nowMs;
    for (const kind of KINDS) this.#byKind[kind].startSlice();
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
    const all = KINDS.map((kind) => byKind[kind]);
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
    for (const kind of KINDS) this.#byKind[kind].clear();
  }

  /** A clock that went back makes no gap. */
  #reckonGap(nowMs: number): void {
    if (this.#gapFromMs === undefined) return;
    const gapMs = Math.max(0, nowMs - this.#gapFromMs);
    this.#gapFromMs = nowMs;
    this.#unwatchedMs += gapMs;
    if (this.#sliceMs <= 0) return;
    for (const kind of KINDS) this.#byKind[kind].reckon(gapMs / this.#sliceMs);
  }
}
