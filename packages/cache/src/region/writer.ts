import { EncodeError } from '../errors.ts';
import { storageKey } from '../key.ts';
import type { TierWrite } from '../tier.ts';
import type { Keeper } from './keeper.ts';
import type { Confirmation, Levels } from './levels.ts';
import type { Life } from './life.ts';
import { FLOOR_MS } from './version-floors.ts';

/** What a {@link Writer} knows of its region. */
export interface WriterParts {
  readonly levels: Levels;
  readonly keeper: Keeper;
  readonly life: Life;
  /** @throws {CacheClosedError} */
  readonly checkOpen: () => void;
  /** In memory, in the flights and in the writes under way. */
  readonly forget: (keys: readonly string[]) => void;
  /** Tells that these keys were written. */
  readonly changed: (keys: readonly string[]) => void;
  /** At every level; keys as users gave them. */
  readonly delete: (keys: readonly string[], isBegun: boolean) => Promise<Confirmation>;
}

/** The writes to one region. */
export class Writer {
  readonly #parts: WriterParts;
  /** The latest write under way to each key; gone when the key changed since it began. */
  readonly #writing = new Map<string, object>();

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /** These keys changed, `undefined` for all: a write under way to one of them is not the latest any more. */
  overtake(keys: readonly string[] | undefined): void {
    if (keys === undefined) this.#writing.clear();
    else for (const key of keys) this.#writing.delete(key);
  }

  /**
   * Writes to every level. `isBegun`, here and below: as part of something that began when the cache was open, and is ended
   * though it may be closed by now.
   *
   * @throws {EncodeError} when a value cannot be kept; the keys are then deleted.
   * @throws {CacheClosedError} also when some level was not told, and nobody would try again.
   */
  async write(
    entries: readonly (readonly [key: string, value: unknown])[],
    ttlMs: number | undefined,
    isBegun: boolean,
  ): Promise<Confirmation> {
    const { levels, keeper, life, checkOpen } = this.#parts;
    if (!isBegun) checkOpen();
    let writes: readonly TierWrite[];
    try {
      writes = entries.map(([key, value]): TierWrite => ({
        key: storageKey(key),
        value: keeper.owned(value),
        ...life.endsOfSet(ttlMs),
      }));
    } catch (error) {
      // The database may have it by now.
      if (error instanceof EncodeError)
        await this.#parts.delete(
          entries.map(([key]) => key),
          isBegun,
        );
      throw error;
    }
    return this.#write(writes, () => levels.write(writes));
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
  ): Promise<Confirmation> {
    const { levels, keeper, life, checkOpen } = this.#parts;
    if (!isBegun) checkOpen();
    let owned: unknown;
    try {
      owned = keeper.owned(value);
    } catch (error) {
      await this.writeVersion(key, undefined, version, FLOOR_MS, isBegun);
      throw error;
    }
    const write: TierWrite = { key: storageKey(key), value: owned, ...life.endsOfSet(ttlMs), version };
    const bury = value === undefined;
    // What won in the levels is not known here; memory learns it from them.
    return this.#write(
      bury ? [] : [write],
      () => levels.writeVersion(write, version, bury),
      [write.key],
      false,
    );
  }

  async #write(
    writes: readonly TierWrite[],
    write: () => Promise<Confirmation>,
    keys: readonly string[] = writes.map(({ key }) => key),
    remembers: boolean = true,
  ): Promise<Confirmation> {
    const { keeper, checkOpen, forget, changed } = this.#parts;
    const writer = {};
    forget(keys);
    for (const key of keys) this.#writing.set(key, writer);
    let unchanged: readonly TierWrite[] = [];
    try {
      const confirmation = await write();
      if (confirmation === 'queued') checkOpen();
      // What changed elsewhere in between is in the levels as nobody here knows.
      if (remembers) unchanged = writes.filter(({ key }) => this.#writing.get(key) === writer);
      return confirmation;
    } finally {
      // Once more: a read that began in between may have found the old value.
      forget(keys);
      for (const each of unchanged) keeper.remember(each.key, each.value, each);
      changed(keys);
    }
  }
}
