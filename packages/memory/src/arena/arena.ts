import { BufferDetachedError } from '../bytes/errors.ts';
import { isBytes } from '../bytes/store.ts';
import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError, CapacityError, DisposedError } from '../errors.ts';
import { ELEMENT_SIZE_BYTES, type ElementType, type TypedArrayOf, viewOf } from '../heap/element-type.ts';
import { heap } from '../heap/process-heap.ts';
import type { BorrowedMemory } from '../heap/borrowed-memory.ts';
import { type Chunk, chunkOf, ElementViews, viewsOfHeap } from './arena-memory.ts';
import { WholeArrays } from './whole-arrays.ts';
import { EPOCH_STRIDE, nextEpoch, PastEpochs, type Place } from './epochs.ts';
import { StaleHandleError } from './errors.ts';
import { InternedTexts } from './interned-texts.ts';

declare const HANDLE: unique symbol;

/**
 * What an allocation of an arena is known by: a number, so that neither an object nor a view is made. Its low 32 bits are
 * the address, the rest says when it was allocated; that is how a stale one is told.
 */
export type ArenaHandle = number & { readonly [HANDLE]: true };

/** Settings of an arena. */
export interface ArenaOptions<B extends ArrayBufferLike = SharedArrayBuffer> {
  /** Size of a chunk, by which the arena grows; 1 KiB to 1 GiB, 64 KiB by default. A larger request gets one of its own. */
  readonly chunkBytes?: number | undefined;
  /** The most that all chunks may take together; 256 MiB by default. */
  readonly maxBytes?: number | undefined;
  /** Memory that the caller lends, instead of the heap's: the arena cannot grow then, and the two sizes mean nothing. */
  readonly memory?: BorrowedMemory<B> | undefined;
}

/** What an arena holds, at one moment. */
export interface ArenaStats {
  /** Bytes of the allocations, with what alignment and the ends of chunks waste. */
  readonly usedBytes: number;
  /** Bytes of all chunks. */
  readonly reservedBytes: number;
  readonly chunkCount: number;
  /** Strings interned since the last reset and not rewound. */
  readonly internedCount: number;
}

/** A point to which an arena can be rewound. */
export interface ArenaMark {
  /** How many marks were set before it. */
  readonly depth: number;
}

interface Mark extends ArenaMark, Place {
  readonly internedCount: number;
}

const DEFAULT_CHUNK_BYTES = 65_536;
const MINIMUM_CHUNK_BYTES = 1024;
const DEFAULT_MAX_BYTES = 2 ** 28;
/** Offsets inside a chunk stay below 2^31, where V8 computes with plain integers. */
const CHUNK_BYTES_MAX = 2 ** 30;
/** The widest alignment: a cache line. */
const ALIGNMENT_MAX = 64;
const DEFAULT_ALIGNMENT = 8;
/** The length in front of an interned string. */
const TEXT_HEADER_BYTES = 4;

/**
 * Many allocations of any size, freed all at once: a pointer is moved, nothing else.
 *
 *     chunk 0 ┌────┬──────────┬───┬─────┐   chunk 1 ┌───────┬─────────────┐
 *             │ a  │    b     │ c │ ··· │           │   d   │    free     │
 *             └────┴──────────┴───┴─────┘           └───────┴─────────────┘
 *                                  waste                    top
 *
 * **Handles and views.** `allocate` returns a handle, a number: 10 to 20 ns. Turn it into an index with `offsetOf` or
 * `indexOf` and work on the arena's whole arrays (`arena.f64[i]`). `allocateView` makes a typed array: about 100 ns.
 *
 * **Lifetime.** `reset` frees everything and keeps the chunks, `rewind` what came after a mark. A handle from before is
 * refused by every method that takes handles (one kept over exactly 2,097,152 resets would slip through); views and
 * indexes are raw memory and not checked. The memory is not cleared: it shows what the arena's last user left.
 *
 * **Memory.** The process's shared heap, so release the arena or use `withArena`; or memory that you lend. Read the
 * arrays (`arena.f64`) after allocating, as growth replaces them; the old ones stay valid for what was there.
 *
 * @example
 * const arena = new Arena();
 * const point = arena.allocate(24);
 * const i = arena.indexOf('f64', point);
 * arena.f64[i] = 1.5;
 * arena.reset();
 */
export class Arena<B extends ArrayBufferLike = SharedArrayBuffer> extends WholeArrays<B> {
  /** Number of the epoch: the high part of the handles given out now. An integer, since a field of doubles is boxed. */
  #epoch: number = nextEpoch();
  /** Address of the current chunk; offsets below count from here. */
  #start = 0;
  #top = 0;
  /** Bytes of the current chunk: 0 without one, so that the first allocation takes the slow path. */
  #size = 0;
  #chunks: Chunk[] = [];
  #chunkIndex = 0;
  #reservedBytes = 0;
  #isReleased = false;
  readonly #isBorrowed: boolean;
  readonly #chunkBytes: number;
  readonly #maxBytes: number;
  readonly #past = new PastEpochs();
  readonly #marks: Mark[] = [];
  readonly #texts = new InternedTexts<ArenaHandle>();

  /**
   * @throws ArgumentTypeError, ArgumentRangeError when an option is invalid.
   * @throws ResizableBufferError when the lent buffer can be resized.
   */
  constructor(options: ArenaOptions<B> = {}) {
    if (typeof options !== 'object' || options === null) {
      throw new ArgumentTypeError(`options: expected an object, got ${describe(options)}`);
    }
    super();
    const { memory, chunkBytes = DEFAULT_CHUNK_BYTES, maxBytes = DEFAULT_MAX_BYTES } = options;
    checkInteger('chunkBytes', chunkBytes, MINIMUM_CHUNK_BYTES, CHUNK_BYTES_MAX);
    checkInteger('maxBytes', maxBytes, MINIMUM_CHUNK_BYTES, EPOCH_STRIDE);
    this.#chunkBytes = Math.min(chunkBytes, maxBytes);
    this.#maxBytes = maxBytes;
    this.#isBorrowed = memory !== undefined;
    if (memory === undefined) this.views = viewsOfHeap() as ElementViews<ArrayBufferLike> as ElementViews<B>;
    else {
      const chunk = chunkOf(memory);
      checkInteger('memory.byteLength', chunk.sizeBytes, 0, CHUNK_BYTES_MAX);
      this.views = new ElementViews(memory.buffer);
      this.#chunks.push(chunk);
      this.#reservedBytes = chunk.sizeBytes;
      this.enter(0);
    }
  }

  /**
   * Allocates `sizeBytes` bytes. O(1), no object is made. The content is unspecified.
   *
   * @param alignment a power of two up to 64.
   * @throws ArgumentTypeError, ArgumentRangeError when an argument is no such integer.
   * @throws CapacityError when `maxBytes`, or the lent memory, is used up.
   * @throws DisposedError after release.
   */
  allocate(sizeBytes: number, alignment: number = DEFAULT_ALIGNMENT): ArenaHandle {
    // Short enough that V8 inlines it several times into one function: a handle that is returned is boxed.
    const at = (this.#top + DEFAULT_ALIGNMENT - 1) & -DEFAULT_ALIGNMENT;
    const end = at + sizeBytes;
    if (
      end <= this.#size &&
      (sizeBytes | 0) === sizeBytes &&
      sizeBytes > 0 &&
      alignment === DEFAULT_ALIGNMENT
    ) {
      this.#top = end;
      return (this.#epoch * EPOCH_STRIDE + this.#start + at) as ArenaHandle;
    }
    // The sum tells V8 that this, too, is a number, so that no handle is boxed.
    return (this.allocateSlow(sizeBytes, alignment) + 0) as ArenaHandle;
  }

  /** Allocates `count` elements of `type`. @throws as {@link Arena.allocate}. */
  allocateOf(type: ElementType, count: number): ArenaHandle {
    const elementBytes = ELEMENT_SIZE_BYTES[type];
    if (elementBytes === undefined) badType(type);
    checkInteger('count', count, 0, CHUNK_BYTES_MAX / elementBytes);
    return this.allocate(count * elementBytes);
  }

  /**
   * Allocates `count` elements of `type` and makes a typed array of them: about 100 ns more than a handle. The view is raw
   * memory: after a reset it aliases what is allocated next.
   *
   * @throws as {@link Arena.allocate}.
   */
  allocateView<T extends ElementType>(type: T, count: number): TypedArrayOf<T, B> {
    const address = this.allocateOf(type, count) - this.#epoch * EPOCH_STRIDE;
    this.checkAttached();
    return viewOf(type, this.views.u8.buffer, address, count);
  }

  /**
   * Index of the handle's first byte in {@link Arena.u8}.
   *
   * @throws StaleHandleError when the handle was freed by a reset or rewind, or comes from another arena.
   */
  offsetOf(handle: ArenaHandle): number {
    const address = handle - this.#epoch * EPOCH_STRIDE;
    // The shift changes no value; it makes an integer of it, which typed arrays take without boxing.
    return address >= 0 && address < EPOCH_STRIDE ? address >>> 0 : this.olderOffset(handle) >>> 0;
  }

  /**
   * Index of the handle's first element in the array of `type`.
   *
   * @throws StaleHandleError as {@link Arena.offsetOf}.
   * @throws ArgumentRangeError when the handle is not aligned to the type.
   */
  indexOf(type: ElementType, handle: ArenaHandle): number {
    const elementBytes = ELEMENT_SIZE_BYTES[type];
    if (elementBytes === undefined) badType(type);
    const index = this.offsetOf(handle) / elementBytes;
    if (Math.floor(index) === index) return index;
    throw new ArgumentRangeError(`handle: expected one aligned to ${type}, ${elementBytes} bytes`);
  }

  /**
   * A typed array of `count` elements from the handle on. It must lie inside what is allocated of its chunk.
   *
   * @throws StaleHandleError as {@link Arena.offsetOf}.
   * @throws ArgumentRangeError when it is longer than that, or the handle is not aligned.
   */
  view<T extends ElementType>(type: T, handle: ArenaHandle, count: number): TypedArrayOf<T, B> {
    const index = this.indexOf(type, handle);
    const elementBytes = ELEMENT_SIZE_BYTES[type];
    checkInteger('count', count, 0, CHUNK_BYTES_MAX);
    this.checkInside(index * elementBytes, count * elementBytes);
    return viewOf(type, this.views.u8.buffer, index * elementBytes, count);
  }

  /**
   * Sets `sizeBytes` bytes from the handle on to `byte`: on the heap by the machine's memset, 25 times as fast as
   * `fill` of a view of it.
   *
   * @throws StaleHandleError, ArgumentRangeError as {@link Arena.view}.
   */
  fill(handle: ArenaHandle, sizeBytes: number, byte = 0): void {
    const from = this.offsetOf(handle);
    checkInteger('byte', byte, 0, 255);
    this.checkInside(from, sizeBytes);
    if (this.#isBorrowed) this.views.u8.fill(byte, from, from + sizeBytes);
    else heap().fill(from, sizeBytes, byte);
  }

  /**
   * Copies `source` to where the handle points.
   *
   * @throws ArgumentTypeError when `source` is no Uint8Array.
   * @throws StaleHandleError, ArgumentRangeError as {@link Arena.view}.
   */
  write(handle: ArenaHandle, source: Uint8Array): void {
    if (!isBytes(source)) {
      throw new ArgumentTypeError(`source: expected a Uint8Array, got ${describe(source)}`);
    }
    const from = this.offsetOf(handle);
    this.checkInside(from, source.length);
    this.views.u8.set(source, from);
  }

  /**
   * Stores `text` as UTF-8, once: an equal string gives the same handle until a reset, or a rewind to before it came.
   *
   * @throws ArgumentTypeError when `text` is not a string.
   * @throws CapacityError, DisposedError as {@link Arena.allocate}.
   */
  intern(text: string): ArenaHandle {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (typeof text !== 'string') {
      throw new ArgumentTypeError(`text: expected a string, got ${describe(text)}`);
    }
    const sizeBytes = Buffer.byteLength(text);
    const handle = this.allocate(TEXT_HEADER_BYTES + sizeBytes);
    const address = handle - this.#epoch * EPOCH_STRIDE;
    this.checkAttached();
    this.views.u32[address / TEXT_HEADER_BYTES] = sizeBytes;
    this.views.buffer.write(text, address + TEXT_HEADER_BYTES, 'utf8');
    this.#texts.add(text, handle);
    return handle;
  }

  /**
   * The string that {@link Arena.intern} stored.
   *
   * @throws StaleHandleError as {@link Arena.offsetOf}.
   * @throws ArgumentRangeError when there is no string at the handle.
   */
  text(handle: ArenaHandle): string {
    const address = this.offsetOf(handle);
    this.checkInside(address, TEXT_HEADER_BYTES);
    const sizeBytes =
      address % TEXT_HEADER_BYTES === 0 ? this.views.u32[address / TEXT_HEADER_BYTES]! : Infinity;
    const from = address + TEXT_HEADER_BYTES;
    this.checkInside(from, sizeBytes);
    return this.views.buffer.toString('utf8', from, from + sizeBytes);
  }

  /** Remembers how far the arena is filled. Valid until a reset, or a rewind to an earlier mark. */
  mark(): ArenaMark {
    this.checkLive();
    const last = this.#marks.at(-1);
    if (last?.chunkIndex === this.#chunkIndex && last.offset === this.#top) return last;
    const mark: Mark = Object.freeze({
      depth: this.#marks.length,
      chunkIndex: this.#chunkIndex,
      offset: this.#top,
      internedCount: this.#texts.count,
    });
    this.#marks.push(mark);
    return mark;
  }

  /**
   * Frees what was allocated after `mark`, which can be used again. O(strings interned since).
   *
   * @throws StaleHandleError when the mark is of another arena, or was passed by a reset or an earlier mark.
   * @throws DisposedError after release.
   */
  rewind(mark: ArenaMark): void {
    this.checkLive();
    const known = this.#marks[mark?.depth ?? -1];
    if (known === undefined || known !== mark) {
      throw new StaleHandleError(
        'mark: it is of another arena, or the arena was reset or rewound to before it',
      );
    }
    this.#marks.length = known.depth + 1;
    this.#past.rewind(this.#epoch * EPOCH_STRIDE, known);
    this.#epoch = nextEpoch();
    this.#texts.truncate(known.internedCount);
    if (this.#chunks.length > 0) this.enter(known.chunkIndex, known.offset);
  }

  /**
   * Frees all allocations and keeps the chunks. O(strings interned).
   *
   * @throws DisposedError after release.
   */
  reset(): void {
    this.checkLive();
    this.#epoch = nextEpoch();
    // Lists are cleared only when there is something in them: this runs once a request.
    if (this.#marks.length > 0) {
      this.#marks.length = 0;
      this.#past.clear();
    }
    this.#texts.clear();
    if (this.#chunkIndex > 0) this.enter(0);
    else this.#top = 0;
  }

  /**
   * Gives back the chunks behind the current one: after a reset, all but the first.
   *
   * @returns the bytes given back; 0 over lent memory.
   */
  trim(): number {
    this.checkLive();
    if (this.#isBorrowed) return 0;
    let freedBytes = 0;
    for (const chunk of this.#chunks.splice(this.#chunkIndex + 1)) {
      freedBytes += chunk.sizeBytes;
      heap().free(chunk.start);
    }
    this.#reservedBytes -= freedBytes;
    return freedBytes;
  }

  /**
   * Gives all memory back. Every later call throws.
   *
   * @throws DisposedError when it was released already.
   */
  release(): void {
    this.checkLive();
    this.#isReleased = true;
    this.#epoch = nextEpoch();
    this.#past.clear();
    this.#marks.length = 0;
    this.#texts.clear();
    this.#top = 0;
    this.#size = 0;
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#reservedBytes = 0;
    if (!this.#isBorrowed) for (const chunk of chunks) heap().free(chunk.start);
  }

  /** {@link Arena.release}, except that a released arena is left alone. */
  [Symbol.dispose](): void {
    if (!this.#isReleased) this.release();
  }

  /** What the arena holds now. O(chunks). */
  stats(): ArenaStats {
    let usedBytes = this.#top;
    for (let i = 0; i < this.#chunkIndex; i++) usedBytes += this.#chunks[i]!.usedBytes;
    return {
      usedBytes,
      reservedBytes: this.#reservedBytes,
      chunkCount: this.#chunks.length,
      internedCount: this.#texts.count,
    };
  }

  private allocateSlow(sizeBytes: number, alignment: number): ArenaHandle {
    this.checkLive();
    checkInteger('sizeBytes', sizeBytes, 0, EPOCH_STRIDE);
    checkInteger('alignment', alignment, 1, ALIGNMENT_MAX);
    if ((alignment & (alignment - 1)) !== 0) {
      throw new ArgumentRangeError(`alignment: expected a power of two up to 64, got ${alignment}`);
    }
    // An allocation of nothing takes a byte, so that what comes before and after a mark is never at one place.
    const takenBytes = Math.max(sizeBytes, 1);
    let at = (this.#top + alignment - 1) & -alignment;
    if (at + takenBytes > this.#size) {
      this.makeRoom(takenBytes);
      at = 0;
    }
    this.#top = at + takenBytes;
    return (this.#epoch * EPOCH_STRIDE + this.#start + at) as ArenaHandle;
  }

  /** Goes on to a chunk that has room: the next one, if an earlier round left one that suffices, else a new one. */
  private makeRoom(sizeBytes: number): void {
    const nextIndex = this.#chunks.length === 0 ? 0 : this.#chunkIndex + 1;
    const next = this.#chunks[nextIndex];
    if (next === undefined || next.sizeBytes < sizeBytes) {
      const chunkBytes = Math.max(this.#chunkBytes, sizeBytes);
      const totalBytes = this.#reservedBytes + chunkBytes;
      if (this.#isBorrowed || totalBytes > this.#maxBytes || chunkBytes > CHUNK_BYTES_MAX) {
        const limit = this.#isBorrowed ? 'the lent memory' : `maxBytes, ${this.#maxBytes}`;
        throw new CapacityError(
          `The arena has no room for ${sizeBytes} bytes: ${this.#reservedBytes} of ${limit} are taken`,
        );
      }
      const start = heap().allocate(chunkBytes);
      this.#chunks.splice(nextIndex, 0, { start, sizeBytes: chunkBytes, usedBytes: 0 });
      this.#reservedBytes = totalBytes;
      if (start + chunkBytes > this.views.sizeBytes) {
        this.views = viewsOfHeap() as ElementViews<ArrayBufferLike> as ElementViews<B>;
      }
    }
    if (nextIndex > 0) this.#chunks[this.#chunkIndex]!.usedBytes = this.#top;
    this.enter(nextIndex);
  }

  private enter(chunkIndex: number, offset = 0): void {
    const chunk = this.#chunks[chunkIndex]!;
    this.#chunkIndex = chunkIndex;
    this.#start = chunk.start;
    this.#size = chunk.sizeBytes;
    this.#top = offset;
  }

  /** The address in a handle that is not of the current epoch, when it is of one that is left. */
  private olderOffset(handle: number): number {
    const address = handle % EPOCH_STRIDE;
    const chunkIndex = this.chunkIndexOf(address);
    if (chunkIndex >= 0) {
      const place = { chunkIndex, offset: address - this.#chunks[chunkIndex]!.start };
      if (this.#past.isLive(handle - address, place)) return address;
    }
    if (this.#isReleased) throw new DisposedError('The arena was released');
    if (typeof handle !== 'number') {
      throw new ArgumentTypeError(`handle: expected one that allocate returned, got ${describe(handle)}`);
    }
    throw new StaleHandleError(
      'handle: the arena was reset or rewound since, or it comes from another arena',
    );
  }

  /** The chunk in use that `address` lies in, or −1. */
  private chunkIndexOf(address: number): number {
    for (let i = Math.min(this.#chunkIndex, this.#chunks.length - 1); i >= 0; i--) {
      const { start, sizeBytes } = this.#chunks[i]!;
      if (address >= start && address < start + sizeBytes) return i;
    }
    return -1;
  }

  private checkInside(address: number, sizeBytes: number): void {
    this.checkAttached();
    const offset = address - this.#start;
    if (sizeBytes >= 0 && offset >= 0 && offset + sizeBytes <= this.#top) return;
    const chunk = this.#chunks[this.chunkIndexOf(address)];
    const isCurrent = chunk === this.#chunks[this.#chunkIndex];
    const room = chunk === undefined ? 0 : chunk.start + (isCurrent ? this.#top : chunk.usedBytes) - address;
    if (sizeBytes >= 0 && sizeBytes <= room) return;
    throw new ArgumentRangeError(
      `handle: expected at most the ${Math.max(room, 0)} bytes that are allocated from it on, got ${sizeBytes}`,
    );
  }

  private checkAttached(): void {
    if (this.views.u8.length === this.views.sizeBytes) return;
    throw new BufferDetachedError('The lent buffer was transferred away');
  }

  private checkLive(): void {
    if (this.#isReleased) throw new DisposedError('The arena was released');
  }
}

function badType(type: unknown): never {
  throw new ArgumentTypeError(
    `type: expected one of ${Object.keys(ELEMENT_SIZE_BYTES).join(', ')}, got ${describe(type)}`,
  );
}
