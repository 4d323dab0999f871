import { checkArray, checkFunction, checkObject, checkTimerMs, checkTtlMs } from './check.ts';
import { Coherence } from './coherence.ts';
import { copyOf } from './copy.ts';
import {
  checkHeeded,
  checkWriteBehind,
  type DefineOptions,
  regionNameOf,
  resolveDefinition,
} from './define-options.ts';
import { Definition, type Invalidation } from './definition.ts';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  CacheClosedError,
  DuplicateDefinitionError,
} from './errors.ts';
import type { Explanation } from './explain.ts';
import type { TierGuard } from './guard/guard.ts';
import { type CacheOptions, resolveOptions, type ResolvedOptions } from './options.ts';
import { type Load, type LoadMany, Loader } from './region/loader.ts';
import type { Region, RegionParts } from './region/region.ts';
import { Regions } from './regions.ts';
import { type CacheStats, type Readiness, statsOfTier } from './stats.ts';
import { HotKeys } from './warm/hot-keys.ts';
import { Precomputed, type PrecomputeOptions } from './warm/precompute.ts';
import { SecondDelete } from './write/second-delete.ts';
import { WriteBehind } from './write/write-behind.ts';

/** Options of {@link Cache.set} and {@link Cache.setMany}. */
export interface SetOptions {
  /** Life of the value, in ms; that of the cache by default. `Infinity` for a value that never expires. */
  readonly ttlMs?: number;
}

/** Options of {@link Cache.ready}. */
export interface ReadyOptions {
  /** Longest wait, in ms. Default 5000. */
  readonly timeoutMs?: number;
}

/** A cache of several levels; made by {@link createCache}. */
export class Cache {
  readonly #options: ResolvedOptions;
  readonly #guards: readonly TierGuard[];
  readonly #coherence: Coherence;
  readonly #regions: Regions;
  readonly #plain: Region<undefined>;
  readonly #warming = { count: 0 };
  readonly #precomputed: Precomputed<unknown>[] = [];
  readonly #closers: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(options: CacheOptions) {
    this.#options = resolveOptions(options);
    this.#guards = this.#options.guards;
    this.#regions = new Regions(this.#options);
    this.#plain = this.#regions.open<undefined>('', resolveDefinition({}, this.#options.ttlMs), {});
    this.#coherence = new Coherence(this.#options, this.#regions.origin, this.#regions.byName);
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
    checkObject('options', options);
    const regionName = regionNameOf(options.name, options.version);
    if (this.#regions.byName.has(regionName))
      throw new DuplicateDefinitionError(`${regionName} is defined already`);
    if (options.load === undefined && options.loadMany === undefined) {
      throw new ArgumentTypeError('load: expected load or loadMany, got neither');
    }
    const resolved = resolveDefinition(options, this.#options.ttlMs);
    checkHeeded(options, resolved, this.#options);
    const { persist, persistMany } = options;
    const isCopied = this.#options.values === 'copied';
    const behind =
      resolved.strategy === 'writeBehind'
        ? new WriteBehind<Id>(checkWriteBehind(options.writeBehind), async (entries) => {
            // The cache's own are what reads get until then, and what is tried again when the batch fails.
            const lent = isCopied ? entries.map(([id, value]) => [id, copyOf(value)] as const) : entries;
            const typed = lent as readonly (readonly [id: Id, value: V])[];
            if (persistMany !== undefined) await persistMany(typed);
            else await Promise.all(typed.map(([id, value]) => persist!(id, value)));
          })
        : undefined;
    const hotKeys =
      options.hotKeys === undefined
        ? undefined
        : new HotKeys<Id>(regionName, options.hotKeys, this.#regions.internal('hot'));
    const region = this.#regions.open<Id>(regionName, resolved, {
      // The region holds values of one definition only: what it hands to the user's functions is theirs.
      loader: new Loader<unknown, Id>(
        regionName,
        options.load as Load<unknown, Id> | undefined,
        options.loadMany as LoadMany<unknown, Id> | undefined,
        resolved.loadTimeoutMs,
      ),
      ttlOf: options.ttlMs as unknown as RegionParts<Id>['ttlOf'],
      versionOf: options.versionOf as RegionParts<Id>['versionOf'],
      tagsOf: options.tags,
      pendingOf: behind === undefined ? undefined : (key) => behind.pendingOf(key),
      sketch: hotKeys?.sketch,
    });
    const secondDelete =
      resolved.secondDeleteMs === undefined
        ? undefined
        : new SecondDelete(resolved.secondDeleteMs, (keys) => region.delete(keys, true));
    if (behind !== undefined) this.#closers.push(() => behind.close());
    if (secondDelete !== undefined) this.#closers.push(() => secondDelete.close());
    if (hotKeys !== undefined) {
      hotKeys.start();
      this.#closers.push(async () => {
        hotKeys.stop();
        await hotKeys.save();
      });
    }
    return new Definition<V, Id>(options, {
      region,
      secondDelete,
      behind,
      hotKeys,
      warming: this.#warming,
      confirmer: () => {
        this.#coherence.checkConfirms();
        return (name, keys, version) => this.#coherence.confirm(name, keys, version);
      },
    });
  }

  /**
   * A value that is computed on a schedule, by one process at a time, and served from memory in all of them.
   *
   * @throws as {@link define}.
   * @example
   * ```ts
   * const daily = cache.precompute({ name: 'stats.daily', everyMs: 60_000, compute: () => countOrders(pool) });
   * await daily.get();
   * ```
   */
  precompute<V>(options: PrecomputeOptions<V>): Precomputed<V> {
    if (this.#closing !== undefined) throw new CacheClosedError('the cache is closed');
    checkObject('options', options);
    const everyMs = checkTimerMs('everyMs', options.everyMs);
    const ttlMs = checkTtlMs('ttlMs', options.ttlMs ?? 10 * everyMs);
    if (ttlMs <= everyMs)
      throw new ArgumentRangeError(`ttlMs: expected more than everyMs (${everyMs}), got ${ttlMs}`);
    checkFunction('compute', options.compute);
    const name = regionNameOf(options.name, options.version);
    if (this.#regions.byName.has(name)) throw new DuplicateDefinitionError(`${name} is defined already`);
    const leaseMs = options.leaseMs ?? everyMs;
    const resolved = resolveDefinition<V, undefined>(
      { load: () => undefined, ttlMs, leaseMs, loadTimeoutMs: leaseMs },
      ttlMs,
    );
    const region = this.#regions.open<undefined>(name, resolved, {
      loader: new Loader<unknown, undefined>(
        name,
        (_, context) => options.compute(context),
        undefined,
        leaseMs,
      ),
      jitter: 0,
      memoryTtlMs: everyMs,
    });
    const precomputed = new Precomputed<V>(name, region, everyMs, ttlMs, () => this.#options.clock.now());
    this.#precomputed.push(precomputed);
    return precomputed;
  }

  /** The value of a plain key, from the nearest level that has it, or `undefined`. Never rejects because of a tier. */
  get<V = unknown>(key: string): Promise<V | undefined> {
    return this.#plain.get(key, undefined) as Promise<V | undefined>;
  }

  /** Where a plain key's value is, how old, and what the next read would do. */
  explain(key: string): Promise<Explanation> {
    return this.#plain.explain(key);
  }

  /** The value in memory, or `undefined`; synchronous. */
  peek(key: string): unknown {
    return this.#plain.peek(key);
  }

  /** As `get` for each, in order, with one read of each tier. */
  async getMany<V = unknown>(keys: readonly string[]): Promise<(V | undefined)[]> {
    checkArray('keys', keys);
    return Promise.all(keys.map((key) => this.get<V>(key)));
  }

  /** Whether some level has a value; one that is `null` or falsy counts. */
  async has(key: string): Promise<boolean> {
    return (await this.get(key)) !== undefined;
  }

  /**
   * Stores at every level, the lowest first. The value now belongs to the cache, which freezes it, or copies it where `values`
   * is `'copied'`.
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
    const pairs = pairsOf(entries);
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
    // Without them all would go.
    checkArray('keys', keys);
    return { l2: await this.#plain.delete(keys) };
  }

  /** Deletes everything of this cache, plain keys and definitions; takes time in proportion to what the tiers hold. */
  async clear(): Promise<Invalidation> {
    const confirmations = await Promise.all(
      Array.from(this.#regions.byName.values(), (region) => region.delete(undefined)),
    );
    return { l2: confirmations.includes('queued') ? 'queued' : 'done' };
  }

  /**
   * Invalidates every value, of any definition, that has one of these tags. Reads that begin after it returned `done`
   * find none of them, here at once, in other processes when the message has reached them.
   */
  async invalidateTags(tags: readonly string[]): Promise<Invalidation> {
    if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string'))
      throw new ArgumentTypeError('tags: expected an array of strings, got something else');
    return { l2: await this.#regions.tags().delete(tags) };
  }

  /** For a readiness probe; cheap. */
  readiness(): Readiness {
    const listening = this.#coherence.listening !== false;
    const computed = this.#precomputed.every((each) => each.computed);
    const warmingCount = this.#warming.count;
    return { ready: listening && computed && warmingCount === 0, listening, computed, warmingCount };
  }

  /**
   * Resolves when changes made by other processes are heard, so that values may stay in memory for their full life; at
   * once when no tier tells of them. @returns false when that took longer than `timeoutMs`.
   */
  ready(options: ReadyOptions = {}): Promise<boolean> {
    checkObject('options', options);
    return this.#coherence.ready(checkTimerMs('timeoutMs', options.timeoutMs ?? 5000));
  }

  /** A snapshot; cheap. */
  stats(): CacheStats {
    return {
      tiers: this.#guards.map(statsOfTier),
      regions: this.#regions.stats(),
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
    for (const each of this.#precomputed) each.stop();
    // What they write needs the regions.
    const closed = await Promise.allSettled(this.#closers.map((close) => close()));
    this.#options.surroundings.closed = true;
    this.#coherence.close();
    await Promise.all(Array.from(this.#regions.byName.values(), (region) => region.close()));
    for (const outcome of closed) if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** The last one of each key wins at every level, whatever each would make of a key that comes twice. */
function pairsOf<T>(entries: Iterable<readonly [key: string, value: T]>): [key: string, value: T][] {
  checkObject('entries', entries);
  try {
    return [...new Map(entries)];
  } catch (cause) {
    throw new ArgumentTypeError('entries: expected pairs of key and value, got something else', { cause });
  }
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
