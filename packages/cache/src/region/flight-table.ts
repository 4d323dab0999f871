import type { TierEntry } from '../tier.ts';
import { Flight, type FlightParts } from './flight.ts';

/**
 * The flights of one region, by key: reads, which those who ask later may join, and refreshes, which load ahead of, or
 * after, the end of a value that is still served.
 */
export class FlightTable<Id> {
  readonly #parts: FlightParts<Id>;
  readonly #reads = new Map<string, Flight<Id>>();
  readonly #refreshes = new Map<string, Flight<Id>>();
  readonly #landRead = (flight: Flight<Id>): void => {
    if (this.#reads.get(flight.key) === flight) this.#reads.delete(flight.key);
  };
  readonly #landRefresh = (flight: Flight<Id>): void => {
    if (this.#refreshes.get(flight.key) === flight) this.#refreshes.delete(flight.key);
  };

  constructor(parts: FlightParts<Id>) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#reads.size + this.#refreshes.size;
  }

  has(key: string): boolean {
    return this.#reads.has(key) || this.#refreshes.has(key);
  }

  readOf(key: string): Flight<Id> | undefined {
    return this.#reads.get(key);
  }

  refreshOf(key: string): Flight<Id> | undefined {
    return this.#refreshes.get(key);
  }

  /** Starts a read; `previous` is what memory has, if it is no longer fresh. @returns what {@link Flight.start} does. */
  read(key: string, id: Id, previous: TierEntry | undefined): Promise<unknown> {
    const flight = new Flight<Id>(this.#parts, key, id);
    this.#reads.set(key, flight);
    return flight.start(previous, false, this.#landRead);
  }

  /** Starts a refresh, for which no fresher than `freshBeyond` is no find: by default, than what there is. */
  refresh(key: string, id: Id, previous: TierEntry | undefined, freshBeyond?: number): Promise<unknown> {
    const flight = new Flight<Id>(this.#parts, key, id);
    this.#refreshes.set(key, flight);
    return flight.start(previous, true, this.#landRefresh, freshBeyond);
  }

  /** Nobody joins a flight to one of these keys any more, and what it finds is kept by nobody. */
  forget(keys: readonly string[]): void {
    for (const key of keys) {
      forget(this.#reads, key);
      forget(this.#refreshes, key);
    }
  }

  forgetAll(): void {
    for (const flight of this.#reads.values()) flight.stale = true;
    for (const flight of this.#refreshes.values()) flight.stale = true;
    this.#reads.clear();
    this.#refreshes.clear();
  }

  /** Resolves when the reads under way have settled. */
  async settled(): Promise<void> {
    await Promise.allSettled(Array.from(this.#reads.values(), (flight) => flight.promise!));
  }
}

function forget<Id>(flights: Map<string, Flight<Id>>, key: string): void {
  const flight = flights.get(key);
  if (flight === undefined) return;
  flight.stale = true;
  flights.delete(key);
}
