/** When to stop asking a tier that does not answer. */
export interface BreakerOptions {
  /** Missed deadlines in a row that open it; 3 by default. */
  readonly failures?: number;
  /** How long it stays open before one call is let through to try, in ms; 1000 by default. */
  readonly openMs?: number;
}

type State = 'closed' | 'open' | 'probing';

/**
 * Counts missed deadlines only: a tier that fails at once costs its callers nothing.
 *
 *     closed ──failures──▶ open ──openMs──▶ probing ──answer──▶ closed
 *                           ▲                  └────no answer────┐
 *                           └────────────────────────────────────┘
 */
export class Breaker {
  readonly #failures: number;
  readonly #openMs: number;
  #state: State = 'closed';
  #failed = 0;
  #openUntil = 0;

  constructor(options: Required<BreakerOptions>) {
    this.#failures = options.failures;
    this.#openMs = options.openMs;
  }

  get state(): State {
    return this.#state;
  }

  /** Whether a call may go out now; while probing only the first may, and its outcome decides. */
  allows(now: number): boolean {
    if (this.#state === 'closed') return true;
    if (this.#state === 'probing') return false;
    // Further off than it was put: the clock was set back, maybe by hours.
    if (now < this.#openUntil && this.#openUntil - now <= this.#openMs) return false;
    this.#state = 'probing';
    return true;
  }

  /** @returns whether it closed. */
  answered(): boolean {
    this.#failed = 0;
    if (this.#state === 'closed') return false;
    this.#state = 'closed';
    return true;
  }

  /** A call that was let through never went out: the next may try. */
  abandoned(): void {
    if (this.#state === 'probing') this.#state = 'open';
  }

  /** @returns whether it opened. */
  missedDeadline(now: number): boolean {
    this.#failed++;
    if (this.#state === 'open' || (this.#state === 'closed' && this.#failed < this.#failures)) return false;
    this.#state = 'open';
    this.#openUntil = now + this.#openMs;
    return true;
  }
}
