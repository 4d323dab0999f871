import type { Clock } from '../clock.ts';

/** When a value stops being fresh, and when it is gone. */
export interface Ends {
  readonly freshUntil: number;
  readonly expiresAt: number;
}

/** What a definition says of lives; checked. Lengths in ms. */
export interface LifeOptions {
  readonly ttlMs: number;
  /** Tells the life from the value instead. */
  readonly ttlOf?: unknown;
  readonly negativeTtlMs: number;
  /** How long after its life a value may be served while it is loaded anew. */
  readonly whileRevalidateMs: number;
  /** How long after its life a value may be served because the loader failed or is slow. */
  readonly onErrorMs: number;
  /** When the first read loads anew in the background: after this share of the life, or by XFetch; 1 for never. */
  readonly refresh: number | 'xfetch';
  readonly jitter: number;
  readonly random: () => number;
  readonly clock: Clock;
}

/** How long entries of a region live. Pure but for the clock and the randomness it is given. */
export class Life {
  readonly ttlMs: number;
  readonly negativeTtlMs: number;
  readonly whileRevalidateMs: number;
  readonly onErrorMs: number;
  /**
   * How long before its end a value is loaded ahead at the latest, in ms, also one of whose life a part was over when it came from
   * a level below; 0 where that is left to chance, or lives differ.
   */
  readonly leadMs: number;
  readonly #refresh: number | 'xfetch';
  readonly #jitter: number;
  readonly #random: () => number;
  readonly #clock: Clock;
  /** Of the lives that were given so far, or would be given by default. */
  #longestTtlMs: number;

  constructor(options: LifeOptions) {
    this.ttlMs = options.ttlMs;
    this.negativeTtlMs = options.negativeTtlMs;
    this.whileRevalidateMs = options.whileRevalidateMs;
    this.onErrorMs = options.onErrorMs;
    this.#refresh = options.refresh;
    this.#jitter = options.jitter;
    this.#random = options.random;
    this.#clock = options.clock;
    const { refresh, ttlOf, ttlMs, jitter } = options;
    const isKnown = refresh !== 'xfetch' && ttlOf === undefined && ttlMs !== Infinity;
    this.leadMs = isKnown ? (1 - refresh) * (1 - jitter) * ttlMs : 0;
    this.#longestTtlMs = Math.max(options.ttlMs, options.negativeTtlMs);
  }

  /** The longest that a value lives which was given its life here, or by default. */
  get longestMs(): number {
    return this.#longestTtlMs + Math.max(this.whileRevalidateMs, this.onErrorMs);
  }

  /** A whole number of about `mean`, at random. */
  around(mean: number): number {
    return 1 + Math.floor(this.#random() * 2 * mean);
  }

  now(): number {
    return this.#clock.now();
  }

  /** A life a little shorter than asked, so that what was stored together does not expire together. Never longer. */
  jittered(ttlMs: number): number {
    if (this.#jitter === 0 || ttlMs === Infinity) return ttlMs;
    return ttlMs * (1 - this.#jitter * this.#random());
  }

  /** Of a value that was just set by hand: it is never served stale. */
  endsOfSet(ttlMs: number = this.ttlMs): Ends {
    if (ttlMs > this.#longestTtlMs) this.#longestTtlMs = ttlMs;
    const expiresAt = this.now() + this.jittered(ttlMs);
    return { freshUntil: expiresAt, expiresAt };
  }

  /** Of a value that was just loaded. @returns `undefined` when it is not to be kept. */
  endsOfLoaded(value: unknown, ttlMs: number = this.ttlMs): Ends | undefined {
    if (ttlMs > this.#longestTtlMs) this.#longestTtlMs = ttlMs;
    const absent = value === undefined;
    const lifeMs = this.jittered(absent ? this.negativeTtlMs : ttlMs);
    if (!(lifeMs > 0)) return undefined;
    const freshUntil = this.now() + lifeMs;
    const graceMs = absent ? 0 : Math.max(this.whileRevalidateMs, this.onErrorMs);
    return { freshUntil, expiresAt: freshUntil + graceMs };
  }

  /**
   * From when on a read of memory should look twice: at the end of the fresh life, or earlier to load ahead of it.
   *
   * XFetch (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015) moves the end
   * of each life forward at random by the time of a load times −ln(u). Drawn once an entry and process instead of once a
   * read: hits then cost no random number, and processes still spread.
   */
  attentionAt(freshUntil: number, loadMs: number): number {
    if (this.#refresh === 1 || freshUntil === Infinity) return freshUntil;
    if (this.#refresh === 'xfetch') return freshUntil + loadMs * Math.log(1 - this.#random());
    return freshUntil - (1 - this.#refresh) * Math.min(this.ttlMs, freshUntil - this.now());
  }

  /**
   * When a value expires in a level whose own limit is `maxTtlMs`: at its own end, or at the level's limit, whichever is
   * first. The limit is jittered too, or a level that is filled at once would be emptied at once.
   */
  endInLevel(expiresAt: number, maxTtlMs: number): number {
    if (maxTtlMs === Infinity) return expiresAt;
    const now = this.now();
    if (expiresAt - now <= maxTtlMs * (1 - this.#jitter)) return expiresAt;
    return Math.min(expiresAt, now + this.jittered(maxTtlMs));
  }
}
