import { Buffer } from 'node:buffer';
import { BufferDetachedError } from '../bytes/errors.ts';
import { PoolExhaustedError } from '../errors.ts';
import type { LentMemory } from '../heap/borrowed-memory.ts';
import { heap } from '../heap/process-heap.ts';
import type { Lease } from './lease.ts';

/** Who takes a block back when its lease is released. */
export interface BlockHome<B extends ArrayBufferLike> {
  giveBack(block: Block<B>, lease: Lease<B>): void;
  handOver(block: Block<B>, lease: Lease<B>): Lease<B>;
  describeForThread(block: Block<B>, lease: Lease<B>): SharedLeaseDescriptor;
}

/** A lease on its way to another thread: post it, and call `receiveLease` there. */
export interface SharedLeaseDescriptor {
  readonly kind: 'hotpath.lease.v1';
  readonly buffer: SharedArrayBuffer;
  /** Where the block is in `buffer`. */
  readonly byteOffset: number;
  readonly blockBytes: number;
  /** What the lease was acquired for. */
  readonly sizeBytes: number;
  /** Where the pool's control words are in `buffer`, and for how many blocks. */
  readonly controlOffset: number;
  readonly controlBlocks: number;
  /** Which block of the pool, and which handing-over of it. */
  readonly blockIndex: number;
  readonly generation: number;
}

/** A piece of memory that a pool owns; it outlives the leases on it. */
export class Block<B extends ArrayBufferLike> {
  readonly home: BlockHome<B>;
  readonly bytes: Buffer<B>;
  readonly blockBytes: number;
  /** Size class in the pool; -1 for an overflow block, which is dropped when it comes back. */
  readonly classIndex: number;
  /** Address in the heap, or offset in lent memory; 0 otherwise. */
  readonly address: number;
  /** Slot in the control words of a shared pool; -1 otherwise. */
  index = -1;
  /** Whether the leak detector watches the current lease. */
  isWatched = false;
  /** Whether it was filled when it became idle, in debug mode, and is to be checked. */
  isGuarded = false;

  constructor(home: BlockHome<B>, bytes: Buffer<B>, classIndex: number, address: number) {
    this.home = home;
    this.bytes = bytes;
    this.blockBytes = bytes.length;
    this.classIndex = classIndex;
    this.address = address;
  }
}

/** Where a pool's memory comes from. */
export interface BlockSource<B extends ArrayBufferLike> {
  /** A block, or `undefined` when the memory has no place for one of this size; always one of class −1. */
  make(home: BlockHome<B>, sizeBytes: number, classIndex: number, isZeroed: boolean): Block<B> | undefined;
  /** Sets all its bytes to `byte`. */
  fill(block: Block<B>, byte: number): void;
  drop(block: Block<B>): void;
}

/** An ArrayBuffer a block, so that nothing but the block keeps it alive; dropping leaves it to garbage collection. */
export const ordinarySource: BlockSource<ArrayBuffer> = {
  make(home, sizeBytes, classIndex, isZeroed) {
    try {
      const bytes = isZeroed ? Buffer.alloc(sizeBytes) : Buffer.allocUnsafeSlow(sizeBytes);
      return new Block(home, bytes, classIndex, 0);
    } catch (cause) {
      throw new PoolExhaustedError(`The machine has no ${sizeBytes} bytes for a block`, { cause });
    }
  },
  fill: fillBytes,
  drop() {},
};

function fillBytes(block: Block<ArrayBufferLike>, byte: number): void {
  block.bytes.fill(byte);
}

/** Blocks of the process's heap, which every thread reaches. */
export const heapSource: BlockSource<SharedArrayBuffer> = {
  make(home, sizeBytes, classIndex, isZeroed) {
    const owner = heap();
    const address = isZeroed ? owner.allocateZeroed(sizeBytes) : owner.allocate(sizeBytes);
    return new Block(home, Buffer.from(owner.memory.buffer, address, sizeBytes), classIndex, address);
  },
  fill(block, byte) {
    heap().fill(block.address, block.blockBytes, byte);
  },
  drop(block) {
    heap().free(block.address);
  },
};

/** Cuts lent memory into blocks, by their offsets from its start. */
export interface Cutter {
  /** Where a block of the class may lie, or `undefined`. */
  take(classIndex: number): number | undefined;
  give(offset: number, classIndex: number): void;
}

/** Equal blocks side by side, from the front. */
export function sideBySide(blockBytes: number, totalBytes: number): Cutter {
  const offsets: number[] = [];
  let next = 0;
  return {
    take() {
      const offset = offsets.pop();
      if (offset !== undefined || next + blockBytes > totalBytes) return offset;
      next += blockBytes;
      return next - blockBytes;
    },
    give: (offset) => void offsets.push(offset),
  };
}

/**
 * Blocks cut from memory that the user lends, and from nothing else; overflow blocks are ordinary memory. Blocks whose
 * leases leaked are not used again, so the memory may run out.
 */
export function lentSource(lent: LentMemory, cutter: Cutter): BlockSource<ArrayBufferLike> {
  const { buffer, byteOffset } = lent;
  const end = byteOffset + lent.byteLength;
  return {
    make(home, sizeBytes, classIndex, isZeroed) {
      if (classIndex === -1)
        return ordinarySource.make(home as BlockHome<ArrayBuffer>, sizeBytes, classIndex, isZeroed);
      if (buffer.byteLength < end)
        throw new BufferDetachedError('The memory lent to the pool was transferred or shrunk');
      const offset = cutter.take(classIndex);
      if (offset === undefined) return undefined;
      const bytes = Buffer.from(buffer, byteOffset + offset, sizeBytes);
      if (isZeroed) bytes.fill(0);
      return new Block(home, bytes, classIndex, offset);
    },
    fill: fillBytes,
    drop(block) {
      if (block.classIndex !== -1) cutter.give(block.address, block.classIndex);
    },
  };
}
