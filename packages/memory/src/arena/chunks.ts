import { checkInteger } from '../check.ts';
import { CapacityError, HeapCorruptionError } from '../errors.ts';
import { POISON, firstOther } from '../heap/poison.ts';
import { heap, isDebugMode } from '../heap/process-heap.ts';
import { type Chunk, chunkOf } from './arena-memory.ts';
import { CHUNK_BYTES_MAX, type ResolvedArenaOptions } from './arena-options.ts';

/**
 * The chunks of one arena, in the order in which they are filled; those behind the current one are left of an earlier
 * round.
 *
 * In the heap's debug mode what a reset or rewind frees is filled with {@link POISON}, and checked when it is allocated
 * or freed again:
 *
 *     chunk  │ allocated │ poison: nobody may write here │ never used │
 *            0          top                        poisonedBytes
 */
export class Chunks {
  /** The number of the chunk that is being filled. */
  index = 0;
  readonly isLent: boolean;
  /** Whether freed bytes are filled and checked. */
  readonly isGuarded: boolean;
  readonly #chunkBytes: number;
  readonly #maxBytes: number;
  #chunks: Chunk[] = [];
  #reservedBytes = 0;

  /** @throws ArgumentTypeError, ArgumentRangeError, ResizableBufferError when what is lent is not usable. */
  constructor({ chunkBytes, maxBytes, memory }: ResolvedArenaOptions<ArrayBufferLike>) {
    this.#chunkBytes = chunkBytes;
    this.#maxBytes = maxBytes;
    this.isLent = memory !== undefined;
    this.isGuarded = memory === undefined && isDebugMode();
    if (memory === undefined) return;
    const chunk = chunkOf(memory);
    checkInteger('memory.byteLength', chunk.sizeBytes, 0, CHUNK_BYTES_MAX);
    this.#chunks.push(chunk);
    this.#reservedBytes = chunk.sizeBytes;
  }

  get count(): number {
    return this.#chunks.length;
  }

  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** The chunk that is being filled; none before the first allocation and after release. */
  get current(): Chunk | undefined {
    return this.#chunks[this.index];
  }

  at(index: number): Chunk {
    return this.#chunks[index]!;
  }

  /** Bytes in use, when `top` of the current chunk are. */
  usedBytes(top: number): number {
    let usedBytes = top;
    for (let i = 0; i < this.index; i++) usedBytes += this.#chunks[i]!.usedBytes;
    return usedBytes;
  }

  /**
   * Goes on to a chunk that has room, from the current one of which `top` bytes are used: the next one, if an earlier
   * round left one that suffices, else a new one.
   *
   * @throws CapacityError when the limit, or the lent memory, is used up; HeapExhaustedError when the heap is.
   */
  advance(sizeBytes: number, top: number): Chunk {
    const nextIndex = this.#chunks.length === 0 ? 0 : this.index + 1;
    const next = this.#chunks[nextIndex];
    if (next === undefined || next.sizeBytes < sizeBytes) this.#insert(nextIndex, sizeBytes);
    if (nextIndex > 0) this.#chunks[this.index]!.usedBytes = top;
    this.index = nextIndex;
    return this.#chunks[nextIndex]!;
  }

  /** The number of the chunk in use that `address` lies in, or −1. */
  find(address: number): number {
    for (let i = Math.min(this.index, this.#chunks.length - 1); i >= 0; i--) {
      const { start, sizeBytes } = this.#chunks[i]!;
      if (address >= start && address < start + sizeBytes) return i;
    }
    return -1;
  }

  /** Bytes that are allocated from `address` on in its chunk, when `top` of the current one are; 0 outside. */
  allocatedFrom(address: number, top: number): number {
    const index = this.find(address);
    if (index < 0) return 0;
    const { start, usedBytes } = this.#chunks[index]!;
    return Math.max(0, start + (index === this.index ? top : usedBytes) - address);
  }

  /** Gives back the chunks behind the current one; returns their bytes. */
  trim(): number {
    if (this.isLent) return 0;
    let freedBytes = 0;
    for (const chunk of this.#chunks.splice(this.index + 1)) {
      freedBytes += chunk.sizeBytes;
      heap().free(chunk.start);
    }
    this.#reservedBytes -= freedBytes;
    return freedBytes;
  }

  /** Gives all of them back. */
  release(): void {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.index = 0;
    this.#reservedBytes = 0;
    if (!this.isLent) for (const { start } of chunks) heap().free(start);
  }

  /**
   * Only guarded: fills what a reset or rewind to `offset` of chunk `index` freed, up to `top` of chunk `last`.
   *
   * @throws HeapCorruptionError as {@link Chunks.checkPoison}, when all is filled.
   */
  poison(index: number, offset: number, last: number, top: number): void {
    let fault: HeapCorruptionError | undefined;
    for (let i = index; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!;
      const from = i === index ? offset : 0;
      const usedBytes = i > last ? 0 : i === last ? top : chunk.usedBytes;
      fault ??= faultIn(chunk, Math.max(usedBytes, from), chunk.poisonedBytes);
      const end = Math.max(usedBytes, chunk.poisonedBytes);
      if (end > from) heap().fill(chunk.start + from, end - from, POISON);
      chunk.poisonedBytes = end;
    }
    if (fault !== undefined) throw fault;
  }

  /**
   * Only guarded: checks that nobody wrote to what is freed of `[from, to)` of the current chunk.
   *
   * @throws HeapCorruptionError naming the place, once.
   */
  checkPoison(from: number, to: number): void {
    const chunk = this.#chunks[this.index]!;
    const end = Math.min(to, chunk.poisonedBytes);
    const fault = faultIn(chunk, from, end);
    if (fault === undefined) return;
    heap().fill(chunk.start + from, end - from, POISON);
    throw fault;
  }

  #insert(index: number, sizeBytes: number): void {
    // The last chunk is as large as the limit leaves it.
    const chunkBytes = Math.max(sizeBytes, Math.min(this.#chunkBytes, this.#maxBytes - this.#reservedBytes));
    const totalBytes = this.#reservedBytes + chunkBytes;
    if (this.isLent || totalBytes > this.#maxBytes || chunkBytes > CHUNK_BYTES_MAX) {
      const limit = this.isLent ? 'the lent memory' : `maxBytes, ${this.#maxBytes}`;
      throw new CapacityError(
        `The arena has no room for ${sizeBytes} bytes: ${this.#reservedBytes} of ${limit} are taken`,
      );
    }
    const start = heap().allocate(chunkBytes);
    this.#chunks.splice(index, 0, { start, sizeBytes: chunkBytes, usedBytes: 0, poisonedBytes: 0 });
    this.#reservedBytes = totalBytes;
  }
}

function faultIn({ start }: Chunk, from: number, to: number): HeapCorruptionError | undefined {
  const at = firstOther(new Uint8Array(heap().memory.buffer), POISON, start + from, start + to);
  if (at < 0) return undefined;
  return new HeapCorruptionError(
    `Memory of an arena was written to after a reset or rewind freed it: ${at - start} bytes from the start of its chunk, at ${at} in the heap`,
  );
}
