import { RoundTrip } from './round-trip.ts';

/** When the server answers on one connection, and what of the time is its own. */
export class Pace {
  readonly roundTrip: RoundTrip = new RoundTrip();
  /** When the server last answered, or was given something while it was idle. */
  progressAt = 0;

  /**
   * An exchange is answered. Returns how long the server worked on it, in milliseconds: from the answer before it, or from when it had
   * reached the server if that was later, and without the way back.
   *
   * ```
   *   sent ──┐ round trip           ┌── answered: without what the round trip takes
   *          └───────► server ──────┘   of it, and without the exchange before
   * ```
   */
  answered(sentAt: number, now: number): number {
    const begun = Math.max(this.progressAt, sentAt + this.roundTrip.ms);
    this.progressAt = now;
    this.roundTrip.take(now - sentAt);
    return Math.max(0, now - begun);
  }

  /** True when an answer is overdue by so much: those that are expected have this long for the work, besides the way. */
  overdue(now: number, ms: number): boolean {
    return now - this.progressAt >= ms + this.roundTrip.ms;
  }
}
