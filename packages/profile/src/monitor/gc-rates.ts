/**
 * How often a thread collects, and for how long, by kind: what the end of the last slice told. Pure.
 *
 *   watched ├── slice ──┤  gap  ├─ slice ─┤    gap    ├──
 *                       └ as many as the end of the slice before it had, by time
 *
 * The end of a slice is its last two parts. A part ends at the first tick at which it holds `PART` collections, and one
 * that holds none is begun anew every `EMPTY_PART_MS`: after a calm and a burst, the burst alone tells what follows. A part
 * that is full when the slice ends is its end alone, since the one before it may be such a calm.
 */

import { GC_KINDS } from './stats.ts';
import type { GcKind } from './stats.ts';

/** As many tell a rate to a quarter. */
const PART = 16;
/** So much of a calm at most is taken for a part of the burst that ends it. */
const EMPTY_PART_MS = 100;

/** Of one kind. */
class KindRate {
  /** At the end of the last slice; 0 before there was one. */
  countPerMs = 0;
  pauseMsPerMs = 0;
  #partCount = 0;
  #partTotalMs = 0;
  /** Of the part before it. */
  #beforeCount = 0;
  #beforeTotalMs = 0;

  add(durationMs: number): void {
    this.#partCount++;
    this.#partTotalMs += durationMs;
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

  endSlice(endMs: number): void {
    this.countPerMs = (this.#beforeCount + this.#partCount) / endMs;
    this.pauseMsPerMs = (this.#beforeTotalMs + this.#partTotalMs) / endMs;
  }
}

/** One a thread. */
export class GcRates {
  readonly byKind: Readonly<Record<GcKind, KindRate>> = {
    minor: new KindRate(),
    major: new KindRate(),
    incremental: new KindRate(),
    weakcb: new KindRate(),
  };
  #partStartMs = 0;
  /** Collections of all kinds in the last part. */
  #partCount = 0;
  /** Length of the part before it. */
  #beforeMs = 0;

  startSlice(nowMs: number): void {
    this.#beforeMs = 0;
    this.#startPart(nowMs);
    for (const kind of GC_KINDS) this.byKind[kind].startSlice();
  }

  add(kind: GcKind, durationMs: number): void {
    this.byKind[kind].add(durationMs);
    this.#partCount++;
  }

  /** To be told of every tick within a slice. */
  tick(nowMs: number): void {
    const partMs = Math.max(0, nowMs - this.#partStartMs);
    const isFull = this.#partCount >= PART;
    const isEmpty = this.#partCount === 0 && partMs >= EMPTY_PART_MS;
    if (!isFull && !isEmpty) return;
    this.#beforeMs = partMs;
    this.#startPart(nowMs);
    for (const kind of GC_KINDS) this.byKind[kind].startPart();
  }

  endSlice(nowMs: number): void {
    this.tick(nowMs);
    const endMs = this.#beforeMs + Math.max(0, nowMs - this.#partStartMs);
    // Of no time at all nothing can be told: what the slice before told still holds.
    if (endMs <= 0) return;
    for (const kind of GC_KINDS) this.byKind[kind].endSlice(endMs);
  }

  #startPart(nowMs: number): void {
    this.#partStartMs = nowMs;
    this.#partCount = 0;
  }
}
