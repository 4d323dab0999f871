import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { Bytes, makeBytes } from './bytes.ts';
import { type CollectOptions, forEachChunk } from './chunk-source.ts';
import { copyPayload } from './copies.ts';
import { BytesReleasedError } from './errors.ts';
import { internals } from './readable-bytes.ts';
import { MAXIMUM_BYTES, uninitializedStore } from './store.ts';

/** What can write several buffers at once: a `FileHandle` of `node:fs/promises` is one. */
export interface WritesVectors {
  writev(views: readonly Buffer[], position?: number): Promise<{ readonly bytesWritten: number }>;
}

/** Buffers that one `writev` of the operating system takes: IOV_MAX of Linux and macOS. */
const VECTORS_MAX = 1024;

/** Handles in front that were consumed, before the array is cut. */
const COMPACT_AT = 32;

/**
 * A rope of `Bytes`: chunks in order, joined by nobody, for scatter and gather. Appending, prepending, splitting and
 * consuming copy no payload byte.
 *
 * **Ownership.** A list owns the handles that are put into it and releases them when they are consumed or it is released
 * itself. Clone a handle first to keep it. A released list throws on every use.
 *
 * @example
 * const reply = new BytesList();
 * reply.push(header.freeze());
 * reply.push(body.clone());
 * await reply.writeTo(file); // one writev, no concatenation
 */
export class BytesList<B extends ArrayBufferLike = ArrayBuffer> {
  /** Live handles, none empty, from `#head` on. */
  #parts: Bytes<B>[] = [];
  #head = 0;
  #length = 0;
  #isReleased = false;

  /** @param parts handles that the list takes over, in order. */
  constructor(parts: Iterable<Bytes<B>> = []) {
    if (typeof parts !== 'object' || parts === null || typeof parts[Symbol.iterator] !== 'function') {
      throw new ArgumentTypeError(`parts: expected an iterable of Bytes, got ${describe(parts)}`);
    }
    for (const part of parts) this.push(part);
  }

  /**
   * Reads a stream to its end and adopts its chunks: nothing is copied. For ordinary memory; a stream of shared memory is
   * an error.
   *
   * @throws CapacityError when the source gives more than `options.maxBytes`; it is closed then.
   * @throws ResizableBufferError when a chunk's buffer can be resized.
   */
  static async collect(source: AsyncIterable<Uint8Array>, options: CollectOptions): Promise<BytesList> {
    const list = new BytesList();
    await forEachChunk(source, options, (chunk) => {
      const part = Bytes.adopt(chunk);
      if (internals.store(part).isShared) {
        throw new ArgumentTypeError('chunk: expected ordinary memory, got a view of a SharedArrayBuffer');
      }
      list.push(part as Bytes);
    });
    return list;
  }

  /** Bytes in all; 0 once released. */
  get length(): number {
    return this.#length;
  }

  /** Number of chunks. */
  get chunkCount(): number {
    return this.#parts.length - this.#head;
  }

  /** Whether the list was released. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  /**
   * Appends `bytes` and takes it over; an empty one is released at once. O(1).
   *
   * @throws ArgumentTypeError when it is no `Bytes`.
   * @throws BytesReleasedError when it or the list was released.
   */
  push(bytes: Bytes<B>): void {
    if (!this.#accept(bytes)) return;
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  /** Puts `bytes` in front and takes it over: a header that is known last. O(chunks). */
  unshift(bytes: Bytes<B>): void {
    if (!this.#accept(bytes)) return;
    if (this.#head > 0) this.#parts[--this.#head] = bytes;
    else this.#parts.unshift(bytes);
    this.#length += bytes.length;
  }

  /** Appends all of `other`'s chunks and leaves it empty. O(chunks of `other`). */
  append(other: BytesList<B>): void {
    this.#live();
    if (!(other instanceof BytesList) || other === this) {
      throw new ArgumentTypeError(`other: expected another BytesList, got ${describe(other)}`);
    }
    other.#live();
    for (let i = other.#head; i < other.#parts.length; i++) this.#parts.push(other.#parts[i]!);
    this.#length += other.#length;
    other.#empty();
  }

  /** The same chunks again, cloned. O(chunks), copies nothing. */
  clone(): BytesList<B> {
    return this.slice(0);
  }

  /**
   * `[start, end)` as a list of its own. O(chunks), copies nothing.
   *
   * @throws ArgumentRangeError when the range is not inside.
   */
  slice(start: number, end: number = this.#length): BytesList<B> {
    this.#live();
    checkInteger('end', end, 0, this.#length);
    checkInteger('start', start, 0, end);
    const result = new BytesList<B>();
    let offset = 0;
    for (let i = this.#head; i < this.#parts.length && offset < end; i++) {
      const part = this.#parts[i]!;
      const from = Math.max(start - offset, 0);
      const to = Math.min(end - offset, part.length);
      if (from < to) result.push(part.slice(from, to));
      offset += part.length;
    }
    return result;
  }

  /**
   * Cuts off and returns the first `at` bytes. O(chunks cut off), copies nothing.
   *
   * @throws ArgumentRangeError when there are fewer.
   */
  splitTo(at: number): BytesList<B> {
    this.#live();
    checkInteger('at', at, 0, this.#length);
    const result = new BytesList<B>();
    while (result.#length < at) {
      const part = this.#parts[this.#head]!;
      const missing = at - result.#length;
      if (part.length > missing) result.push(part.splitTo(missing));
      else {
        result.push(part);
        this.#head++;
      }
    }
    this.#length -= at;
    this.#compact();
    return result;
  }

  /**
   * Releases the first `count` bytes: what a partial write has written. O(chunks passed).
   *
   * @throws ArgumentRangeError when there are fewer.
   */
  advance(count: number): void {
    this.#live();
    checkInteger('count', count, 0, this.#length);
    let rest = count;
    while (rest > 0) {
      const part = this.#parts[this.#head]!;
      if (part.length > rest) {
        part.splitTo(rest).release();
        break;
      }
      rest -= part.length;
      this.#head++;
      part.release();
    }
    this.#length -= count;
    this.#compact();
  }

  /**
   * The byte at `index`. O(chunks).
   *
   * @throws ArgumentRangeError when `index` is not an integer from 0 to `length − 1`.
   */
  getUint8(index: number): number {
    this.#live();
    if (!Number.isInteger(index) || index < 0 || index >= this.#length) {
      throw new ArgumentRangeError(
        `index: expected an integer from 0 to ${this.#length - 1}, got ${describe(index)}`,
      );
    }
    let i = this.#head;
    let offset = index;
    while (offset >= this.#parts[i]!.length) offset -= this.#parts[i++]!.length;
    return this.#parts[i]!.getUint8(offset);
  }

  /** The chunks, still the list's own: clone one to keep it. */
  *[Symbol.iterator](): Generator<Bytes<B>, void, undefined> {
    for (let i = this.#head; i < this.#parts.length; i++) yield this.#parts[i]!;
  }

  /**
   * Buffers that alias the chunks from the front, for `writev`; no more than one system call takes. A partial write is
   * followed by {@link BytesList.advance}.
   *
   * @throws ArgumentRangeError when `maxCount` is not a positive integer.
   */
  views(maxCount: number = VECTORS_MAX): Buffer<B>[] {
    this.#live();
    checkInteger('maxCount', maxCount, 1, MAXIMUM_BYTES);
    const count = Math.min(this.chunkCount, maxCount);
    return Array.from({ length: count }, (_, i) => this.#parts[this.#head + i]!.toBuffer());
  }

  /**
   * Writes everything without joining it, and releases each chunk when it is written. Goes on after partial writes. When
   * a write fails, what was not written stays in the list.
   *
   * @param position where to begin in the file; the current position by default.
   * @returns the bytes written.
   * @throws ArgumentTypeError when `target` has no `writev`.
   * @throws ArgumentRangeError when a write reports an impossible count, or 0.
   */
  async writeTo(target: WritesVectors, position?: number): Promise<number> {
    if (typeof target !== 'object' || target === null || typeof target.writev !== 'function') {
      throw new ArgumentTypeError(`target: expected an object with writev(), got ${describe(target)}`);
    }
    if (position !== undefined) checkInteger('position', position, 0, Number.MAX_SAFE_INTEGER);
    this.#live();
    let total = 0;
    while (this.#length > 0) {
      const views = this.views();
      const { bytesWritten } =
        position === undefined ? await target.writev(views) : await target.writev(views, position + total);
      checkInteger('bytesWritten', bytesWritten, 1, this.#length);
      this.advance(bytesWritten);
      total += bytesWritten;
    }
    return total;
  }

  /** All bytes in one block: a clone when there is one chunk, else a copy in ordinary memory. The list stays as it is. */
  toBytes(): Bytes<B> | Bytes {
    this.#live();
    if (this.chunkCount === 1) return this.#parts[this.#head]!.clone();
    const store = uninitializedStore(this.#length, false);
    let offset = 0;
    for (const part of this) {
      copyPayload(store.array, offset, part.toUint8Array());
      offset += part.length;
    }
    return makeBytes(store, 0, this.#length) as Bytes;
  }

  /**
   * Releases all chunks.
   *
   * @throws BytesReleasedError when the list was released already.
   */
  release(): void {
    this.#live();
    const parts = this.#parts.slice(this.#head);
    this.#empty();
    this.#isReleased = true;
    for (const part of parts) part.release();
  }

  /** {@link BytesList.release}, except that a released list is left alone. */
  [Symbol.dispose](): void {
    if (!this.#isReleased) this.release();
  }

  #live(): void {
    if (this.#isReleased) throw new BytesReleasedError('The list was released and used again');
  }

  /** Whether there is anything to put in. */
  #accept(bytes: Bytes<B>): boolean {
    this.#live();
    if (!(bytes instanceof Bytes)) {
      throw new ArgumentTypeError(`bytes: expected Bytes, got ${describe(bytes)}`);
    }
    internals.store(bytes);
    if (bytes.length > 0) return true;
    bytes.release();
    return false;
  }

  #empty(): void {
    this.#parts = [];
    this.#head = 0;
    this.#length = 0;
  }

  /** Forgets consumed handles once they are half of the array, so that consuming stays O(1) amortised. */
  #compact(): void {
    if (this.#head < COMPACT_AT || this.#head * 2 < this.#parts.length) return;
    this.#parts.splice(0, this.#head);
    this.#head = 0;
  }
}
