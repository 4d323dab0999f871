import { AsyncResource } from 'node:async_hooks';
import type { ReadAnswer, Reader } from '../guard/guarded-region.ts';
import type { TierEntry } from '../tier.ts';
import type { Tokens } from './fills.ts';
import type { Keeper } from './keeper.ts';
import type { Levels } from './levels.ts';
import type { Life } from './life.ts';

/** What all hunts of a region go by. */
export interface HuntTerms {
  readonly life: Life;
  readonly keeper: Keeper;
  readonly levels: Levels;
  /** With something stale at hand, how long to wait for the load of somebody else. */
  readonly softTimeoutMs: number | undefined;
  readonly versionOf: ((value: unknown) => number) | undefined;
}

function tell(this: Levels, hunt: Hunt, answer: ReadAnswer): void {
  this.answered(hunt, answer);
}

/** Who hunts. None of it may throw. */
export interface Hunter {
  /** The topmost entry that is of use, or that there is none. */
  found(hunt: Hunt, entry: TierEntry | undefined): void;
  /** What was at hand, and memory may still have, is older than what is known. */
  outdated(): void;
}

/**
 * One read on its way down the levels: what it is after, how far it has come, and what it has come across. An object that is
 * handed on, because a function made for each step would take more room than all of it, and every hit in Redis is one.
 *
 * It carries the context of who asked, which what it goes on to, a loader for one, is to run in: a batch is answered in that
 * of its first reader, a deadline comes in that of whoever armed the timer.
 */
export class Hunt extends AsyncResource implements Reader {
  readonly #terms: HuntTerms;
  readonly hunter: Hunter;
  readonly key: string;
  /** Leases taken on the way. */
  readonly tokens: Tokens;
  /** The level that is asked; 0 is the topmost. */
  level = 0;
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
  /** What it has accepted, as long as nothing newer became known. */
  #accepted: TierEntry | undefined = undefined;

  constructor(
    terms: HuntTerms,
    hunter: Hunter,
    key: string,
    tokens: Tokens,
    stamp: string | undefined,
    previous: TierEntry | undefined,
    background: boolean,
    freshBeyond: number,
  ) {
    super('hotpath.cache.read');
    this.#terms = terms;
    this.hunter = hunter;
    this.key = key;
    this.tokens = tokens;
    this.stamp = stamp;
    this.background = background;
    this.previous = previous;
    this.freshBeyond = freshBeyond;
  }

  /** What the level says that is asked. */
  answered(answer: ReadAnswer, isElsewhere: boolean): void {
    const { levels } = this.#terms;
    if (isElsewhere && !this.endsWith(answer)) this.runInAsyncScope(tell, levels, this, answer);
    else levels.answered(this, answer);
  }

  /** Whether nothing of the user's is called from here on, so that the context does not matter. */
  endsWith(answer: ReadAnswer): boolean {
    return (
      typeof answer === 'object' &&
      answer.kind === 'hit' &&
      this.tokens.length === 0 &&
      this.accepts(answer.entry)
    );
  }

  /** Fresh, of the current tags, and not older than what is known. */
  accepts(entry: TierEntry): boolean {
    // Asked by each who has to know, which on the way of a hit is three times.
    if (this.#accepted === entry) return true;
    const isFresh = entry.freshUntil > Math.max(this.#terms.life.now(), this.freshBeyond);
    if (!isFresh || !this.#isValid(entry)) return false;
    this.#accepted = entry;
    return true;
  }

  /** What is older than this is known to be outdated: also what was at hand to be served while, or because, nothing newer is. */
  needs(minVersion: number): void {
    this.minVersion = Math.max(minVersion, this.minVersion ?? 0);
    this.#accepted = undefined;
    if (this.previous === undefined || !this.#isOutdated(this.previous, this.minVersion)) return;
    this.previous = undefined;
    this.hunter.outdated();
  }

  /** Remembers an entry that is no longer fresh. @returns whether it may be served at once, to be refreshed after. */
  serves(entry: TierEntry): boolean {
    if (!this.#isValid(entry)) return false;
    // It may be lent to the loader, and handed to several.
    this.#terms.keeper.frozen(entry.value);
    if (this.previous === undefined || this.previous.freshUntil < entry.freshUntil) this.previous = entry;
    return !this.background && entry.freshUntil + this.#terms.life.whileRevalidateMs > this.#terms.life.now();
  }

  /** How long to wait for somebody else's load: briefly with something stale at hand, where that is asked for. */
  patienceMs(leaseMs: number): number {
    if (this.background) return 0;
    const longest = 2 * leaseMs;
    const { previous } = this;
    const { softTimeoutMs } = this.#terms;
    if (previous === undefined || softTimeoutMs === undefined) return longest;
    if (previous.freshUntil + this.#terms.life.onErrorMs <= this.#terms.life.now()) return longest;
    return Math.min(longest, softTimeoutMs);
  }

  /** What `acquire` is to put a lease over: all that `accepts` would not take. */
  threshold(entry: TierEntry | undefined): number {
    if (entry !== undefined && !this.#isValid(entry)) return Infinity;
    return Math.max(this.#terms.life.now(), this.freshBeyond);
  }

  #isOutdated({ version, value }: TierEntry, minVersion: number): boolean {
    if (version !== undefined) return version < minVersion;
    // Entries of memory carry none.
    const { versionOf } = this.#terms;
    if (value === undefined || versionOf === undefined) return true;
    try {
      return !(versionOf(value) >= minVersion);
    } catch {
      return true;
    }
  }

  #isValid({ stamp, version }: TierEntry): boolean {
    if (stamp !== this.stamp) return false;
    return this.minVersion === undefined || (version !== undefined && version >= this.minVersion);
  }
}
