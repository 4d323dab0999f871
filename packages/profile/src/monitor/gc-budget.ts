/**
 * How many collections a thread may watch. Pure.
 *
 * A collection that is recorded and told takes some tens of microseconds of the processor, as much as a small heap's
 * collection itself, and a busy service with a small young generation has hundreds a second. So watching is paid from a
 * purse that fills by the clock. While something is in it every collection is watched; what is owed makes watching rarer,
 * until what is watched is what the clock brings:
 *
 *   collections a second     watched
 *      up to 10              all
 *      100 at once           all, after ten seconds of calm
 *      250                   a twenty-fifth, one turn of 20 ms in 25
 *
 * A burst of some hundred does not turn watching off at once, and its debt is not paid by looking away from what comes
 * next: a share that follows slowly is what keeps the reckoning of bursts steady.
 */

/** Less than a tenth of a percent of a core. */
const COLLECTIONS_A_SECOND = 10;
/** Bursts up to here are watched whole when the calm before was long enough to save them up. */
const MOST_SAVED = 100;
/** Whatever a stall has cost: it is repaid in twenty seconds. */
const MOST_OWED = 200;
/** The longest frame, of two seconds: up to 1000 collections a second the purse suffices. */
const MOST_TURNS = 100;

/** One a thread, whoever watches: two monitors, or one that is started again and again, cost no more than one. */
export class GcBudget {
  #left = 0;
  /** Up to where it was filled. */
  #atMs: number | undefined;

  /** One collection was watched. */
  spend(): void {
    this.#left = Math.max(-MOST_OWED, this.#left - 1);
  }

  /** Whether not every collection may be watched. */
  isOwing(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#left < 0;
  }

  /**
   * How many turns there are from now on to each that is watched, from 1. By the square of what is owed: where little is, a
   * burst is to change little, and where much is, turns are to become rarer before all is used up.
   */
  frameTurns(nowMs: number): number {
    this.#fill(nowMs);
    const owedShare = Math.max(0, -this.#left) / MOST_OWED;
    return 1 + Math.floor(owedShare ** 2 * (MOST_TURNS - 1));
  }

  #fill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - (this.#atMs ?? nowMs));
    this.#atMs = nowMs;
    this.#left = Math.min(MOST_SAVED, this.#left + (passedMs * COLLECTIONS_A_SECOND) / 1000);
  }
}
