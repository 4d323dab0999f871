import { EncodeError } from '../errors.ts';
import { storageKey } from '../key.ts';
import type { TagIndex } from '../tags.ts';
import type { TierWrite } from '../tier.ts';
import type { Keeper } from './keeper.ts';
import type { Confirmation, Levels } from './levels.ts';
import type { Life } from './life.ts';
import { FLOOR_MS } from './version-floors.ts';

/** What is written. */
export interface Written {
  /** @throws {CacheClosedError} */
  checkOpen(): void;
  /** In memory, in the flights and in the writes under way. */
  forget(keys: readonly string[]): void;
  /** Tells that these keys were written. */
  changed(keys: readonly string[]): void;
  /** At every level; keys as users gave them. */
  delete(keys: readonly string[], isBegun: boolean): Promise<Confirmation>;
}

/** What a {@link Writer} writes to. */
export interface WriterParts<Id> {
  readonly levels: Levels;
  readonly keeper: Keeper;
  readonly life: Life;
  readonly tags?: TagIndex<Id> | undefined;
}

/** Of a value that is written: what its tags stood at before the database had it. One that is invalidated since takes it along. */
export interface Mark<Id> {
  readonly id: Id;
  readonly stamp: string;
}

/** The writes to one region. */
export class Writer<Id> {
  readonly #region: Written;
  readonly #parts: WriterParts<Id>;
  /** The latest write under way to each key; gone when the key changed since it began. */
  readonly #writing = new Map<string, object>();

  constructor(region: Written, parts: WriterParts<Id>) {
    this.#region = region;
    this.#parts = parts;
  }

  /** These keys changed, `undefined` for all: a write under way to one of them is not the latest any more. */
  overtake(keys: readonly string[] | undefined): void {
    if (keys === undefined) this.#writing.clear();
    else for (const key of keys) this.#writing.delete(key);
  }

  /**
   * Writes to every level. `isBegun`, here and below: as part of something that began when the cache was open, and is ended
   * though it may be closed by now. `mark` is that of the only value, where there are tags.
   *
   * @throws {EncodeError} when a value cannot be kept; the keys are then deleted.
   * @throws {CacheClosedError} also when some level was not told, and nobody would try again.
   */
  async write(
    entries: readonly (readonly [key: string, value: unknown])[],
    ttlMs: number | undefined,
    isBegun: boolean,
    mark: Mark<Id> | undefined,
  ): Promise<Confirmation> {
    const { levels, keeper, life } = this.#parts;
    if (!isBegun) this.#region.checkOpen();
    let writes: readonly TierWrite[];
    try {
      writes = entries.map(([key, value]): TierWrite => ({
        key: storageKey(key),
        value: keeper.owned(value),
        ...life.endsOfSet(ttlMs),
        ...stampOf(mark),
      }));
    } catch (error) {
      // The database may have it by now.
      if (error instanceof EncodeError)
        await this.#region.delete(
          entries.map(([key]) => key),
          isBegun,
        );
      throw error;
    }
    return this.#write(
      writes.map(({ key }) => key),
      () => levels.write(writes),
      writes,
      mark,
    );
  }

  /**
   * Writes to every level that has nothing newer; `undefined` only keeps what is older out, for `ttlMs`.
   *
   * @throws {EncodeError} when the value cannot be kept; what is older is then kept out.
   * @throws {CacheClosedError} as {@link write}.
   */
  async writeVersion(
    key: string,
    value: unknown,
    version: number,
    ttlMs: number | undefined,
    isBegun: boolean,
    mark: Mark<Id> | undefined,
  ): Promise<Confirmation> {
    const { levels, keeper, life } = this.#parts;
    if (!isBegun) this.#region.checkOpen();
    let owned: unknown;
    try {
      owned = keeper.owned(value);
    } catch (error) {
      await this.writeVersion(key, undefined, version, FLOOR_MS, isBegun, undefined);
      throw error;
    }
    const stored = storageKey(key);
    const write: TierWrite = {
      key: stored,
      value: owned,
      ...life.endsOfSet(ttlMs),
      version,
      ...stampOf(mark),
    };
    // What won in the levels is not known here; memory learns it from them.
    return this.#write([stored], () => levels.writeVersion(write, version, value === undefined));
  }

  /** `kept` is for memory, unless the keys change in the meantime. */
  async #write(
    keys: readonly string[],
    write: () => Promise<Confirmation>,
    kept: readonly TierWrite[] = [],
    mark?: Mark<Id>,
  ): Promise<Confirmation> {
    const region = this.#region;
    const writer = {};
    region.forget(keys);
    for (const key of keys) this.#writing.set(key, writer);
    let unchanged: readonly TierWrite[] = [];
    try {
      const confirmation = await write();
      if (confirmation === 'queued') region.checkOpen();
      const stands = mark === undefined || (await this.#stands(keys[0]!, mark));
      // What changed elsewhere in between is in the levels as nobody here knows.
      if (stands) unchanged = kept.filter(({ key }) => this.#writing.get(key) === writer);
      return confirmation;
    } finally {
      // Once more: a read that began in between may have found the old value.
      region.forget(keys);
      for (const each of unchanged) this.#parts.keeper.remember(each.key, each.value, each);
      region.changed(keys);
    }
  }

  /** Whether none of its tags was invalidated since it was marked; one that is from now on finds the key. */
  async #stands(key: string, { id, stamp }: Mark<Id>): Promise<boolean> {
    const tags = this.#parts.tags!;
    try {
      tags.note(key, id);
      return (await tags.stampOf(id)) === stamp;
    } catch {
      // Closed meanwhile.
      return false;
    }
  }
}

function stampOf(mark: Mark<unknown> | undefined): { readonly stamp?: string } {
  return mark === undefined ? {} : { stamp: mark.stamp };
}
