import { checkInteger, describe } from '../check.ts';
import { ArgumentTypeError } from '../errors.ts';
import { type Bytes, makeBytes } from './bytes.ts';
import { type CollectOptions, forEachChunk } from './chunk-source.ts';
import { BufferDetachedError, BytesBorrowedError, NotTransferableError } from './errors.ts';
import { GrowableBytes, roomWithin } from './growable-bytes.ts';
import { type BytesLease, checkLease, storeOfLease } from './lease-store.ts';
import { internals } from './readable-bytes.ts';
import { MAXIMUM_BYTES, type Store, type StoreOptions, storeOver, zeroedStore } from './store.ts';
/** Settings of a `BytesMut`. */
export interface BytesMutOptions extends StoreOptions {
  /** Growing beyond this fails with `CapacityError`; 0 to 4 GiB, 1 GiB by default. */
  readonly maxBytes?: number | undefined;
}

/** What can be read into given memory: a `FileHandle` of `node:fs/promises` is one. */
export interface ReadsInto {
  read(
    target: Buffer,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesRead: number }>;
}

/** Where {@link BytesMut.readFrom} reads, and how much room it makes. */
export interface ReadOptions {
  /** Room to read into, made when it is not there; all spare capacity is offered. Default 16 KiB. */
  readonly minSpareBytes?: number | undefined;
  /** Position in the file; the current one by default. */
  readonly position?: number | undefined;
}

/** The part of a `ReadableStreamBYOBReader` that {@link BytesMut.readByob} uses. */
export interface ByobReader {
  read(
    view: Uint8Array<ArrayBuffer>,
  ): Promise<{ readonly done: boolean; readonly value?: ArrayBufferView | undefined }>;
}

const DEFAULT_MAX_BYTES = 2 ** 30;
const DEFAULT_SPARE_BYTES = 16_384;

/**
 * Growable bytes that one owner writes, and then freezes into `Bytes` or splits without a copy.
 *
 *     store  ┌──────────┬───────────────┬──────────────┬─────────┐
 *            │ others'  │  bytes (size) │    spare     │ others' │
 *            └──────────┴───────────────┴──────────────┴─────────┘
 *                       start           start + size   start + capacity
 *
 * Invariant: no other handle reaches `[start, start + capacity)`. Splitting divides that range, so the halves may be
 * written independently; `unsplit` joins neighbours again in O(1).
 *
 * Writing beyond the capacity at least doubles it, up to `maxBytes`, and copies once; views made before then show the
 * old memory. New capacity is zero-filled. Put methods take big-endian unless `littleEndian` is given.
 *
 * @example
 * const out = BytesMut.withCapacity(1024);
 * out.putUint32(0); // the length, filled in below
 * out.putUtf8('payload');
 * out.setUint32(0, out.length - 4);
 * const frame = out.split().freeze(); // `out` goes on behind it
 */
export class BytesMut<B extends ArrayBufferLike = ArrayBuffer> extends GrowableBytes<B> {
  /** While a read has the store. */
  declare private isBorrowed: boolean;
  /** Disposed of while a read had the store. */
  declare private isDoomed: boolean;

  private constructor(store: Store<B>, start: number, size: number, room: number, maxBytes: number) {
    super(store, start, size, room, maxBytes);
    this.isBorrowed = false;
    this.isDoomed = false;
  }

  /**
   * Empty, with room for `sizeBytes`.
   *
   * @throws ArgumentRangeError when `sizeBytes` is negative, fractional, NaN or over `maxBytes`.
   * @throws HeapExhaustedError, HeapOwnerError only with `shared`.
   */
  static withCapacity(sizeBytes: number, options?: BytesMutOptions & { readonly shared?: false }): BytesMut;
  static withCapacity(
    sizeBytes: number,
    options: BytesMutOptions & { readonly shared: true },
  ): BytesMut<SharedArrayBuffer>;
  static withCapacity(sizeBytes: number, options?: BytesMutOptions): BytesMut<ArrayBufferLike> {
    const maxBytes = limitOf(options);
    checkInteger('sizeBytes', sizeBytes, 0, maxBytes);
    return new BytesMut(zeroedStore(sizeBytes, options?.shared), 0, 0, sizeBytes, maxBytes);
  }

  /**
   * Takes over `array`, filled, without a copy: whoever holds it must not use it any more.
   *
   * @throws ArgumentTypeError when `array` is no Uint8Array.
   * @throws ResizableBufferError when its buffer can be resized.
   */
  static adopt<B extends ArrayBufferLike>(
    array: Uint8Array<B>,
    options?: Pick<BytesMutOptions, 'maxBytes'>,
  ): BytesMut<B> {
    const store = storeOver('array', array, null);
    return new BytesMut(store, 0, store.sizeBytes, store.sizeBytes, limitOf(options));
  }

  /**
   * Takes over a lease of a pool, empty, its block as capacity. The block goes back to the pool when the last handle on
   * it is released, or when growth leaves it.
   *
   * @throws ArgumentTypeError when `lease` has no Uint8Array `bytes` or no `release`.
   */
  static fromLease<B extends ArrayBufferLike>(
    lease: BytesLease<B>,
    options?: Pick<BytesMutOptions, 'maxBytes'>,
  ): BytesMut<B> {
    const maxBytes = limitOf(options);
    checkLease(lease);
    const store = storeOfLease(lease);
    return new BytesMut(store, 0, 0, store.sizeBytes, maxBytes);
  }

  /**
   * Makes immutable bytes writable again without a copy, when `bytes` is the only handle on its block; it is used up
   * then. Otherwise returns `undefined` and leaves it alone. Views that were made of it alias what is written.
   *
   * @throws BytesReleasedError after release.
   */
  static reclaim<B extends ArrayBufferLike>(
    bytes: Bytes<B>,
    options?: Pick<BytesMutOptions, 'maxBytes'>,
  ): BytesMut<B> | undefined {
    const maxBytes = limitOf(options);
    if (internals.store(bytes).count > 1) return undefined;
    const { length } = bytes;
    const start = internals.start(bytes);
    const store = internals.take(bytes);
    return new BytesMut(store, start, length, store.sizeBytes - start, maxBytes);
  }

  /** Cuts off and returns all that is written; the spare capacity stays here. O(1), copies nothing. */
  split(): BytesMut<B> {
    return this.splitTo(this.size);
  }

  /** Cuts off and returns the first `at` bytes. O(1), copies nothing. @throws ArgumentRangeError when there are fewer. */
  splitTo(at: number): BytesMut<B> {
    const store = this.attached();
    checkInteger('at', at, 0, this.size);
    store.count++;
    const head = new BytesMut(store, this.start, at, at, this.maxBytes);
    this.advance(at);
    return head;
  }

  /**
   * Cuts off and returns the bytes from `at` on, with the spare capacity. O(1), copies nothing.
   *
   * @throws ArgumentRangeError when there are fewer.
   */
  splitOff(at: number): BytesMut<B> {
    const store = this.attached();
    checkInteger('at', at, 0, this.size);
    store.count++;
    const tail = new BytesMut(store, this.start + at, this.size - at, this.room - at, this.maxBytes);
    this.size = at;
    this.room = at;
    return tail;
  }

  /**
   * Appends `other` and uses it up: in O(1) when it was split off here and nothing was put in between, else by copying.
   *
   * @throws CapacityError beyond `maxBytes`; `other` is left alone then.
   */
  unsplit(other: BytesMut<B>): void {
    if (this.tryUnsplit(other)) return;
    this.putBytes(other);
    other.release();
  }

  /**
   * Appends `other` and uses it up if that takes no copy: it is the neighbour behind, or one of the two is empty.
   * Otherwise returns false and changes nothing.
   */
  tryUnsplit(other: BytesMut<B>): boolean {
    if (!(other instanceof BytesMut) || (other as BytesMut<ArrayBufferLike>) === this) {
      throw new ArgumentTypeError(`other: expected another BytesMut, got ${describe(other)}`);
    }
    const store = this.attached();
    const behind = other.attached();
    const isNeighbour =
      behind === store && other.start === this.start + this.room && this.size + other.size <= this.maxBytes;
    if (isNeighbour && (this.size === this.room || other.size === 0)) {
      this.size += other.size;
      this.room = roomWithin(this.maxBytes, this.size, this.room + other.room);
      other.release();
      return true;
    }
    if (other.size === 0) {
      other.release();
      return true;
    }
    if (this.size > 0 || behind.isShared !== store.isShared || other.size > this.maxBytes) return false;
    other.store = null;
    this.store = behind;
    this.start = other.start;
    this.size = other.size;
    this.room = roomWithin(this.maxBytes, this.size, other.room);
    store.drop();
    return true;
  }

  /** The bytes as immutable `Bytes`, without a copy. Uses this handle up. O(1). */
  freeze(): Bytes<B> {
    const store = this.attached();
    this.store = null;
    return makeBytes(store, this.start, this.size);
  }

  /**
   * Gives up the handle; the last one on the block gives it back.
   *
   * @throws BytesReleasedError when it was released, frozen or joined already.
   * @throws BytesBorrowedError while a read is under way.
   */
  release(): void {
    const store = this.store ?? this.unusable();
    this.store = null;
    store.drop();
  }

  /** {@link BytesMut.release}, except that a released handle is left alone, and a read under way is awaited. */
  [Symbol.dispose](): void {
    if (this.isBorrowed) this.isDoomed = true;
    else if (this.store !== null) this.release();
  }

  /**
   * Reads once, straight into the spare capacity: no chunk is made in between. Until it settles every other use of the
   * handle throws `BytesBorrowedError`.
   *
   * @returns the bytes that came; 0 at the end of the file.
   * @throws ArgumentRangeError when an option is impossible.
   * @throws CapacityError when `minSpareBytes` would go beyond `maxBytes`.
   * @example
   * const file = await open('big.log');
   * while ((await bytes.readFrom(file)) > 0);
   */
  async readFrom(source: ReadsInto, options?: ReadOptions): Promise<number> {
    if (typeof source !== 'object' || source === null || typeof source.read !== 'function') {
      throw new ArgumentTypeError(`source: expected an object with read(), got ${describe(source)}`);
    }
    const at = this.spareForRead(options?.minSpareBytes);
    const { position = null } = options ?? {};
    if (position !== null) checkInteger('position', position, 0, Number.MAX_SAFE_INTEGER);
    const spareBytes = this.room - this.size;
    const store = this.lend();
    try {
      const { bytesRead } = await source.read(store.array, at, spareBytes, position);
      checkInteger('bytesRead', bytesRead, 0, spareBytes);
      this.size += bytesRead;
      return bytesRead;
    } finally {
      this.takeBack(store);
    }
  }

  /**
   * Reads once from a Web byte stream, straight into the spare capacity. The stream takes the buffer while it fills it,
   * so the handle must be the only one on a buffer of its own, and every view of it is detached. If the stream fails or
   * is cancelled while it has the buffer, it keeps it: the bytes so far are gone with it and the handle is released.
   *
   * @returns the bytes that came; 0 at the end.
   * @throws ArgumentTypeError when the reader is none that reads into a buffer; what it read is lost, the bytes so far stay.
   * @throws NotTransferableError when the memory is shared, pooled, part of a larger buffer or also held by others.
   * @throws BufferDetachedError when the stream was cancelled and kept the buffer.
   * @example
   * const reader = response.body.getReader({ mode: 'byob' });
   * while ((await bytes.readByob(reader)) > 0);
   */
  async readByob(reader: ByobReader, options?: Pick<ReadOptions, 'minSpareBytes'>): Promise<number> {
    if (typeof reader !== 'object' || reader === null || typeof reader.read !== 'function') {
      throw new ArgumentTypeError(`reader: expected a BYOB reader, got ${describe(reader)}`);
    }
    const at = this.spareForRead(options?.minSpareBytes);
    const spareBytes = this.room - this.size;
    const held = this.attached();
    if (held.count > 1 || !held.isWholeBuffer) {
      throw new NotTransferableError(
        'The block is shared, or part of something larger: a stream cannot take it',
      );
    }
    const store = this.lend();
    let value: ArrayBufferView | undefined;
    let isTaken = false;
    try {
      ({ value } = await reader.read(new Uint8Array(store.array.buffer as ArrayBuffer, at, spareBytes)));
    } finally {
      isTaken = store.array.length !== store.sizeBytes;
      if (!isTaken) this.takeBack(store);
      else if (value === undefined) {
        this.isBorrowed = false;
        store.retire();
      } else {
        store.replace(Buffer.from(value.buffer as B) as Buffer<B>);
        this.takeBack(store);
      }
    }
    if (!isTaken) {
      throw new ArgumentTypeError(
        "reader: expected one of getReader({ mode: 'byob' }), got one that takes no buffer",
      );
    }
    if (value === undefined) {
      throw new BufferDetachedError('The stream was cancelled and kept the buffer, and the bytes in it');
    }
    this.size += value.byteLength;
    return value.byteLength;
  }

  /**
   * Appends a stream to its end: a Node or Web stream, a `fetch` body, any async iterable of Uint8Arrays. Each chunk is
   * copied once, into spare capacity. What came before an error stays.
   *
   * @returns the bytes that came.
   * @throws CapacityError when the source gives more than `options.maxBytes`; it is closed then.
   */
  async putStream(source: AsyncIterable<Uint8Array>, options: CollectOptions): Promise<number> {
    this.attached();
    return forEachChunk(source, options, (chunk) => {
      this.putBytes(chunk);
    });
  }

  protected override unusable(): never {
    if (this.isBorrowed) {
      throw new BytesBorrowedError('A read into the handle is under way: await it before using the handle');
    }
    return super.unusable();
  }

  private spareForRead(minSpareBytes: number = DEFAULT_SPARE_BYTES): number {
    checkInteger('minSpareBytes', minSpareBytes, 1, MAXIMUM_BYTES);
    return this.spareFor(minSpareBytes);
  }

  /** Takes the store away while somebody else writes to it, so that every use of the handle fails. */
  private lend(): Store<B> {
    const store = this.attached();
    this.isBorrowed = true;
    this.store = null;
    return store;
  }

  private takeBack(store: Store<B>): void {
    this.isBorrowed = false;
    if (this.isDoomed) store.drop();
    else this.store = store;
  }
}

function limitOf(options: Pick<BytesMutOptions, 'maxBytes'> | undefined): number {
  const { maxBytes = DEFAULT_MAX_BYTES } = options ?? {};
  checkInteger('maxBytes', maxBytes, 0, MAXIMUM_BYTES);
  return maxBytes;
}
