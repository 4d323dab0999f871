import { ArgumentTypeError, ForeignLeaseError, LeaseReleasedError } from '../errors.ts';
import { heap } from '../heap/process-heap.ts';
import { viewAt } from '../heap/views.ts';
import type { Block, SharedLeaseDescriptor } from './block.ts';
import { controlWords, HEAD, nextOf, STATUS, stateOf, toState, WAKE } from './share-words.ts';
import { describe } from '../check.ts';

/** The generation wraps within 30 bits. */
const GENERATION_MASK = 0x3fff_ffff;

/** The owner's side of the control words of a shared pool; `share-words.ts` has the protocol. */
export class ShareTable {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #offset: number;
  readonly #maxBlocks: number;
  readonly #blocks: (Block<SharedArrayBuffer> | undefined)[] = [];
  readonly #freeIndexes: number[] = [];
  #awayCount = 0;
  #isDisposed = false;

  constructor(maxBlocks: number) {
    this.#maxBlocks = maxBlocks;
    this.#offset = heap().allocateZeroed(controlWords(maxBlocks) * Int32Array.BYTES_PER_ELEMENT);
    this.#words = viewAt('i32', this.#offset, controlWords(maxBlocks));
  }

  /** Blocks that other threads hold. */
  get awayCount(): number {
    return this.#awayCount;
  }

  /** Gives a new block its slot. */
  add(block: Block<SharedArrayBuffer>): void {
    const index = this.#freeIndexes.pop() ?? this.#blocks.length;
    block.index = index;
    this.#blocks[index] = block;
  }

  /** Frees the slot of a block that is here. */
  remove(block: Block<SharedArrayBuffer>): void {
    this.#blocks[block.index] = undefined;
    this.#freeIndexes.push(block.index);
    block.index = -1;
  }

  /** Sends a block on its way to another thread. */
  send(block: Block<SharedArrayBuffer>, sizeBytes: number): SharedLeaseDescriptor {
    const { index } = block;
    const generation = ((Atomics.load(this.#words, stateOf(index)) >>> 2) + 1) & GENERATION_MASK;
    Atomics.store(this.#words, stateOf(index), toState(generation, STATUS.inTransit));
    this.#awayCount++;
    return {
      kind: 'hotpath.lease.v1',
      buffer: block.bytes.buffer,
      byteOffset: block.address,
      blockBytes: block.blockBytes,
      sizeBytes,
      controlOffset: this.#offset,
      controlBlocks: this.#maxBlocks,
      blockIndex: index,
      generation,
    };
  }

  /** Takes a block back that another thread posted to this one. */
  receive(descriptor: SharedLeaseDescriptor): Block<SharedArrayBuffer> {
    const block = this.#find(descriptor);
    if (!this.#settle(descriptor, STATUS.inTransit)) {
      throw new LeaseReleasedError('descriptor: it was received already, or the lease moved on');
    }
    return block;
  }

  /** Takes a block back whether or not its holder agrees; `undefined` when it moved on or is back already. */
  seize(descriptor: SharedLeaseDescriptor): Block<SharedArrayBuffer> | undefined {
    const block = this.#find(descriptor);
    const isAway = this.#settle(descriptor, STATUS.inTransit) || this.#settle(descriptor, STATUS.remote);
    return isAway ? block : undefined;
  }

  /** Takes all blocks that other threads released. One exchange when there are none. */
  collect(take: (block: Block<SharedArrayBuffer>) => void): void {
    if (this.#isDisposed) return;
    let next = Atomics.load(this.#words, HEAD) === 0 ? 0 : Atomics.exchange(this.#words, HEAD, 0);
    while (next !== 0) {
      const index = next - 1;
      next = Atomics.load(this.#words, nextOf(index));
      const generation = Atomics.load(this.#words, stateOf(index)) >>> 2;
      Atomics.store(this.#words, stateOf(index), toState(generation, STATUS.home));
      this.#awayCount--;
      take(this.#blocks[index]!);
    }
  }

  /** Value to wait on; take it before {@link ShareTable.collect}, so that no release is missed. */
  wakeValue(): number {
    return Atomics.load(this.#words, WAKE);
  }

  /** Resolves when a thread releases a block after `value` was read. Does not keep the process alive. */
  async nextRelease(value: number): Promise<void> {
    await waitAsync(this.#words, WAKE, value).value;
  }

  /** Frees the control words; no block may be away. */
  dispose(): void {
    this.#isDisposed = true;
    heap().free(this.#offset);
  }

  #find(descriptor: SharedLeaseDescriptor): Block<SharedArrayBuffer> {
    if (typeof descriptor !== 'object' || descriptor === null || descriptor.kind !== 'hotpath.lease.v1') {
      throw new ArgumentTypeError(
        `descriptor: expected what Lease.share returned, got ${describe(descriptor)}`,
      );
    }
    const block = this.#blocks[descriptor.blockIndex];
    if (
      descriptor.controlOffset !== this.#offset ||
      block?.address !== descriptor.byteOffset ||
      !heap().owns(descriptor.buffer)
    ) {
      throw new ForeignLeaseError('descriptor: it comes from another pool');
    }
    return block;
  }

  #settle({ blockIndex, generation }: SharedLeaseDescriptor, from: number): boolean {
    const expected = toState(generation, from);
    const home = toState(generation, STATUS.home);
    if (Atomics.compareExchange(this.#words, stateOf(blockIndex), expected, home) !== expected) return false;
    this.#awayCount--;
    return true;
  }
}

/** Of lib es2024; every supported Node has it. */
type WaitAsync = (
  words: Int32Array<SharedArrayBuffer>,
  index: number,
  value: number,
) => { value: Promise<string> | string };
const { waitAsync } = Atomics as unknown as { readonly waitAsync: WaitAsync };
