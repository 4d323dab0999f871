/** Told why a load failed, or nothing when it is time to look again. */
type Wake = (failure?: string) => void;

/** Reads that wait for the lease of somebody else, by its token. */
export class LeaseWaits {
  readonly #wakes = new Map<string, Set<Wake>>();
  /** Of leases of this process that are being given back. */
  readonly #over = new Set<string>();

  /** A load of this process has failed, of which its tier is being told. */
  async end(token: string, telling: Promise<void>): Promise<void> {
    this.#over.add(token);
    await telling;
    this.#over.delete(token);
  }

  /** Who meets such a lease came after the failure: it is not theirs. */
  isOver(token: string | undefined): boolean {
    return token !== undefined && this.#over.has(token);
  }

  /** @returns after `ms`, or with the failure of the load that this token is for, as soon as it is heard of. */
  wait(token: string | undefined, ms: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      const wakes = (token === undefined ? undefined : this.#wakes.get(token)) ?? new Set<Wake>();
      const wake: Wake = (failure) => {
        clearTimeout(timer);
        wakes.delete(wake);
        if (token !== undefined && wakes.size === 0) this.#wakes.delete(token);
        resolve(failure);
      };
      const timer = setTimeout(wake, ms);
      wakes.add(wake);
      if (token !== undefined) this.#wakes.set(token, wakes);
    });
  }

  failed(token: string, failure: string): void {
    for (const wake of this.#wakes.get(token) ?? []) wake(failure);
  }
}
