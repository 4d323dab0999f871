import { BufferDetachedError } from '../bytes/errors.ts';
import { isBytes } from '../bytes/store.ts';
import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError, DisposedError } from '../errors.ts';
import { ELEMENT_SIZE_BYTES, type ElementType, type TypedArrayOf, viewOf } from '../heap/element-type.ts';
import type { BulkMemory } from '../heap/bulk-memory.ts';
import { heap } from '../heap/process-heap.ts';
import { type Chunk, ElementViews, lentBulk, viewsOfHeap } from './arena-memory.ts';
import {
  type ArenaHandle,
  type ArenaMark,
  type ArenaOptions,
  type ArenaStats,
  CHUNK_BYTES_MAX,
  type Mark,
  parseArenaOptions,
} from './arena-options.ts';
import { Chunks } from './chunks.ts';
import { EPOCH_STRIDE, nextEpoch, PastEpochs } from './epochs.ts';
import { StaleHandleError } from './errors.ts';
import { InternedTexts } from './interned-texts.ts';
import { WholeArrays } from './whole-arrays.ts';

/** The widest alignment: a cache line. */
const ALIGNMENT_MAX = 64;
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
  /** The high part of the handles given out now. */
  private epochBase: number = nextEpoch();
  /** Address of the current chunk; offsets below count from here. */
  private start = 0;
  private top = 0;
  /** Bytes of the current chunk; 0 without one and in debug mode, so that every allocation takes the slow path. */
  private size = 0;
  /** Whether there is more to undo than the top: marks, texts, a second chunk, poison, or nothing as all was released. */
  private needsCare: boolean;
  /** Fills: the heap's, or one over the lent memory. */
  private readonly bulk: Pick<BulkMemory, 'fill'>;
  #isReleased = false;
  readonly #chunks: Chunks;
  readonly #past = new PastEpochs();
  readonly #marks: Mark[] = [];
  readonly #texts = new InternedTexts<ArenaHandle>();

  /**
   * @throws ArgumentTypeError, ArgumentRangeError when an option is invalid.
   * @throws ResizableBufferError when the lent buffer can be resized.
   */
  constructor(options: ArenaOptions<B> = {}) {
    super();
    const resolved = parseArenaOptions(options);
    this.#chunks = new Chunks(resolved);
    const { memory } = resolved;
    this.views =
      memory === undefined
        ? (viewsOfHeap() as ElementViews<ArrayBufferLike> as ElementViews<B>)
        : new ElementViews(memory.buffer);
    this.needsCare = this.#chunks.isGuarded;
    this.bulk = memory === undefined ? heap().bulk : lentBulk(memory.buffer);
    if (memory !== undefined) this.enter(this.#chunks.at(0), 0);
  }

  /**
   * Allocates `sizeBytes` bytes. O(1), no object is made. The content is unspecified.
   *
   * @param alignment a power of two up to 64.
   * @throws ArgumentTypeError, ArgumentRangeError when an argument is no such integer.
   * @throws CapacityError when `maxBytes`, or the lent memory, is used up.
   * @throws DisposedError after release.
   */
  allocate(sizeBytes: number, alignment = 8): ArenaHandle {
    // Short enough, with a literal for the constant (25 bytes of bytecode), that V8 inlines it several times into one
    // function: a handle that is returned is boxed.
    const at = (this.top + 7) & -8;
    const end = at + sizeBytes;
    if (end <= this.size && (sizeBytes | 0) === sizeBytes && sizeBytes > 0 && alignment === 8) {
      this.top = end;
      return (this.epochBase + this.start + at) as ArenaHandle;
    }
    // The sum tells V8 that this, too, is a number, so that no handle is boxed.
    return (this.allocateSlow(sizeBytes, alignment) + 0) as ArenaHandle;
  }

  /**
   * Allocates `count` elements of `type`.
   *
   * @param alignment a power of two from the size of an element up to 64.
   * @throws as {@link Arena.allocate}.
   */
  allocateOf(type: ElementType, count: number, alignment = 8): ArenaHandle {
    const elementBytes = ELEMENT_SIZE_BYTES[type];
    if (elementBytes === undefined) badType(type);
    if (alignment < elementBytes) checkInteger('alignment', alignment, elementBytes, ALIGNMENT_MAX);
    checkInteger('count', count, 0, CHUNK_BYTES_MAX / elementBytes);
    return this.allocate(count * elementBytes, alignment);
  }

  /**
   * Allocates `count` elements of `type` and makes a typed array of them: about 100 ns more than a handle. The view is raw
   * memory: after a reset it aliases what is allocated next.
   *
   * @throws as {@link Arena.allocate}.
   */
  allocateView<T extends ElementType>(type: T, count: number, alignment = 8): TypedArrayOf<T, B> {
    const address = this.allocateOf(type, count, alignment) - this.epochBase;
    this.checkAttached();
    return viewOf(type, this.views.u8.buffer, address, count);
  }

  /**
   * Index of the handle's first byte in {@link Arena.u8}.
   *
   * @throws StaleHandleError when the handle was freed by a reset or rewind, or comes from another arena.
   */
  offsetOf(handle: ArenaHandle): number {
    // Below 2^32, where the shift changes nothing but makes an integer of it, which typed arrays take without boxing.
    const address = handle - this.epochBase;
    return address === address >>> 0 ? address >>> 0 : this.olderOffset(handle) >>> 0;
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
    // Short, as `allocate` is, so that no handle is boxed to be passed: what lies in the current chunk and epoch is here.
    const { start } = this;
    const address = handle - this.epochBase;
    if (
      address >= start &&
      address - start + sizeBytes <= this.top &&
      sizeBytes >>> 0 === sizeBytes &&
      (byte & 0xff) === byte
    ) {
      this.bulk.fill(address, byte, sizeBytes);
    } else this.fillSlow(handle, sizeBytes, byte);
  }

  /**
   * Copies `source` to where the handle points.
   *
   * @throws ArgumentTypeError when `source` is no Uint8Array.
   * @throws StaleHandleError, ArgumentRangeError as {@link Arena.view}.
   */
  write(handle: ArenaHandle, source: Uint8Array): void {
    if (!(source instanceof Uint8Array || isBytes(source))) {
      throw new ArgumentTypeError(`source: expected a Uint8Array, got ${describe(source)}`);
    }
    const from = this.offsetOf(handle);
    this.checkInside(from, source.length);
    if (this.#chunks.isLent) this.views.u8.set(source, from);
    else heap().write(from, source);
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
    const address = handle - this.epochBase;
    this.checkAttached();
    this.views.u32[address / TEXT_HEADER_BYTES] = sizeBytes;
    this.views.buffer.write(text, address + TEXT_HEADER_BYTES, 'utf8');
    this.#texts.add(text, handle);
    this.needsCare = true;
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
    if (last?.chunkIndex === this.#chunks.index && last.offset === this.top) return last;
    const mark: Mark = Object.freeze({
      depth: this.#marks.length,
      chunkIndex: this.#chunks.index,
      offset: this.top,
      internedCount: this.#texts.count,
    });
    this.#marks.push(mark);
    this.needsCare = true;
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
    this.#past.rewind(this.epochBase, known);
    this.epochBase = nextEpoch();
    this.#texts.truncate(known.internedCount);
    if (this.#chunks.count > 0) this.goBack(known.chunkIndex, known.offset);
  }

  /**
   * Frees all allocations and keeps the chunks. O(strings interned).
   *
   * @throws DisposedError after release.
   */
  reset(): void {
    // This runs once a request, and is short for the same reason as `allocate`.
    if (this.needsCare) this.resetSlowly();
    else {
      this.epochBase = nextEpoch();
      this.top = 0;
    }
  }

  /**
   * Gives back the chunks behind the current one: after a reset, all but the first.
   *
   * @returns the bytes given back; 0 over lent memory.
   */
  trim(): number {
    this.checkLive();
    return this.#chunks.trim();
  }

  /**
   * Gives all memory back. Every later call throws.
   *
   * @throws DisposedError when it was released already.
   */
  release(): void {
    this.checkLive();
    this.#isReleased = true;
    this.needsCare = true;
    this.epochBase = nextEpoch();
    this.#past.clear();
    this.#marks.length = 0;
    this.#texts.clear();
    this.top = 0;
    this.size = 0;
    this.#chunks.release();
  }

  /** {@link Arena.release}, except that a released arena is left alone. */
  [Symbol.dispose](): void {
    if (!this.#isReleased) this.release();
  }

  /** What the arena holds now. O(chunks). */
  stats(): ArenaStats {
    return {
      usedBytes: this.#chunks.usedBytes(this.top),
      reservedBytes: this.#chunks.reservedBytes,
      chunkCount: this.#chunks.count,
      internedCount: this.#texts.count,
    };
  }

  private resetSlowly(): void {
    this.checkLive();
    this.needsCare = this.#chunks.isGuarded;
    this.epochBase = nextEpoch();
    this.#marks.length = 0;
    this.#past.clear();
    this.#texts.clear();
    this.goBack(0, 0);
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
    const current = this.#chunks.current;
    let at = (this.top + alignment - 1) & -alignment;
    if (current === undefined || at + takenBytes > current.sizeBytes) {
      this.enter(this.#chunks.advance(takenBytes, this.top), 0);
      if (this.#chunks.index > 0) this.needsCare = true;
      at = 0;
    }
    if (this.#chunks.isGuarded) this.#chunks.checkPoison(this.top, at + takenBytes);
    this.top = at + takenBytes;
    return (this.epochBase + this.start + at) as ArenaHandle;
  }

  private fillSlow(handle: ArenaHandle, sizeBytes: number, byte: number): void {
    const from = this.offsetOf(handle);
    checkInteger('sizeBytes', sizeBytes, 0, CHUNK_BYTES_MAX);
    checkInteger('byte', byte, 0, 255);
    this.checkInside(from, sizeBytes);
    this.bulk.fill(from, byte, sizeBytes);
  }

  private enter(chunk: Chunk, offset: number): void {
    this.start = chunk.start;
    this.size = this.#chunks.isGuarded ? 0 : chunk.sizeBytes;
    this.top = offset;
    if (chunk.start + chunk.sizeBytes > this.views.sizeBytes) {
      this.views = viewsOfHeap() as ElementViews<ArrayBufferLike> as ElementViews<B>;
    }
  }

  /** Makes a chunk the current one, of which `offset` bytes stay allocated. */
  private goBack(chunkIndex: number, offset: number): void {
    const top = this.top;
    const from = this.#chunks.index;
    if (chunkIndex >= this.#chunks.count) return;
    this.#chunks.index = chunkIndex;
    this.enter(this.#chunks.at(chunkIndex), offset);
    if (this.#chunks.isGuarded) this.#chunks.poison(chunkIndex, offset, from, top);
  }

  /** The address in a handle that is not of the current epoch, when it is of one that is left. */
  private olderOffset(handle: number): number {
    const address = handle % EPOCH_STRIDE;
    const chunkIndex = this.#chunks.find(address);
    if (chunkIndex >= 0) {
      const place = { chunkIndex, offset: address - this.#chunks.at(chunkIndex).start };
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

  private checkInside(address: number, sizeBytes: number): void {
    this.checkAttached();
    const offset = address - this.start;
    if (sizeBytes >= 0 && offset >= 0 && offset + sizeBytes <= this.top) return;
    const room = this.#chunks.allocatedFrom(address, this.top);
    if (sizeBytes >= 0 && sizeBytes <= room) return;
    throw new ArgumentRangeError(
      `handle: expected at most the ${room} bytes that are allocated from it on, got ${sizeBytes}`,
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
