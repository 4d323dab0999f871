/**
 * What is reckoned of a thread's collections while not every one is watched, by kind. Pure.
 *
 * Time goes by in turns, and turns in frames, in each of which one turn, drawn by lot, is watched:
 *
 *   turn of the frame      0     1     2     3     4
 *   watched                            ×
 *   seen                               n
 *   counted              rate  rate  rate  rate  rate
 *                                  + 5 (n − rate)
 *
 * The lot knows nothing of what happens when, so each turn is expected to count what was in it: rate + (n − rate). That
 * holds for bursts of any period, for turns that a busy event loop makes longer, however often the frame's length changes,
 * and whatever `rate` is, as long as both are what they are before the lot is drawn, and stay so for the frame. A rate near
 * the truth makes the count steady; it is the mean of about the last second. In a single frame the count may be below what it
 * ought to be, or negative.
 *
 * The difference estimator on a stratified sample: Särndal, Swensson and Wretman, Model Assisted Survey Sampling (1992),
 * chapters 3 and 6.
 */

import { GC_KINDS } from './stats.ts';
import type { GcKind } from './stats.ts';

/** How many turns the mean stands on: fewer forget a burst sooner, more make a steady load steadier. */
const RATE_TURNS = 50;

interface Sum {
  readonly count: number;
  readonly pauseMs: number;
}

type Sums = Readonly<Record<GcKind, Sum>>;

const ZERO: Sum = { count: 0, pauseMs: 0 };
const NOTHING: Sums = { minor: ZERO, major: ZERO, incremental: ZERO, weakcb: ZERO };

/** A turn that is watched, in a frame of so many; made by {@link GcReckoning.watch}. */
export class WatchedTurn {
  readonly frameTurns: number;
  /** Of its frame. */
  readonly rates: Sums;
  readonly seen: Record<GcKind, Sum> = { ...NOTHING };

  constructor(frameTurns: number, rates: Sums) {
    this.frameTurns = frameTurns;
    this.rates = rates;
  }

  add(kind: GcKind, durationMs: number): void {
    const { count, pauseMs } = this.seen[kind];
    this.seen[kind] = { count: count + 1, pauseMs: pauseMs + durationMs };
  }
}

/** One a thread. */
export class GcReckoning {
  /** Reckoned beyond what was seen, since the thread began: may be fractional, and fall. */
  readonly byKind: Record<GcKind, Sum> = { ...NOTHING };
  /** A turn's mean, for the frame under way. */
  #rates = NOTHING;
  /** What was learnt since: for the next frame. */
  #nextRates = NOTHING;
  /** Turns that the mean stands on. */
  #knownTurns = 0;

  /** Turns begin after a time without any: what was the rate before is forgotten. */
  begin(): void {
    this.#knownTurns = 0;
    this.#nextRates = NOTHING;
  }

  startFrame(): void {
    this.#rates = this.#nextRates;
  }

  /** The turn that begins is watched. */
  watch(frameTurns: number): WatchedTurn {
    return new WatchedTurn(frameTurns, this.#rates);
  }

  /** A turn ends, or this share of one that ends early. */
  pass(share = 1): void {
    for (const kind of GC_KINDS) this.#add(kind, this.#rates[kind], share);
  }

  /** A turn that was watched has passed, and not all of it will be known: it counts as it is seen, and for itself. */
  drop({ rates }: WatchedTurn): void {
    for (const kind of GC_KINDS) this.#add(kind, rates[kind], -1);
  }

  /** All is told of a turn that was watched, and has passed. What was seen is counted by who saw it. */
  correct({ frameTurns, rates, seen }: WatchedTurn): void {
    for (const kind of GC_KINDS) {
      this.#add(kind, seen[kind], frameTurns - 1);
      this.#add(kind, rates[kind], -frameTurns);
    }
    this.#knownTurns = Math.min(RATE_TURNS, this.#knownTurns + frameTurns);
    // It stands for its whole frame in the mean too.
    const gain = Math.min(1, frameTurns / this.#knownTurns);
    const { minor, major, incremental, weakcb } = this.#nextRates;
    this.#nextRates = {
      minor: between(minor, seen.minor, gain),
      major: between(major, seen.major, gain),
      incremental: between(incremental, seen.incremental, gain),
      weakcb: between(weakcb, seen.weakcb, gain),
    };
  }

  #add(kind: GcKind, { count, pauseMs }: Sum, times: number): void {
    const sum = this.byKind[kind];
    this.byKind[kind] = { count: sum.count + count * times, pauseMs: sum.pauseMs + pauseMs * times };
  }
}

function between(from: Sum, to: Sum, share: number): Sum {
  return {
    count: from.count + share * (to.count - from.count),
    pauseMs: from.pauseMs + share * (to.pauseMs - from.pauseMs),
  };
}
