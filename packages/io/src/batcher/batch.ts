import { SharedOutcomes } from './shared-outcomes.ts';

/** What settles the promise of one item. */
export interface Settler<Result> {
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Items on their way to the handler, and beside them, index by index, what settles their promises. Pushed items have
 * nothing; the second array stays empty until the first item that has.
 */
export class Batch<Item, Result> {
  items: Item[] = [];
  settlers: (Settler<Result> | undefined)[] = [];
  /** Settles the promises that were made without a signal, once it is told. */
  shared: SharedOutcomes<Result> | undefined;
  bytes = 0;
  /** Number of the first item, counted over the life of the batcher. */
  readonly firstSequence: number;
  /** Stops what the batch waits for; set while it is under way. */
  cancel: ((error: unknown) => void) | undefined;

  constructor(firstSequence: number) {
    this.firstSequence = firstSequence;
  }

  push(item: Item): void {
    this.items.push(item);
    if (this.settlers.length > 0) this.settlers.push(undefined);
  }

  /** Adds an item and makes its promise, which settles together with the others of the batch. */
  add(item: Item): Promise<Result> {
    const shared = (this.shared ??= new SharedOutcomes());
    this.put(item, shared);
    return shared.promise();
  }

  /** Adds an item and makes a promise that can be settled alone. */
  addAlone(item: Item): Promise<Result> {
    return new Promise<Result>((resolve, reject) => this.put(item, { resolve, reject }));
  }

  /** Adds an item that has its promise. */
  put(item: Item, settler: Settler<Result>): void {
    while (this.settlers.length < this.items.length) this.settlers.push(undefined);
    this.items.push(item);
    this.settlers.push(settler);
  }

  /** Takes an item out; false when it is not here. O(n): aborting is rare. */
  remove(settler: Settler<Result>): boolean {
    const index = this.settlers.indexOf(settler);
    if (index === -1) return false;
    this.items.splice(index, 1);
    this.settlers.splice(index, 1);
    return true;
  }

  /**
   * Lets go of everything. A batch that outlived two collections is in the old generation, and what it still held
   * would be copied by each of them until the next full one: measured, twice the time of everything else.
   */
  clear(): void {
    this.items = [];
    this.settlers = [];
    this.shared = undefined;
    this.cancel = undefined;
  }
}
