interface Waiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignal | undefined;
  onAbort: (() => void) | undefined;
}

/** Promises that wait for a position to be reached, oldest first; their positions never decrease. */
export class Waiters {
  #waiters: Waiter[] = [];

  get count(): number {
    return this.#waiters.length;
  }

  /** The nearest position waited for; Infinity when nobody waits. */
  get firstPosition(): number {
    return this.#waiters[0]?.position ?? Infinity;
  }

  /** The farthest position waited for; −1 when nobody waits. */
  get lastPosition(): number {
    return this.#waiters.at(-1)?.position ?? -1;
  }

  /** Rejects with the signal's reason when it aborts first; the listener goes with the wait, however that ends. */
  wait(position: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { position, resolve, reject, signal, onAbort: undefined };
      if (signal !== undefined) {
        waiter.onAbort = () => {
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
          detach(waiter);
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the signal's own reason, whatever it is
          reject(signal.reason);
        };
        signal.addEventListener('abort', waiter.onAbort);
      }
      this.#waiters.push(waiter);
    });
  }

  /** Resolves everybody who waits for this position or a nearer one. */
  reach(position: number): void {
    let count = 0;
    for (const waiter of this.#waiters) {
      if (waiter.position > position) break;
      count++;
      detach(waiter);
      waiter.resolve();
    }
    if (count > 0) this.#waiters.splice(0, count);
  }

  /** Rejects everybody who waits for more than `position`; −1 for all. */
  failBeyond(position: number, error: unknown): void {
    const failed = this.#waiters.filter((waiter) => waiter.position > position);
    if (failed.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.position <= position);
    for (const waiter of failed) {
      detach(waiter);
      waiter.reject(error);
    }
  }
}

function detach(waiter: Waiter): void {
  if (waiter.onAbort !== undefined) waiter.signal?.removeEventListener('abort', waiter.onAbort);
}
