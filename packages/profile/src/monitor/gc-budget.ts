/**
 * How many collections a thread may watch. Pure.
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
 * A slice ends at the first tick at which the bucket is empty. Between ticks that are far apart, it ends as soon as
 * `MOST_OWED` are owed. What is owed is waited for, up to a second.
 */

/** At 100 µs each, a tenth of a percent of a core. */
const COLLECTIONS_A_SECOND = 10;
/** Bursts up to here are watched whole when the calm before was long enough to save them up. */
const MOST_SAVED = 100;
/** A thread's first monitor has saved nothing, but is not to begin in a gap. */
const SAVED_AT_START = 8;
/** A stall with hundreds of collections in one tick is not waited for longer than a second. */
const MOST_OWED = 10;
/** Enough for a slice that tells a rate. */
const ENOUGH = 4;

/** The next tick after this ends the gap. */
export const LONGEST_GAP_MS: number = ((MOST_OWED + ENOUGH) / COLLECTIONS_A_SECOND) * 1000;

/** One a thread, whoever watches: two monitors, or one that is started again and again, cost no more than one. */
export class GcBudget {
  #left = SAVED_AT_START;
  /** Up to where it was filled. */
  #atMs: number | undefined;

  /** One collection was watched. */
  spend(): void {
    this.#left--;
  }

  /** Whether to watch from now on. To be asked at ticks, not at collections: a slice that ends with one reads too high. */
  affords(nowMs: number, isWatching: boolean): boolean {
    this.#fill(nowMs);
    return isWatching ? this.#left > 0 : this.#left >= ENOUGH;
  }

  /**
   * Whether so much is owed that the slice is not to wait for the next tick. To be asked at collections: it then holds
   * `ENOUGH + MOST_OWED` of them at least, so what it reads is too high by 8 % at most.
   */
  isOverdrawn(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#left <= -MOST_OWED;
  }

  /** Nobody watches from now on. */
  startGap(): void {
    this.#left = Math.max(-MOST_OWED, this.#left);
  }

  #fill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - (this.#atMs ?? nowMs));
    this.#atMs = nowMs;
    this.#left = Math.min(MOST_SAVED, this.#left + (passedMs * COLLECTIONS_A_SECOND) / 1000);
  }
}
