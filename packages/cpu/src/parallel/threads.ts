import { fileURLToPath } from 'node:url';
import type { ResourceLimits } from 'node:worker_threads';

import type { Piscina } from 'piscina';

import { ThreadsUnavailableError } from '../errors.ts';
import { isExhausted } from './control.ts';
import type { Job, Outcome } from './protocol.ts';

// The compiled file: TypeScript rewrites the extension of an import, not that of a string.
const WORKER_FILE = fileURLToPath(new URL('./worker-entry.cjs', import.meta.url));

/** Jobs that a worker may hold: the one it runs, and the next, so that it need not wait for the caller's event loop. */
export const JOBS_PER_WORKER = 2;

/** A job that waits until a worker has room for it. */
interface WaitingJob {
  readonly job: Job;
  readonly resolve: (outcome: Outcome | Promise<Outcome>) => void;
  readonly reject: (error: unknown) => void;
}

/** Below so many waiting jobs each call looks for those of which nothing is left, for their buffers may be large. */
const SWEEP_LENGTH = 16;

/** What a worker would answer that came too late. */
const NOTHING_DONE: Outcome = { items: 0, busyMs: 0, results: undefined, failure: undefined };

/** Pools in a row that died before any job came back; then the machine is taken not to have threads for us. */
const FRUITLESS_POOLS_MAX = 3;

/**
 * The worker threads: a piscina pool, started at the first job and never an event loop's reason to stay alive.
 *
 * All workers are kept while the pool is open. With piscina's defaults, half as many threads as cores stay and the
 * others end as soon as they are idle, so each call starts a worker and compiles the task in it again: a map of 10,000
 * items on two cores then took 119 ms of CPU time instead of 49.
 *
 * Piscina replaces a worker that dies, except one that dies while it starts: then it stops starting any, for good.
 * Such a pool is given up, with the jobs that it would keep for ever, and made anew once no other call depends on it. Its `signal` option is not used, because it kills the thread.
 */
export class Threads {
  readonly count: number;
  readonly #resourceLimits: ResourceLimits | undefined;
  #pool: Piscina<Job, Outcome> | undefined;
  #starting: Promise<Piscina<Job, Outcome>> | undefined;
  /** Jobs that were posted and have not come back, at most {@link JOBS_PER_WORKER} a worker. */
  #running = 0;
  #waiting: WaitingJob[] = [];
  /** Fewest that have waited since the last sweep. At twice as many is the next, so that of many a job is looked at a few times. */
  #fewest = 0;
  #fruitless = 0;
  #lastError: unknown;

  constructor(count: number, resourceLimits: ResourceLimits | undefined) {
    this.count = count;
    this.#resourceLimits = resourceLimits;
  }

  /**
   * Runs a job on the least busy worker. Rejects when that worker dies, or none can be started. With a pool at hand the
   * job is posted before this returns: the caller computes next, and a job that waited for a microtask would wait for
   * all of its first slice (4.7 ms for a call of 4.6 ms, and all speed-up lost, when this was an async function).
   *
   * Jobs wait here and not at piscina, because a job of which the other threads have left nothing must not reach a worker.
   * While a worker starts, calls of a millisecond leave fifty such jobs behind; answered one by one, at one turn of the
   * event loop each, they kept the worker from every later call for as long as one call followed the other.
   */
  run(job: Job): Promise<Outcome> {
    if (this.#running < this.count * JOBS_PER_WORKER) return this.#post(job);
    // What waits behind an item that takes minutes must not add up.
    const { length } = this.#waiting;
    if (length < SWEEP_LENGTH || length >= 2 * this.#fewest) this.#sweep();
    // oxlint-disable-next-line promise/avoid-new -- settled when a worker has room
    return new Promise((resolve, reject) => this.#waiting.push({ job, resolve, reject }));
  }

  #sweep(): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ job }) => !isExhausted(job));
    this.#fewest = this.#waiting.length;
    for (const { job, resolve } of waiting) if (isExhausted(job)) resolve(NOTHING_DONE);
  }

  #post(job: Job): Promise<Outcome> {
    const pool = this.#pool;
    const isUsable = pool !== undefined && (pool.threads.length >= this.count || this.#running > 0);
    this.#running++;
    return (isUsable ? posted(pool, job) : this.#restart().then((pool) => pool.run(job))).then(
      (outcome) => {
        this.#fruitless = 0;
        this.#settled();
        return outcome;
      },
      (error: unknown) => {
        this.#settled();
        throw error;
      },
    );
  }

  #settled(): void {
    this.#running--;
    while (this.#running < this.count * JOBS_PER_WORKER) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#fewest = Math.min(this.#fewest, this.#waiting.length);
      next.resolve(isExhausted(next.job) ? NOTHING_DONE : this.#post(next.job));
    }
  }

  /** Ends one worker at once; piscina starts another in its place. */
  terminate(threadId: number): void {
    const worker = this.#pool?.threads.find((worker) => worker.threadId === threadId);
    void worker?.terminate();
  }

  /** Ends all workers; their jobs reject. */
  async destroy(): Promise<void> {
    const pool = this.#pool ?? (await this.#starting?.catch(() => undefined));
    this.#pool = undefined;
    this.#starting = undefined;
    const error = new ThreadsUnavailableError('the threads were ended');
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    await pool?.destroy();
  }

  /** Starts a pool, in place of one that lost workers for good. */
  #restart(): Promise<Piscina<Job, Outcome>> {
    const broken = this.#pool;
    this.#pool = undefined;
    void broken?.destroy();
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  #giveUpIfEmpty(pool: Piscina<Job, Outcome>): void {
    if (this.#pool !== pool || pool.threads.length > 0) return;
    this.#pool = undefined;
    // Rejects the jobs in its queue.
    void pool.destroy();
  }

  async #start(): Promise<Piscina<Job, Outcome>> {
    if (this.#fruitless >= FRUITLESS_POOLS_MAX) {
      throw new ThreadsUnavailableError('no worker thread can be started', { cause: this.#lastError });
    }
    this.#fruitless++;
    const { Piscina } = await import('piscina');
    const pool = new Piscina<Job, Outcome>({
      filename: WORKER_FILE,
      minThreads: this.count,
      maxThreads: this.count,
      concurrentTasksPerWorker: JOBS_PER_WORKER,
      recordTiming: false,
      ...(this.#resourceLimits === undefined ? {} : { resourceLimits: this.#resourceLimits }),
    });
    // Without a job at hand, a dying worker is only an event; unheard it would end the process.
    pool.on('error', (error: unknown) => (this.#lastError = error));
    // Asked a little later: where piscina starts another worker it does so after this event.
    pool.on('workerDestroy', () => setImmediate(() => this.#giveUpIfEmpty(pool)));
    this.#pool = pool;
    return pool;
  }
}

/** Where a thread is to be started and the system has none left, piscina throws. */
async function posted(pool: Piscina<Job, Outcome>, job: Job): Promise<Outcome> {
  return await pool.run(job);
}
