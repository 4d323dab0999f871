import { PoolTimeoutError } from '../errors.ts';

/** The timers that a pool uses; those of Node unless a test brings its own. */
export interface Timers {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Node's timers, which do not keep the process alive. */
export const nodeTimers: Timers = {
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimeout: (timer) => {
    clearTimeout(timer as NodeJS.Timeout);
  },
};

/** One acquire in the queue. */
interface Waiter<T> {
  readonly sizeBytes: number;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
  readonly signal: AbortSignal | undefined;
  onAbort: (() => void) | undefined;
  timer: unknown;
  previous: Waiter<T> | undefined;
  next: Waiter<T> | undefined;
}

/**
 * Who waits for a block, in the order of their coming. A doubly linked list, because a time limit or a signal takes a
 * waiter out of the middle. Every way out goes through `#leave`, which removes the timer and the listener.
 */
export class Waiters<T> {
  readonly #timers: Timers;
  #head: Waiter<T> | undefined;
  #tail: Waiter<T> | undefined;
  #count = 0;
  #timedOutCount = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  get count(): number {
    return this.#count;
  }

  get timedOutCount(): number {
    return this.#timedOutCount;
  }

  /** What the first in the queue asked for; `undefined` when nobody waits. */
  get nextSizeBytes(): number | undefined {
    return this.#head?.sizeBytes;
  }

  /** Queues; resolves by {@link Waiters.serve}, rejects by the limit, the signal or {@link Waiters.rejectAll}. */
  wait(sizeBytes: number, timeoutMs: number, signal: AbortSignal | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiter: Waiter<T> = {
        sizeBytes,
        resolve,
        reject,
        signal,
        onAbort: undefined,
        timer: undefined,
        previous: this.#tail,
        next: undefined,
      };
      if (this.#tail === undefined) this.#head = waiter;
      else this.#tail.next = waiter;
      this.#tail = waiter;
      this.#count++;
      if (signal !== undefined) {
        waiter.onAbort = () => {
          this.#leave(waiter);
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', waiter.onAbort, { once: true });
      }
      if (timeoutMs === Infinity) return;
      waiter.timer = this.#timers.setTimeout(() => {
        this.#leave(waiter);
        this.#timedOutCount++;
        reject(
          new PoolTimeoutError(`No block became free within ${timeoutMs} ms; ${this.#count} others wait`),
        );
      }, timeoutMs);
    });
  }

  /** Gives `value` to the first in the queue. */
  serve(value: T): void {
    const waiter = this.#head!;
    this.#leave(waiter);
    waiter.resolve(value);
  }

  /** Rejects the first in the queue. */
  refuse(reason: unknown): void {
    const waiter = this.#head!;
    this.#leave(waiter);
    waiter.reject(reason);
  }

  rejectAll(makeReason: () => Error): void {
    while (this.#head !== undefined) this.refuse(makeReason());
  }

  #leave(waiter: Waiter<T>): void {
    if (waiter.previous === undefined) this.#head = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === undefined) this.#tail = waiter.previous;
    else waiter.next.previous = waiter.previous;
    this.#count--;
    if (waiter.onAbort !== undefined) waiter.signal!.removeEventListener('abort', waiter.onAbort);
    if (waiter.timer !== undefined) this.#timers.clearTimeout(waiter.timer);
  }
}
