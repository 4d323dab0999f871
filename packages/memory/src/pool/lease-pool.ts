import type { BlockSource, SharedLeaseDescriptor } from './block.ts';
import type { Lease } from './lease.ts';
import type { ResolvedPoolOptions } from './options.ts';
import type { ClosePoolOptions, PoolStats } from './pool-calls.ts';
import { PoolCore } from './pool-core.ts';
import { ShareTable } from './share-table.ts';

/** What pools of one size and of size classes have in common: all but acquiring and trimming. */
export abstract class LeasePool<B extends ArrayBufferLike> {
  protected readonly core: PoolCore<B>;

  /** @internal Made by the pools. */
  constructor(options: ResolvedPoolOptions, source: BlockSource<B>) {
    const shares = options.isShared ? new ShareTable(options.maxBlocks) : undefined;
    this.core = new PoolCore(options, source, shares);
  }

  /**
   * The same as `lease.release()`, and checks that the lease is of this pool.
   *
   * @throws ForeignLeaseError when it is of another one. @throws LeaseReleasedError when it was released already.
   */
  release(lease: Lease<B>): void {
    this.core.release(lease);
  }

  /**
   * Takes over a lease that another thread shared back with `RemoteLease.share`.
   *
   * @throws LeaseReleasedError when it was received already. @throws ForeignLeaseError when it is of another pool.
   */
  receive(descriptor: SharedLeaseDescriptor): Lease<B> {
    return this.core.receive(descriptor, receive);
  }

  /**
   * Takes a block back from a thread that ended without releasing it; `false` when the block is back already, or was
   * passed on. Only call it when the holder is gone: one that lives would go on writing.
   *
   * @throws ForeignLeaseError when it is of another pool.
   */
  reclaim(descriptor: SharedLeaseDescriptor): boolean {
    return this.core.reclaim(descriptor);
  }

  /** A snapshot. */
  stats(): PoolStats {
    return this.core.stats();
  }

  /**
   * Refuses new acquires, rejects those in line, and resolves when the last lease is back; rejects with
   * `PoolTimeoutError` when that takes too long (the leases can still be released). Calling it again meanwhile returns
   * the same promise, and after that waits anew.
   */
  close(options?: ClosePoolOptions): Promise<void> {
    return this.core.close(options);
  }

  /** As `close`, without waiting for the leases that are out. */
  destroy(): void {
    this.core.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

// Named once: a leak's stack starts with the caller of this function.
// oxlint-disable-next-line typescript/unbound-method -- it is only compared with stack frames
const { receive } = LeasePool.prototype;
