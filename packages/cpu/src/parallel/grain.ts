/**
 * How many items a thread claims at once.
 *
 * A claim costs an atomic addition on a shared cache line and two readings of the clock, about 0.2 µs; a grain of
 * {@link GRAIN_MS} makes that 0.4 %. At the end of a call a thread waits at most one grain for another, so grains
 * shrink with what remains: never more than a quarter of a thread's fair share.
 */

import type { Indexed, Loop, Position, ResultKind } from './loop.ts';

/** Duration that a grain aims at. */
export const GRAIN_MS = 0.05;

/** No grain is larger, whatever the estimate says, so that the shared counter cannot overflow (see {@link COUNT_MAX}). */
export const GRAIN_MAX: number = 1 << 20;

/** The largest input: every thread may add one grain beyond the end before it sees the end, in 31 bits. */
export const COUNT_MAX: number = 1 << 30;

/** Until this much was spent, a reading of the cost of an item is not believed. */
export const PROBE_MS = 0.1;

/** The same for the first call, and for one that is dearer than the last: until V8 has compiled a loop it may be thirty times as slow. */
const COLD_PROBE_MS = 1;

/** A grain grows at most by this factor a step: the first readings are of cold code and of a coarse clock. */
const GROWTH_MAX = 8;

/** What a thread has learnt of the cost of an item. */
export interface Pace {
  /** Milliseconds an item; 0 while unknown. */
  msPerItem: number;
  /** What earlier calls learnt; 0 when nothing is known. */
  readonly knownMs: number;
  /** The last two readings of it; infinite before there are any. */
  lastMs: number;
  previousMs: number;
  /** Size of the last grain; 0 before the first. */
  lastGrain: number;
  /** Items finished, and the time they took. */
  items: number;
  busyMs: number;
}

/** A pace that starts from what earlier calls learnt; 0 when nothing is known. */
export function createPace(msPerItem: number): Pace {
  const reading = msPerItem > 0 ? msPerItem : Infinity;
  return {
    msPerItem,
    knownMs: msPerItem,
    lastMs: reading,
    previousMs: reading,
    lastGrain: 0,
    items: 0,
    busyMs: 0,
  };
}

/** Size of the next grain, at least 1. `fixed` is the user's own size, or 0. */
export function nextGrain(pace: Pace, remaining: number, threads: number, fixed: number): number {
  if (fixed > 0) return fixed;
  const limit = pace.lastGrain === 0 && pace.msPerItem === 0 ? 1 : GRAIN_MAX;
  const grown = pace.lastGrain === 0 ? limit : Math.min(limit, pace.lastGrain * GROWTH_MAX);
  const wanted = pace.msPerItem > 0 ? Math.floor(GRAIN_MS / pace.msPerItem) : grown;
  const fair = Math.ceil(remaining / (threads * 4));
  return Math.max(1, Math.min(grown, wanted, fair));
}

/** Learns from a finished grain. Old readings fade by half each time: code gets faster as it is compiled. */
export function learn(pace: Pace, items: number, elapsedMs: number): void {
  pace.items += items;
  pace.busyMs += elapsedMs;
  pace.lastGrain = items;
  const seen = elapsedMs / items;
  pace.previousMs = pace.lastMs;
  pace.lastMs = seen;
  pace.msPerItem = pace.msPerItem === 0 ? seen : (pace.msPerItem + seen) / 2;
}

/** What an item costs, by the lesser of two readings: what disturbs one, a collection or another program, must not wake threads. */
export function steadyCost({ lastMs, previousMs }: Pace): number {
  const cost = Math.min(lastMs, previousMs);
  return cost === Infinity ? 0 : cost;
}

/** Whether {@link steadyCost} rests on enough to be believed. */
export function isSettled(pace: Pace): boolean {
  return pace.busyMs >= (steadyCost(pace) <= 2 * pace.knownMs ? PROBE_MS : COLD_PROBE_MS);
}

/**
 * Time between two looks at the clock within a grain; a look takes 2 % of it. Items a thousand times dearer than those before them hold
 * up the thread for 2 ms then, and not for the 50 of a whole grain.
 */
const PIECE_MS = 0.002;

/** A grain that has taken so long was taken for a cheaper one: it is left where it is, and its cost is learnt. */
const LATE_MS = 0.2;

/** What a loop runs over. */
export interface Arrays {
  readonly input: Indexed;
  readonly output: Indexed;
  readonly offset: number;
  readonly resultKind: ResultKind;
}

/**
 * Runs items `start` to `end`, which the pace takes for one grain, and returns where it stopped: before `end` where they take far longer
 * than that. A range is the caller's, and is not cut. The grain began at `since`, in `performance.now()` time.
 */
export function runGrain(
  loop: Loop,
  { input, output, offset, resultKind }: Arrays,
  start: number,
  end: number,
  position: Position,
  { msPerItem }: Pace,
  since: number,
): number {
  const piece =
    msPerItem > 0 && resultKind !== 'range' ? Math.max(1, Math.floor(PIECE_MS / msPerItem)) : end - start;
  let at = start;
  do {
    const next = Math.min(at + piece, end);
    loop(input, output, at, next, offset, position);
    at = next;
  } while (at < end && performance.now() - since < LATE_MS);
  return at;
}
