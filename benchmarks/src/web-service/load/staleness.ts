/**
 * Finds reads that are older than they may be. A change that was acknowledged is to be seen by every read that is sent later
 * than the time which a message to the other processes may take:
 *
 *   PUT a   ├────┤
 *   PUT b            ├────┤·······propagation·······┤
 *   GET                                               ├──┤   answered with a, or with what was there before: stale
 *
 * Writes that overlap may take effect in either order: a value is held to be older than another only when it had been
 * acknowledged before the other was sent. What is found is thus stale for sure.
 */

/** A write, timed by the clock of whoever sends it. */
interface Write {
  readonly sentMs: number;
  /** `Infinity` until it is acknowledged; one that failed may yet take effect. */
  acknowledgedMs: number;
}

export class WriteHistory {
  readonly #propagationMs: number;
  /** By key, then by the value written. */
  readonly #writes = new Map<number, Map<string, Write>>();

  constructor(propagationMs: number) {
    this.#propagationMs = propagationMs;
  }

  /** Whether a read of this key can be judged. */
  has(key: number): boolean {
    return this.#writes.has(key);
  }

  /** Call it before the write is sent. @param value written but once. */
  sent(key: number, value: string, nowMs: number): void {
    let writes = this.#writes.get(key);
    if (writes === undefined) this.#writes.set(key, (writes = new Map()));
    writes.set(value, { sentMs: nowMs, acknowledgedMs: Infinity });
  }

  acknowledged(key: number, value: string, nowMs: number): void {
    const write = this.#writes.get(key)?.get(value);
    if (write !== undefined) write.acknowledgedMs = nowMs;
  }

  /** Whether a read that was sent at `sentMs` should have seen a newer value. O(writes of the key). */
  isStale(key: number, value: string, sentMs: number): boolean {
    const writes = this.#writes.get(key);
    if (writes === undefined) return false;
    // A value from before the first write is older than each.
    const lastMs = writes.get(value)?.acknowledgedMs ?? -Infinity;
    for (const write of writes.values()) {
      if (write.sentMs > lastMs && write.acknowledgedMs + this.#propagationMs < sentMs) return true;
    }
    return false;
  }
}
