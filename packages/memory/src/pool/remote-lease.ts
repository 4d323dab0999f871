import { Buffer } from 'node:buffer';
import { describe } from '../check.ts';
import { ArgumentTypeError, LeaseReleasedError } from '../errors.ts';
import type { SharedLeaseDescriptor } from './block.ts';
import { controlWords, HEAD, nextOf, STATUS, stateOf, toState, WAKE } from './share-words.ts';

/** The generation wraps within 30 bits. */
const GENERATION_MASK = 0x3fff_ffff;

/** A lease in a thread that is not the pool's. Releasing it returns the block to the pool without a message. */
export class RemoteLease {
  /** What was asked for. */
  readonly sizeBytes: number;
  readonly #descriptor: SharedLeaseDescriptor;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Buffer<SharedArrayBuffer>;
  #isHeld = true;

  /** @internal Made by {@link receiveLease}. */
  constructor(descriptor: SharedLeaseDescriptor, words: Int32Array<SharedArrayBuffer>) {
    this.sizeBytes = descriptor.sizeBytes;
    this.#descriptor = descriptor;
    this.#words = words;
    this.#bytes = Buffer.from(descriptor.buffer, descriptor.byteOffset, descriptor.blockBytes);
  }

  /**
   * The block's memory, the same that the other threads see.
   *
   * @throws LeaseReleasedError after the release.
   */
  get bytes(): Buffer<SharedArrayBuffer> {
    if (!this.#isHeld) throw released();
    return this.#bytes;
  }

  /** False once the lease was released or handed over. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /**
   * Returns the block to its pool, which takes it up at its next acquire; one that waits is woken.
   *
   * @throws LeaseReleasedError when that was done already, or the pool took the block back.
   */
  release(): void {
    const { blockIndex } = this.#descriptor;
    this.#leave(this.#descriptor.generation, STATUS.returned);
    const words = this.#words;
    let head = Atomics.load(words, HEAD);
    for (;;) {
      Atomics.store(words, nextOf(blockIndex), head);
      const seen = Atomics.compareExchange(words, HEAD, head, blockIndex + 1);
      if (seen === head) break;
      head = seen;
    }
    Atomics.add(words, WAKE, 1);
    Atomics.notify(words, WAKE);
  }

  /** Releases unless that was done already. */
  [Symbol.dispose](): void {
    if (this.#isHeld) this.release();
  }

  /**
   * Moves the ownership on, or back: post the descriptor; another worker calls `receiveLease`, the pool's thread
   * `pool.receive`.
   *
   * @throws LeaseReleasedError after the release.
   */
  share(): SharedLeaseDescriptor {
    const generation = (this.#descriptor.generation + 1) & GENERATION_MASK;
    this.#leave(generation, STATUS.inTransit);
    return { ...this.#descriptor, generation };
  }

  #leave(generation: number, status: number): void {
    if (!this.#isHeld) throw released();
    this.#isHeld = false;
    const from = toState(this.#descriptor.generation, STATUS.remote);
    const state = stateOf(this.#descriptor.blockIndex);
    if (Atomics.compareExchange(this.#words, state, from, toState(generation, status)) !== from)
      throw released();
  }
}

/**
 * Takes over a lease that another thread shared. Each descriptor can be received once.
 *
 * @throws ArgumentTypeError when it is not a descriptor of `Lease.share`.
 * @throws LeaseReleasedError when it was received already, or the pool took the block back.
 * @example
 * parentPort.on('message', (descriptor) => {
 *   using lease = receiveLease(descriptor);
 *   lease.bytes.fill(1);
 * });
 */
export function receiveLease(descriptor: SharedLeaseDescriptor): RemoteLease {
  if (
    typeof descriptor !== 'object' ||
    descriptor === null ||
    descriptor.kind !== 'hotpath.lease.v1' ||
    !(descriptor.buffer instanceof SharedArrayBuffer)
  ) {
    throw new ArgumentTypeError(
      `descriptor: expected what Lease.share returned, got ${describe(descriptor)}`,
    );
  }
  const { buffer, controlOffset, controlBlocks, blockIndex, generation } = descriptor;
  const words = new Int32Array(buffer, controlOffset, controlWords(controlBlocks));
  const from = toState(generation, STATUS.inTransit);
  const to = toState(generation, STATUS.remote);
  if (Atomics.compareExchange(words, stateOf(blockIndex), from, to) !== from) {
    throw new LeaseReleasedError('descriptor: it was received already, or its pool took the block back');
  }
  return new RemoteLease(descriptor, words);
}

function released(): LeaseReleasedError {
  return new LeaseReleasedError('The lease was released or handed over already');
}
