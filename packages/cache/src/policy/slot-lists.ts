/** No slot. */
export const NONE = -1;

/** A queue of slots: the newest at the head. */
export interface SlotList {
  head: number;
  tail: number;
  count: number;
}

/**
 * Slots 0 to n − 1, each in one doubly linked list or free, as two typed arrays instead of an object an entry:
 *
 *     head ─next▶ slot ─next▶ slot ─next▶ tail        free ─next▶ slot ─next▶ …
 *          ◀prev─      ◀prev─      ◀prev─
 *
 * Taking a slot out of the middle, as a deletion does, is three writes. Nothing here allocates after construction.
 */
export class SlotLists {
  readonly #next: Int32Array;
  readonly #prev: Int32Array;
  #free = NONE;

  constructor(slotCount: number) {
    this.#next = new Int32Array(slotCount);
    this.#prev = new Int32Array(slotCount);
    this.freeAll();
  }

  /** Every slot is free again; lists that held some must be emptied by their owner. */
  freeAll(): void {
    const next = this.#next;
    for (let slot = 0; slot < next.length; slot++) next[slot] = slot + 1;
    next[next.length - 1] = NONE;
    this.#free = 0;
  }

  /** A free slot; there must be one. */
  take(): number {
    const slot = this.#free;
    this.#free = this.#next[slot]!;
    return slot;
  }

  /** Gives back a slot that is in no list. */
  release(slot: number): void {
    this.#next[slot] = this.#free;
    this.#free = slot;
  }

  /** Puts a slot that is in no list at the head of one. */
  push(list: SlotList, slot: number): void {
    const { head } = list;
    this.#next[slot] = head;
    this.#prev[slot] = NONE;
    if (head === NONE) list.tail = slot;
    else this.#prev[head] = slot;
    list.head = slot;
    list.count++;
  }

  /** Takes a slot out of the list that it is in. */
  remove(list: SlotList, slot: number): void {
    const next = this.#next[slot]!;
    const prev = this.#prev[slot]!;
    if (prev === NONE) list.head = next;
    else this.#next[prev] = next;
    if (next === NONE) list.tail = prev;
    else this.#prev[next] = prev;
    list.count--;
  }

  /** From the head; for tests. */
  *walk(list: SlotList): Generator<number> {
    for (let slot = list.head; slot !== NONE; slot = this.#next[slot]!) yield slot;
  }
}

export function emptyList(): SlotList {
  return { head: NONE, tail: NONE, count: 0 };
}

export function reset(list: SlotList): void {
  list.head = NONE;
  list.tail = NONE;
  list.count = 0;
}
