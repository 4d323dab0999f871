import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError } from '../errors.ts';
import { BytesReleasedError, EncodingError } from './errors.ts';
import { checkBytes, MAXIMUM_BYTES, type Store } from './store.ts';
import { xxhash32 } from './xxhash32.ts';

/** Anything that holds bytes. */
export type BytesLike = ReadableBytes<ArrayBufferLike> | Uint8Array;

const FATAL_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Bytes that `inspect` shows. */
const SHOWN_BYTES = 32;

/** What the rest of this folder may do with a handle, and nobody else. */
interface Internals {
  /** The store of a live handle. */
  store<B extends ArrayBufferLike>(bytes: ReadableBytes<B>): Store<B>;
  start(bytes: ReadableBytes<ArrayBufferLike>): number;
  /** Kills the handle and hands its reference to the caller. */
  take<B extends ArrayBufferLike>(bytes: ReadableBytes<B>): Store<B>;
}

/** @internal */
export let internals: Internals;

/**
 * What can be read from `Bytes` and `BytesMut` alike.
 *
 * Everything here throws `BytesReleasedError` after the handle was released, `BytesBorrowedError` while a read into it
 * is under way, and `BufferDetachedError` when someone transferred the buffer underneath away.
 */
export abstract class ReadableBytes<B extends ArrayBufferLike = ArrayBuffer> {
  // Declared, not defined, and no `#` methods in these classes: field definitions and the brand that a private method
  // puts on each object cost 40 ns a handle on Node 20, three times the rest of a clone.

  /** Null once released. */
  declare protected store: Store<B> | null;
  /** Where the bytes begin in the store. */
  declare protected start: number;
  /** How many there are. */
  declare protected size: number;

  static {
    internals = {
      store: (bytes) => bytes.store ?? bytes.unusable(),
      start: (bytes) => bytes.start,
      take: (bytes) => {
        const store = bytes.store ?? bytes.unusable();
        bytes.store = null;
        return store;
      },
    };
    // For `console.log`: the length and the first bytes.
    Object.defineProperty(this.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value(this: ReadableBytes<ArrayBufferLike>): string {
        const { name } = this.constructor;
        if (this.store === null) return `${name}(released)`;
        const shown = this.attached().array.toString(
          'hex',
          this.start,
          this.start + Math.min(this.size, SHOWN_BYTES),
        );
        return `${name}(${this.size}) <${shown}${this.size > SHOWN_BYTES ? '…' : ''}>`;
      },
    });
  }

  protected constructor(store: Store<B>, start: number, size: number) {
    this.store = store;
    this.start = start;
    this.size = size;
  }

  /** Length in bytes; 0 once released. */
  get length(): number {
    return this.store === null ? 0 : this.size;
  }

  /** Whether the handle was released, or gave its memory away. */
  get isReleased(): boolean {
    return this.store === null;
  }

  /** How many live handles share the block, this one included. */
  get handleCount(): number {
    return (this.store ?? this.unusable()).count;
  }

  /**
   * A view of the memory: an alias, not a copy; not to be written to. Made anew by every call, about 100 ns.
   *
   * @throws BytesReleasedError after release.
   * @throws BufferDetachedError when someone transferred the buffer.
   */
  toUint8Array(): Uint8Array<B> {
    const { array } = this.attached();
    return new Uint8Array(array.buffer, array.byteOffset + this.start, this.size);
  }

  /** {@link ReadableBytes.toUint8Array} as a Buffer. */
  toBuffer(): Buffer<B> {
    const { array } = this.attached();
    return Buffer.from(array.buffer, array.byteOffset + this.start, this.size) as Buffer<B>;
  }

  /**
   * Whether both hold the same bytes.
   *
   * @throws ArgumentTypeError when `other` holds no bytes.
   */
  equals(other: BytesLike): boolean {
    // Not `length` first: a released handle has none, and must throw.
    return this.compare(other) === 0;
  }

  /**
   * Order by unsigned bytes, a prefix first: −1, 0 or 1, as `Array.sort` wants it.
   *
   * @throws ArgumentTypeError when `other` holds no bytes.
   */
  compare(other: BytesLike): -1 | 0 | 1 {
    const { array } = this.attached();
    const start = this.start;
    const end = start + this.size;
    if (!(other instanceof ReadableBytes)) {
      checkBytes('other', other);
      return array.compare(other, 0, other.length, start, end);
    }
    const otherStore = other.attached();
    return array.compare(otherStore.array, other.start, other.start + other.size, start, end);
  }

  /**
   * Where `needle` (a byte, UTF-8 text or bytes) first occurs at or after `from`, or −1.
   *
   * @throws ArgumentTypeError when `needle` is none of these.
   * @throws ArgumentRangeError when `from` is not an integer from 0 to `length`, or a number is no byte.
   */
  indexOf(needle: number | string | BytesLike, from = 0): number {
    checkInteger('from', from, 0, this.size);
    if (typeof needle === 'number') checkInteger('needle', needle, 0, 255);
    const what = typeof needle === 'number' || typeof needle === 'string' ? needle : viewOf('needle', needle);
    return this.toBuffer().indexOf(what, from);
  }

  /** Whether `needle` occurs. */
  includes(needle: number | string | BytesLike): boolean {
    return this.indexOf(needle) >= 0;
  }

  /** Whether the bytes begin with `prefix`. */
  startsWith(prefix: string | BytesLike): boolean {
    return this.matches('prefix', prefix, 0);
  }

  /** Whether the bytes end with `suffix`. */
  endsWith(suffix: string | BytesLike): boolean {
    return this.matches('suffix', suffix, 1);
  }

  /**
   * xxHash32 of the content, an unsigned 32-bit integer: for hash tables, not against an adversary. O(length).
   *
   * @throws ArgumentRangeError when `seed` is no unsigned 32-bit integer.
   */
  hash(seed = 0): number {
    checkInteger('seed', seed, 0, 0xffff_ffff);
    return xxhash32(this.attached().array, this.start, this.start + this.size, seed);
  }

  /**
   * The bytes as text.
   *
   * @param options `fatal` makes invalid UTF-8 an error instead of U+FFFD.
   * @throws EncodingError with `fatal`, when the bytes are not valid UTF-8.
   */
  toUtf8(options?: { readonly fatal?: boolean }): string {
    const { array } = this.attached();
    if (options?.fatal !== true) return array.toString('utf8', this.start, this.start + this.size);
    try {
      return FATAL_UTF8.decode(this.toUint8Array());
    } catch (cause) {
      throw new EncodingError(`The ${this.size} bytes are not valid UTF-8`, { cause });
    }
  }

  /**
   * `[start, end)` as text.
   *
   * @throws ArgumentRangeError when the range is not inside.
   */
  toUtf8Range(start: number, end: number): string {
    if (!(Number.isInteger(end) && end >= start)) checkInteger('end', end, start, this.size);
    const { array } = this.reading(start, end - start);
    return array.toString('utf8', this.start + start, this.start + end);
  }

  /** {@link ReadableBytes.toUtf8}. */
  toString(): string {
    return this.toUtf8();
  }

  /** Two lower-case hexadecimal digits a byte. */
  toHex(): string {
    return this.attached().array.toString('hex', this.start, this.start + this.size);
  }

  /** Base64 with padding. */
  toBase64(): string {
    return this.attached().array.toString('base64', this.start, this.start + this.size);
  }

  /** Base64 of the URL alphabet, without padding. */
  toBase64Url(): string {
    return this.attached().array.toString('base64url', this.start, this.start + this.size);
  }

  /**
   * The byte at `index`.
   *
   * @throws ArgumentRangeError when `index` is not an integer from 0 to `length − 1`. So do all readers below, when the
   * number does not lie wholly inside.
   */
  getUint8(index: number): number {
    return this.reading(index, 1).array[this.start + index]!;
  }

  /** The signed byte at `offset`. */
  getInt8(offset: number): number {
    return (this.getUint8(offset) << 24) >> 24;
  }

  /** Big-endian unless `littleEndian`, as everywhere below. */
  getUint16(offset: number, littleEndian = false): number {
    return this.reading(offset, 2).dataView.getUint16(this.start + offset, littleEndian);
  }

  getInt16(offset: number, littleEndian = false): number {
    return this.reading(offset, 2).dataView.getInt16(this.start + offset, littleEndian);
  }

  getUint32(offset: number, littleEndian = false): number {
    return this.reading(offset, 4).dataView.getUint32(this.start + offset, littleEndian);
  }

  getInt32(offset: number, littleEndian = false): number {
    return this.reading(offset, 4).dataView.getInt32(this.start + offset, littleEndian);
  }

  getBigUint64(offset: number, littleEndian = false): bigint {
    return this.reading(offset, 8).dataView.getBigUint64(this.start + offset, littleEndian);
  }

  getBigInt64(offset: number, littleEndian = false): bigint {
    return this.reading(offset, 8).dataView.getBigInt64(this.start + offset, littleEndian);
  }

  getFloat32(offset: number, littleEndian = false): number {
    return this.reading(offset, 4).dataView.getFloat32(this.start + offset, littleEndian);
  }

  getFloat64(offset: number, littleEndian = false): number {
    return this.reading(offset, 8).dataView.getFloat64(this.start + offset, littleEndian);
  }

  /** The bytes one by one; for whole passes, a loop over {@link ReadableBytes.toUint8Array} is faster. */
  [Symbol.iterator](): IterableIterator<number> {
    return this.toUint8Array()[Symbol.iterator]();
  }

  /**
   * Views of at most `chunkBytes` in order: a body for `Readable.from`, `ReadableStream.from` or a `for await` loop.
   *
   * @throws ArgumentRangeError when `chunkBytes` is not a positive integer.
   */
  *views(chunkBytes = 65_536): Generator<Uint8Array<B>, void, undefined> {
    checkInteger('chunkBytes', chunkBytes, 1, MAXIMUM_BYTES);
    for (let at = 0; at < this.size; at += chunkBytes) {
      const { array } = this.attached();
      yield new Uint8Array(
        array.buffer,
        array.byteOffset + this.start + at,
        Math.min(chunkBytes, this.size - at),
      );
    }
  }

  /** The live store, its memory still there. */
  protected attached(): Store<B> {
    const store = this.store;
    if (store === null) this.unusable();
    store.checkAttached();
    return store;
  }

  /** The live store, when `sizeBytes` bytes lie inside from `offset`. */
  protected reading(offset: number, sizeBytes: number): Store<B> {
    const store = this.attached();
    if (!(Number.isInteger(offset) && offset >= 0 && offset + sizeBytes <= this.size)) {
      throw new ArgumentRangeError(
        `offset: expected an integer from 0 to ${this.size - sizeBytes}, got ${describe(offset)}`,
      );
    }
    return store;
  }

  /** Compares without a view of our own. `side` is 0 at the start, 1 at the end. */
  private matches(name: string, what: string | BytesLike, side: 0 | 1): boolean {
    const { array } = this.attached();
    const view = typeof what === 'string' ? Buffer.from(what) : viewOf(name, what);
    if (view.length > this.size) return false;
    const start = this.start + side * (this.size - view.length);
    return array.compare(view, 0, view.length, start, start + view.length) === 0;
  }

  /** Throws what a handle without a store throws. */
  protected unusable(): never {
    throw new BytesReleasedError('The handle was released, or gave its memory away, and was used again');
  }
}

/** The bytes of `source`, as a view that aliases them. */
export function viewOf(name: string, source: BytesLike): Uint8Array {
  if (source instanceof ReadableBytes) return source.toUint8Array();
  checkBytes(name, source);
  return source;
}
