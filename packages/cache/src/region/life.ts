import type { Clock } from '../clock.ts';

/** How long entries of a region live. Pure but for the clock and the randomness it is given. */
export class Life {
  readonly ttlMs: number;
  readonly negativeTtlMs: number;
  readonly #jitter: number;
  readonly #random: () => number;
  readonly #clock: Clock;

  constructor(ttlMs: number, negativeTtlMs: number, jitter: number, random: () => number, clock: Clock) {
    this.ttlMs = ttlMs;
    this.negativeTtlMs = negativeTtlMs;
    this.#jitter = jitter;
    this.#random = random;
    this.#clock = clock;
  }

  /** A life a little shorter than asked, so that what was stored together does not expire together. Never longer. */
  jittered(ttlMs: number): number {
    if (this.#jitter === 0 || ttlMs === Infinity) return ttlMs;
    return ttlMs * (1 - this.#jitter * this.#random());
  }

  /** When a value that was just loaded or set expires; 0 when it is not to be kept. */
  endOfNew(value: unknown, ttlMs: number = this.ttlMs): number {
    const lifeMs = this.jittered(value === undefined ? this.negativeTtlMs : ttlMs);
    return lifeMs > 0 ? this.#clock.now() + lifeMs : 0;
  }

  /**
   * When a value expires in a level whose own limit is `maxTtlMs`: at its own end, or at the level's limit, whichever is
   * first. The limit is jittered too, or a level that is filled at once would be emptied at once.
   */
  endInLevel(expiresAt: number, maxTtlMs: number): number {
    if (maxTtlMs === Infinity) return expiresAt;
    const now = this.#clock.now();
    if (expiresAt - now <= maxTtlMs * (1 - this.#jitter)) return expiresAt;
    return Math.min(expiresAt, now + this.jittered(maxTtlMs));
  }
}
