/**
 * How many collections a monitor may watch. Pure.
 *
 * Node's own observer takes 40 to 100 µs of the processor for each collection that it tells, more than a small heap's
 * collection itself, and a busy service with a small young generation has hundreds a second. So watching is paid from a
 * bucket that fills by the clock: while it is not empty every collection is watched; then none until it has filled again.
 *
 *   collections a second     watched
 *      up to 20              all
 *      250                   a twelfth, in slices of a tick or two, and the rest reckoned from those
 *
 * Debts count: what a long tick has watched too much is waited for, up to a second. All this holds for an even rate: of a
 * burst after a calm most falls into a gap, which is reckoned at the rate of the calm.
 */

/** At 100 µs each, a fifth of a percent of a core. */
const COLLECTIONS_A_SECOND = 20;
/** Short bursts are watched whole. */
const MOST_SAVED = 8;
/** A stall with hundreds of collections in one tick is not waited for longer than a second. */
const MOST_OWED = 20;
/** Enough for a slice that tells a rate. */
const ENOUGH = 4;

export class GcBudget {
  #left = MOST_SAVED;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** One collection was watched. */
  spend(): void {
    this.#left = Math.max(-MOST_OWED, this.#left - 1);
  }

  /** Whether to watch from now on. To be asked at ticks, not at collections: a slice that ends with one reads too high. */
  affords(nowMs: number, isWatching: boolean): boolean {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#left = Math.min(MOST_SAVED, this.#left + (passedMs * COLLECTIONS_A_SECOND) / 1000);
    return isWatching ? this.#left > 0 : this.#left >= ENOUGH;
  }
}
