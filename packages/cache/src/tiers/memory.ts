import { checkCount, checkFunction, checkObject, checkTtlMs } from '../check.ts';
import type { Clock } from '../clock.ts';
import { ArgumentRangeError } from '../errors.ts';
import { ArcCache } from '../policy/arc.ts';
import { HASHED } from '../key.ts';
import type { Ends } from '../region/life.ts';
import type { EntryStore } from '../policy/entry-store.ts';
import { LruStore } from '../policy/lru.ts';
import { S3FifoCache } from '../policy/s3-fifo.ts';
import { estimateBytes } from '../size.ts';
import type { RegionOptions, Tier, TierEntry, TierRegion, TierWrite } from '../tier.ts';

/**
 * Which entry goes when there is no room: `lru`, the least recently used (lru-cache); `s3-fifo` and `arc`, which a scan
 * over many keys asked for once does not sweep empty.
 */
export type MemoryPolicy = 'lru' | 's3-fifo' | 'arc';

/** Options of {@link memoryTier}. */
export interface MemoryTierOptions {
  /**
   * Entries kept for each definition, and for the plain keys, before one has to go; 10,000 by default.
   * A definition may override it. Each has a list of its own, so that a scan over one evicts nothing of another.
   */
  readonly maxEntries?: number;
  /**
   * Bytes that the entries of a definition, or of the plain keys, may take before one has to go; no limit by default, and
   * `maxEntries` holds as well. A definition may override it. A value that is larger by itself is not kept, and counted
   * as `oversizedCount`. Not with policy `'arc'`, which shares out its room in entries.
   */
  readonly maxBytes?: number;
  /**
   * How many bytes an entry takes, a whole number, of which 0 counts as 1; called once for each value that enters memory, and only where
   * there is a `maxBytes`. By default an estimate on the long side, 2 bytes for a character, which walks the value. If it
   * throws, or answers something else, the value is not kept and counted as `oversizedCount`.
   */
  readonly sizeOf?: (value: unknown, key: string) => number;
  /**
   * Longest life of an entry in this process, in ms; 60,000 by default. It bounds how long a change made by another
   * process can go unseen if its message is lost.
   */
  readonly maxTtlMs?: number;
  /** `lru` by default. */
  readonly policy?: MemoryPolicy;
}

/** An entry. Every one has this shape, so that a hit is one property load at one place of the machine code. */
export class MemoryEntry implements TierEntry {
  readonly value: unknown;
  /**
   * {@link MemoryEntry.attentionAt} in whole ms since the region was opened. V8 keeps so small a whole number (below 2³¹, 24
   * days) in the entry itself, and any other beside it, where each hit would have to fetch it.
   */
  attentionTick = 0;
  /**
   * Before it a hit asks nothing more; after it the entry may be stale, or is to be loaded ahead. Moved by
   * {@link MemoryRegion.attend}.
   */
  attentionAt: number;
  readonly freshUntil: number;
  readonly expiresAt: number;
  /** When it came into memory. */
  readonly storedAt: number;
  /** What it takes; 0 where that has no limit. */
  readonly sizeBytes: number;
  /** What `get` answers, made by the first hit and shared by the following ones. */
  promise: Promise<unknown> | undefined = undefined;

  constructor(value: unknown, attentionAt: number, ends: Ends, storedAt: number, sizeBytes: number) {
    this.value = value;
    this.attentionAt = attentionAt;
    this.freshUntil = ends.freshUntil;
    this.expiresAt = ends.expiresAt;
    this.storedAt = storedAt;
    this.sizeBytes = sizeBytes;
  }
}

/** {@link MemoryTierOptions} that bound one region, checked and complete. */
interface MemoryLimits {
  readonly policy: MemoryPolicy;
  readonly maxEntries: number;
  readonly maxBytes: number | undefined;
  readonly sizeOf: MemoryTierOptions['sizeOf'];
}

/**
 * Of an entry under a hashed key: {@link MemoryRegion.find} is given the keys of users, one of which may look like the hash.
 * Ticks of others may be negative too, where the wall clock was set back; this is 12 days back, and no more than V8 keeps in
 * the entry itself.
 */
const NEVER_TICK = -0x40000000;

const sizeBytesOf = (entry: MemoryEntry): number => entry.sizeBytes;

function openStore({ policy, maxEntries, maxBytes }: MemoryLimits): EntryStore<MemoryEntry> {
  const bytes = maxBytes === undefined ? undefined : { maxBytes, sizeOf: sizeBytesOf };
  switch (policy) {
    case 'lru':
      // Without its own expiry, which costs each hit a second table.
      return new LruStore<MemoryEntry>(maxEntries, bytes);
    case 's3-fifo':
      return new S3FifoCache<MemoryEntry>(maxEntries, bytes);
    case 'arc':
      return new ArcCache<MemoryEntry>(maxEntries);
  }
}

function checkLimits(limits: MemoryLimits): MemoryLimits {
  if (limits.maxBytes !== undefined && limits.policy === 'arc') {
    throw new ArgumentRangeError(
      "maxBytes: expected policy 'lru' or 's3-fifo', got 'arc', which counts entries only",
    );
  }
  return limits;
}

/** One region in memory. */
export class MemoryRegion implements TierRegion {
  readonly #entries: EntryStore<MemoryEntry>;
  readonly #clock: Clock;
  readonly #openedAt: number;
  readonly #maxBytes: number | undefined;
  readonly #sizeOf: MemoryLimits['sizeOf'];
  /** Values not kept because of their size. */
  oversizedCount = 0;

  constructor(limits: MemoryLimits, clock: Clock) {
    this.#entries = openStore(limits);
    this.#clock = clock;
    const now = clock.now();
    this.#openedAt = Number.isFinite(now) ? now : Date.now();
    this.#maxBytes = limits.maxBytes;
    this.#sizeOf = limits.sizeOf;
  }

  /** What all entries take; `undefined` where that has no limit. */
  get sizeBytes(): number | undefined {
    return this.#maxBytes === undefined ? undefined : this.#entries.calculatedSize;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * An entry that needs no second look, which counts as used; none under a hashed key. Synchronous, allocates nothing.
   */
  find(key: string): MemoryEntry | undefined {
    const entry = this.#entries.get(key);
    // The first hit after the clock was set back, by which memory is emptied, is the last one: asking for the time first costs each hit.
    return entry !== undefined && this.#clock.now() - this.#openedAt < entry.attentionTick
      ? entry
      : undefined;
  }

  /** An entry that has not expired, fresh or not; one that has goes. */
  findAny(key: string): MemoryEntry | undefined {
    const now = this.#clock.now();
    const entry = this.#entries.get(key);
    if (entry === undefined || now < entry.expiresAt) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  /** As it is, and no use of it. */
  look(key: string): MemoryEntry | undefined {
    return this.#entries.peek(key);
  }

  /** Holds it, unless it is too large. */
  put(key: string, value: unknown, attentionAt: number, ends: Ends): MemoryEntry {
    const sizeBytes = this.#maxBytes === undefined ? 0 : this.#measure(value, key, this.#maxBytes);
    const entry = new MemoryEntry(value, attentionAt, ends, this.#clock.now(), sizeBytes);
    if (key.startsWith(HASHED)) entry.attentionTick = NEVER_TICK;
    this.attend(entry, attentionAt);
    if (sizeBytes === Infinity) {
      this.oversizedCount++;
      this.#entries.delete(key);
    } else this.#entries.set(key, entry);
    return entry;
  }

  /** Has hits look twice from then on. */
  attend(entry: MemoryEntry, attentionAt: number): void {
    entry.attentionAt = attentionAt;
    if (entry.attentionTick !== NEVER_TICK) entry.attentionTick = Math.floor(attentionAt - this.#openedAt);
  }

  /** `Infinity` when it does not fit, or when that cannot be told: a read must not fail for it. */
  #measure(value: unknown, key: string, maxBytes: number): number {
    try {
      const bytes =
        this.#sizeOf === undefined ? estimateBytes(value, key, maxBytes) : this.#sizeOf(value, key);
      return Number.isSafeInteger(bytes) && bytes >= 0 && bytes <= maxBytes ? Math.max(1, bytes) : Infinity;
    } catch {
      return Infinity;
    }
  }

  /** Deletes the key if it still holds this entry. */
  retract(key: string, entry: MemoryEntry): void {
    if (this.#entries.peek(key) === entry) this.#entries.delete(key);
  }

  /** Deletes the keys, or all of them. */
  drop(keys: readonly string[] | undefined): void {
    if (keys === undefined) this.#entries.clear();
    else for (const key of keys) this.#entries.delete(key);
  }

  getMany(keys: readonly string[]): Promise<(TierEntry | undefined)[]> {
    return Promise.resolve(
      keys.map((key) => {
        const entry = this.findAny(key);
        if (entry === undefined) return undefined;
        return { value: entry.value, expiresAt: entry.expiresAt, freshUntil: entry.freshUntil };
      }),
    );
  }

  setMany(writes: readonly TierWrite[]): Promise<void> {
    for (const write of writes) this.put(write.key, write.value, write.freshUntil, write);
    return Promise.resolve();
  }

  deleteMany(keys: readonly string[]): Promise<void> {
    this.drop(keys);
    return Promise.resolve();
  }

  clear(_prefix?: string): Promise<void> {
    this.drop(undefined);
    return Promise.resolve();
  }
}

/** The tier made by {@link memoryTier}. */
export class MemoryTier implements Tier {
  readonly name: string = 'memory';
  readonly maxEntries: number;
  readonly maxBytes: number | undefined;
  readonly maxTtlMs: number;
  readonly policy: MemoryPolicy;
  readonly #limits: MemoryLimits;

  constructor(options: MemoryTierOptions) {
    checkObject('options', options);
    this.maxEntries = checkCount('maxEntries', options.maxEntries ?? 10_000);
    this.maxTtlMs = checkTtlMs('maxTtlMs', options.maxTtlMs ?? 60_000);
    this.policy = options.policy ?? 'lru';
    if (!['lru', 's3-fifo', 'arc'].includes(this.policy)) {
      throw new ArgumentRangeError("policy: expected 'lru', 's3-fifo' or 'arc'");
    }
    const { maxBytes, sizeOf } = options;
    this.maxBytes = maxBytes === undefined ? undefined : checkCount('maxBytes', maxBytes);
    if (sizeOf !== undefined) checkFunction('sizeOf', sizeOf);
    this.#limits = checkLimits({
      policy: this.policy,
      maxEntries: this.maxEntries,
      maxBytes: this.maxBytes,
      sizeOf,
    });
  }

  open(region: RegionOptions): MemoryRegion {
    const { maxEntries = this.maxEntries, maxBytes = this.maxBytes } = region;
    return new MemoryRegion(checkLimits({ ...this.#limits, maxEntries, maxBytes }), region.clock);
  }
}

/**
 * The level in this process. It must be the first tier. Values are kept by reference.
 *
 * @throws {ArgumentTypeError | ArgumentRangeError} when an option is of the wrong type or out of range.
 * @example
 * ```ts
 * const cache = createCache({ tiers: [memoryTier({ maxEntries: 50_000 })] });
 * ```
 */
export function memoryTier(options: MemoryTierOptions = {}): MemoryTier {
  return new MemoryTier(options);
}
