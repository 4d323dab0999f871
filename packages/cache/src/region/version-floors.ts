/** Keys kept; past it the oldest go. */
const MAX_FLOORS = 10_000;
/** For how long what is older than a known version is kept out, in ms: longer than any replica should lag. */
export const FLOOR_MS = 60_000;

/** Of one key; until when, in ms since the epoch. */
export interface Floor {
  readonly version: number;
  readonly until: number;
}

type Floors = Map<string, Floor>;

/**
 * The versions that this process knows of, by its own writes and by what it heard: what is older is neither kept nor
 * served. A level may not know them, or be out of reach while a replica still lags.
 */
export class VersionFloors {
  readonly #known: Floors = new Map();
  /** Of which some level is yet to be told: apart, lest what others tell push them out. A key is in one of the two. */
  readonly #queued: Floors = new Map();

  get isEmpty(): boolean {
    return this.#known.size === 0 && this.#queued.size === 0;
  }

  set(key: string, version: number, until: number, now: number): void {
    const floors = this.queuedOf(key, now) === undefined ? this.#known : this.#queued;
    keep(floors, key, version, until, live(floors, key, now));
  }

  /** As `set`, for a version that some level has not confirmed. */
  queue(key: string, version: number, until: number, now: number): void {
    const before = this.of(key, now);
    this.#known.delete(key);
    keep(this.#queued, key, version, until, before);
  }

  /** Every level has this version by now. */
  told(key: string, version: number): void {
    const floor = this.#queued.get(key);
    if (floor === undefined || floor.version > version) return;
    this.#queued.delete(key);
    keep(this.#known, key, floor.version, floor.until, undefined);
  }

  /** @returns `undefined` when none is known. */
  of(key: string, now: number): Floor | undefined {
    return live(this.#queued, key, now) ?? live(this.#known, key, now);
  }

  /** As `of`, when some level is yet to be told. */
  queuedOf(key: string, now: number): Floor | undefined {
    return live(this.#queued, key, now);
  }
}

function live(floors: Floors, key: string, now: number): Floor | undefined {
  if (floors.size === 0) return undefined;
  const floor = floors.get(key);
  if (floor === undefined || floor.until > now) return floor;
  floors.delete(key);
  return undefined;
}

function keep(floors: Floors, key: string, version: number, until: number, before: Floor | undefined): void {
  // Anew, so that the order is that of the latest.
  floors.delete(key);
  floors.set(key, {
    version: Math.max(version, before?.version ?? 0),
    until: Math.max(until, before?.until ?? 0),
  });
  if (floors.size <= MAX_FLOORS) return;
  for (const oldest of floors.keys()) {
    floors.delete(oldest);
    return;
  }
}
