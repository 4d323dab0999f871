import { type ChangedEvent, changedChannel } from '../diagnostics.ts';
import { CacheClosedError } from '../errors.ts';
import { deepFreeze } from '../freeze.ts';
import { storageKey } from '../key.ts';
import type { TierWrite } from '../tier.ts';
import type { MemoryEntry, MemoryRegion } from '../tiers/memory.ts';
import type { Confirmation, Levels, Tokens } from './levels.ts';
import type { Life } from './life.ts';
import type { Loader } from './loader.ts';

/** What all regions of a cache know of its surroundings. */
export interface Surroundings {
  /** Longest life in memory right now, in ms: short while messages of other processes cannot be received. */
  memoryLimitMs: number;
  closed: boolean;
}

/** A read that missed memory, shared by all who ask for the key while it runs. */
class Flight {
  /** The key changed since it began: its value is for those who already wait, and for nobody after. */
  stale = false;
  promise: Promise<unknown> | undefined = undefined;
}

/** What a {@link Region} is made of. */
export interface RegionParts<Id> {
  readonly name: string;
  readonly memory: MemoryRegion | undefined;
  readonly memoryMaxTtlMs: number;
  readonly levels: Levels;
  readonly loader: Loader<unknown, Id> | undefined;
  readonly life: Life;
  readonly freeze: boolean;
  readonly surroundings: Surroundings;
}

/**
 * The keys of one definition, or the plain ones, at every level.
 *
 *     find ─▶ memory ─miss─▶ one flight a key ─▶ level 0 ─miss─▶ lease ─▶ level 1 ─miss─▶ lease ─▶ loader
 *                ▲                                  ▲                        ▲                       │
 *                └─────────── unless stale ─────────┴────── if the lease still stands ───────────────┘
 *
 * What keeps stale values out, with `changed` for any write, deletion or clearing, here or elsewhere:
 * 1. Who reads after `changed` never joins a flight that began before it: `changed` takes the flight out of the table.
 * 2. Such a flight stores nothing in memory: it is marked stale.
 * 3. Nor in a level below: it needs the lease, which went with the key.
 */
export class Region<Id> {
  readonly name: string;
  readonly levels: Levels;
  readonly loader: Loader<unknown, Id> | undefined;
  readonly #memory: MemoryRegion | undefined;
  readonly #memoryMaxTtlMs: number;
  readonly #life: Life;
  readonly #freeze: boolean;
  readonly #surroundings: Surroundings;
  readonly #flights = new Map<string, Flight>();
  /** The latest write under way to each key; gone when the key changed since it began. */
  readonly #writers = new Map<string, object>();
  /** Fills and releases, which nobody waits for but `close`. */
  readonly #background = new Set<Promise<unknown>>();
  hitCount = 0;
  missCount = 0;
  joinedCount = 0;
  refusedFillCount = 0;

  constructor(parts: RegionParts<Id>) {
    this.name = parts.name;
    this.levels = parts.levels;
    this.loader = parts.loader;
    this.#memory = parts.memory;
    this.#memoryMaxTtlMs = parts.memoryMaxTtlMs;
    this.#life = parts.life;
    this.#freeze = parts.freeze;
    this.#surroundings = parts.surroundings;
  }

  get entryCount(): number {
    return this.#memory?.size ?? 0;
  }

  get flightCount(): number {
    return this.#flights.size;
  }

  /** A hit in memory, or nothing; synchronous. */
  peek(key: string): unknown {
    if (this.#memory === undefined) return undefined;
    const entry = this.#memory.find(key) ?? this.#findHashed(key);
    if (entry === undefined) return undefined;
    this.hitCount++;
    return entry.value;
  }

  /** `id` is what the loader is given; without a loader it is not looked at. */
  get(key: string, id: Id): Promise<unknown> {
    if (this.#memory !== undefined) {
      const entry = this.#memory.find(key);
      if (entry !== undefined) return this.#answer(entry);
    }
    return this.#miss(key, id);
  }

  /** Writes to every level. */
  async write(
    entries: readonly (readonly [key: string, value: unknown])[],
    ttlMs: number | undefined,
  ): Promise<Confirmation> {
    this.#checkOpen();
    const writes = entries.map(([key, value]): TierWrite => {
      if (this.#freeze) deepFreeze(value);
      return { key: storageKey(key), value, expiresAt: this.#life.endOfNew(value, ttlMs) };
    });
    const keys = writes.map((write) => write.key);
    const writer = {};
    this.#forget(keys);
    for (const key of keys) this.#writers.set(key, writer);
    let unchanged: readonly TierWrite[] = [];
    try {
      const confirmation = await this.levels.write(writes);
      // What changed elsewhere in between is in the levels as nobody here knows.
      unchanged = writes.filter((write) => this.#writers.get(write.key) === writer);
      return confirmation;
    } finally {
      // Once more: a read that began in between may have found the old value.
      this.#forget(keys);
      for (const write of unchanged) this.#remember(write.key, write.value, write.expiresAt);
      this.#publish(keys, 'here');
    }
  }

  /** Deletes at every level, `undefined` for everything. */
  async delete(keys: readonly string[] | undefined): Promise<Confirmation> {
    this.#checkOpen();
    const stored = keys?.map(storageKey);
    this.#forget(stored);
    const confirmation = await this.levels.delete(stored);
    this.#forget(stored);
    this.#publish(stored, 'here');
    return confirmation;
  }

  /** Another process wrote or deleted these keys; `undefined` for all of them. */
  changedElsewhere(keys: readonly string[] | undefined): void {
    this.#forget(keys);
    this.#publish(keys, 'elsewhere');
  }

  /** Forgets what is in memory, for want of knowing whether it still holds. */
  forgetAll(): void {
    this.#forget(undefined);
  }

  /** Resolves when the fills under way have settled and what was queued was tried once more. */
  async close(): Promise<void> {
    this.#memory?.drop(undefined);
    await Promise.allSettled(Array.from(this.#flights.values(), (flight) => flight.promise!));
    await Promise.allSettled(this.#background);
    await this.levels.close();
  }

  /** Always rejects. */
  async #refuse(key: string): Promise<string> {
    this.#checkOpen();
    return storageKey(key);
  }

  #checkOpen(): void {
    if (this.#surroundings.closed) throw new CacheClosedError('the cache is closed');
  }

  /** A hit's promise is made once an entry: awaiting it costs less than a new one around a plain value. */
  #answer(entry: MemoryEntry): Promise<unknown> {
    this.hitCount++;
    return (entry.promise ??= Promise.resolve(entry.value));
  }

  #findHashed(key: string): MemoryEntry | undefined {
    const stored = storageKey(key);
    return stored === key ? undefined : this.#memory?.find(stored);
  }

  #miss(key: string, id: Id): Promise<unknown> {
    if (this.#surroundings.closed || typeof key !== 'string') return this.#refuse(key);
    const stored = storageKey(key);
    // A key that is stored hashed comes this way on a hit as well.
    const entry = stored === key ? undefined : this.#memory?.find(stored);
    if (entry !== undefined) return this.#answer(entry);
    this.missCount++;
    const joined = this.#flights.get(stored);
    if (joined !== undefined) {
      this.joinedCount++;
      return joined.promise!;
    }
    const flight = new Flight();
    this.#flights.set(stored, flight);
    return (flight.promise = this.#fly(stored, id, flight));
  }

  async #fly(key: string, id: Id, flight: Flight): Promise<unknown> {
    const tokens: Tokens = [];
    let filling: Promise<void> | undefined;
    try {
      const entry = await this.levels.read(key, tokens);
      if (entry !== undefined) {
        filling = this.#store(key, entry.value, entry.expiresAt, flight, tokens);
        return entry.value;
      }
      const value = this.loader === undefined ? undefined : await this.loader.load(id);
      const expiresAt = this.loader === undefined ? 0 : this.#life.endOfNew(value);
      if (expiresAt > 0) filling = this.#store(key, value, expiresAt, flight, tokens);
      else this.#release(key, tokens);
      return value;
    } catch (error) {
      this.#release(key, tokens);
      throw error;
    } finally {
      if (filling === undefined) {
        this.#land(key, flight);
      } else {
        // Joinable while the levels are filled, so that no reader finds them empty once more.
        void filling.then(() => {
          this.#land(key, flight);
        });
      }
    }
  }

  #land(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  /** Keeps what a flight found: in memory at once, in the levels in the background. @returns their filling, if any. */
  #store(
    key: string,
    value: unknown,
    expiresAt: number,
    flight: Flight,
    tokens: Tokens,
  ): Promise<void> | undefined {
    if (this.#freeze) deepFreeze(value);
    const remembered = flight.stale ? undefined : this.#remember(key, value, expiresAt);
    const filling = this.levels.fillFrom({ key, value, expiresAt }, tokens, () => flight.stale);
    if (filling === undefined) return undefined;
    return this.#track(
      filling.then((kept) => {
        if (kept) return;
        // Somebody changed the key during the load; their message may not be here yet.
        this.refusedFillCount++;
        if (remembered !== undefined) this.#memory!.retract(key, remembered);
      }),
    );
  }

  #remember(key: string, value: unknown, expiresAt: number): MemoryEntry | undefined {
    if (this.#memory === undefined || this.#surroundings.closed) return undefined;
    const limitMs = Math.min(this.#memoryMaxTtlMs, this.#surroundings.memoryLimitMs);
    return this.#memory.put(key, value, this.#life.endInLevel(expiresAt, limitMs));
  }

  /** In the background; whoever asks for the lease next does so after this, on the same connection. */
  #release(key: string, tokens: Tokens): void {
    const releasing = this.levels.release(key, tokens);
    if (releasing !== undefined) void this.#track(releasing);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => {
      this.#background.delete(tracked);
    });
    this.#background.add(tracked);
    return tracked;
  }

  /** In memory, in the flights and in the writes under way. */
  #forget(keys: readonly string[] | undefined): void {
    this.#memory?.drop(keys);
    if (keys === undefined) {
      for (const flight of this.#flights.values()) flight.stale = true;
      this.#flights.clear();
      this.#writers.clear();
      return;
    }
    for (const key of keys) {
      this.#writers.delete(key);
      const flight = this.#flights.get(key);
      if (flight === undefined) continue;
      flight.stale = true;
      this.#flights.delete(key);
    }
  }

  #publish(keys: readonly string[] | undefined, from: ChangedEvent['from']): void {
    if (!changedChannel.hasSubscribers) return;
    const event: ChangedEvent = { region: this.name, keys, from };
    changedChannel.publish(event);
  }
}
