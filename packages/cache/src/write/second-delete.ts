/** Deletions that wait; past it those that wait are made at once. */
const MAX_WAITING = 10_000;

/** Deletes keys once more after a while: what a load from a replica that lagged behind stored in between goes then. */
export class SecondDelete {
  readonly delayMs: number;
  readonly #delete: (keys: readonly string[]) => Promise<unknown>;
  /** When each is due. Keys are in the order of their time, because all wait equally long. */
  readonly #due = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Deletions under way. */
  #running: Promise<unknown> = Promise.resolve();

  constructor(delayMs: number, deleteKeys: (keys: readonly string[]) => Promise<unknown>) {
    this.delayMs = delayMs;
    this.#delete = deleteKeys;
  }

  get size(): number {
    return this.#due.size;
  }

  add(keys: readonly string[]): void {
    if (this.#closed) return;
    const dueAt = performance.now() + this.delayMs;
    for (const key of keys) {
      this.#due.delete(key);
      this.#due.set(key, dueAt);
    }
    if (this.#due.size > MAX_WAITING) void this.#run(Infinity);
    else this.#schedule();
  }

  /** Makes those that wait now, and waits for those under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#run(Infinity);
  }

  #schedule(): void {
    const [first] = this.#due.values();
    if (first === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#run(performance.now()).then(() => {
          this.#schedule();
        });
      },
      Math.max(1, first - performance.now()),
    );
    this.#timer.unref();
  }

  /** Never rejects. */
  async #run(now: number): Promise<void> {
    const keys: string[] = [];
    for (const [key, dueAt] of this.#due) {
      if (dueAt > now) break;
      keys.push(key);
    }
    for (const key of keys) this.#due.delete(key);
    if (keys.length > 0) {
      // Rejects where a tier did not answer and the cache was closed meanwhile, of which there is nobody to tell.
      const deleting = this.#delete(keys).catch(() => {});
      this.#running = this.#running.then(() => deleting);
    }
    await this.#running;
  }
}
