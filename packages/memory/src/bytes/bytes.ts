import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { type CollectOptions, forEachChunk } from './chunk-source.ts';
import { copyPayload } from './copies.ts';
import { EncodingError, NotTransferableError } from './errors.ts';
import { type BytesLease, checkLease, storeOfLease } from './lease-store.ts';
import { type BytesLike, internals, ReadableBytes, viewOf } from './readable-bytes.ts';
import {
  isResizable,
  isSharedBuffer,
  MAXIMUM_BYTES,
  type Store,
  type StoreOptions,
  storeOver,
  uninitializedStore,
} from './store.ts';

/** What crosses to another thread; {@link Bytes.fromMessage} makes it `Bytes` again. */
export interface BytesMessage<B extends ArrayBufferLike = ArrayBuffer> {
  readonly kind: 'hotpath.bytes.v1';
  readonly buffer: B;
  readonly byteOffset: number;
  readonly length: number;
}

/** What {@link Bytes.toMessage} returns: the two arguments of `postMessage`. */
export interface BytesHandOver<B extends ArrayBufferLike = ArrayBuffer> {
  readonly message: BytesMessage<B>;
  readonly transferList: ArrayBuffer[];
}

const MESSAGE_KIND = 'hotpath.bytes.v1';
/** @internal A handle on part of a store, which takes over one reference. */
export let makeBytes: <B extends ArrayBufferLike>(store: Store<B>, start: number, size: number) => Bytes<B>;

/**
 * Immutable bytes that are shared by reference count: cloning, slicing and splitting make another handle on the same
 * memory and copy no payload byte, whatever the length (20 to 50 ns each).
 *
 *     block   ┌───────────────────────────────┐
 *             └──▲────────────▲───────────────┘
 *     a = start ─┘            └─ start of b = a.splitOff(n)
 *
 * **Ownership.** Each handle is one reference, released once with {@link Bytes.release} (or `using`). The last release
 * gives the block back to where it came from: a pool, the shared heap, the callback of `adopt`. For plain memory
 * releasing is optional, as garbage collection frees it. A released handle throws on every use.
 *
 * **Views.** `toUint8Array` and `toBuffer` alias the memory and are made when asked for (about 100 ns). Do not write
 * through them, and do not keep a view of pooled or shared-heap memory beyond the release: nothing can revoke it.
 *
 * **Types.** `Bytes` is over ordinary memory, `Bytes<SharedArrayBuffer>` over memory that threads share, and their views
 * likewise: `fetch` bodies and WebCrypto take only the first.
 *
 * @example
 * const packet = Bytes.from('GET /users/7');
 * const method = packet.clone().splitTo(3);
 * method.toUtf8(); // 'GET'
 */
export class Bytes<B extends ArrayBufferLike = ArrayBuffer> extends ReadableBytes<B> {
  static {
    makeBytes = (store, start, size) => new Bytes(store, start, size);
  }

  // Here only to be private: handles come from the factories below.
  private constructor(store: Store<B>, start: number, size: number) {
    super(store, start, size);
  }

  /**
   * Takes over `array` without a copy: whoever holds it must not write to it any more. O(1).
   *
   * @param onRelease runs once, when the last handle is released.
   * @throws ArgumentTypeError when `array` is no Uint8Array or `onRelease` no function.
   * @throws ResizableBufferError when its buffer can be resized.
   */
  static adopt<B extends ArrayBufferLike>(array: Uint8Array<B>, onRelease?: () => void): Bytes<B> {
    if (onRelease !== undefined && typeof onRelease !== 'function') {
      throw new ArgumentTypeError(`onRelease: expected a function, got ${describe(onRelease)}`);
    }
    const store = storeOver('array', array, onRelease ?? null);
    return new Bytes(store, 0, store.sizeBytes);
  }

  /**
   * Takes over a lease of a pool without a copy; the last release returns the block to the pool. O(1). From now on the
   * lease belongs to the handles: it is moved, so using or releasing it yourself throws.
   *
   * @param sizeBytes how much of the block was filled; the whole block unless said otherwise.
   * @throws ArgumentTypeError when `lease` has no Uint8Array `bytes` or no `release`.
   * @throws ArgumentRangeError when `sizeBytes` is not an integer from 0 to the block's size.
   */
  static fromLease<B extends ArrayBufferLike>(lease: BytesLease<B>, sizeBytes?: number): Bytes<B> {
    checkLease(lease);
    const length = sizeBytes ?? lease.bytes.length;
    checkInteger('sizeBytes', length, 0, lease.bytes.length);
    return new Bytes(storeOfLease(lease), 0, length);
  }

  /**
   * Copies `source` into memory of its own. O(length).
   *
   * @throws ArgumentTypeError when `source` holds no bytes.
   * @throws HeapExhaustedError, HeapOwnerError only with `shared`.
   */
  static copyFrom(source: BytesLike): Bytes;
  static copyFrom(
    source: BytesLike,
    options: StoreOptions & { readonly shared: true },
  ): Bytes<SharedArrayBuffer>;
  static copyFrom(source: BytesLike, options?: StoreOptions): Bytes<ArrayBufferLike> {
    const view = viewOf('source', source);
    const store = uninitializedStore(view.length, options?.shared);
    copyPayload(store.array, 0, view);
    return new Bytes(store, 0, store.sizeBytes);
  }

  /**
   * Encodes `text` as UTF-8 (a lone surrogate becomes U+FFFD). O(length).
   *
   * @throws ArgumentTypeError when `text` is not a string.
   * @throws HeapExhaustedError, HeapOwnerError only with `shared`.
   */
  static from(text: string): Bytes;
  static from(text: string, options: StoreOptions & { readonly shared: true }): Bytes<SharedArrayBuffer>;
  static from(text: string, options?: StoreOptions): Bytes<ArrayBufferLike> {
    checkString('text', text);
    const store = uninitializedStore(Buffer.byteLength(text), options?.shared);
    store.array.write(text, 0, 'utf8');
    return new Bytes(store, 0, store.sizeBytes);
  }

  /**
   * Decodes hexadecimal digits of either case. O(length).
   *
   * @throws ArgumentTypeError when `text` is not a string.
   * @throws EncodingError when a character is no digit, or their number is odd.
   */
  static fromHex(text: string): Bytes {
    checkString('text', text);
    return decoded(text, 'hex', text.length / 2);
  }

  /**
   * Decodes base64 of either alphabet, with or without padding, without white space. O(length).
   *
   * @throws ArgumentTypeError when `text` is not a string.
   * @throws EncodingError when a character does not belong there, or the length is impossible.
   */
  static fromBase64(text: string): Bytes {
    checkString('text', text);
    let digits = text.length;
    if (digits > 0 && digits % 4 === 0 && text[digits - 1] === '=')
      digits -= text[digits - 2] === '=' ? 2 : 1;
    return decoded(text, 'base64', digits % 4 === 1 ? -1 : Math.floor((digits * 3) / 4));
  }

  /**
   * Joins chunks into one block: copies each once, or nothing when a single `Bytes` of ordinary memory comes (its count
   * is raised). The chunks stay the caller's. To write chunks without joining them, see `BytesList`.
   *
   * @throws ArgumentTypeError when `chunks` is not iterable or a chunk holds no bytes.
   * @throws ArgumentRangeError when they are over 4 GiB together.
   * @throws HeapExhaustedError, HeapOwnerError only with `shared`.
   */
  static concat(chunks: Iterable<BytesLike>): Bytes;
  static concat(
    chunks: Iterable<BytesLike>,
    options: StoreOptions & { readonly shared: true },
  ): Bytes<SharedArrayBuffer>;
  static concat(chunks: Iterable<BytesLike>, options?: StoreOptions): Bytes<ArrayBufferLike> {
    if (typeof chunks !== 'object' || chunks === null || typeof chunks[Symbol.iterator] !== 'function') {
      throw new ArgumentTypeError(`chunks: expected an iterable of byte chunks, got ${describe(chunks)}`);
    }
    const list = [...chunks];
    const only = list[0];
    if (list.length === 1 && options?.shared !== true && only instanceof Bytes) {
      if (!internals.store(only).isShared) return only.clone();
    }
    const views = list.map((chunk, index) => viewOf(`chunks[${index}]`, chunk));
    const sizeBytes = views.reduce((sum, view) => sum + view.length, 0);
    checkInteger('chunks', sizeBytes, 0, MAXIMUM_BYTES);
    const store = uninitializedStore(sizeBytes, options?.shared);
    let offset = 0;
    for (const view of views) {
      copyPayload(store.array, offset, view);
      offset += view.length;
    }
    return new Bytes(store, 0, sizeBytes);
  }

  /**
   * Reads a stream to its end: a Node stream, a Web stream, a `fetch` body, `blob.stream()`, any async iterable of
   * Uint8Arrays. One chunk is adopted as it is; several are copied once, into one block.
   *
   * @throws ArgumentTypeError when `source` is not async iterable, or gives something else than bytes.
   * @throws ArgumentRangeError when `maxBytes` is no integer from 0 to 4 GiB.
   * @throws CapacityError when the source gives more than `maxBytes`; the source is closed then.
   */
  static async collect(source: AsyncIterable<Uint8Array>, options: CollectOptions): Promise<Bytes> {
    const chunks: Uint8Array[] = [];
    await forEachChunk(source, options, (chunk) => {
      chunks.push(chunk);
    });
    const only = chunks[0];
    if (chunks.length === 1 && !isSharedBuffer(only!.buffer) && !isResizable(only!.buffer)) {
      return Bytes.adopt(only as Uint8Array<ArrayBuffer>);
    }
    return Bytes.concat(chunks);
  }

  /**
   * Makes `Bytes` from what {@link Bytes.toMessage} gave, usually in another thread. O(1), no copy.
   *
   * @throws ArgumentTypeError when `message` is not such a message.
   * @throws ArgumentRangeError when its range lies outside its buffer.
   */
  static fromMessage<B extends ArrayBufferLike>(message: BytesMessage<B>): Bytes<B> {
    if (typeof message !== 'object' || message === null || message.kind !== MESSAGE_KIND) {
      throw new ArgumentTypeError(`message: expected what toMessage() returns, got ${describe(message)}`);
    }
    const { buffer, byteOffset, length } = message;
    checkInteger('message.byteOffset', byteOffset, 0, buffer.byteLength);
    checkInteger('message.length', length, 0, buffer.byteLength - byteOffset);
    return Bytes.adopt(new Uint8Array(buffer, byteOffset, length));
  }

  /**
   * Another handle on the same bytes. O(1), copies nothing.
   *
   * @throws BytesReleasedError after release.
   */
  clone(): Bytes<B> {
    const store = this.store;
    if (store === null) this.unusable();
    store.count++;
    return new Bytes(store, this.start, this.size);
  }

  /**
   * Another handle on `[start, end)`. O(1), copies nothing; keeps the whole block alive (see {@link Bytes.copy}).
   *
   * @throws BytesReleasedError after release.
   * @throws ArgumentRangeError when the range is not inside: nothing is clamped, negative numbers do not count back.
   */
  slice(start: number, end: number = this.size): Bytes<B> {
    const store = this.store;
    if (store === null) this.unusable();
    if (
      !(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= this.size)
    ) {
      badRange(start, end, this.size);
    }
    store.count++;
    return new Bytes(store, this.start + start, end - start);
  }

  /**
   * Cuts the first `at` bytes off: returns them, and keeps the rest. O(1), copies nothing.
   *
   * @throws BytesReleasedError after release.
   * @throws ArgumentRangeError when `at` is not an integer from 0 to `length`.
   */
  splitTo(at: number): Bytes<B> {
    const head = this.slice(0, at);
    this.start += at;
    this.size -= at;
    return head;
  }

  /**
   * Cuts the bytes from `at` off: returns them, and keeps the first `at`. O(1), copies nothing.
   *
   * @throws BytesReleasedError after release.
   * @throws ArgumentRangeError when `at` is not an integer from 0 to `length`.
   */
  splitOff(at: number): Bytes<B> {
    const tail = this.slice(at);
    this.size = at;
    return tail;
  }

  /**
   * The same bytes in ordinary memory of their own, so that a small piece no longer keeps a large block. O(length).
   *
   * @throws BytesReleasedError after release.
   */
  copy(): Bytes {
    return Bytes.copyFrom(this);
  }

  /**
   * Gives up this handle. The last one gives the block back.
   *
   * @throws BytesReleasedError when it was released already.
   */
  release(): void {
    const store = this.store;
    if (store === null) this.unusable();
    this.store = null;
    store.drop();
  }

  /** {@link Bytes.release}, except that an already released handle is left alone. */
  [Symbol.dispose](): void {
    if (this.store !== null) this.release();
  }

  /**
   * What `postMessage` needs to hand the bytes to another thread without a copy.
   *
   * Ordinary memory moves: the handle is released, and posting detaches every view of the block. Shared memory is
   * shared: the handle stays, and must, if the block is pooled or on the heap, until the receiver is done.
   *
   * @throws BytesReleasedError after release.
   * @throws NotTransferableError when other handles, a pool, a callback or a larger buffer hold the memory too; then
   * {@link Bytes.copy} first.
   * @example
   * const { message, transferList } = bytes.toMessage();
   * worker.postMessage(message, transferList); // there: Bytes.fromMessage(message)
   */
  toMessage(): BytesHandOver<B> {
    const store = this.attached();
    const { array } = store;
    const message: BytesMessage<B> = {
      kind: MESSAGE_KIND,
      buffer: array.buffer,
      byteOffset: array.byteOffset + this.start,
      length: this.size,
    };
    if (store.isShared) return { message, transferList: [] };
    if (store.count > 1) {
      throw new NotTransferableError(
        `${store.count} handles share the block: release the others, or copy() it`,
      );
    }
    if (!store.isWholeBuffer) {
      throw new NotTransferableError(
        'The block belongs to a pool, a callback or a larger buffer: copy() the bytes, and hand the copy over',
      );
    }
    this.store = null;
    store.retire();
    return { message, transferList: [message.buffer as ArrayBuffer] };
  }
}
function decoded(text: string, encoding: 'hex' | 'base64', expectedBytes: number): Bytes {
  if (Number.isInteger(expectedBytes) && expectedBytes >= 0) {
    const store = uninitializedStore(expectedBytes, false) as Store<ArrayBuffer>;
    // Node's decoder stops, or skips, where it does not understand: fewer bytes come out.
    if (store.array.write(text, 0, encoding) === expectedBytes) return makeBytes(store, 0, expectedBytes);
  }
  throw new EncodingError(`text: expected valid ${encoding}, got ${text.length} characters that are not`);
}

function checkString(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string')
    throw new ArgumentTypeError(`${name}: expected a string, got ${describe(value)}`);
}

function badRange(start: number, end: number, length: number): never {
  throw new ArgumentRangeError(
    `start, end: expected integers with 0 ≤ start ≤ end ≤ ${length}, got ${describe(start)} and ${describe(end)}`,
  );
}
