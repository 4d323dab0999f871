import type { Buffer } from 'node:buffer';
import { ForeignLeaseError, LeaseReleasedError } from '../errors.ts';
import type { Block, BlockHome, SharedLeaseDescriptor } from './block.ts';

/**
 * The right to use a block, from its acquire to its release. Each acquire makes a new lease, so that one kept too long throws even when its
 * block has a new user.
 *
 * The views that {@link Lease.bytes} returned are raw memory and cannot be revoked: do not use one after the release.
 */
export class Lease<B extends ArrayBufferLike = ArrayBuffer> {
  /** What was asked for; the block may be larger in a pool of size classes. */
  // Declared and not defined, and no private method below: a definition is a store more and a private method a brand on
  // every new lease, and V8 then no longer does without the object in a loop that only passes it through.
  declare readonly sizeBytes: number;
  #block: Block<B> | undefined;

  /** @internal Made by pools. */
  constructor(block: Block<B>, sizeBytes: number) {
    this.#block = block;
    this.sizeBytes = sizeBytes;
  }

  /**
   * The whole block, as the Buffer that stays with it: no view is made. Its content is what the last user left, unless
   * the pool clears.
   *
   * @throws LeaseReleasedError after the release.
   */
  get bytes(): Buffer<B> {
    const block = this.#block;
    if (block === undefined) throw released();
    return block.bytes;
  }

  /** False once the lease was released or handed over. */
  get isHeld(): boolean {
    return this.#block !== undefined;
  }

  /**
   * Exactly {@link Lease.sizeBytes} bytes of the block: a new view, about 100 ns, when the block is larger.
   *
   * @throws LeaseReleasedError after the release.
   */
  view(): Buffer<B> {
    const { bytes, sizeBytes } = this;
    return bytes.length === sizeBytes ? bytes : bytes.subarray(0, sizeBytes);
  }

  /**
   * Gives the block back to its pool.
   *
   * @throws LeaseReleasedError when that was done already.
   */
  release(): void {
    const block = this.#block;
    if (block === undefined) throw released();
    this.#block = undefined;
    block.home.giveBack(block, this);
  }

  /** Releases unless that was done already, so that `using` and an early release go together. */
  [Symbol.dispose](): void {
    if (this.#block !== undefined) this.release();
  }

  /**
   * Moves the ownership to a new lease; this one is released as far as its holder can tell. For a callee that must be
   * sure that its caller no longer uses the block.
   *
   * @throws LeaseReleasedError after the release.
   */
  move(): Lease<B> {
    const block = this.#block;
    if (block === undefined) throw released();
    this.#block = undefined;
    return block.home.handOver(block, this);
  }

  /**
   * Moves the ownership to another thread: post the descriptor, and call `receiveLease` on it there. Only pools with
   * `shared: true`.
   *
   * @throws LeaseReleasedError after the release.
   * @throws ForeignLeaseError when the pool is not shared; the lease stays held.
   */
  share(): SharedLeaseDescriptor {
    const block = this.#block;
    if (block === undefined) throw released();
    const descriptor = block.home.describeForThread(block, this);
    this.#block = undefined;
    return descriptor;
  }

  /** @internal Releases to `home`, which must be where the block comes from. Called by pools. */
  releaseTo(home: BlockHome<B>): void {
    const block = this.#block;
    if (block === undefined) throw released();
    if (block.home !== home) throw new ForeignLeaseError('lease: it comes from another pool');
    this.release();
  }
}

function released(): LeaseReleasedError {
  return new LeaseReleasedError('The lease was released or handed over already');
}
