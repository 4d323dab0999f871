/** Keys kept; past it the oldest go. */
const MAX_FLOORS = 10_000;
/** For how long what is older than a known version is kept out, in ms: longer than any replica should lag. */
export const FLOOR_MS = 60_000;

/** Of one key; until when, in ms since the epoch. */
export interface Floor {
  readonly version: number;
  readonly until: number;
  /** Some level is yet to be told. */
  isQueued: boolean;
}

/**
 * The versions that this process knows of, by its own writes and by what it heard: what is older is neither kept nor
 * served. A level may not know them, or be out of reach while a replica still lags.
 */
export class VersionFloors {
  readonly #floors = new Map<string, Floor>();

  set(key: string, version: number, until: number): void {
    this.#set(key, version, until, false);
  }

  /** As `set`, for a version that some level has not confirmed. */
  queue(key: string, version: number, until: number): void {
    this.#set(key, version, until, true);
  }

  /** @returns `undefined` when none is known. */
  of(key: string, now: number): Floor | undefined {
    if (this.#floors.size === 0) return undefined;
    const floor = this.#floors.get(key);
    if (floor === undefined || floor.until > now) return floor;
    this.#floors.delete(key);
    return undefined;
  }

  /** As `of`, when some level is yet to be told. */
  queuedOf(key: string, now: number): Floor | undefined {
    const floor = this.of(key, now);
    return floor?.isQueued === true ? floor : undefined;
  }

  #set(key: string, version: number, until: number, isQueued: boolean): void {
    const before = this.#floors.get(key);
    // Anew, so that the order is that of the latest.
    this.#floors.delete(key);
    this.#floors.set(key, {
      version: Math.max(version, before?.version ?? 0),
      until: Math.max(until, before?.until ?? 0),
      isQueued: isQueued || before?.isQueued === true,
    });
    if (this.#floors.size <= MAX_FLOORS) return;
    for (const oldest of this.#floors.keys()) {
      this.#floors.delete(oldest);
      return;
    }
  }
}
