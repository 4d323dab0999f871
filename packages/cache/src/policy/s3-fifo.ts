import { checkCount } from '../check.ts';
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
  readonly #smallMax: number;
  readonly #ghosts: Ghosts;

  /** @throws {ArgumentTypeError | ArgumentRangeError} unless `maxEntries` is a whole number from 1. */
  constructor(maxEntries: number) {
    this.maxEntries = checkCount('maxEntries', maxEntries);
    this.#keys = Array.from({ length: maxEntries });
    this.#values = Array.from({ length: maxEntries });
    this.#state = new Uint8Array(maxEntries);
    this.#prints = new Uint32Array(maxEntries);
    this.#lists = new SlotLists(maxEntries);
    this.#smallMax = Math.max(1, Math.floor(maxEntries * SMALL_SHARE));
    this.#ghosts = new Ghosts(Math.max(1, maxEntries - this.#smallMax));
  }

  get size(): number {
    return this.#slots.size;
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
    const held = this.#slots.get(key);
    if (held !== undefined) {
      this.#values[held] = value;
      this.#use(held);
      return;
    }
    const print = fingerprint(key);
    // Before the eviction, which adds a ghost and may put it in this one's place.
    const isBack = this.#ghosts.take(print);
    if (this.#slots.size === this.maxEntries) this.#evict();
    const slot = this.#lists.take();
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#values[slot] = value;
    this.#prints[slot] = print;
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
    reset(this.#small);
    reset(this.#main);
    this.#lists.freeAll();
    this.#ghosts.clear();
  }

  /** @internal Throws unless the invariants hold. */
  checkInvariants(): void {
    let count = 0;
    for (const [list, inMain] of [
      [this.#small, false],
      [this.#main, true],
    ] as const) {
      let inList = 0;
      for (const slot of this.#lists.walk(list)) {
        inList++;
        const key = this.#keys[slot];
        if (key === undefined || this.#slots.get(key) !== slot) throw new Error(`slot ${slot} has no key`);
        if (this.#state[slot]! >= IN_MAIN !== inMain) throw new Error(`slot ${slot} is in the wrong queue`);
      }
      if (inList !== list.count) throw new Error(`a queue of ${inList} counts ${list.count}`);
      count += inList;
    }
    if (count !== this.#slots.size) throw new Error(`${count} slots for ${this.#slots.size} keys`);
    if (count > this.maxEntries) throw new Error(`${count} entries, at most ${this.maxEntries}`);
  }

  #use(slot: number): void {
    const state = this.#state[slot]!;
    if ((state & USES) < MAX_USES) this.#state[slot] = state + 1;
  }

  /** Makes room for one. */
  #evict(): void {
    // From the newcomers while they have their share, or more; in a full cache that leaves `main` only when they do not.
    if (this.#small.count >= this.#smallMax || this.#main.count === 0) {
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
    this.#lists.release(slot);
  }
}
