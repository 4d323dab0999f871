import type { Clock } from '../clock.ts';
import { publishTierEvent } from '../diagnostics.ts';
import { EncodeError } from '../errors.ts';
import type { Tier } from '../tier.ts';
import type { Breaker } from './breaker.ts';
import { DeadlineQueue } from './deadlines.ts';

/** The answer of a tier that failed, did not answer in time, or was not asked. */
export const UNAVAILABLE: unique symbol = Symbol('unavailable');
export type Unavailable = typeof UNAVAILABLE;

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
    if (this.tier.available?.() === false || !this.#breaker.allows(this.#clock.now())) {
      this.skippedCount++;
      return Promise.resolve(UNAVAILABLE);
    }
    const deadlines = deadlineMs === this.deadlineMs ? this.#deadlines : new DeadlineQueue(deadlineMs);
    return new Promise((resolve, reject) => {
      const waiting = deadlines.add(() => {
        this.#missed();
        resolve(UNAVAILABLE);
      });
      start(call).then(
        (answer) => {
          if (!deadlines.settle(waiting)) return;
          if (this.#breaker.answered()) publishTierEvent(this.tier.name, 'breaker-closed');
          resolve(answer);
        },
        (error: unknown) => {
          if (!deadlines.settle(waiting)) return;
          if (error instanceof EncodeError) {
            reject(error);
            return;
          }
          this.errorCount++;
          publishTierEvent(this.tier.name, 'error', error);
          // It answers again, if only to refuse.
          if (this.#breaker.answered()) publishTierEvent(this.tier.name, 'breaker-closed');
          resolve(UNAVAILABLE);
        },
      );
    });
  }

  #missed(): void {
    this.timeoutCount++;
    publishTierEvent(this.tier.name, 'timeout');
    if (this.#breaker.missedDeadline(this.#clock.now())) publishTierEvent(this.tier.name, 'breaker-open');
  }
}

/** A tier that throws instead of rejecting is treated alike; a promise is passed on as it is, without a turn more. */
function start<T>(call: () => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(call());
  } catch (error) {
    return rejected(error);
  }
}

async function rejected(error: unknown): Promise<never> {
  throw error;
}
