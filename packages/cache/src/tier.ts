import type { Clock } from './clock.ts';

/** What a tier holds under a key. An entry with the value `undefined` says: known to be absent. */
export interface TierEntry {
  readonly value: unknown;
  /**
   * When its life ends, in ms since the epoch by the clock of the region; `Infinity` when it does not. A moment rather than
   * a length: a copy that is made late, or kept in a queue, must not live longer for it.
   */
  readonly expiresAt: number;
  /** When it stops being fresh: not after `expiresAt`. Between the two it is served only where that is allowed. */
  readonly freshUntil: number;
  /** Of the row that it was made from, when the definition has versions. */
  readonly version?: number;
  /** What its tags stood at when it was loaded; at most 2000 of `A-Za-z0-9_.-`. */
  readonly stamp?: string;
}

/** An entry to be written. A tier keeps all of it. */
export interface TierWrite extends TierEntry {
  readonly key: string;
}

/** The answer to a request for the right to load. */
export type LeaseAnswer =
  /** Yours: load, then `fill` or `release` with the token. What is older than `minVersion` would be refused. */
  | { readonly kind: 'granted'; readonly token: string; readonly minVersion?: number }
  /** Somebody else is loading; `token` is theirs, where it is known. */
  | { readonly kind: 'held'; readonly token?: string }
  /** Only for who has waited: the load that somebody else made is over, and failed. */
  | { readonly kind: 'failed'; readonly failure: string }
  /** The value came in the meantime. */
  | { readonly kind: 'hit'; readonly entry: TierEntry };

/**
 * The right to load one key, held by one process at a time and forfeited when the key is written or deleted.
 *
 * It does two jobs. One load serves all processes. And a value read from the database before an invalidation cannot be
 * stored after it, because deleting the key also deletes the lease, and `fill` needs it.
 */
export interface TierLease {
  /**
   * Asked after a miss. The lease lapses after `leaseMs`. An entry that is not fresh beyond `freshBeyond` is no hit: the
   * lease is given over it, and until it is filled, or ended by a write or deletion, the entry can still be read.
   * `hasWaited` says that somebody else held it before: if that one failed, the answer is why.
   */
  acquire(key: string, leaseMs: number, freshBeyond?: number, hasWaited?: boolean): Promise<LeaseAnswer>;
  /**
   * A read, and after a miss `acquire`, where that is no more than the read alone. An entry of any age is a hit, one under
   * a lease too. The cache asks so where one key is read by itself, and through `getMany` and `acquire` otherwise.
   */
  readOrAcquire?(key: string, leaseMs: number): Promise<LeaseAnswer>;
  /** Writes if the lease is still this one. @returns whether it was. Tells no other process. */
  fill(write: TierWrite, token: string): Promise<boolean>;
  /** Gives the lease back, if it is still this one; the entry under it, if there is one, stays. */
  release(key: string, token: string): Promise<void>;
  /**
   * As `release`, because the load failed: who has waited for this lease is told so, by a message if the tier can, and for
   * about a second by `acquire`. Who has not waited gets the lease. `failure` is at most 4000 of `A-Za-z0-9_-`. Without it
   * those who wait load one after the other.
   */
  fail?(key: string, token: string, failure: string): Promise<void>;
}

/** Compare-and-set by the version of a row, against loads from replicas that lag. Tells no other process. */
export interface TierVersions {
  /** Writes unless what is there, an entry or a tombstone, has a higher version. Ends a lease. @returns whether it did. */
  set(write: TierWrite, version: number): Promise<boolean>;
  /** Leaves a tombstone: until `expiresAt` nothing of a lower version is stored. Deletes an older entry, ends a lease. */
  bury(key: string, version: number, expiresAt: number): Promise<boolean>;
}

/** Reads what is decoded later. */
export interface TierUndecoded {
  /** @returns what the store holds under each key, in order, as only `open` understands it. */
  getMany(keys: readonly string[]): Promise<readonly unknown[]>;
  /** @returns as `TierRegion.getMany`, for one of those. Must not throw. */
  open(held: unknown): TierEntry | undefined;
}

/**
 * One region of a tier: the keys of one definition, or the plain ones.
 *
 * Keys are at most 512 well-formed characters without NUL. Each call may reject; the cache then goes on without the tier.
 */
export interface TierRegion {
  /** @returns an entry or `undefined` for each key, in order. Never an expired one. */
  getMany(keys: readonly string[]): Promise<readonly (TierEntry | undefined)[]>;
  /**
   * `getMany` in two steps, where what the store holds has to be decoded: the cache opens some, lets those who asked for them
   * go on, and then opens the next, so that nobody waits for all of a large answer to be decoded.
   */
  readonly undecoded?: TierUndecoded;
  /**
   * Overwrites, and ends any lease on the keys. The last of two writes to one key wins. Tells other processes, if the
   * tier can. Rejects with an `EncodeError`, and writes nothing, when a value cannot be written here at all.
   */
  setMany(writes: readonly TierWrite[]): Promise<void>;
  /** Deletes, and ends any lease on the keys. Tells other processes, if the tier can. */
  deleteMany(keys: readonly string[]): Promise<void>;
  /**
   * Deletes every key and lease of the region and of no other; with a prefix, at least those that begin with it. Tells
   * other processes that all have changed, if the tier can.
   */
  clear(prefix?: string): Promise<void>;
  /** Tells other processes that these keys changed, to rows of this version, and nothing else. */
  announce?(keys: readonly string[], version?: number): Promise<void>;
  readonly versions?: TierVersions;
  /** A tier that tells other processes must have it: otherwise each fill would be announced as a write. */
  readonly lease?: TierLease;
}

/** A cache's ear for what other processes change. */
export interface TierListener {
  /** Whose messages to receive: those of caches with this namespace … */
  readonly namespace: string;
  /** … other than this one. */
  readonly origin: string;
  /**
   * `keys` of the region were written or deleted elsewhere; `undefined` when all of them were. `version` is that of their
   * rows since, when it is known.
   */
  onChanged(region: string, keys: readonly string[] | undefined, version?: number): void;
  /** The load of a key in `region` failed for which `token` was the lease. */
  onFailed?(region: string, token: string, failure: string): void;
  /** Messages arrive from now on; what was sent before may be lost. */
  onUp(): void;
  /** Messages no longer arrive. */
  onDown(): void;
  /**
   * How long after the last {@link TierListener.onHeard} it goes on to serve memory, in ms; `undefined` when it is not
   * bound to that. The tier then calls `onHeard` several times in so long, and `confirm` waits for this listener.
   */
  readonly leaseMs: number | undefined;
  /** All that was sent up to `at`, by `performance.now()`, has been handed over, and others know that this one listens. */
  onHeard(at: number): void;
}

/** What {@link Tier.subscribe} answers with. */
export interface TierSubscription {
  /** Ends it. */
  close(): void;
  /**
   * Tells once more that these keys of a region changed, and waits. Never rejects.
   *
   * @returns when every listener with a lease has acknowledged it, or has lost its lease, at the latest after `leaseMs`.
   */
  confirm?(region: string, keys: readonly string[] | undefined, version?: number): Promise<void>;
}

/** What a tier learns when a cache opens a region of it. */
export interface RegionOptions {
  /** Unique in the cache, and equal in all processes: `users@1`, or the empty string for the plain keys. */
  readonly name: string;
  /** Of the cache; equal in all processes. */
  readonly namespace: string;
  /** Of this cache in this process; goes with every message, so that it does not hear itself. */
  readonly origin: string;
  /** Goes before each key in a store that others share, ASCII: `hotpath:users@1:`. */
  readonly prefix: string;
  readonly clock: Clock;
  /** Of this region alone, where a tier has a limit in entries. */
  readonly maxEntries?: number;
  /** Of this region alone, where a tier has a limit in bytes. */
  readonly maxBytes?: number;
}

/**
 * A level of the cache. Write your own and run it through `@hotpath/cache/contract`.
 *
 * The cache bounds every call with `deadlineMs` and stops calling a tier that keeps missing it, so a tier needs no
 * timeouts and no retries of its own.
 */
export interface Tier {
  /** In statistics and diagnostics. */
  readonly name: string;
  /** How long a read waits for this tier, in ms; 50 by default. */
  readonly deadlineMs?: number;
  /** Longest life of an entry here, in ms; none by default. */
  readonly maxTtlMs?: number;
  /**
   * Whether its values are plain data, as JSON gives: with `values: 'copied'` it is then not tried first, by a copy more,
   * whether a value that it read can be copied at all.
   */
  readonly plain?: boolean;
  open(region: RegionOptions): TierRegion;
  /** Entries that could not be read, for the statistics. */
  readonly corruptCount?: number;
  /** False when a call would only wait, for example for a reconnection. */
  available?(): boolean;
  /** Called once by a cache, before anything else. */
  subscribe?(listener: TierListener): TierSubscription;
}
