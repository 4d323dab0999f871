import { checkInteger, describe } from '../check.ts';
import {
  DoubleFreeError,
  ForeignMemoryError,
  HeapCorruptionError,
  HeapExhaustedError,
  HeapOwnerError,
} from '../errors.ts';
import { Allocator, type FreeOutcome } from './allocator.ts';
import { bulkMemory, type BulkMemory } from './bulk-memory.ts';
import { copyIntoShared, NATIVE_FROM_BYTES } from './copy-in.ts';
import { HeapIdentity } from './identity.ts';
import { firstOther, POISON } from './poison.ts';
import { PAGE_BYTES } from './span.ts';
import { createWasmMemory, WASM_MAXIMUM_BYTES, WASM_PAGE_BYTES, type WasmMemory } from './wasm-memory.ts';

/** What a heap holds, at one moment. All in bytes unless said otherwise. */
export interface HeapStats {
  /** Blocks in use, rounded up to their size class. */
  readonly usedBytes: number;
  /** Number of blocks in use. */
  readonly usedBlockCount: number;
  /** The most that was ever in use. */
  readonly peakBytes: number;
  /** What the memory has grown to; never falls. */
  readonly capacityBytes: number;
  /** Limit of growth. */
  readonly maximumBytes: number;
  /** The largest block that fits without growing. */
  readonly largestFreeBytes: number;
  /** Freed blocks that the debug mode holds back. */
  readonly quarantinedBytes: number;
  /** How many times the memory grew. */
  readonly growCount: number;
}

/** What {@link Heap.trim} did. */
export interface HeapTrim {
  /** Bytes that any size of block may use again. */
  readonly reclaimedBytes: number;
}

/** A heap, as it crosses to another thread: post it, or pass it in `workerData`. */
export interface HeapHandle {
  readonly kind: 'hotpath.heap.v1';
  readonly memory: WasmMemory;
  readonly maximumBytes: number;
}

/** Settings of a heap, resolved. */
export interface ResolvedHeapOptions {
  readonly maximumBytes: number;
  /** Bytes of freed blocks that the debug mode holds back; 0 without it. */
  readonly quarantineBytes: number;
}

/** A heap starts with 1 MiB. */
const INITIAL_BYTES = 1 << 20;

/** It grows by at least an eighth of what it has, and by at least this. */
const GROWTH_MINIMUM_BYTES = 1 << 20;

/** The first page holds the heap's identity, so no block is ever at address 0. */
const FIRST_PAGE = 1;

/**
 * A growable shared WebAssembly memory, and the allocator that divides it. Obtain it with `heap()`.
 *
 * Only the thread that made it allocates and frees. Blocks are 64-byte aligned. Addresses are byte offsets into
 * {@link Heap.memory}, which kernels take as pointers. `grow` makes a new `buffer` object and detaches no view.
 */
export class Heap {
  /** The memory: import it into a WebAssembly instance, or read `memory.buffer`. */
  readonly memory: WasmMemory;
  /** Limit of growth. */
  readonly maximumBytes: number;
  /** False in a thread that attached: it reads and writes, but neither allocates nor frees. */
  readonly isOwner: boolean;
  readonly #identity: HeapIdentity;
  readonly #allocator: Allocator | undefined;
  readonly #quarantineBytes: number;
  readonly #quarantine: number[] = [];
  #quarantineHead = 0;
  /** @internal For structures that call it in a loop. */
  readonly bulk: BulkMemory;
  #bytes: Buffer<SharedArrayBuffer>;
  #growCount = 0;

  private constructor(memory: WasmMemory, maximumBytes: number, options: ResolvedHeapOptions | undefined) {
    this.memory = memory;
    this.maximumBytes = maximumBytes;
    this.isOwner = options !== undefined;
    this.#quarantineBytes = options?.quarantineBytes ?? 0;
    this.#bytes = Buffer.from(memory.buffer);
    this.bulk = bulkMemory(memory);
    this.#identity = new HeapIdentity(memory, this.isOwner);
    if (options !== undefined) {
      const pageCount = memory.buffer.byteLength / PAGE_BYTES;
      this.#allocator = new Allocator(FIRST_PAGE, pageCount, (minimumPages) => this.#grow(minimumPages));
    }
  }

  /** @internal Makes a heap that this thread owns. Applications call `heap()`, which makes the process's one. */
  static create(options: ResolvedHeapOptions): Heap {
    const initialBytes = Math.min(INITIAL_BYTES, options.maximumBytes);
    const memory = createWasmMemory(initialBytes / WASM_PAGE_BYTES, options.maximumBytes / WASM_PAGE_BYTES);
    return new Heap(memory, options.maximumBytes, options);
  }

  /** @internal Makes this thread's sight of a heap that another thread owns. Applications call `attachHeap`. */
  static attach(handle: HeapHandle): Heap {
    return new Heap(handle.memory, handle.maximumBytes, undefined);
  }

  /**
   * Takes a block of at least `sizeBytes`; 0 takes the smallest one. Its content is whatever was there before. O(1);
   * grows the memory when nothing fits.
   *
   * @returns its address: a multiple of 64, never 0.
   * @throws ArgumentRangeError when `sizeBytes` is negative, fractional, NaN or over 4 GiB.
   * @throws HeapExhaustedError when the maximum is reached or the machine gives no more.
   * @throws HeapOwnerError in a thread that only attached.
   */
  allocate(sizeBytes: number): number {
    const allocator = this.#allocator ?? this.#refuse('allocate');
    checkInteger('sizeBytes', sizeBytes, 0, WASM_MAXIMUM_BYTES);
    return allocator.allocate(sizeBytes);
  }

  /**
   * As {@link Heap.allocate}, with the first `sizeBytes` bytes zero. Fresh memory is not filled, as it is zero already.
   */
  allocateZeroed(sizeBytes: number): number {
    const allocator = this.#allocator ?? this.#refuse('allocate');
    checkInteger('sizeBytes', sizeBytes, 0, WASM_MAXIMUM_BYTES);
    const untouchedFrom = allocator.untouchedFromBytes;
    const address = allocator.allocate(sizeBytes);
    if (address < untouchedFrom) this.bulk.fill(address, 0, sizeBytes);
    return address;
  }

  /**
   * Gives a block back. Views over it are not revoked: using one afterwards reads and writes what another owner has.
   *
   * @throws DoubleFreeError when the block is free already.
   * @throws ForeignMemoryError when no block starts at `address`.
   * @throws HeapCorruptionError in debug mode, when an earlier freed block was written to.
   * @throws HeapOwnerError in a thread that only attached.
   */
  free(address: number): void {
    const allocator = this.#allocator ?? this.#refuse('free');
    if (this.#quarantineBytes > 0) this.#freeLate(allocator, address);
    else settle(allocator.free(checkAddress(address)), address);
  }

  /**
   * Sets `sizeBytes` bytes from `address` on to `byte`, 5 to 25 times as fast as `fill` of a typed array, which V8 runs
   * element by element over shared memory. In every thread.
   *
   * Unchecked: the range must lie in a block of the caller's. A range that ends behind the memory traps
   * (`WebAssembly.RuntimeError`) and writes nothing.
   */
  fill(address: number, sizeBytes: number, byte: number): void {
    this.bulk.fill(address, byte, sizeBytes);
  }

  /**
   * Copies `sizeBytes` bytes inside the heap; the ranges may overlap. About 5 times as fast as `copyWithin` or `set` of
   * typed arrays, for the same reason. In every thread. Unchecked as {@link Heap.fill}.
   */
  copy(toAddress: number, fromAddress: number, sizeBytes: number): void {
    this.bulk.copy(toAddress, fromAddress, sizeBytes);
  }

  /**
   * Copies `source` to `toAddress`: from 4 KiB of ordinary memory on up to twice as fast as `set` of a typed array over
   * the heap, and what lies in the heap itself as {@link Heap.copy}. In every thread. Unchecked as {@link Heap.fill}.
   */
  write(toAddress: number, source: Uint8Array): void {
    // An attached thread hears of no growth.
    if (toAddress + source.length > this.#bytes.length) this.#bytes = Buffer.from(this.memory.buffer);
    if (source.length < NATIVE_FROM_BYTES) this.#bytes.set(source, toAddress);
    else if (this.owns(source.buffer)) this.bulk.copy(toAddress, source.byteOffset, source.length);
    else copyIntoShared(this.#bytes, toAddress, source);
  }

  /**
   * Usable bytes of the block at `address`: what was asked for, rounded up to its class.
   *
   * @throws ForeignMemoryError when no used block starts there.
   */
  sizeOf(address: number): number {
    const allocator = this.#allocator ?? this.#refuse('measure a block');
    const sizeBytes = allocator.sizeOf(checkAddress(address));
    if (sizeBytes === 0) throw new ForeignMemoryError(`address: no block in use starts at ${address}`);
    return sizeBytes;
  }

  /** Whether `buffer` is this heap's memory, by whatever buffer object it is seen. */
  owns(buffer: ArrayBufferLike): boolean {
    return this.#identity.isHeap(buffer);
  }

  /** Whether `address` lies in a block in use. Always true in a thread that only attached, which cannot know. */
  isUsed(address: number): boolean {
    return this.#allocator === undefined || this.#allocator.isUsed(address);
  }

  /** A snapshot. O(number of size bins). */
  stats(): HeapStats {
    const allocator = this.#allocator ?? this.#refuse('read the statistics');
    const { counters } = allocator;
    return {
      usedBytes: counters.usedBytes,
      usedBlockCount: counters.usedBlocks,
      peakBytes: counters.peakBytes,
      capacityBytes: allocator.capacityBytes,
      maximumBytes: this.maximumBytes,
      largestFreeBytes: allocator.longestFreeBytes(),
      quarantinedBytes: counters.quarantinedBytes,
      growCount: this.#growCount,
    };
  }

  /**
   * Makes idle blocks usable for any size: empty spans of small blocks become plain pages again, and quarantined blocks
   * become free. **No memory returns to the operating system**, because a WebAssembly memory cannot shrink: what trimming
   * avoids is the next growth.
   */
  trim(): HeapTrim {
    const allocator = this.#allocator ?? this.#refuse('trim');
    let reclaimedBytes = allocator.counters.quarantinedBytes;
    this.#drain(allocator, 0);
    reclaimedBytes += allocator.trim();
    return { reclaimedBytes };
  }

  /**
   * Checks the allocator's whole state, and in debug mode that no quarantined block was written to. O(pages + blocks).
   *
   * @throws HeapCorruptionError naming what does not hold.
   */
  checkInvariants(): void {
    const allocator = this.#allocator ?? this.#refuse('check the heap');
    const fault = allocator.fault() ?? this.#identity.fault();
    if (fault !== undefined) throw new HeapCorruptionError(`The heap is inconsistent: ${fault}`);
    for (let i = this.#quarantineHead; i < this.#quarantine.length; i += 2) {
      this.#checkPoison(this.#quarantine[i]!, this.#quarantine[i + 1]!);
    }
  }

  /** What another thread passes to `attachHeap`. */
  handle(): HeapHandle {
    return { kind: 'hotpath.heap.v1', memory: this.memory, maximumBytes: this.maximumBytes };
  }

  #freeLate(allocator: Allocator, address: number): void {
    const sizeBytes = allocator.sizeOf(checkAddress(address));
    settle(allocator.quarantine(address), address);
    this.bulk.fill(address, POISON, sizeBytes);
    this.#quarantine.push(address, sizeBytes);
    this.#drain(allocator, this.#quarantineBytes);
  }

  /** Frees the oldest quarantined blocks until at most `limitBytes` are left. */
  #drain(allocator: Allocator, limitBytes: number): void {
    while (allocator.counters.quarantinedBytes > limitBytes) {
      const address = this.#quarantine[this.#quarantineHead]!;
      const sizeBytes = this.#quarantine[this.#quarantineHead + 1]!;
      this.#quarantineHead += 2;
      allocator.release(address);
      this.#checkPoison(address, sizeBytes);
    }
    if (this.#quarantineHead > this.#quarantine.length / 2) {
      this.#quarantine.splice(0, this.#quarantineHead);
      this.#quarantineHead = 0;
    }
  }

  #checkPoison(address: number, sizeBytes: number): void {
    const end = Math.min(address + sizeBytes, this.#bytes.length);
    const at = firstOther(this.#bytes, POISON, address, end);
    if (at < 0) return;
    throw new HeapCorruptionError(
      `The block of ${sizeBytes} bytes at ${address} was written to at offset ${at - address} after it was freed`,
    );
  }

  /** Adds pages, some in advance; returns how many there are then, in the allocator's size of page. */
  #grow(minimumPages: number): number {
    const capacityBytes = this.memory.buffer.byteLength;
    const neededBytes = Math.ceil((minimumPages * PAGE_BYTES) / WASM_PAGE_BYTES) * WASM_PAGE_BYTES;
    const roomBytes = this.maximumBytes - capacityBytes;
    if (neededBytes > roomBytes) {
      throw new HeapExhaustedError(
        `The heap is full: ${neededBytes} more bytes are needed, ${roomBytes} of its ${this.maximumBytes} are left. Free something, or raise maximumBytes with configureHeap`,
      );
    }
    const aheadBytes = Math.max(
      GROWTH_MINIMUM_BYTES,
      Math.floor(capacityBytes / 8 / WASM_PAGE_BYTES) * WASM_PAGE_BYTES,
    );
    try {
      this.memory.grow(Math.min(Math.max(neededBytes, aheadBytes), roomBytes) / WASM_PAGE_BYTES);
    } catch (cause) {
      throw new HeapExhaustedError(`The machine refuses to grow the heap by ${neededBytes} bytes`, { cause });
    }
    this.#growCount++;
    this.#bytes = Buffer.from(this.memory.buffer);
    return this.#bytes.length / PAGE_BYTES;
  }

  #refuse(action: string): never {
    throw new HeapOwnerError(
      `This thread is attached to the heap and cannot ${action}: only the thread that owns it can`,
    );
  }
}

function checkAddress(address: number): number {
  if (!Number.isInteger(address) || address < 0) {
    throw new ForeignMemoryError(`address: expected one that allocate returned, got ${describe(address)}`);
  }
  return address;
}

function settle(outcome: FreeOutcome, address: number): void {
  if (outcome === 'freed') return;
  if (outcome === 'double-free') throw new DoubleFreeError(`The block at ${address} is free already`);
  throw new ForeignMemoryError(`address: no block of the heap starts at ${address}`);
}
