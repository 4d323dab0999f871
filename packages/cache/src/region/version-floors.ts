/** Keys kept; past it the oldest go. */
const MAX_FLOORS = 10_000;

/** Of one key; until when, in ms since the epoch. */
export interface Floor {
  readonly version: number;
  readonly until: number;
}

/** The versions that this process knows of and some level does not: what is older is not to be kept. */
export class VersionFloors {
  readonly #floors = new Map<string, Floor>();

  set(key: string, version: number, until: number): void {
    const before = this.#floors.get(key);
    // Anew, so that the order is that of the latest.
    this.#floors.delete(key);
    this.#floors.set(key, {
      version: Math.max(version, before?.version ?? 0),
      until: Math.max(until, before?.until ?? 0),
    });
    if (this.#floors.size <= MAX_FLOORS) return;
    for (const oldest of this.#floors.keys()) {
      this.#floors.delete(oldest);
      return;
    }
  }

  /** @returns `undefined` when none is known. */
  of(key: string, now: number): Floor | undefined {
    if (this.#floors.size === 0) return undefined;
    const floor = this.#floors.get(key);
    if (floor === undefined || floor.until > now) return floor;
    this.#floors.delete(key);
    return undefined;
  }
}
