/** A place in a {@link WaitQueue}: one item, linked to its neighbours so that it can leave from anywhere. */
export interface Place<T> {
  readonly item: T;
  previous: Place<T> | undefined;
  next: Place<T> | undefined;
  queued: boolean;
}

/** First come, first served; joining, leaving from any place and taking the first are O(1). */
export class WaitQueue<T> {
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The one whose turn is next. */
  get first(): T | undefined {
    return this.#first?.item;
  }

  join(item: T): Place<T> {
    const place: Place<T> = { item, previous: this.#last, next: undefined, queued: true };
    if (this.#last === undefined) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
    this.#count++;
    return place;
  }

  /** The first, or `undefined` when nobody waits. */
  shift(): T | undefined {
    const place = this.#first;
    if (place === undefined) return undefined;
    this.leave(place);
    return place.item;
  }

  /** False when it left before. */
  leave(place: Place<T>): boolean {
    if (!place.queued) return false;
    place.queued = false;
    if (place.previous === undefined) this.#first = place.next;
    else place.previous.next = place.next;
    if (place.next === undefined) this.#last = place.previous;
    else place.next.previous = place.previous;
    place.previous = undefined;
    place.next = undefined;
    this.#count--;
    return true;
  }
}
