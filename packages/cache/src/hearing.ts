import type { Clock } from './clock.ts';

/** How long a process may go on serving memory after the last moment up to which it has heard everything, in ms. */
export const LEASE_MS = 2000;
/** The part of it that a process counts on itself: two clocks run at slightly different rates. */
const OWN_SHARE = 0.9;

/**
 * Whether what was heard of other processes is recent enough to serve what is in memory. Always, unless the cache is
 * bound to it.
 */
export class Hearing {
  readonly isBound: boolean;
  #until: number;

  constructor(isBound: boolean) {
    this.isBound = isBound;
    this.#until = isBound ? 0 : Infinity;
  }

  /** By the clock and not by a timer: after a pause of the process reads run before timers. */
  get isRecent(): boolean {
    return this.#until === Infinity || performance.now() < this.#until;
  }

  /** Everything up to `at` has been heard. */
  renew(at: number): void {
    if (this.isBound) this.#until = Math.max(this.#until, at + OWN_SHARE * LEASE_MS);
  }

  end(): void {
    if (this.isBound) this.#until = 0;
  }

  /** For hits in memory: it stands at the end of time while nothing is recent, so that nothing there is alive. */
  clockOver(clock: Clock): Clock {
    return this.isBound ? { now: () => (this.isRecent ? clock.now() : Infinity) } : clock;
  }
}
