import { refusedBy, rejected } from '../abort.ts';
import { describe, integer } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError, ReleasedError } from '../errors.ts';
import { WaitList } from './wait-list.ts';

/** Options of {@link Semaphore.acquire} and {@link Semaphore.run}. */
export interface AcquireOptions {
  /** Places taken at once. Default 1; 1 to the semaphore's capacity. */
  readonly weight?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/** Places that are held until `release()`; `using permit = await semaphore.acquire()` releases at the end of the block. */
export interface Permit extends Disposable {
  readonly weight: number;
  /** @throws {ReleasedError} they were released before */
  release(): void;
}

interface Waiter {
  readonly weight: number;
  readonly resolve: (permit: Permit) => void;
  readonly detach: (() => void) | undefined;
}

/**
 * A fair limit on what is active at once, by weight. Whoever came first is served first: a heavy request at the head
 * holds back lighter ones behind it, and so is never starved by them.
 *
 * @example
 * ```ts
 * import { Semaphore } from '@hotpath/io';
 *
 * const memory = new Semaphore(512); // MiB
 * await memory.run(() => resize(image), { weight: 64 });
 * ```
 */
export class Semaphore {
  readonly capacity: number;
  #available: number;
  /** A waiter that gave up is gone. */
  readonly #waiters = new WaitList<Waiter>();

  /** @throws {ArgumentTypeError} @throws {ArgumentRangeError} a capacity that is no integer from 1 */
  constructor(capacity: number) {
    if (capacity === undefined) throw new ArgumentTypeError('capacity: expected a number, got undefined');
    this.capacity = integer('capacity', capacity, 1, 1, Number.MAX_SAFE_INTEGER);
    this.#available = this.capacity;
  }

  /** Places that are free now; those who wait come first. */
  get available(): number {
    return this.#available;
  }

  /** How many wait. */
  get waitingCount(): number {
    return this.#waiters.count;
  }

  /**
   * Resolves with a permit as soon as it is its turn and its places are free.
   *
   * @throws {ArgumentTypeError} @throws {ArgumentRangeError} a weight that can never be had
   * @throws the signal's reason
   */
  acquire(options?: AcquireOptions): Promise<Permit> {
    let weight: number;
    try {
      weight = this.#checkWeight(options?.weight);
    } catch (error) {
      return rejected(error);
    }
    const signal = options?.signal;
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    if (this.#canTake(weight)) return Promise.resolve(this.#take(weight));
    return new Promise((resolve, reject: (error: unknown) => void) => {
      const onAbort = (): void => {
        this.#waiters.remove(waiting);
        detach?.();
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is the user's own value
        reject(signal?.reason);
        // Lighter ones behind it may have waited for it alone.
        this.#serve();
      };
      const detach = signal && ((): void => signal.removeEventListener('abort', onAbort));
      signal?.addEventListener('abort', onAbort);
      const waiting = this.#waiters.add({ weight, resolve, detach });
    });
  }

  /**
   * Takes the places now, or returns `undefined` when they are not free or somebody waits.
   *
   * @throws {ArgumentTypeError} @throws {ArgumentRangeError} a weight that can never be had
   */
  tryAcquire(weight = 1): Permit | undefined {
    this.#checkWeight(weight);
    return this.#canTake(weight) ? this.#take(weight) : undefined;
  }

  /**
   * Calls the task with a permit, and releases it when the task has settled.
   *
   * @throws as {@link acquire}, and what the task throws
   */
  async run<Result>(task: () => Result | PromiseLike<Result>, options?: AcquireOptions): Promise<Result> {
    if (typeof task !== 'function')
      throw new ArgumentTypeError(`task: expected a function, got ${describe(task)}`);
    const permit = await this.acquire(options);
    try {
      return await task();
    } finally {
      permit.release();
    }
  }

  #checkWeight(weight: number | undefined): number {
    const checked = integer('weight', weight, 1, 1, Number.MAX_SAFE_INTEGER);
    if (checked <= this.capacity) return checked;
    throw new ArgumentRangeError(`weight: expected at most the capacity of ${this.capacity}, got ${checked}`);
  }

  #canTake(weight: number): boolean {
    return this.#waiters.count === 0 && weight <= this.#available;
  }

  #take(weight: number): Permit {
    this.#available -= weight;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) throw new ReleasedError();
      isReleased = true;
      this.#available += weight;
      this.#serve();
    };
    return { weight, release, [Symbol.dispose]: release };
  }

  #serve(): void {
    for (let waiter = this.#waiters.first; waiter !== undefined; waiter = this.#waiters.first) {
      if (waiter.weight > this.#available) return;
      this.#waiters.shift();
      waiter.detach?.();
      waiter.resolve(this.#take(waiter.weight));
    }
  }
}
