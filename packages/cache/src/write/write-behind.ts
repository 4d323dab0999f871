import { CacheClosedError, WriteBehindError } from '../errors.ts';

/** How a definition writes to the database later. */
export interface WriteBehindOptions {
  /** Values that wait at most, 10,000 by default; past it `write` waits for room. */
  readonly maxPending?: number;
  /** Values of one call of `persistMany`, 100 by default. */
  readonly maxBatch?: number;
  /** How long the first value of a batch waits for others, in ms; 50 by default. */
  readonly lingerMs?: number;
  /** How long `close` tries to write what is left, in ms; 5000 by default. */
  readonly drainMs?: number;
}

/** One value on its way to the database. */
export type Persist<Id> = (entries: readonly (readonly [id: Id, value: unknown])[]) => Promise<unknown>;

interface Pending<Id> {
  readonly id: Id;
  readonly value: unknown;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;

/**
 * Values that the levels have and the database does not, yet. The latest of a key replaces one that still waits. A batch
 * that fails is tried again, for ever, with growing pauses: in the meantime the queue fills and writers wait.
 */
export class WriteBehind<Id> {
  readonly #pending = new Map<string, Pending<Id>>();
  readonly #options: Required<WriteBehindOptions>;
  readonly #persist: Persist<Id>;
  readonly #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #retryMs = 0;
  /** Being closed: what is left is written now, and not in turn. */
  #closing = false;
  /** Nothing is accepted any more. */
  #closed = false;
  failureCount = 0;

  constructor(options: Required<WriteBehindOptions>, persist: Persist<Id>) {
    this.#options = options;
    this.#persist = persist;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** What is to be written under the key, `undefined` when nothing is. */
  pendingOf(key: string): unknown {
    return this.#pending.get(key)?.value;
  }

  /**
   * Resolves when there is room, not when it is written.
   *
   * @throws {CacheClosedError} when there is none before the end.
   */
  async add(key: string, id: Id, value: unknown): Promise<void> {
    while (this.#pending.size >= this.#options.maxPending && !this.#pending.has(key) && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    if (this.#closed) throw new CacheClosedError('the cache is closed');
    this.#pending.set(key, { id, value });
    if (this.#pending.size >= this.#options.maxBatch && this.#retryMs === 0) this.#now();
    else this.#schedule();
  }

  /** @throws {WriteBehindError} when something was still not written after `drainMs`. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    const giveUpAt = performance.now() + this.#options.drainMs;
    while (this.#pending.size > 0 && performance.now() < giveUpAt) {
      let timer: NodeJS.Timeout | undefined;
      const timeUp = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, Math.max(1, giveUpAt - performance.now()));
      });
      // The batch under way first, which may never end.
      await Promise.race([this.#send(), timeUp]);
      clearTimeout(timer);
      if (this.#retryMs > 0) await pause(Math.min(this.#retryMs, Math.max(0, giveUpAt - performance.now())));
    }
    this.#closed = true;
    this.#wake();
    if (this.#pending.size === 0) return;
    throw new WriteBehindError(`${this.#pending.size} values were not written to the database`);
  }

  #schedule(): void {
    if (this.#closing || this.#timer !== undefined || this.#pending.size === 0) return;
    this.#timer = setTimeout(
      () => {
        this.#now();
      },
      Math.max(this.#retryMs, this.#options.lingerMs),
    );
    this.#timer.unref();
  }

  #now(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#send().then(() => {
      this.#schedule();
    });
  }

  /** One batch at a time, in the order in which keys came. */
  #send(): Promise<void> {
    return (this.#running ??= this.#sendBatch().finally(() => {
      this.#running = undefined;
    }));
  }

  async #sendBatch(): Promise<void> {
    const batch = [...this.#pending].slice(0, this.#options.maxBatch);
    try {
      await this.#persist(batch.map(([, { id, value }]) => [id, value] as const));
      this.#retryMs = 0;
    } catch {
      // Tried again; the caller has long been answered.
      this.failureCount++;
      this.#retryMs = Math.min(Math.max(FIRST_RETRY_MS, 2 * this.#retryMs), LAST_RETRY_MS);
      return;
    }
    for (const [key, pending] of batch) if (this.#pending.get(key) === pending) this.#pending.delete(key);
    this.#wake();
  }

  /** Those who wait for room look again. */
  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
