/** Addresses of an arena lie below: the low 32 bits of a handle. */
export const EPOCH_STRIDE: number = 2 ** 32;

/** Numbers of epochs are 21 bits, what is left of a double's 53, and begin again after that. */
const EPOCH_MASK = 2 ** 21 - 1;

/** Counted over all arenas of the thread, so that a handle of one is stale in every other. */
let lastEpoch = 0;

/** A new epoch: what its handles have above their address. */
export function nextEpoch(): number {
  return (lastEpoch = (lastEpoch + 1) & EPOCH_MASK) * EPOCH_STRIDE;
}

/** A place in an arena: addresses of chunks are in no order, so the chunk's number comes first. */
export interface Place {
  readonly chunkIndex: number;
  readonly offset: number;
}

interface Epoch {
  readonly base: number;
  /** Where what is left of it begins and ends. */
  readonly start: Place;
  end: Place;
}

/**
 * The epochs that were ended by a rewind and of which allocations are left, oldest first; their ranges follow one another.
 *
 *     ├── epoch 7 ──┼──── epoch 9 ────┼── current epoch, 12 ──▶
 *     0             start of 9 = end of 7
 *
 * A rewind into an epoch cuts it and drops the later ones, so what stays is never longer than the allocations that stay.
 */
export class PastEpochs {
  readonly #epochs: Epoch[] = [];

  /** Where the current epoch begins. */
  get end(): Place {
    return this.#epochs.at(-1)?.end ?? ORIGIN;
  }

  clear(): void {
    this.#epochs.length = 0;
  }

  /** Ends the epoch of `base`, by a rewind to `place`. */
  rewind(base: number, place: Place): void {
    this.#epochs.push({ base, start: this.end, end: place });
    // An epoch that begins at or behind the place has nothing left.
    while (this.#epochs.length > 0 && !isBefore(this.#epochs.at(-1)!.start, place)) this.#epochs.pop();
    const last = this.#epochs.at(-1);
    if (last !== undefined && isBefore(place, last.end)) last.end = place;
  }

  /** Whether a handle of the epoch of `base` that points to `place` is one of what is left. */
  isLive(base: number, place: Place): boolean {
    const epoch = this.#epochs.find((past) => past.base === base);
    return epoch !== undefined && !isBefore(place, epoch.start) && isBefore(place, epoch.end);
  }
}

const ORIGIN: Place = { chunkIndex: 0, offset: 0 };

function isBefore(a: Place, b: Place): boolean {
  return a.chunkIndex === b.chunkIndex ? a.offset < b.offset : a.chunkIndex < b.chunkIndex;
}
