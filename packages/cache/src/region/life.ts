/** How long entries of a region live. Pure but for the randomness it is given. */
export class Life {
  readonly ttlMs: number;
  readonly negativeTtlMs: number;
  readonly #jitter: number;
  readonly #random: () => number;

  constructor(ttlMs: number, negativeTtlMs: number, jitter: number, random: () => number) {
    this.ttlMs = ttlMs;
    this.negativeTtlMs = negativeTtlMs;
    this.#jitter = jitter;
    this.#random = random;
  }

  /** A life a little shorter than asked, so that what was stored together does not expire together. Never longer. */
  jittered(ttlMs: number): number {
    if (this.#jitter === 0 || ttlMs === Infinity) return ttlMs;
    return ttlMs * (1 - this.#jitter * this.#random());
  }

  /** Of a value that was just loaded or set; 0 when it is not to be kept. */
  ofNew(value: unknown, ttlMs: number = this.ttlMs): number {
    return this.jittered(value === undefined ? this.negativeTtlMs : ttlMs);
  }

  /**
   * Of a value in a level whose own limit is `maxTtlMs`: what is left, or the level's limit, whichever is less. The
   * limit is jittered too, or a level that is filled at once would be emptied at once.
   */
  inLevel(leftMs: number, maxTtlMs: number): number {
    return leftMs <= maxTtlMs * (1 - this.#jitter) ? leftMs : Math.min(leftMs, this.jittered(maxTtlMs));
  }
}
