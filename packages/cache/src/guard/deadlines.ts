/** A call that is under way. */
export interface Waiting {
  readonly dueAt: number;
  expire: () => void;
  settled: boolean;
  next: Waiting | undefined;
}

/**
 * For at most so long a timer without a call keeps a process that has nothing else to do from ending, in ms. To let go of it
 * and to hold it again would cost each quick call more than the timer itself.
 */
const LINGER_MS = 50;

const nothing = (): void => {};

/**
 * Calls under way that may all take equally long, in the order in which they began, which is that of their deadlines: so
 * one timer, for the first of them, serves all. A timer a call would cost a quick call more than anything else here does.
 *
 *     head ─▶ call ─▶ call (settled) ─▶ call ◀─ tail        the timer is due with the head, or earlier
 */
export class DeadlineQueue {
  readonly #ms: number;
  #head: Waiting | undefined;
  #tail: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Due later than in {@link LINGER_MS}. */
  #isTimerLong = false;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** `expire` is called once, unless the call is settled before its deadline; `now` is by `performance.now()`. */
  add(expire: () => void, now: number = performance.now()): Waiting {
    const waiting: Waiting = { dueAt: now + this.#ms, expire, settled: false, next: undefined };
    if (this.#tail === undefined) this.#head = waiting;
    else this.#tail.next = waiting;
    this.#tail = waiting;
    if (this.#timer === undefined) this.#arm(Math.min(this.#ms, LINGER_MS));
    return waiting;
  }

  /** @returns false when the deadline was first. */
  settle(waiting: Waiting): boolean {
    if (waiting.settled) return false;
    waiting.settled = true;
    // It may stay in the queue for as long as a call before it hangs; what it holds must not.
    waiting.expire = nothing;
    this.#dropSettled();
    // A short one is left to run out: the next call is likely to come before.
    if (this.#head === undefined && this.#isTimerLong) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#isTimerLong = false;
    }
    return true;
  }

  #arm(ms: number): void {
    this.#isTimerLong = ms > LINGER_MS;
    this.#timer = setTimeout(this.#onDue, ms);
  }

  #dropSettled(): void {
    let head = this.#head;
    while (head?.settled === true) {
      const { next } = head;
      // One that a collection has moved to the old objects would else keep all that come after it until those are collected.
      head.next = undefined;
      head = next;
    }
    this.#head = head;
    if (head === undefined) this.#tail = undefined;
  }

  readonly #onDue = (): void => {
    this.#isTimerLong = false;
    if (this.#head === undefined) {
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    // After a stall of the event loop timers run before sockets: answers may be there, unread. Read them first. What is
    // due only since then may be so because of another stall.
    setImmediate(() => {
      // Only now: a call that began in between would have armed a timer for itself, which is later than the head's.
      this.#timer = undefined;
      for (let head = this.#head; head !== undefined && head.dueAt <= now; head = this.#head) {
        head.settled = true;
        this.#dropSettled();
        head.expire();
      }
      if (this.#head === undefined || this.#timer !== undefined) return;
      this.#arm(Math.max(1, this.#head.dueAt - now));
    });
  };
}
