/** Keys kept one by one; past it the whole region is cleared instead. */
const MAX_PENDING = 10_000;
/** Keys replayed by one call. */
const REPLAY_BATCH = 256;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2000;

/** Deletes from level `level` upwards. */
export interface Replay {
  /** @returns whether every level confirmed it. */
  readonly keys: (keys: readonly string[], level: number) => Promise<boolean>;
  /**
   * `again`: it was tried before, and `level` is what that returned.
   *
   * @returns the lowest level that did not confirm it, −1 if all did.
   */
  readonly everything: (level: number, again: boolean) => Promise<number>;
}

/** `level` is the lowest that has to delete; levels count from the top, so a lower one has a larger number. */
export interface Pending {
  readonly level: number;
}

interface PendingEverything {
  /** As in {@link Pending}; those below it have confirmed it by now. */
  level: number;
  isTried: boolean;
}

/**
 * Deletions that a tier has not confirmed. They are retried until it does, and until then nothing is read from that
 * tier, or from one above it, under these keys: it may hold what was to go.
 *
 * Lost when the process ends; the entries' own life is then the bound.
 */
export class Outbox {
  readonly #pending = new Map<string, Pending>();
  readonly #replay: Replay;
  #everything: PendingEverything | undefined;
  #retryMs = FIRST_RETRY_MS;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(replay: Replay) {
    this.#replay = replay;
  }

  /** Keys that wait; `Infinity` when the whole region does. */
  get size(): number {
    return this.isClearing ? Infinity : this.#pending.size;
  }

  /** Whether the whole region waits, and what is written now goes with it. */
  get isClearing(): boolean {
    return this.#everything !== undefined;
  }

  /** The lowest level that cannot be trusted with this key, −1 when all can. */
  levelOf(key: string): number {
    const everything = this.#everything?.level ?? -1;
    return this.#pending.size === 0 ? everything : Math.max(everything, this.#pending.get(key)?.level ?? -1);
  }

  add(keys: readonly string[], level: number): void {
    if (this.#pending.size + keys.length > MAX_PENDING) {
      let lowest = level;
      for (const pending of this.#pending.values()) lowest = Math.max(lowest, pending.level);
      this.addEverything(lowest);
      return;
    }
    for (const key of keys) {
      this.#pending.set(key, { level: Math.max(level, this.#pending.get(key)?.level ?? -1) });
    }
    this.#schedule();
  }

  /** What waits for these keys; for {@link settle}. */
  waiting(keys: readonly string[]): ReadonlyMap<string, Pending> {
    const waiting = new Map<string, Pending>();
    if (this.#pending.size === 0) return waiting;
    for (const key of keys) {
      const pending = this.#pending.get(key);
      if (pending !== undefined) waiting.set(key, pending);
    }
    return waiting;
  }

  /** Every level has something newer by now; what was added since {@link waiting} stays. */
  settle(waiting: ReadonlyMap<string, Pending>): void {
    for (const [key, pending] of waiting) if (this.#pending.get(key) === pending) this.#pending.delete(key);
  }

  addEverything(level: number): void {
    this.#everything = { level: Math.max(level, this.#everything?.level ?? -1), isTried: false };
    this.#pending.clear();
    this.#schedule();
  }

  /** One attempt, now. @returns whether nothing is left. */
  async flush(): Promise<boolean> {
    this.#running ??= this.#attempt().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
    return this.size === 0;
  }

  /** No attempt after this one. */
  async close(): Promise<boolean> {
    this.#closed = true;
    clearTimeout(this.#timer);
    return this.size === 0 || this.flush();
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined || this.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.flush().then((empty) => {
        this.#retryMs = empty ? FIRST_RETRY_MS : Math.min(this.#retryMs * 2, LAST_RETRY_MS);
        this.#schedule();
      });
    }, this.#retryMs);
    this.#timer.unref();
  }

  async #attempt(): Promise<void> {
    const everything = this.#everything;
    if (everything !== undefined) {
      const again = everything.isTried;
      everything.isTried = true;
      everything.level = await this.#replay.everything(everything.level, again);
      if (everything.level >= 0) return;
      if (this.#everything === everything) this.#everything = undefined;
    }
    for (const [level, entries] of this.#byLevel()) {
      for (let start = 0; start < entries.length; start += REPLAY_BATCH) {
        // Some may have been settled during the batches before.
        const batch = new Map(
          entries
            .slice(start, start + REPLAY_BATCH)
            .filter(([key, pending]) => this.#pending.get(key) === pending),
        );
        if (batch.size > 0 && !(await this.#replay.keys([...batch.keys()], level))) return;
        // A deletion of the same key that failed while this one ran is another object, and stays.
        this.settle(batch);
      }
    }
  }

  #byLevel(): Map<number, [string, Pending][]> {
    const byLevel = new Map<number, [string, Pending][]>();
    for (const entry of this.#pending) {
      const entries = byLevel.get(entry[1].level);
      if (entries === undefined) byLevel.set(entry[1].level, [entry]);
      else entries.push(entry);
    }
    return byLevel;
  }
}
