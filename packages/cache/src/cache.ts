import { randomBytes } from 'node:crypto';
import { checkCount, checkFunction, checkName, checkTimerMs, checkTtlMs } from './check.ts';
import { Coherence } from './coherence.ts';
import { type DefineOptions, Definition, type Invalidation } from './definition.ts';
import { ArgumentTypeError, CacheClosedError, DuplicateDefinitionError } from './errors.ts';
import { GuardedRegion } from './guard/guarded-region.ts';
import type { TierGuard } from './guard/guard.ts';
import { type CacheOptions, resolveOptions, type ResolvedOptions } from './options.ts';
import { Levels } from './region/levels.ts';
import { Life } from './region/life.ts';
import { Loader } from './region/loader.ts';
import { Region } from './region/region.ts';
import type { CacheStats, RegionStats, TierStats } from './stats.ts';
import type { RegionOptions } from './tier.ts';

/** Options of {@link Cache.set} and {@link Cache.setMany}. */
export interface SetOptions {
  /** Life of the value, in ms; that of the cache by default. `Infinity` for a value that never expires. */
  readonly ttlMs?: number;
}

/** A cache of several levels; made by {@link createCache}. */
export class Cache {
  readonly #options: ResolvedOptions;
  readonly #guards: readonly TierGuard[];
  readonly #coherence: Coherence;
  readonly #regions = new Map<string, Region<never>>();
  readonly #plain: Region<undefined>;
  readonly #origin: string = randomBytes(9).toString('base64url');
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(options: CacheOptions) {
    this.#options = resolveOptions(options);
    this.#guards = this.#options.guards;
    this.#plain = this.#open<undefined>('', undefined, {});
    this.#coherence = new Coherence(this.#options, this.#origin, this.#regions);
  }

  /**
   * A kind of value with its loader, under a name that no other kind of this cache has.
   *
   * @throws {ArgumentTypeError | ArgumentRangeError} when an option is of the wrong type or out of range.
   * @throws {DuplicateDefinitionError} when the name and version are taken.
   * @throws {CacheClosedError} when the cache is closed.
   * @example
   * ```ts
   * const users = cache.define<User, number>({
   *   name: 'user',
   *   load: async (id) => (await pool.query('SELECT * FROM users WHERE id = $1', [id])).rows[0],
   *   ttlMs: 600_000,
   * });
   * const user = await users.get(7);
   * ```
   */
  define<V, Id = string>(options: DefineOptions<V, Id>): Definition<V, Id> {
    if (this.#closing !== undefined) throw new CacheClosedError('the cache is closed');
    const name = checkName('name', options.name);
    const regionName = `${name}@${checkCount('version', options.version ?? 1, 0)}`;
    if (this.#regions.has(regionName)) throw new DuplicateDefinitionError(`${regionName} is defined already`);
    const { key, load, loadMany } = options;
    if (key !== undefined) checkFunction('key', key);
    if (load !== undefined) checkFunction('load', load);
    if (loadMany !== undefined) checkFunction('loadMany', loadMany);
    if (load === undefined && loadMany === undefined) {
      throw new ArgumentTypeError('load: expected load or loadMany, got neither');
    }
    const timeoutMs = checkTimerMs('loadTimeoutMs', options.loadTimeoutMs ?? 30_000);
    const loader = new Loader<unknown, Id>(regionName, load, loadMany, timeoutMs);
    return new Definition<V, Id>(name, this.#open(regionName, loader, options), key);
  }

  /** The value of a plain key, from the nearest level that has it, or `undefined`. Never rejects because of a tier. */
  get<V = unknown>(key: string): Promise<V | undefined> {
    return this.#plain.get(key, undefined) as Promise<V | undefined>;
  }

  /** The value in memory, or `undefined`; synchronous. */
  peek(key: string): unknown {
    return this.#plain.peek(key);
  }

  /** As `get` for each, in order, with one read of each tier. */
  getMany<V = unknown>(keys: readonly string[]): Promise<(V | undefined)[]> {
    return Promise.all(keys.map((key) => this.get<V>(key)));
  }

  /** Whether some level has a value; one that is `null` or falsy counts. */
  async has(key: string): Promise<boolean> {
    return (await this.get(key)) !== undefined;
  }

  /**
   * Stores at every level, the lowest first. The value now belongs to the cache: unless `values` is `'shared'`, it is
   * frozen.
   *
   * @returns `queued` when a tier did not answer; what it still holds under the key will then be deleted, not replaced.
   * @throws {EncodeError} when a tier cannot hold the value; the key is then deleted.
   */
  set(key: string, value: unknown, options?: SetOptions): Promise<Invalidation> {
    return this.setMany([[key, value]], options);
  }

  /** As {@link set}, for pairs of key and value, for example a `Map`; the last of two for one key wins. */
  async setMany(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options?: SetOptions,
  ): Promise<Invalidation> {
    const ttlMs = options?.ttlMs === undefined ? undefined : checkTtlMs('ttlMs', options.ttlMs);
    // The last one wins at every level, whatever each would make of a key that comes twice.
    const pairs = [...new Map(entries)];
    for (const [key, value] of pairs) {
      if (value === undefined)
        throw new ArgumentTypeError(`${key}: expected a value, got undefined; delete the key`);
    }
    return { l2: await this.#plain.write(pairs, ttlMs) };
  }

  /** Deletes a plain key at every level and tells the other processes. */
  async delete(key: string): Promise<Invalidation> {
    return this.deleteMany([key]);
  }

  /** As {@link delete}, for several. */
  async deleteMany(keys: readonly string[]): Promise<Invalidation> {
    return { l2: await this.#plain.delete(keys) };
  }

  /** Deletes everything of this cache, plain keys and definitions; takes time in proportion to what the tiers hold. */
  async clear(): Promise<Invalidation> {
    const confirmations = await Promise.all(
      Array.from(this.#regions.values(), (region) => region.delete(undefined)),
    );
    return { l2: confirmations.includes('queued') ? 'queued' : 'done' };
  }

  /**
   * Resolves when changes made by other processes are heard, so that values may stay in memory for their full life; at
   * once when no tier tells of them. @returns false when that took longer than `timeoutMs`.
   */
  ready(timeoutMs: number = 5000): Promise<boolean> {
    return this.#coherence.ready(checkTimerMs('timeoutMs', timeoutMs));
  }

  /** A snapshot; cheap. */
  stats(): CacheStats {
    return {
      tiers: this.#guards.map((guard): TierStats => ({
        name: guard.tier.name,
        errorCount: guard.errorCount,
        timeoutCount: guard.timeoutCount,
        skippedCount: guard.skippedCount,
        breaker: guard.breaker,
      })),
      regions: Array.from(this.#regions.values(), statsOf),
      listening: this.#coherence.listening,
    };
  }

  /**
   * Stops listening, waits for reads and fills under way and tries queued deletions once more, each within the deadlines
   * of its tier and loader. Reads and writes reject from now on. Closes no client that it was given. May be called twice.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#options.surroundings.closed = true;
    this.#coherence.close();
    await Promise.all(Array.from(this.#regions.values(), (region) => region.close()));
  }

  #open<Id>(
    name: string,
    loader: Loader<unknown, Id> | undefined,
    overrides: Pick<DefineOptions<unknown, Id>, 'ttlMs' | 'negativeTtlMs' | 'leaseMs' | 'maxEntries'>,
  ): Region<Id> {
    const { namespace, clock, memory, values, surroundings, jitter, random } = this.#options;
    const ttlMs = overrides.ttlMs === undefined ? this.#options.ttlMs : checkTtlMs('ttlMs', overrides.ttlMs);
    const negativeTtlMs = overrides.negativeTtlMs ?? 0;
    if (negativeTtlMs !== 0) checkTtlMs('negativeTtlMs', negativeTtlMs);
    const leaseMs = checkTimerMs('leaseMs', overrides.leaseMs ?? 3000);
    const region: RegionOptions = {
      name,
      namespace,
      origin: this.#origin,
      prefix: `${namespace}:${name}:`,
      clock,
      ...(overrides.maxEntries === undefined
        ? {}
        : { maxEntries: checkCount('maxEntries', overrides.maxEntries) }),
    };
    const tiers = this.#guards.map((guard) => new GuardedRegion(guard, guard.tier.open(region)));
    const life = new Life(ttlMs, negativeTtlMs, jitter, random, clock);
    const opened = new Region<Id>({
      name,
      memory: memory?.open(region),
      memoryMaxTtlMs: memory?.maxTtlMs ?? 0,
      levels: new Levels(tiers, life, leaseMs, loader !== undefined),
      loader,
      life,
      freeze: values === 'frozen',
      surroundings,
    });
    // Nobody asks a region of the table for a value, so nobody has to know what its ids are.
    this.#regions.set(name, opened as unknown as Region<never>);
    return opened;
  }
}

function statsOf(region: Region<never>): RegionStats {
  return {
    name: region.name,
    entryCount: region.entryCount,
    memoryHitCount: region.hitCount,
    missCount: region.missCount,
    joinedCount: region.joinedCount,
    tierHitCounts: Object.fromEntries(
      region.levels.tiers.map((tier) => [tier.guard.tier.name, tier.hitCount]),
    ),
    loadCount: region.loader?.loadCount ?? 0,
    loadErrorCount: region.loader?.errorCount ?? 0,
    leaseWaitCount: region.levels.leaseWaitCount,
    refusedFillCount: region.refusedFillCount,
    encodeErrorCount: region.levels.encodeErrorCount,
    flightCount: region.flightCount,
    queuedCount: region.levels.queuedCount,
  };
}

/**
 * A cache of the tiers given, nearest first.
 *
 * @throws {ArgumentTypeError | ArgumentRangeError} when an option is of the wrong type or out of range.
 * @example
 * ```ts
 * const cache = createCache({ tiers: [memoryTier({ maxEntries: 10_000 }), redisTier({ client })] });
 * await cache.set('greeting', { text: 'hello' });
 * await cache.get('greeting');
 * ```
 */
export function createCache(options: CacheOptions): Cache {
  return new Cache(options);
}
