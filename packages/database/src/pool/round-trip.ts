/** Time between two probes of a connection: this at first, doubled with each up to the window below. */
const FIRST_PAUSE_MS = 10;

/** An estimate is the least of this window and the one before, so that a way that became longer is believed after two. */
const WINDOW_MS = 10_000;

/**
 * How long a message to the server and its answer are under way, on one connection: the least that an answer took lately. That is an
 * upper bound, as each took at least as long; a probe, which the server answers at once, makes it a close one, and is asked for every
 * so often while the connection carries nothing else. Without a probe nothing would tell a far server from one that only
 * gets slow statements.
 *
 * Where the machine was busy during a probe the estimate is too high until the next quick answer; where the way became longer it is
 * too low for up to two windows, and on a connection that is never idle, which nothing can be probed on, for as long as that lasts.
 */
export class RoundTrip {
  /** In milliseconds; 0 until the first answer to a probe, which is the safe side. */
  ms = 0;
  #least = Infinity;
  #before = Infinity;
  #windowEndsAt = -Infinity;
  #dueAt = -Infinity;
  #pauseMs = FIRST_PAUSE_MS;

  /** A probe was answered. */
  get known(): boolean {
    return this.#least < Infinity || this.#before < Infinity;
  }

  /** True when a probe is to be sent now, while nothing is in flight. */
  due(now: number): boolean {
    if (now < this.#dueAt) return false;
    this.#dueAt = now + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, WINDOW_MS);
    if (now >= this.#windowEndsAt) {
      this.#windowEndsAt = now + WINDOW_MS;
      if (this.#least < Infinity) this.#before = this.#least;
      this.#least = Infinity;
    }
    return true;
  }

  /** An answer came so long after its question. Those from before the first probe count for nothing. */
  take(ms: number): void {
    if (ms >= this.#least || this.#windowEndsAt === -Infinity) return;
    this.#least = ms;
    this.ms = Math.min(ms, this.#before);
  }
}
