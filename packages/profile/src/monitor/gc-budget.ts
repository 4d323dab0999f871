/**
 * How many collections the monitors of a thread may watch. Pure.
 *
 * Node's own observer takes 40 to 100 µs of the processor for each collection that it tells, more than a small heap's
 * collection itself, and a busy service with a small young generation has hundreds a second. So watching is paid from a
 * bucket that fills by the clock: while it is not empty every collection is watched; then none until it has filled again.
 *
 *   collections a second     watched
 *      up to 10              all
 *      100 at once           all, after ten seconds of calm
 *      250                   a twenty-fifth, in slices of a tick or two, and the rest reckoned from those
 *
 * Debts count: what a long tick has watched too much is waited for, up to a second. So no gap is longer than
 * `(MOST_OWED + ENOUGH) / COLLECTIONS_A_SECOND`, 1.4 s.
 */

/** At 100 µs each, a tenth of a percent of a core. */
const COLLECTIONS_A_SECOND = 10;
/** Bursts up to here are watched whole when the calm before was long enough to save them up. */
const MOST_SAVED = 100;
/** A monitor that has just begun has saved nothing, but is not to begin in a gap. */
const SAVED_AT_START = 8;
/** A stall with hundreds of collections in one tick is not waited for longer than a second. */
const MOST_OWED = 10;
/** Enough for a slice that tells a rate. */
const ENOUGH = 4;

/** One a thread, whoever watches: two monitors, or one that is started again and again, cost no more than one. */
export class GcBudget {
  #left = SAVED_AT_START;
  #atMs = 0;
  #monitors = 0;

  /** A monitor begins. Time in which none runs fills nothing. */
  enter(nowMs: number): void {
    if (this.#monitors++ === 0) this.#atMs = nowMs;
  }

  leave(): void {
    this.#monitors--;
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
