import type { Clock } from '../clock.ts';
import { publishTierEvent } from '../diagnostics.ts';
import { EncodeError } from '../errors.ts';
import { promiseOf } from '../promise.ts';
import type { Tier } from '../tier.ts';
import type { Breaker } from './breaker.ts';
import { DeadlineQueue } from './deadlines.ts';

/** The answer of a tier that failed, did not answer in time, or was not asked. */
export const UNAVAILABLE: unique symbol = Symbol('unavailable');
export type Unavailable = typeof UNAVAILABLE;

/** Who waits for a tier's answer. None of it may throw. */
export interface Asker<T> {
  readonly done: (answer: T | Unavailable) => void;
  /** Of a call that writes: the value cannot be written. */
  readonly refused?: (error: EncodeError) => void;
  /** An answer that came after `done` had to be told that there is none. */
  readonly late?: (answer: T) => void;
}

/** Bounds every call to one tier, so that nothing above it ever rejects or waits because of it. */
export class TierGuard {
  readonly tier: Tier;
  readonly deadlineMs: number;
  readonly #breaker: Breaker;
  readonly #deadlines: DeadlineQueue;
  readonly #clock: Clock;
  /** Calls that rejected, that missed the deadline, and that were not made. */
  errorCount = 0;
  timeoutCount = 0;
  skippedCount = 0;
  /** Entries whose value could not be handed out. */
  unusableCount = 0;

  constructor(tier: Tier, deadlineMs: number, breaker: Breaker, clock: Clock) {
    this.tier = tier;
    this.deadlineMs = deadlineMs;
    this.#breaker = breaker;
    this.#deadlines = new DeadlineQueue(deadlineMs);
    this.#clock = clock;
  }

  get breaker(): 'closed' | 'open' | 'probing' {
    return this.#breaker.state;
  }

  /** Settles within the deadline, and rejects only with an {@link EncodeError}, which is the value's fault. */
  run<T>(call: () => Promise<T>, deadlineMs: number = this.deadlineMs): Promise<T | Unavailable> {
    const deadlines = deadlineMs === this.deadlineMs ? this.#deadlines : new DeadlineQueue(deadlineMs);
    return new Promise((resolve, reject) => {
      this.ask(call, { done: resolve, refused: reject }, deadlines);
    });
  }

  /** As {@link run} without a promise: exactly one of `done` and `refused` is called, once, possibly before it returns. */
  ask<T>(call: () => Promise<T>, asker: Asker<T>, deadlines: DeadlineQueue = this.#deadlines): void {
    if (this.tier.available?.() === false || !this.#breaker.allows(this.#clock.now())) {
      this.skippedCount++;
      asker.done(UNAVAILABLE);
      return;
    }
    const waiting = deadlines.add(() => {
      this.#missed();
      asker.done(UNAVAILABLE);
    });
    promiseOf(call).then(
      (answer) => {
        if (deadlines.settle(waiting)) {
          this.#answered();
          asker.done(answer);
        } else asker.late?.(answer);
      },
      (error: unknown) => {
        if (!deadlines.settle(waiting)) return;
        if (error instanceof EncodeError && asker.refused !== undefined) {
          this.#breaker.abandoned();
          asker.refused(error);
          return;
        }
        this.errorCount++;
        publishTierEvent(this.tier.name, 'error', error);
        // It answers again, if only to refuse.
        this.#answered();
        asker.done(UNAVAILABLE);
      },
    );
  }

  #answered(): void {
    if (this.#breaker.answered()) publishTierEvent(this.tier.name, 'breaker-closed');
  }

  #missed(): void {
    this.timeoutCount++;
    publishTierEvent(this.tier.name, 'timeout');
    if (this.#breaker.missedDeadline(this.#clock.now())) publishTierEvent(this.tier.name, 'breaker-open');
  }
}
