import { checkCount, checkFunction } from '../check.ts';
import type { EntryStore } from './entry-store.ts';
import { fingerprint, Ghosts } from './ghosts.ts';
import { emptyList, NONE, reset, SlotLists } from './slot-lists.ts';

/** Share of the room that newcomers have: the paper's. */
const SMALL_SHARE = 0.1;
/** Uses are counted up to here. */
const MAX_USES = 3;
/** Added to the use count of what is in the main queue. */
const IN_MAIN = 4;
const USES = 3;

function smallShare(count: number): number {
  return Math.max(1, Math.floor(count * SMALL_SHARE));
}

/** A second limit of {@link S3FifoCache}, on what its entries add up to. */
export interface S3FifoSizes<V> {
  /** A whole number from 1. */
  readonly maxBytes: number;
  /** Called once a `set`; a number from 0. What is larger than `maxBytes` is not kept. */
  readonly sizeOf: (value: V) => number;
}

/**
 * S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache eviction, SOSP 2023).
 *
 *     new ─▶ small (10 %) ─used─▶ main (90 %) ◀─┐ used: round again, one use less
 *               │ not used            └─────────┘
 *               ▼                     not used: gone
 *            ghosts: keys only ─asked for again─▶ main
 *
 * What is asked for once, as a scan does, goes through `small` and never touches what is in use. A hit is a counter, and
 * moves nothing. Amortised O(1): an entry goes round `main` at most three times for its uses.
 *
 * With a limit in bytes a value makes room until it fits, and the share of `small` is one of the entries there are.
 *
 * Invariants: every key of the map has a slot, every such slot is in exactly one queue, and the counts add up to its size.
 */
export class S3FifoCache<V> implements EntryStore<V> {
  readonly maxEntries: number;
  readonly #slots = new Map<string, number>();
  readonly #keys: (string | undefined)[];
  readonly #values: (V | undefined)[];
  /** Uses, and {@link IN_MAIN}. */
  readonly #state: Uint8Array;
  readonly #prints: Uint32Array;
  readonly #lists: SlotLists;
  readonly #small = emptyList();
  readonly #main = emptyList();
  readonly #sizes: S3FifoSizes<V> | undefined;
  /** By slot; empty without a limit in bytes. */
  readonly #bytes: Float64Array;
  #heldBytes = 0;
  readonly #ghosts: Ghosts;

  /** @throws {ArgumentTypeError | ArgumentRangeError} unless `maxEntries`, and `maxBytes`, are whole numbers from 1. */
  constructor(maxEntries: number, sizes?: S3FifoSizes<V>) {
    this.maxEntries = checkCount('maxEntries', maxEntries);
    if (sizes !== undefined) {
      checkCount('maxBytes', sizes.maxBytes);
      checkFunction('sizeOf', sizes.sizeOf);
    }
    this.#sizes = sizes;
    this.#bytes = new Float64Array(sizes === undefined ? 0 : maxEntries);
    this.#keys = Array.from({ length: maxEntries });
    this.#values = Array.from({ length: maxEntries });
    this.#state = new Uint8Array(maxEntries);
    this.#prints = new Uint32Array(maxEntries);
    this.#lists = new SlotLists(maxEntries);
    this.#ghosts = new Ghosts(Math.max(1, maxEntries - smallShare(maxEntries)));
  }

  get size(): number {
    return this.#slots.size;
  }

  /** What the entries add up to, in bytes; 0 without a limit on that. */
  get calculatedSize(): number {
    return this.#heldBytes;
  }

  get(key: string): V | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#use(slot);
    return this.#values[slot];
  }

  peek(key: string): V | undefined {
    const slot = this.#slots.get(key);
    return slot === undefined ? undefined : this.#values[slot];
  }

  set(key: string, value: V): void {
    const bytes = this.#sizes === undefined ? 0 : this.#sizes.sizeOf(value);
    const maxBytes = this.#sizes === undefined ? 0 : this.#sizes.maxBytes;
    // Written so that NaN is too large as well.
    if (!(bytes <= maxBytes)) {
      this.delete(key);
      return;
    }
    const held = this.#slots.get(key);
    if (held !== undefined) {
      this.#values[held] = value;
      this.#use(held);
      this.#weigh(held, bytes);
      while (this.#heldBytes > maxBytes) this.#evict();
      return;
    }
    const print = fingerprint(key);
    // Before the eviction, which adds a ghost and may put it in this one's place.
    const isBack = this.#ghosts.take(print);
    while (this.#slots.size === this.maxEntries || this.#heldBytes + bytes > maxBytes) this.#evict();
    const slot = this.#lists.take();
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#values[slot] = value;
    this.#prints[slot] = print;
    this.#weigh(slot, bytes);
    this.#state[slot] = isBack ? IN_MAIN : 0;
    this.#lists.push(isBack ? this.#main : this.#small, slot);
  }

  delete(key: string): boolean {
    const slot = this.#slots.get(key);
    if (slot === undefined) return false;
    this.#lists.remove(this.#state[slot]! >= IN_MAIN ? this.#main : this.#small, slot);
    this.#drop(slot);
    return true;
  }

  clear(): void {
    this.#slots.clear();
    this.#keys.fill(undefined);
    this.#values.fill(undefined);
    this.#bytes.fill(0);
    this.#heldBytes = 0;
    reset(this.#small);
    reset(this.#main);
    this.#lists.freeAll();
    this.#ghosts.clear();
  }

  /** @internal Throws unless the invariants hold. */
  checkInvariants(): void {
    let count = 0;
    let bytes = 0;
    for (const [list, inMain] of [
      [this.#small, false],
      [this.#main, true],
    ] as const) {
      let inList = 0;
      for (const slot of this.#lists.walk(list)) {
        inList++;
        bytes += this.#bytes[slot] ?? 0;
        const key = this.#keys[slot];
        if (key === undefined || this.#slots.get(key) !== slot) throw new Error(`slot ${slot} has no key`);
        if (this.#state[slot]! >= IN_MAIN !== inMain) throw new Error(`slot ${slot} is in the wrong queue`);
      }
      if (inList !== list.count) throw new Error(`a queue of ${inList} counts ${list.count}`);
      count += inList;
    }
    if (count !== this.#slots.size) throw new Error(`${count} slots for ${this.#slots.size} keys`);
    if (count > this.maxEntries) throw new Error(`${count} entries, at most ${this.maxEntries}`);
    if (bytes !== this.#heldBytes) throw new Error(`${bytes} bytes, counted as ${this.#heldBytes}`);
    if (this.#sizes !== undefined && bytes > this.#sizes.maxBytes)
      throw new Error(`${bytes} bytes are too many`);
  }

  #use(slot: number): void {
    const state = this.#state[slot]!;
    if ((state & USES) < MAX_USES) this.#state[slot] = state + 1;
  }

  #weigh(slot: number, bytes: number): void {
    if (this.#sizes === undefined) return;
    this.#heldBytes += bytes - this.#bytes[slot]!;
    this.#bytes[slot] = bytes;
  }

  /** Makes room for one. */
  #evict(): void {
    // From the newcomers while they have their share, or more; in a full cache that leaves `main` only when they do not.
    if (this.#small.count >= smallShare(this.#slots.size) || this.#main.count === 0) {
      while (this.#small.count > 0) {
        const slot = this.#small.tail;
        this.#lists.remove(this.#small, slot);
        if (this.#state[slot] === 0) {
          this.#ghosts.add(this.#prints[slot]!);
          this.#drop(slot);
          return;
        }
        this.#state[slot] = IN_MAIN;
        this.#lists.push(this.#main, slot);
      }
    }
    for (let slot = this.#main.tail; slot !== NONE; slot = this.#main.tail) {
      this.#lists.remove(this.#main, slot);
      if (this.#state[slot] === IN_MAIN) {
        this.#drop(slot);
        return;
      }
      this.#state[slot] = this.#state[slot]! - 1;
      this.#lists.push(this.#main, slot);
    }
  }

  /** Forgets a slot that is in no list. */
  #drop(slot: number): void {
    this.#slots.delete(this.#keys[slot]!);
    this.#keys[slot] = undefined;
    this.#values[slot] = undefined;
    this.#weigh(slot, 0);
    this.#lists.release(slot);
  }
}
