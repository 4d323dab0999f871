import type { Confirmation } from './region/levels.ts';
import type { Load, LoadMany } from './region/loader.ts';
import type { Region } from './region/region.ts';

/** Options of {@link Cache.define}. */
export interface DefineOptions<V, Id> {
  /** Goes into every key and statistic; letters, digits, `_`, `.` and `-`. */
  readonly name: string;
  /** Raise it when the shape of the values changes: values of other versions are then never read. 1 by default. */
  readonly version?: number;
  /** The key of an id, one to one; `String(id)` by default, for ids that are strings, numbers or the like. */
  readonly key?: (id: Id) => string;
  /** Loads one value; `undefined` says that there is none. */
  readonly load?: Load<V, Id>;
  /**
   * Loads several; misses of one turn of the event loop go to it together. With `load` as well, a single miss goes
   * there. At least one of the two is needed.
   */
  readonly loadMany?: LoadMany<V, Id>;
  /** Life of a value, in ms; that of the cache by default. */
  readonly ttlMs?: number;
  /** How long it is remembered that there is no value (`undefined`, not `null`), in ms; 0, not at all, by default. */
  readonly negativeTtlMs?: number;
  /** How long one process may load while the others wait for it, in ms; 3000 by default. More than a load takes. */
  readonly leaseMs?: number;
  /** When a loader that has not answered is given up, in ms; 30,000 by default. */
  readonly loadTimeoutMs?: number;
  /** Entries in memory; that of the memory tier by default. */
  readonly maxEntries?: number;
}

/** What became of an invalidation at the levels below memory. */
export interface Invalidation {
  /**
   * `done`: every tier has deleted the keys, and the other processes have been told. `queued`: some tier did not answer
   * and will be told as soon as it does, unless this process ends first. Until then this process does not read the keys
   * from it, but others may.
   */
  readonly l2: Confirmation;
}

/** A kind of value, how to load it and how long it lives; made by {@link Cache.define}. */
export class Definition<V, Id = string> {
  readonly name: string;
  readonly #region: Region<Id>;
  readonly #keyOf: ((id: Id) => string) | undefined;

  /** @internal */
  constructor(name: string, region: Region<Id>, keyOf: ((id: Id) => string) | undefined) {
    this.name = name;
    this.#region = region;
    this.#keyOf = keyOf;
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
  get(id: Id): Promise<V | undefined> {
    return this.#region.get(this.#key(id), id) as Promise<V | undefined>;
  }

  /** As `get` for each, in order, with one read of each tier and one `loadMany`. Rejects when one of them does. */
  getMany(ids: readonly Id[]): Promise<(V | undefined)[]> {
    return Promise.all(ids.map((id) => this.get(id)));
  }

  /**
   * Call it after the database was written. Reads that begin after it returned see no older value: not in this process,
   * and, once it said `done`, not in the others when its message has reached them. Never rejects because of a tier, and
   * takes at most the deadline of each.
   */
  invalidate(id: Id): Promise<Invalidation> {
    return this.invalidateMany([id]);
  }

  /** As {@link invalidate}, for several. */
  async invalidateMany(ids: readonly Id[]): Promise<Invalidation> {
    return { l2: await this.#region.delete(ids.map((id) => this.#key(id))) };
  }

  /** Deletes every value of this definition and version; takes time in proportion to what the tiers hold. */
  async clear(): Promise<Invalidation> {
    return { l2: await this.#region.delete(undefined) };
  }

  #key(id: Id): string {
    if (this.#keyOf !== undefined) return this.#keyOf(id);
    return typeof id === 'string' ? id : String(id);
  }
}
