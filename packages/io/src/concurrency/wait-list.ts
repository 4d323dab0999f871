/** A place in a {@link WaitList}. */
export interface Waiting<T> {
  readonly value: T;
  before: Waiting<T> | undefined;
  behind: Waiting<T> | undefined;
}

/**
 * Who waits, in the order of arrival; each call is O(1). A `Set` keeps that order too, but an iteration passes over all
 * places that were left since the last rehash before it comes to the first that is taken, so that serving n who wait
 * takes n² steps.
 */
export class WaitList<T> {
  #first: Waiting<T> | undefined;
  #last: Waiting<T> | undefined;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get first(): T | undefined {
    return this.#first?.value;
  }

  add(value: T): Waiting<T> {
    const waiting: Waiting<T> = { value, before: this.#last, behind: undefined };
    if (this.#last === undefined) this.#first = waiting;
    else this.#last.behind = waiting;
    this.#last = waiting;
    this.#count++;
    return waiting;
  }

  /** Takes the first out. */
  shift(): T | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first?.value;
  }

  /** Takes out one that is in the list. */
  remove(waiting: Waiting<T>): void {
    const { before, behind } = waiting;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    // One that is old already would keep all behind it alive until the next full collection.
    waiting.behind = undefined;
    this.#count--;
  }
}
