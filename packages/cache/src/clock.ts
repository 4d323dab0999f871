/** How long a reading of the wall clock is reused, in ms: `Date.now()` on every hit costs a third of the hit. */
const RESOLUTION_MS = 5;

/** A clock that was set back by less than this, in ms, is let be: what is in memory ends so much later. */
const SET_BACK_MS = 1000;

/** Milliseconds since the epoch. */
export interface Clock {
  now(): number;
}

/**
 * The wall clock, read at most once in {@link RESOLUTION_MS} of a running event loop.
 *
 * The timer that drops a reading is armed by the read that takes it, so an idle process never wakes for it. Code that
 * holds the event loop sees time stand still, as it would with lru-cache's `ttlResolution`.
 */
export class CoarseClock implements Clock {
  /** Told when the wall clock was set back, before the first reading after that. */
  onSetBack: (() => void) | undefined = undefined;
  #reading = 0;
  /** How far the latest reading was ahead of a clock that cannot be set. */
  #ahead = -Infinity;
  readonly #forget = (): void => {
    this.#reading = 0;
  };

  now(): number {
    if (this.#reading === 0) this.#read();
    // One load, always a double: joined with the result of a call it would be put in a box, 16 bytes a hit.
    return this.#reading;
  }

  #read(): void {
    this.#reading = Date.now();
    const ahead = this.#reading - performance.now();
    const isSetBack = ahead < this.#ahead - SET_BACK_MS;
    this.#ahead = ahead;
    if (isSetBack) this.onSetBack?.();
    setTimeout(this.#forget, RESOLUTION_MS).unref();
  }
}
