import { describe } from '../check.ts';
import { ArgumentTypeError, CapacityError } from '../errors.ts';
import { heap } from '../heap/process-heap.ts';
import { BufferDetachedError, ResizableBufferError } from './errors.ts';

/** More than any typed array of the oldest supported Node holds: 4 GiB. */
export const MAXIMUM_BYTES: number = 2 ** 32;

/**
 * The memory behind handles, and how many handles share it.
 *
 *     Bytes ─┐ start, length
 *     Bytes ─┼──▶ Store { array ──▶ ArrayBuffer │ heap block │ lease, count, free }
 *     BytesMut ┘
 *
 * Invariants: `count` is the number of live handles; `array` spans the whole block; when `count` falls to 0 the store is
 * dead, and `free` has run exactly once.
 */
export class Store<B extends ArrayBufferLike> {
  /** Always a Buffer, so that every access in this folder sees one shape, and ranges decode without a view. */
  array: Buffer<B>;
  /** What `array` had when it was made; a transfer elsewhere makes the two differ. */
  sizeBytes: number;
  count = 1;
  /** Gives the block back; null when garbage collection does. */
  free: (() => void) | null;
  /** Made by the first number that is read or written. */
  #dataView: DataView<B> | null = null;

  constructor(array: Buffer<B>, free: (() => void) | null) {
    this.array = array;
    this.sizeBytes = array.length;
    this.free = free;
  }

  get dataView(): DataView<B> {
    return (this.#dataView ??= new DataView(this.array.buffer, this.array.byteOffset, this.sizeBytes));
  }

  get isShared(): boolean {
    return isSharedBuffer(this.array.buffer);
  }

  /** Whether nobody but this store can reach the buffer through us, and the buffer holds nothing else. */
  get isWholeBuffer(): boolean {
    return this.free === null && this.array.length === this.array.buffer.byteLength && !this.isShared;
  }

  /** Drops one reference; the last one gives the block back. */
  drop(): void {
    if (--this.count > 0) return;
    const { free } = this;
    this.retire();
    if (free !== null) free();
  }

  /** Forgets the memory without giving it back: it went somewhere else. */
  retire(): void {
    this.count = 0;
    this.free = null;
    this.array = EMPTY as Buffer as Buffer<B>;
    this.sizeBytes = 0;
    this.#dataView = null;
  }

  /** Puts another array of the same length in the place of the one that a stream took and gave back. */
  replace(array: Buffer<B>): void {
    this.array = array;
    this.sizeBytes = array.length;
    this.#dataView = null;
  }

  /**
   * @throws BufferDetachedError when someone transferred the buffer.
   */
  checkAttached(): void {
    if (this.array.length !== this.sizeBytes) {
      throw new BufferDetachedError(
        `The buffer underneath was transferred away: ${this.sizeBytes} bytes were there, ${this.array.length} are left`,
      );
    }
  }
}

const EMPTY: Buffer<ArrayBuffer> = Buffer.from(new ArrayBuffer(0));

/** Where new memory comes from. */
export interface StoreOptions {
  /**
   * Take the memory from the process's shared heap instead of an ordinary ArrayBuffer, so that worker threads reach it.
   * Such memory must be released: garbage collection does not return it. `fetch` bodies and WebCrypto refuse it.
   * Default false.
   */
  readonly shared?: boolean | undefined;
}

/** A store of `sizeBytes` whose content is unspecified: only for callers that overwrite all of it. */
export function uninitializedStore(sizeBytes: number, shared: boolean | undefined): Store<ArrayBufferLike> {
  // Never the 8 KiB slab of `Buffer.allocUnsafe`: a small slice would pin it, and it cannot be transferred.
  if (shared === true) return heapStore(heap().allocate(sizeBytes), sizeBytes);
  return new Store(
    ordinary(sizeBytes, () => Buffer.allocUnsafeSlow(sizeBytes)),
    null,
  );
}

function ordinary<T>(sizeBytes: number, allocate: () => T): T {
  try {
    return allocate();
  } catch (cause) {
    throw new CapacityError(`The machine gives no ${sizeBytes} bytes`, { cause });
  }
}

/** A store of `sizeBytes` zeros. */
export function zeroedStore(sizeBytes: number, shared: boolean | undefined): Store<ArrayBufferLike> {
  if (shared !== true)
    return new Store(
      ordinary(sizeBytes, () => Buffer.from(new ArrayBuffer(sizeBytes))),
      null,
    );
  return heapStore(heap().allocateZeroed(sizeBytes), sizeBytes);
}

function heapStore(address: number, sizeBytes: number): Store<SharedArrayBuffer> {
  const owner = heap();
  return new Store(Buffer.from(owner.memory.buffer, address, sizeBytes), () => {
    owner.free(address);
  });
}

/** A store over memory that somebody else made. */
export function storeOver<B extends ArrayBufferLike>(
  name: string,
  array: Uint8Array<B>,
  free: (() => void) | null,
): Store<B> {
  checkBytes(name, array);
  const { buffer } = array;
  if (isResizable(buffer)) {
    throw new ResizableBufferError(
      `${name}: expected a view of a buffer of fixed length, got one that can be resized`,
    );
  }
  const isBuffer = Buffer.isBuffer(array);
  return new Store(
    (isBuffer ? array : Buffer.from(buffer, array.byteOffset, array.length)) as Buffer<B>,
    free,
  );
}

/**
 * @throws ArgumentTypeError when `value` is not a Uint8Array.
 */
export function checkBytes(name: string, value: unknown): asserts value is Uint8Array {
  if (!isBytes(value)) throw new ArgumentTypeError(`${name}: expected a Uint8Array, got ${describe(value)}`);
}

/** Whether `value` is a Uint8Array of any realm (test runners and `vm` have several). */
export function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === 'Uint8Array';
}

/** Whether several threads may see the buffer. */
export function isSharedBuffer(buffer: ArrayBufferLike): buffer is SharedArrayBuffer {
  return buffer[Symbol.toStringTag] === 'SharedArrayBuffer';
}

/** Whether a buffer was made with `maxByteLength`. */
export function isResizable(buffer: ArrayBufferLike): boolean {
  const { resizable, growable } = buffer as { readonly resizable?: boolean; readonly growable?: boolean };
  return resizable === true || growable === true;
}
