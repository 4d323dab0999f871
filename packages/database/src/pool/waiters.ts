import type { Connection } from './connection.ts';
import type { Clock } from './options.ts';
import { type Place, WaitQueue } from './wait-queue.ts';

/** Someone who waits for a connection. */
export interface Waiter {
  grant(connection: Connection): void;
  fail(error: unknown): void;
  /** It is a statement that may share a connection with others. */
  readonly shared: boolean;
}

interface Timed {
  readonly waiter: Waiter;
  timer: unknown;
}

/** A place that can be left. */
export type WaiterPlace = Place<Timed>;

/** Those who wait, in order, each for a limited time. All O(1). */
export class Waiters {
  readonly #clock: Clock;
  readonly #queue = new WaitQueue<Timed>();
  #shared = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#queue.count;
  }

  /** Those that may share. */
  get sharedCount(): number {
    return this.#shared;
  }

  /** True when the next one may share. */
  get nextShares(): boolean {
    return this.#queue.first?.waiter.shared ?? false;
  }

  /** @param onTimeout called when it is still there after that time; it is to leave then. */
  join(waiter: Waiter, timeoutMs: number, onTimeout: (place: WaiterPlace) => void): WaiterPlace {
    const timed: Timed = { waiter, timer: undefined };
    const place = this.#queue.join(timed);
    if (waiter.shared) this.#shared++;
    // Not unref'd: someone awaits it, and between two attempts to connect nothing else keeps the process alive.
    timed.timer = this.#clock.setTimeout(() => {
      onTimeout(place);
    }, timeoutMs);
    return place;
  }

  /** Takes the next one out. */
  shift(): Waiter | undefined {
    const timed = this.#queue.shift();
    if (timed === undefined) return undefined;
    this.#left(timed);
    return timed.waiter;
  }

  /** Takes one out from anywhere, and tells it why; false when it was out already. */
  leave(place: WaiterPlace, error: unknown): boolean {
    if (!this.#queue.leave(place)) return false;
    this.#left(place.item);
    place.item.waiter.fail(error);
    return true;
  }

  /** Takes all out, and tells them why. */
  failAll(error: unknown): void {
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) waiter.fail(error);
  }

  #left(timed: Timed): void {
    this.#clock.clearTimeout(timed.timer);
    if (timed.waiter.shared) this.#shared--;
  }
}
