/** How one item's promise is settled. */
export type Resolve<Result> = (result: Result) => void;
export type Reject = (error: unknown) => void;

/**
 * Items on their way to the handler, and beside them, index by index, what settles their promises. Pushed items have
 * none; the two arrays stay empty until the first item that has.
 */
export class Batch<Item, Result> {
  items: Item[] = [];
  resolves: (Resolve<Result> | undefined)[] = [];
  rejects: (Reject | undefined)[] = [];
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
    if (this.resolves.length > 0) {
      this.resolves.push(undefined);
      this.rejects.push(undefined);
    }
  }

  add(item: Item, resolve: Resolve<Result>, reject: Reject): void {
    while (this.resolves.length < this.items.length) {
      this.resolves.push(undefined);
      this.rejects.push(undefined);
    }
    this.items.push(item);
    this.resolves.push(resolve);
    this.rejects.push(reject);
  }

  /** Takes an item out by what rejects it; false when it is not here. O(n): aborting is rare. */
  remove(reject: Reject): boolean {
    const index = this.rejects.indexOf(reject);
    if (index === -1) return false;
    this.items.splice(index, 1);
    this.resolves.splice(index, 1);
    this.rejects.splice(index, 1);
    return true;
  }
}
