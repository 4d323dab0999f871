import { Buffer } from 'node:buffer';
import { ROPE_UNITS } from './flush-policy.ts';

/** Most bytes of UTF-8 that one UTF-16 unit can become; a pair of units becomes 4, which is less than 2 × 3. */
export const MAX_BYTES_PER_UNIT = 3;

/** A slab must hold at least a full rope in the worst case, and small ones would only cost more system calls. */
const MIN_SLAB_BYTES = 64 * 1024;
/** Free slabs kept for reuse: one fills while one is written, the others even out bursts. */
const MAX_FREE_SLABS = 4;

/**
 * A free list of equal off-heap buffers. `allocUnsafeSlow` gives each its own memory, outside of the heap that the
 * garbage collector walks, and reuse saves the page faults of touching fresh memory.
 */
export class SlabPool {
  readonly slabBytes: number;
  readonly #free: Buffer[] = [];

  constructor(flushBytes: number) {
    // The room for one more rope lets a slab reach flushBytes before it must be sealed.
    this.slabBytes = Math.max(MIN_SLAB_BYTES, flushBytes + ROPE_UNITS * MAX_BYTES_PER_UNIT);
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.slabBytes);
  }

  give(slab: Buffer): void {
    if (this.#free.length < MAX_FREE_SLABS) this.#free.push(slab);
  }
}
