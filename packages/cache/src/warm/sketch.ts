/** One read of so many is counted, so that a hit in memory stays cheap. */
export const SAMPLE = 16;

/** A key, and how often it was seen at most. */
export interface HotKey {
  readonly key: string;
  readonly count: number;
}

/**
 * The keys seen most often, in bounded memory.
 *
 * Space-Saving (Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements in Data Streams, ICDT
 * 2005): a key that is not among the `capacity` counted takes the place, and the count, of the least counted one. Each
 * count is at most the sum of all ÷ capacity too high; a key seen more often than that is always there. Finding the
 * least takes time in proportion to the capacity, on new keys only.
 */
export class SpaceSaving {
  readonly #capacity: number;
  readonly #counts = new Map<string, number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(key: string, times: number = 1): void {
    const count = this.#counts.get(key);
    if (count !== undefined || this.#counts.size < this.#capacity) {
      this.#counts.set(key, (count ?? 0) + times);
      return;
    }
    let least = Infinity;
    let victim = '';
    for (const [other, otherCount] of this.#counts) {
      if (otherCount >= least) continue;
      least = otherCount;
      victim = other;
      if (least === 0) break;
    }
    this.#counts.delete(victim);
    this.#counts.set(key, least + times);
  }

  /** The most often seen first. */
  top(limit: number = this.#capacity): HotKey[] {
    return Array.from(this.#counts, ([key, count]) => ({ key, count }))
      .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1))
      .slice(0, limit);
  }

  /** Forgets half of each count, so that what was hot once does not stay so for ever. */
  halve(): void {
    for (const [key, count] of this.#counts) {
      if (count > 1) this.#counts.set(key, count >> 1);
      else this.#counts.delete(key);
    }
  }
}
