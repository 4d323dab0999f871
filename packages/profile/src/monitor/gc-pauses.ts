/**
 * Pauses of the garbage collector, summed by kind, and reckoned for the gaps in which nobody watched. Pure.
 *
 *   watched ├── slice ──┤  gap  ├─ slice ─┤    gap    ├──
 *                       └ as many as the end of the slice before it had, by time
 *
 * The end of a slice is its last two parts. A part ends at the first tick at which it holds `PART` collections, and one
 * that holds none is begun anew each second: after a calm and a burst, the burst alone tells what follows. Before the first
 * slice a gap is reckoned from the one after it.
 */

import type { GcKind, GcKindStats, GcStats } from './stats.ts';

const KINDS: readonly GcKind[] = ['minor', 'major', 'incremental', 'weakcb'];

/** As many tell a rate to a quarter. */
const PART = 16;
const EMPTY_PART_MS = 1000;

/** Pauses of one kind. */
class Pauses {
  count = 0;
  totalMs = 0;
  maxMs = 0;
  /** Of the last part of the slice that is watched, or was last. */
  #partCount = 0;
  #partTotalMs = 0;
  /** Of the part before it. */
  #beforeCount = 0;
  #beforeTotalMs = 0;

  add(durationMs: number): void {
    this.count++;
    this.totalMs += durationMs;
    this.#partCount++;
    this.#partTotalMs += durationMs;
    if (durationMs > this.maxMs) this.maxMs = durationMs;
  }

  /** As if the end of the slice had gone on for so many times its length. */
  reckon(times: number): void {
    this.count += (this.#beforeCount + this.#partCount) * times;
    this.totalMs += (this.#beforeTotalMs + this.#partTotalMs) * times;
  }

  startPart(): void {
    this.#beforeCount = this.#partCount;
    this.#beforeTotalMs = this.#partTotalMs;
    this.#partCount = 0;
    this.#partTotalMs = 0;
  }

  startSlice(): void {
    this.startPart();
    this.startPart();
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
  #partStartMs: number;
  /** Collections of all kinds in the last part. */
  #partCount = 0;
  /** Length of the part before it. */
  #beforeMs = 0;
  /** Length of the last slice's end; 0 before there was one. */
  #sliceMs = 0;
  /** Up to where the gap is reckoned; `undefined` while collections are watched. */
  #gapFromMs: number | undefined;
  #unwatchedMs = 0;
  /** Of gaps that wait for the first slice. */
  #unreckonedMs = 0;

  constructor(nowMs: number) {
    this.#partStartMs = nowMs;
  }

  get isWatching(): boolean {
    return this.#gapFromMs === undefined;
  }

  add(kind: GcKind, durationMs: number): void {
    this.#byKind[kind].add(durationMs);
    this.#partCount++;
  }

  /** To be told of every tick at which collections are watched. */
  tick(nowMs: number): void {
    const isFull = this.#partCount >= PART;
    const isEmpty = this.#partCount === 0 && nowMs - this.#partStartMs >= EMPTY_PART_MS;
    if (!isFull && !isEmpty) return;
    this.#beforeMs = nowMs - this.#partStartMs;
    this.#startPart(nowMs);
    for (const kind of KINDS) this.#byKind[kind].startPart();
  }

  /** Nobody watches from now on. */
  startGap(nowMs: number): void {
    this.#sliceMs = this.#beforeMs + Math.max(0, nowMs - this.#partStartMs);
    this.#gapFromMs = nowMs;
    this.#reckon(this.#unreckonedMs);
  }

  startSlice(nowMs: number): void {
    this.#reckonGap(nowMs);
    this.#gapFromMs = undefined;
    this.#beforeMs = 0;
    this.#startPart(nowMs);
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
    this.#unreckonedMs = 0;
    for (const kind of KINDS) this.#byKind[kind].clear();
  }

  /** A clock that went back makes no gap. */
  #reckonGap(nowMs: number): void {
    if (this.#gapFromMs === undefined) return;
    const gapMs = Math.max(0, nowMs - this.#gapFromMs);
    this.#gapFromMs = nowMs;
    this.#unwatchedMs += gapMs;
    this.#reckon(gapMs);
  }

  #reckon(gapMs: number): void {
    if (this.#sliceMs <= 0) {
      this.#unreckonedMs += gapMs;
      return;
    }
    for (const kind of KINDS) this.#byKind[kind].reckon(gapMs / this.#sliceMs);
    this.#unreckonedMs = 0;
  }

  #startPart(nowMs: number): void {
    this.#partStartMs = nowMs;
    this.#partCount = 0;
  }
}
