import { type ChangedEvent, changedChannel } from '../diagnostics.ts';
import { CacheClosedError } from '../errors.ts';
import { explainEntry, type Explanation, type LevelExplanation, nextRead } from '../explain.ts';
import { storageKey, storagePrefix } from '../key.ts';
import { rejected } from '../promise.ts';
import type { TagIndex } from '../tags.ts';
import type { TierEntry } from '../tier.ts';
import type { MemoryEntry, MemoryRegion } from '../tiers/memory.ts';
import { SAMPLE, type SpaceSaving } from '../warm/sketch.ts';
import type { Flight, FlightCounts } from './flight.ts';
import { FlightTable } from './flight-table.ts';
import type { Keeper, Surroundings } from './keeper.ts';
import type { Confirmation, Levels } from './levels.ts';
import type { Life } from './life.ts';
import type { Loader } from './loader.ts';
import { type Mark, Writer, type Written } from './writer.ts';

/** How long memory serves a value that is being loaded anew before it looks again. */
const REFRESH_PAUSE_MS = 100;

/** What a {@link Region} is made of. */
export interface RegionParts<Id> {
  readonly name: string;
  readonly keeper: Keeper;
  readonly levels: Levels;
  readonly loader: Loader<unknown, Id> | undefined;
  readonly life: Life;
  readonly softTimeoutMs?: number | undefined;
  readonly ttlOf?: ((value: unknown, id: Id) => number) | undefined;
  readonly versionOf?: ((value: unknown) => number) | undefined;
  readonly tags?: TagIndex<Id> | undefined;
  /** Counts some of the reads by key. */
  readonly sketch?: SpaceSaving | undefined;
  readonly pendingOf?: ((key: string) => unknown) | undefined;
  /** Told of what changed, here or elsewhere, before the diagnostics channel is. */
  readonly onChange?: ((keys: readonly string[] | undefined) => void) | undefined;
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
export class Region<Id> implements Written {
  readonly name: string;
  readonly levels: Levels;
  readonly loader: Loader<unknown, Id> | undefined;
  readonly counts: FlightCounts = { refusedFillCount: 0, staleServedCount: 0, refreshCount: 0, lagCount: 0 };
  readonly #keeper: Keeper;
  readonly #memory: MemoryRegion | undefined;
  readonly #life: Life;
  readonly #surroundings: Surroundings;
  readonly #tags: TagIndex<Id> | undefined;
  readonly #sketch: SpaceSaving | undefined;
  readonly #onChange: RegionParts<Id>['onChange'];
  readonly #flights: FlightTable<Id>;
  readonly #writer: Writer<Id>;
  hitCount = 0;
  missCount = 0;
  joinedCount = 0;
  #untilSample = 1;

  constructor(parts: RegionParts<Id>) {
    const { loader, keeper, tags } = parts;
    this.name = parts.name;
    this.levels = parts.levels;
    this.loader = loader;
    this.#keeper = keeper;
    this.#memory = keeper.memory;
    this.#life = parts.life;
    this.#surroundings = keeper.surroundings;
    this.#tags = tags;
    this.#onChange = parts.onChange;
    this.#sketch = parts.sketch;
    if (loader !== undefined) keeper.loadMs = () => loader.meanMs;
    this.#writer = new Writer(this, parts);
    this.#flights = new FlightTable({
      levels: parts.levels,
      loader,
      life: parts.life,
      keeper,
      counts: this.counts,
      softTimeoutMs: parts.softTimeoutMs,
      ttlOf: parts.ttlOf,
      versionOf: parts.versionOf,
      stampOf: tags === undefined ? undefined : (id) => tags.stampOf(id),
      pendingOf: parts.pendingOf,
      refresh: (key, id, previous) => {
        this.#refresh(key, id, previous);
      },
    });
  }

  get lifeMsMax(): number {
    return this.#life.longestMs;
  }

  get entryCount(): number {
    return this.#memory?.size ?? 0;
  }

  get flightCount(): number {
    return this.#flights.size;
  }

  /** @throws {CacheClosedError} */
  checkOpen(): void {
    if (this.#surroundings.closed) throw new CacheClosedError('the cache is closed');
  }

  /** A hit in memory, or nothing; synchronous. */
  peek(key: string): unknown {
    if (this.#memory === undefined) return undefined;
    const entry = this.#memory.find(key) ?? this.#findFresh(key);
    if (entry === undefined) return undefined;
    this.hitCount++;
    if (this.#sketch !== undefined) this.#sample(key);
    return entry.value;
  }

  /** `id` is what the loader is given; without a loader it is not looked at. */
  get(key: string, id: Id): Promise<unknown> {
    if (this.#memory !== undefined) {
      const entry = this.#memory.find(key);
      if (entry !== undefined) return this.#answer(entry, key);
    }
    return this.#miss(key, id);
  }

  /** The value as the cache keeps it: frozen, copied or as it is. */
  owned(value: unknown): unknown {
    return this.#keeper.owned(value);
  }

  /** For a value of this id that is about to be written, before the database has it; `undefined` where there are no tags. */
  markOf(id: Id): Promise<Mark<Id>> | undefined {
    return this.#tags?.stampOf(id).then((stamp) => ({ id, stamp }));
  }

  /** @throws as {@link Writer.write}. */
  write(
    entries: readonly (readonly [key: string, value: unknown])[],
    ttlMs: number | undefined,
    isBegun: boolean = false,
    mark?: Mark<Id>,
  ): Promise<Confirmation> {
    return this.#writer.write(entries, ttlMs, isBegun, mark);
  }

  /** @throws as {@link Writer.writeVersion}. */
  writeVersion(
    key: string,
    value: unknown,
    version: number,
    ttlMs?: number,
    isBegun: boolean = false,
    mark?: Mark<Id>,
  ): Promise<Confirmation> {
    return this.#writer.writeVersion(key, value, version, ttlMs, isBegun, mark);
  }

  /** What is where, and what the next read would do; takes no lease. */
  async explain(key: string): Promise<Explanation> {
    this.checkOpen();
    const stored = storageKey(key);
    const now = this.#life.now();
    const levels: LevelExplanation[] = [];
    if (this.#memory !== undefined) levels.push(explainEntry('memory', this.#memory.look(stored), now));
    levels.push(...(await this.levels.explain(stored, now)));
    const flying = this.#flights.has(stored);
    const next = nextRead(levels, {
      flying,
      loads: this.loader !== undefined,
      loadsAhead: (this.#memory?.look(stored)?.attentionAt ?? 0) <= now,
      whileRevalidateMs: this.#life.whileRevalidateMs,
    });
    return { key: stored, levels, flying, next };
  }

  /** Deletes at every level, `undefined` for everything; `isBegun` as in {@link Writer.write}. */
  async delete(keys: readonly string[] | undefined, isBegun: boolean = false): Promise<Confirmation> {
    if (!isBegun) this.checkOpen();
    const stored = keys?.map(storageKey);
    this.forget(stored);
    const confirmation = await this.levels.delete(stored);
    this.forget(stored);
    this.#publish(stored, 'here');
    if (confirmation === 'queued') this.checkOpen();
    return confirmation;
  }

  /** As {@link delete}, for at least all keys that begin with `prefix`; memory forgets everything. */
  async deletePrefix(prefix: string): Promise<Confirmation> {
    this.checkOpen();
    this.forget(undefined);
    const confirmation = await this.levels.deletePrefix(storagePrefix(prefix));
    this.forget(undefined);
    this.#publish(undefined, 'here');
    if (confirmation === 'queued') this.checkOpen();
    return confirmation;
  }

  /** Another process wrote or deleted these keys, `undefined` for all of them; `version` is what their rows have now. */
  changedElsewhere(keys: readonly string[] | undefined, version?: number): void {
    if (version !== undefined) this.levels.heard(keys, version);
    this.forget(keys);
    this.#publish(keys, 'elsewhere');
  }

  /**
   * These keys changed, `undefined` for all, or it is not known whether they did: what memory has goes, nobody joins the reads
   * under way, and neither they nor the writes under way leave anything in memory.
   */
  forget(keys: readonly string[] | undefined): void {
    this.#memory?.drop(keys);
    if (keys === undefined) {
      this.#flights.forgetAll();
      this.#writer.overtake(undefined);
      this.#tags?.forgetAll();
      return;
    }
    this.#writer.overtake(keys);
    this.#flights.forget(keys);
  }

  /** Tells that these keys were written here. */
  changed(keys: readonly string[]): void {
    this.#publish(keys, 'here');
  }

  /** Forgets what has one of these tags, here. */
  forgetTags(tags: readonly string[] | undefined): void {
    if (this.#tags === undefined) return;
    this.forget(tags === undefined ? undefined : this.#tags.keysOf(tags));
    // What is on its way may have them as well.
    this.#flights.forgetAll();
  }

  /**
   * Loads anew unless some process has done so, so that it is fresh beyond `freshBeyond`, or is doing it now.
   *
   * @returns the value, or what the loader threw.
   */
  renew(key: string, id: Id, freshBeyond: number): Promise<unknown> {
    const stored = storageKey(key);
    const flying = this.#flights.refreshOf(stored);
    if (flying !== undefined) return flying.promise!;
    return this.#keeper.track(this.#flights.refresh(stored, id, this.#memory?.look(stored), freshBeyond));
  }

  /** Resolves when the fills under way have settled and what was queued was tried once more. */
  async close(): Promise<void> {
    this.#memory?.drop(undefined);
    await this.#flights.settled();
    await this.#keeper.settled();
    await this.levels.close();
  }

  /** Always rejects. */
  async #refuse(key: string): Promise<string> {
    this.checkOpen();
    return storageKey(key);
  }

  /** A hit's promise is made once an entry: awaiting it costs less than a new one around a plain value. */
  #answer(entry: MemoryEntry, key: string): Promise<unknown> {
    this.hitCount++;
    if (this.#sketch !== undefined) this.#sample(key);
    return (entry.promise ??= Promise.resolve(entry.value));
  }

  /** One read of so many, hits and misses alike; at random, because reads come in rhythms. */
  #sample(key: string): void {
    if (--this.#untilSample > 0) return;
    this.#untilSample = this.#life.around(SAMPLE);
    this.#sketch!.add(key);
  }

  /** The way of keys that are stored hashed, and of entries that are about to be loaded ahead. */
  #findFresh(key: string): MemoryEntry | undefined {
    const entry = this.#memory?.findAny(storageKey(key));
    return entry !== undefined && entry.freshUntil > this.#life.now() ? entry : undefined;
  }

  #miss(key: string, id: Id): Promise<unknown> {
    if (this.#surroundings.closed || typeof key !== 'string') return this.#refuse(key);
    const stored = storageKey(key);
    const held = this.#memory?.findAny(stored);
    // Hashed, stale, or about to be.
    if (held !== undefined) {
      const now = this.#life.now();
      if (now < held.attentionAt) return this.#answer(held, key);
      if (this.loader !== undefined && now < held.freshUntil + this.#life.whileRevalidateMs) {
        if (now >= held.freshUntil) this.counts.staleServedCount++;
        this.#refresh(stored, id, held);
        return this.#answer(held, key);
      }
    }
    this.missCount++;
    if (this.#sketch !== undefined) this.#sample(key);
    const flying = this.#flights.readOf(stored);
    if (flying !== undefined && !this.#surroundings.hearing.isRecent) return this.#follow(flying, stored, id);
    if (flying !== undefined && flying.joinableUntil > this.#life.now()) {
      this.joinedCount++;
      return flying.promise!;
    }
    return this.#fly(stored, id, held);
  }

  #fly(key: string, id: Id, held: MemoryEntry | undefined): Promise<unknown> {
    const refused = this.#note(key, id);
    if (refused !== undefined) return refused;
    return this.#flights.read(key, id, held);
  }

  async #after(flying: Flight<Id>, key: string, id: Id): Promise<unknown> {
    try {
      await flying.promise;
    } catch {
      // Those who waited for it have it.
    }
    return this.#surroundings.closed ? this.#refuse(key) : this.#fly(key, id, undefined);
  }

  /**
   * Who asks while nothing is heard of other processes may know of a change that the read under way came before, so it
   * is not joined. But all who ask until it ends share the next one: never more than two reads of a key at a time.
   */
  #follow(flying: Flight<Id>, key: string, id: Id): Promise<unknown> {
    this.joinedCount++;
    return (flying.follower ??= this.#after(flying, key, id));
  }

  /** @returns a rejection when the user's tags are none. */
  #note(key: string, id: Id): Promise<never> | undefined {
    if (this.#tags === undefined) return undefined;
    try {
      this.#tags.note(key, id);
      return undefined;
    } catch (error) {
      return rejected(error);
    }
  }

  /** Loads anew in the background, unless that is under way; a failure is counted by the loader and tried again later. */
  #refresh(key: string, id: Id, previous: TierEntry): void {
    const held = this.#memory?.look(key);
    if (held !== undefined)
      this.#memory!.attend(held, Math.min(this.#life.now() + REFRESH_PAUSE_MS, held.expiresAt));
    if (this.#flights.refreshOf(key) !== undefined || this.#surroundings.closed) return;
    this.counts.refreshCount++;
    this.#keeper.track(this.#flights.refresh(key, id, previous)).catch(() => {});
  }

  #publish(keys: readonly string[] | undefined, from: ChangedEvent['from']): void {
    this.#onChange?.(keys);
    if (!changedChannel.hasSubscribers) return;
    const event: ChangedEvent = { region: this.name, keys, from };
    changedChannel.publish(event);
  }
}
