import { BufferDetachedError, ResizableBufferError } from '../bytes/errors.ts';
import { isResizable } from '../bytes/store.ts';
import type { BulkMemory } from '../heap/bulk-memory.ts';
import { heap } from '../heap/process-heap.ts';
import { type BorrowedMemory, checkBorrowed } from '../heap/borrowed-memory.ts';

/** A run of bytes that allocations are cut from, front to back. */
export interface Chunk {
  /** Address of its first byte. */
  readonly start: number;
  readonly sizeBytes: number;
  /** Bytes in use when the arena went on to the next chunk. */
  usedBytes: number;
  /** Only in debug mode: bytes from its start that were filled when they were freed, but for those in use again. */
  poisonedBytes: number;
}

/** Every element type over one whole buffer, so that a byte address becomes an index by a shift. */
export class ElementViews<B extends ArrayBufferLike> {
  readonly sizeBytes: number;
  readonly u8: Uint8Array<B>;
  readonly i8: Int8Array<B>;
  readonly u16: Uint16Array<B>;
  readonly i16: Int16Array<B>;
  readonly u32: Uint32Array<B>;
  readonly i32: Int32Array<B>;
  readonly f32: Float32Array<B>;
  readonly f64: Float64Array<B>;
  readonly u64: BigUint64Array<B>;
  readonly i64: BigInt64Array<B>;
  /** For text. */
  readonly buffer: Buffer<B>;

  constructor(buffer: B) {
    const { byteLength } = buffer;
    this.sizeBytes = byteLength;
    this.buffer = Buffer.from(buffer) as Buffer<B>;
    this.u8 = new Uint8Array(buffer, 0, byteLength);
    this.i8 = new Int8Array(buffer);
    this.u16 = new Uint16Array(buffer, 0, Math.floor(byteLength / 2));
    this.i16 = new Int16Array(buffer, 0, Math.floor(byteLength / 2));
    this.u32 = new Uint32Array(buffer, 0, Math.floor(byteLength / 4));
    this.i32 = new Int32Array(buffer, 0, Math.floor(byteLength / 4));
    this.f32 = new Float32Array(buffer, 0, Math.floor(byteLength / 4));
    this.f64 = new Float64Array(buffer, 0, Math.floor(byteLength / 8));
    this.u64 = new BigUint64Array(buffer, 0, Math.floor(byteLength / 8));
    this.i64 = new BigInt64Array(buffer, 0, Math.floor(byteLength / 8));
  }
}

/** What fills lent memory. */
export function lentBulk(buffer: ArrayBufferLike): Pick<BulkMemory, 'fill'> {
  const bytes = new Uint8Array(buffer);
  const { length } = bytes;
  return {
    fill(address, byte, sizeBytes) {
      if (bytes.length !== length) throw new BufferDetachedError('The lent buffer was transferred away');
      bytes.fill(byte, address, address + sizeBytes);
    },
  };
}

let heapViews: ElementViews<SharedArrayBuffer> | undefined;

/** Views over the whole heap as large as it is now; made again only after it grew. */
export function viewsOfHeap(): ElementViews<SharedArrayBuffer> {
  const { buffer } = heap().memory;
  if (heapViews?.sizeBytes !== buffer.byteLength || heapViews.u8.buffer !== buffer) {
    heapViews = new ElementViews(buffer);
  }
  return heapViews;
}

/**
 * The lent memory as a chunk; it begins at a multiple of 64.
 *
 * @throws ArgumentTypeError, ArgumentRangeError, ResizableBufferError when it is not usable.
 */
export function chunkOf(memory: BorrowedMemory): Chunk {
  const { buffer, byteOffset, byteLength } = checkBorrowed(memory);
  if (isResizable(buffer)) {
    throw new ResizableBufferError('memory.buffer: expected a buffer of fixed length, got a growable one');
  }
  return { start: byteOffset, sizeBytes: byteLength, usedBytes: 0, poisonedBytes: 0 };
}
