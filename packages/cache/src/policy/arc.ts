import { checkCount } from '../check.ts';
import type { EntryStore } from './entry-store.ts';
import { emptyList, reset, type SlotList, SlotLists } from './slot-lists.ts';

const ONCE = 0;
const OFTEN = 1;
const GONE_ONCE = 2;
const GONE_OFTEN = 3;

/**
 * ARC (Megiddo, Modha: ARC: a self-tuning, low overhead replacement cache, FAST 2003).
 *
 *     gone once (keys) ◀─ once (LRU) │ often (LRU) ─▶ gone often (keys)
 *        B1                  T1      │     T2              B2
 *                                    ▲ target: moves to where a key comes back from
 *
 * What was asked for once and what was asked for more than once are kept apart, and the room between them moves: a key
 * that comes back from `gone once` says that `once` was too small, one from `gone often` the contrary. O(1).
 *
 * Invariants: once + often ≤ maxEntries; once + gone once ≤ maxEntries; all four ≤ 2 × maxEntries.
 */
export class ArcCache<V> implements EntryStore<V> {
  readonly maxEntries: number;
  /** Of the held and of the gone. */
  readonly #slots = new Map<string, number>();
  readonly #keys: (string | undefined)[];
  readonly #values: (V | undefined)[];
  /** Which list a slot is in. */
  readonly #place: Uint8Array;
  readonly #slotLists: SlotLists;
  readonly #lists: readonly [SlotList, SlotList, SlotList, SlotList];
  /** How many `once` should hold. */
  #target = 0;

  /** @throws {ArgumentTypeError | ArgumentRangeError} unless `maxEntries` is a whole number from 1. */
  constructor(maxEntries: number) {
    this.maxEntries = checkCount('maxEntries', maxEntries);
    this.#keys = Array.from({ length: 2 * maxEntries });
    this.#values = Array.from({ length: 2 * maxEntries });
    this.#place = new Uint8Array(2 * maxEntries);
    this.#slotLists = new SlotLists(2 * maxEntries);
    this.#lists = [emptyList(), emptyList(), emptyList(), emptyList()];
  }

  get size(): number {
    return this.#lists[ONCE].count + this.#lists[OFTEN].count;
  }

  get(key: string): V | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined || this.#place[slot]! > OFTEN) return undefined;
    this.#move(slot, OFTEN);
    return this.#values[slot];
  }

  peek(key: string): V | undefined {
    const slot = this.#slots.get(key);
    // What is gone has no value.
    return slot === undefined ? undefined : this.#values[slot];
  }

  set(key: string, value: V): void {
    const known = this.#slots.get(key);
    if (known === undefined) {
      this.#add(key, value);
      return;
    }
    const place = this.#place[known]!;
    const [, , goneOnce, goneOften] = this.#lists;
    if (place === GONE_ONCE) {
      this.#target = Math.min(this.maxEntries, this.#target + Math.max(goneOften.count / goneOnce.count, 1));
      this.#makeRoom(false);
    } else if (place === GONE_OFTEN) {
      this.#target = Math.max(0, this.#target - Math.max(goneOnce.count / goneOften.count, 1));
      this.#makeRoom(true);
    }
    this.#values[known] = value;
    this.#move(known, OFTEN);
  }

  delete(key: string): boolean {
    const slot = this.#slots.get(key);
    if (slot === undefined) return false;
    const wasHeld = this.#place[slot]! <= OFTEN;
    this.#drop(slot);
    return wasHeld;
  }

  clear(): void {
    this.#slots.clear();
    this.#keys.fill(undefined);
    this.#values.fill(undefined);
    for (const list of this.#lists) reset(list);
    this.#slotLists.freeAll();
    this.#target = 0;
  }

  /** @internal Throws unless the invariants hold. */
  checkInvariants(): void {
    let count = 0;
    for (const [place, list] of this.#lists.entries()) {
      let inList = 0;
      for (const slot of this.#slotLists.walk(list)) {
        inList++;
        const key = this.#keys[slot];
        if (key === undefined || this.#slots.get(key) !== slot) throw new Error(`slot ${slot} has no key`);
        if (this.#place[slot] !== place) throw new Error(`slot ${slot} is in the wrong list`);
        if (place > OFTEN && this.#values[slot] !== undefined)
          throw new Error(`slot ${slot} is gone, its value is not`);
      }
      if (inList !== list.count) throw new Error(`a list of ${inList} counts ${list.count}`);
      count += inList;
    }
    const [once, often, goneOnce] = this.#lists;
    if (count !== this.#slots.size) throw new Error(`${count} slots for ${this.#slots.size} keys`);
    if (once.count + often.count > this.maxEntries) throw new Error('more held than there is room for');
    if (once.count + goneOnce.count > this.maxEntries) throw new Error('too many asked for once');
    if (count > 2 * this.maxEntries) throw new Error('too many in all');
  }

  #add(key: string, value: V): void {
    const [once, , goneOnce, goneOften] = this.#lists;
    if (once.count + goneOnce.count === this.maxEntries) {
      // The last of those asked for once goes for good; held ones only when there are no others.
      this.#drop(goneOnce.count > 0 ? goneOnce.tail : once.tail);
    } else if (this.#slots.size === 2 * this.maxEntries) {
      this.#drop(goneOften.tail);
    }
    this.#makeRoom(false);
    const slot = this.#slotLists.take();
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#values[slot] = value;
    this.#place[slot] = ONCE;
    this.#slotLists.push(once, slot);
  }

  /** The paper's REPLACE; does nothing while there is room, as after a deletion. */
  #makeRoom(isBackFromOften: boolean): void {
    const [once, often] = this.#lists;
    if (once.count + often.count < this.maxEntries) return;
    const overTarget = once.count > this.#target || (isBackFromOften && once.count === this.#target);
    const fromOnce = often.count === 0 || (once.count > 0 && overTarget);
    const slot = fromOnce ? once.tail : often.tail;
    this.#values[slot] = undefined;
    this.#move(slot, fromOnce ? GONE_ONCE : GONE_OFTEN);
  }

  #move(slot: number, place: 0 | 1 | 2 | 3): void {
    this.#slotLists.remove(this.#lists[this.#place[slot] as 0 | 1 | 2 | 3], slot);
    this.#place[slot] = place;
    this.#slotLists.push(this.#lists[place], slot);
  }

  #drop(slot: number): void {
    this.#slotLists.remove(this.#lists[this.#place[slot] as 0 | 1 | 2 | 3], slot);
    this.#slots.delete(this.#keys[slot]!);
    this.#keys[slot] = undefined;
    this.#values[slot] = undefined;
    this.#slotLists.release(slot);
  }
}
