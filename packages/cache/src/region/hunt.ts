import type { TierEntry } from '../tier.ts';
import type { Life } from './life.ts';

/** What one read is after on its way down the levels, and what it has come across. */
export class Hunt {
  readonly #life: Life;
  /** What its tags stand at; an entry of another stamp is invalid. */
  readonly stamp: string | undefined;
  /** A refresh in the background: it does not wait for others, and what is no fresher than this is no find. */
  readonly background: boolean;
  readonly freshBeyond: number;
  /** The best entry that is no longer fresh. */
  previous: TierEntry | undefined;
  /** What is older than this would be refused. */
  minVersion: number | undefined = undefined;
  /** Some level was not asked or did not answer: what it knows of newer versions is not known here. */
  unverified = false;
  /** Somebody else has the lease, and this hunt would not wait for it. */
  beaten = false;
  /** The load of somebody else, which this hunt has waited for, has failed. */
  failure: Error | undefined = undefined;

  readonly #softTimeoutMs: number | undefined;
  readonly #versionOf: ((value: unknown) => number) | undefined;
  readonly #onOutdated: () => void;

  /** `onOutdated` is told when `previous`, which memory may still have, turns out to be older than what is known. */
  constructor(
    life: Life,
    stamp: string | undefined,
    previous: TierEntry | undefined,
    background: boolean,
    freshBeyond: number,
    softTimeoutMs: number | undefined,
    versionOf: ((value: unknown) => number) | undefined,
    onOutdated: () => void,
  ) {
    this.#onOutdated = onOutdated;
    this.#softTimeoutMs = softTimeoutMs;
    this.#versionOf = versionOf;
    this.#life = life;
    this.stamp = stamp;
    this.background = background;
    this.previous = previous;
    this.freshBeyond = freshBeyond;
  }

  /** Fresh, of the current tags, and not older than what is known. */
  accepts(entry: TierEntry): boolean {
    return this.#isValid(entry) && entry.freshUntil > Math.max(this.#life.now(), this.freshBeyond);
  }

  /** What is older than this is known to be outdated: also what was at hand to be served while, or because, nothing newer is. */
  needs(minVersion: number): void {
    this.minVersion = Math.max(minVersion, this.minVersion ?? 0);
    if (this.previous === undefined || !this.#isOutdated(this.previous, this.minVersion)) return;
    this.previous = undefined;
    this.#onOutdated();
  }

  /** Remembers an entry that is no longer fresh. @returns whether it may be served at once, to be refreshed after. */
  serves(entry: TierEntry): boolean {
    if (!this.#isValid(entry)) return false;
    if (this.previous === undefined || this.previous.freshUntil < entry.freshUntil) this.previous = entry;
    return !this.background && entry.freshUntil + this.#life.whileRevalidateMs > this.#life.now();
  }

  /** How long to wait for somebody else's load: briefly with something stale at hand, where that is asked for. */
  patienceMs(leaseMs: number): number {
    if (this.background) return 0;
    const longest = 2 * leaseMs;
    const { previous } = this;
    if (previous === undefined || this.#softTimeoutMs === undefined) return longest;
    if (previous.freshUntil + this.#life.onErrorMs <= this.#life.now()) return longest;
    return Math.min(longest, this.#softTimeoutMs);
  }

  /** What `acquire` is to put a lease over: all that `accepts` would not take. */
  threshold(entry: TierEntry | undefined): number {
    if (entry !== undefined && !this.#isValid(entry)) return Infinity;
    return Math.max(this.#life.now(), this.freshBeyond);
  }

  #isOutdated({ version, value }: TierEntry, minVersion: number): boolean {
    if (version !== undefined) return version < minVersion;
    // Entries of memory carry none.
    if (value === undefined || this.#versionOf === undefined) return true;
    try {
      return !(this.#versionOf(value) >= minVersion);
    } catch {
      return true;
    }
  }

  #isValid({ stamp, version }: TierEntry): boolean {
    if (stamp !== this.stamp) return false;
    return this.minVersion === undefined || (version !== undefined && version >= this.minVersion);
  }
}
