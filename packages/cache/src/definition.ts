import { checkArray, checkVersion } from './check.ts';
import type { DefineOptions } from './define-options.ts';
import type { Explanation } from './explain.ts';
import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';
import { storageKey } from './key.ts';
import type { Confirmation } from './region/levels.ts';
import type { Region } from './region/region.ts';
import { FLOOR_MS } from './region/version-floors.ts';
import { withSignal } from './signal.ts';
import type { HotKeys } from './warm/hot-keys.ts';
import type { HotKey } from './warm/sketch.ts';
import { warmUp, type WarmOptions, type WarmProgress } from './warm/warm.ts';
import type { SecondDelete } from './write/second-delete.ts';
import type { WriteBehind } from './write/write-behind.ts';

/** What became of an invalidation at the levels below memory. */
export interface Invalidation {
  /**
   * `done`: every tier has deleted the keys, and the other processes have been told. `queued`: some tier did not answer
   * and will be told as soon as it does, unless this process ends first. Until then this process does not read the keys
   * from it, but others may.
   */
  readonly l2: Confirmation;
}

/** Options of a read. */
export interface GetOptions {
  /** When it aborts, this read rejects with its reason; the load goes on for those who wait with it. */
  readonly signal?: AbortSignal;
}

/** Options of an invalidation. */
export interface InvalidateOptions {
  /** Of the row after it was written: nothing older is stored for a minute. With strategy `'versioned'`. */
  readonly version?: number;
  /**
   * `'all'`: it also waits until every live process has acknowledged, or has lost its right to serve memory, which takes
   * two seconds when one of them died or is cut off. Reads that begin after it said `done` then see nothing older in any
   * process. `queued` comes at once, and confirms nothing. Needs `disconnectedTtlMs: 0` in every process.
   */
  readonly confirm?: 'all';
}

/** What a {@link Definition} is made of. */
export interface DefinitionParts<Id> {
  readonly region: Region<Id>;
  readonly secondDelete: SecondDelete | undefined;
  readonly behind: WriteBehind<Id> | undefined;
  readonly hotKeys: HotKeys<Id> | undefined;
  /** Counts warm-ups under way. */
  readonly warming: { count: number };
  /** @throws when there can be no confirmations; else told of the keys that changed. */
  readonly confirmer: () => (region: string, keys: readonly string[], version?: number) => Promise<void>;
}

/** A kind of value, how to load it and how long it lives; made by {@link Cache.define}. */
export class Definition<V, Id = string> {
  readonly name: string;
  readonly #options: DefineOptions<V, Id>;
  readonly #parts: DefinitionParts<Id>;
  readonly #region: Region<Id>;
  readonly #keyOf: ((id: Id) => string) | undefined;

  /** @internal */
  constructor(options: DefineOptions<V, Id>, parts: DefinitionParts<Id>) {
    this.name = options.name;
    this.#options = options;
    this.#parts = parts;
    this.#region = parts.region;
    this.#keyOf = options.key;
  }

  /**
   * The value in memory, or `undefined`: synchronous, never loads, allocates nothing when ids are strings.
   *
   * @example
   * ```ts
   * const user = users.peek('7') ?? (await users.get('7'));
   * ```
   */
  peek(id: Id): V | undefined {
    return this.#region.peek(this.#key(id)) as V | undefined;
  }

  /**
   * The value from the nearest level that has it, else loaded. All who ask while it is on its way share one read; who
   * asks after an invalidation starts another.
   *
   * @returns `undefined` when the loader says that there is none. Rejects with what the loader threw, with a
   * {@link LoadTimeoutError}, a {@link LoadManyContractError} or a {@link CacheClosedError}; never because of a tier.
   */
  get(id: Id, options?: GetOptions): Promise<V | undefined> {
    const key = this.#key(id);
    if (options?.signal === undefined) return this.#region.get(key, id) as Promise<V | undefined>;
    return withSignal(() => this.#region.get(key, id) as Promise<V | undefined>, options.signal);
  }

  /** As `get` for each, in order, with one read of each tier and one `loadMany`. Rejects when one of them does. */
  getMany(ids: readonly Id[], options?: GetOptions): Promise<(V | undefined)[]> {
    // All keys first: one that throws must not leave the reads before it to nobody.
    checkArray('ids', ids);
    const keys = ids.map((id) => this.#key(id));
    const read = (): Promise<(V | undefined)[]> =>
      Promise.all(ids.map((id, index) => this.#region.get(keys[index]!, id) as Promise<V | undefined>));
    return options?.signal === undefined ? read() : withSignal(read, options.signal);
  }

  /**
   * Call it after the database was written. Reads that begin after it returned see no older value: not in this process,
   * and, once it said `done`, not in the others when its message has reached them.
   * Never rejects because of a tier, and takes at most the deadline of each.
   *
   * @throws {ArgumentRangeError} for a version without strategy `'versioned'`, and for `confirm: 'all'` where processes
   * may serve memory while they are cut off, or no tier tells them.
   */
  invalidate(id: Id, options?: InvalidateOptions): Promise<Invalidation> {
    return this.invalidateMany([id], options);
  }

  /** As {@link invalidate}, for several. */
  async invalidateMany(ids: readonly Id[], options: InvalidateOptions = {}): Promise<Invalidation> {
    checkArray('ids', ids);
    const keys = ids.map((id) => this.#key(id));
    if (options.confirm === undefined) return { l2: await this.#invalidate(keys, options.version) };
    if (options.confirm !== 'all')
      throw new ArgumentRangeError(`confirm: expected 'all', got ${String(options.confirm)}`);
    const confirm = this.#parts.confirmer();
    const l2 = await this.#invalidate(keys, options.version);
    if (l2 === 'done') await confirm(this.#region.name, keys.map(storageKey), options.version);
    return { l2 };
  }

  async #invalidate(keys: readonly string[], version: number | undefined): Promise<Confirmation> {
    if (version === undefined) return this.#delete(keys);
    if (this.#options.strategy !== 'versioned')
      throw new ArgumentRangeError("version: expected only with strategy 'versioned'");
    checkVersion(version);
    const outcomes = await Promise.all(
      keys.map((key) => this.#region.writeVersion(key, undefined, version, FLOOR_MS)),
    );
    return outcomes.includes('queued') ? 'queued' : 'done';
  }

  /**
   * Invalidates every value whose key begins with `prefix`, and some others: memory forgets the whole definition. Takes
   * time in proportion to what the tiers hold.
   */
  async invalidatePrefix(prefix: string): Promise<Invalidation> {
    if (typeof prefix !== 'string')
      throw new ArgumentTypeError(`prefix: expected a string, got ${typeof prefix}`);
    return { l2: await this.#region.deletePrefix(prefix) };
  }

  /** Deletes every value of this definition and version; takes time in proportion to what the tiers hold. */
  async clear(): Promise<Invalidation> {
    return { l2: await this.#region.delete(undefined) };
  }

  /**
   * Writes a value as the definition's strategy says. Rejects with what `persist` threw; the key is then deleted, because
   * nobody knows what the database holds. So it is when the value was persisted and cannot be kept, or has no version.
   */
  async write(id: Id, value: V): Promise<Invalidation> {
    if (value === undefined) throw new ArgumentTypeError('value: expected a value, got undefined');
    const key = this.#key(id);
    const { strategy = 'lease' } = this.#options;
    const { behind, secondDelete } = this.#parts;
    // Before the database has it: what began is ended, also when the cache is closed in between.
    this.#region.checkOpen();
    const stores = strategy === 'writeThrough' || strategy === 'writeBehind' || strategy === 'versioned';
    const marking = stores ? this.#region.markOf(id) : undefined;
    const mark = marking === undefined ? undefined : await marking;
    if (behind !== undefined) {
      const owned = this.#region.owned(value);
      await behind.add(storageKey(key), id, owned);
      return { l2: await this.#region.write([[key, owned]], undefined, true, mark) };
    }
    if (strategy === 'delayedDoubleDelete') await this.#region.delete([key]);
    try {
      await this.#persist(id, value);
    } catch (error) {
      // What it threw says more than that the cache was closed meanwhile.
      await this.#delete([key], true).catch(() => {});
      throw error;
    }
    switch (strategy) {
      case 'ttl':
      case 'lru':
        return { l2: 'done' };
      case 'writeThrough':
        secondDelete?.add([key]);
        return { l2: await this.#region.write([[key, value]], undefined, true, mark) };
      case 'versioned': {
        const version = await this.#versionOf(key, value);
        return { l2: await this.#region.writeVersion(key, value, version, undefined, true, mark) };
      }
      case 'lease':
      case 'delayedDoubleDelete':
      case 'writeBehind':
        return { l2: await this.#delete([key], true) };
    }
  }

  /**
   * Reads every id once, so that its value is in the levels and in memory.
   *
   * @example
   * ```ts
   * await users.warm(await users.hotKeys(500), { concurrency: 16, rps: 200 });
   * ```
   */
  async warm(ids: Iterable<Id> | AsyncIterable<Id>, options: WarmOptions = {}): Promise<WarmProgress> {
    this.#parts.warming.count++;
    try {
      return await warmUp(ids, (id) => this.get(id), options);
    } finally {
      this.#parts.warming.count--;
    }
  }

  /** Ids that processes have read most often, as far as they have saved it; needs the option `hotKeys`. */
  async hotKeys(limit: number = 1000): Promise<Id[]> {
    const { hotKeys } = this.#parts;
    if (hotKeys === undefined) throw new ArgumentRangeError('hotKeys: expected the option, got none');
    return (await hotKeys.saved(limit)).map(({ key }) => hotKeys.idOf(key));
  }

  /** Saves now what this process has seen; done by itself every `saveEveryMs`, and by `close`. @returns the counts. */
  async saveHotKeys(): Promise<readonly HotKey[]> {
    const { hotKeys } = this.#parts;
    if (hotKeys === undefined) throw new ArgumentRangeError('hotKeys: expected the option, got none');
    await hotKeys.save();
    return hotKeys.saved(1000);
  }

  /** Where the value is, how old, and what the next read would do. Reads the tiers; takes no lease, loads nothing. */
  explain(id: Id): Promise<Explanation> {
    return this.#region.explain(this.#key(id));
  }

  #key(id: Id): string {
    if (this.#keyOf !== undefined) return this.#keyOf(id);
    return typeof id === 'string' ? id : String(id);
  }

  async #persist(id: Id, value: V): Promise<void> {
    const { persist, persistMany } = this.#options;
    if (persist !== undefined) await persist(id, value);
    else if (persistMany !== undefined) await persistMany([[id, value]]);
  }

  /** Of what the database has by now. Rejects, and deletes the key, when it has none. */
  async #versionOf(key: string, value: V): Promise<number> {
    try {
      return checkVersion(this.#options.versionOf!(value));
    } catch (error) {
      await this.#delete([key], true);
      throw error;
    }
  }

  #delete(keys: readonly string[], isBegun: boolean = false): Promise<Confirmation> {
    this.#parts.secondDelete?.add(keys);
    return this.#region.delete(keys, isBegun);
  }
}
