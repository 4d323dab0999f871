import { describe } from '../check.ts';
import {
  ArgumentTypeError,
  ForeignLeaseError,
  PoolClosedError,
  PoolExhaustedError,
  PoolTimeoutError,
} from '../errors.ts';
import type { Block, BlockHome, BlockSource, SharedLeaseDescriptor } from './block.ts';
import { BlockStock } from './block-stock.ts';
import { type EntryPoint, LeakDetector } from './leak-detector.ts';
import { Lease } from './lease.ts';
import { checkTimeout, type ResolvedPoolOptions } from './options.ts';
import {
  type AcquireOptions,
  checkAcquireOptions,
  type ClosePoolOptions,
  type PoolStats,
  type PoolTrim,
} from './pool-calls.ts';
import type { ShareTable } from './share-table.ts';
import { Waiters } from './waiters.ts';

type State = 'open' | 'closing' | 'closed';

const CLOSE_TIMEOUT_MS = 30_000;

/**
 * What both kinds of buffer pool are made of: a stock of blocks, the leases on them, and a line of waiters.
 *
 * ```
 *              acquire                      release
 *   idle[class] ─────▶ leased ─▶ first waiter, if any, else idle[class], else dropped (overflow, closed, detached)
 * ```
 *
 * Last in, first out, so the next lease has the block that is still in the cache. A block that comes back goes to the
 * first in line and to nobody else.
 *
 * Invariants: those of {@link BlockStock}; `leased` counts leases out. While someone waits, no block that would serve
 * the first in line is idle.
 */
export class PoolCore<B extends ArrayBufferLike> implements BlockHome<B> {
  readonly #options: ResolvedPoolOptions;
  readonly #stock: BlockStock<B>;
  readonly #shares: ShareTable | undefined;
  /** The stock's stacks, one load nearer. */
  readonly #idle: Block<B>[][];
  readonly #waiters: Waiters<Block<B>>;
  readonly #detector: LeakDetector<Block<B>> | undefined;
  /** Whether leases are not watched and blocks neither filled nor checked, so that the short paths do. */
  readonly #isPlain: boolean;
  #state: State = 'open';
  #closing: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;
  #isWatching = false;
  #leased = 0;
  #peakLeased = 0;
  #acquired = 0;
  #overflowed = 0;
  #leaked = 0;
  #detached = 0;

  constructor(options: ResolvedPoolOptions, source: BlockSource<B>, shares: ShareTable | undefined) {
    this.#options = options;
    this.#shares = shares;
    this.#stock = new BlockStock(this, options, source, shares);
    this.#idle = this.#stock.idle;
    this.#waiters = new Waiters(options.timers);
    this.#isPlain = options.leakOneIn === 0 && !this.#stock.touchesBlocks;
    if (options.leakOneIn > 0) {
      this.#detector = new LeakDetector(options.name, options.leakOneIn, options.onLeak, (block) => {
        this.#lose(block);
      });
    }
  }

  /** Makes `count` idle blocks of a class, as far as the limits allow. */
  preallocate(classIndex: number, count: number): void {
    this.#stock.preallocate(classIndex, count);
  }

  /** A lease, or `undefined` when nothing is idle, the limit is reached, or others wait. */
  tryAcquire(classIndex: number, sizeBytes: number, entry: EntryPoint): Lease<B> | undefined {
    // What is idle while others wait is of a class that the first of them cannot use; nobody overtakes all the same.
    if (this.#waiters.count === 0 && this.#isPlain) {
      const block = this.#idle[classIndex]!.pop();
      if (block !== undefined) {
        this.#acquired++;
        if (++this.#leased > this.#peakLeased) this.#peakLeased = this.#leased;
        return new Lease(block, sizeBytes);
      }
    }
    return this.#acquireSlowly(classIndex, sizeBytes, entry);
  }

  /** The rest of {@link PoolCore.tryAcquire}: one call, so that V8 need not join two ways to a lease. */
  #acquireSlowly(classIndex: number, sizeBytes: number, entry: EntryPoint): Lease<B> | undefined {
    const block = this.#takeSlowly(classIndex);
    return block === undefined ? undefined : this.#lend(block, sizeBytes, entry);
  }

  /** A lease at once, by the overflow policy. */
  acquireSync(classIndex: number, sizeBytes: number, entry: EntryPoint): Lease<B> {
    const lease = this.tryAcquire(classIndex, sizeBytes, entry);
    if (lease !== undefined) return lease;
    if (this.#options.overflow !== 'allocate') throw this.#exhausted('is at its limit');
    return this.lendOverflow(this.#options.classes[classIndex]!, sizeBytes, entry);
  }

  /** A lease, now or when it is this acquire's turn. */
  async acquire(
    classIndex: number,
    sizeBytes: number,
    options: AcquireOptions | undefined,
    entry: EntryPoint,
  ): Promise<Lease<B>> {
    const timeoutMs = options?.timeoutMs ?? this.#options.acquireTimeoutMs;
    const signal = options?.signal;
    if (options !== undefined) checkAcquireOptions(options);
    signal?.throwIfAborted();
    if (this.#options.overflow !== 'wait') return this.acquireSync(classIndex, sizeBytes, entry);
    const lease = this.tryAcquire(classIndex, sizeBytes, entry);
    if (lease !== undefined) return lease;
    if (this.#waiters.count >= this.#options.maxWaiters) {
      throw this.#exhausted(`has ${this.#waiters.count} acquires in line, its limit`);
    }
    const stack = this.#detector?.isDue() === true ? this.#detector.capture(entry) : undefined;
    const turn = this.#waiters.wait(sizeBytes, timeoutMs, signal);
    void this.#watchShares();
    const block = await turn;
    const waited = new Lease(block, sizeBytes);
    if (stack !== undefined) {
      block.isWatched = true;
      this.#detector!.watch(waited, block, block.blockBytes, stack);
    }
    return waited;
  }

  /** A lease on a block of exactly `blockBytes` that is dropped at its release. */
  lendOverflow(blockBytes: number, sizeBytes: number, entry: EntryPoint): Lease<B> {
    this.#checkOpen();
    const block = this.#stock.makeOverflow(blockBytes);
    this.#overflowed++;
    return this.#lend(block, sizeBytes, entry);
  }

  /** Releases a lease of this pool. */
  release(lease: Lease<B>): void {
    if (!(lease instanceof Lease))
      throw new ArgumentTypeError(`lease: expected a Lease, got ${describe(lease)}`);
    lease.releaseTo(this);
  }

  /** Takes over a lease that another thread shared back. */
  receive(descriptor: SharedLeaseDescriptor, entry: EntryPoint): Lease<B> {
    const block = this.#sharesOrThrow().receive(descriptor) as unknown as Block<B>;
    const lease = new Lease(block, descriptor.sizeBytes);
    if (this.#detector !== undefined && this.#detector.isDue()) this.#watch(lease, block, entry);
    return lease;
  }

  /** Takes back a block whose holder is gone. */
  reclaim(descriptor: SharedLeaseDescriptor): boolean {
    const block = this.#sharesOrThrow().seize(descriptor) as unknown as Block<B> | undefined;
    if (block === undefined) return false;
    this.#settle(block);
    return true;
  }

  giveBack(block: Block<B>, lease: Lease<B>): void {
    const isWhole = block.classIndex !== -1 && block.bytes.length === block.blockBytes;
    if (this.#isPlain && isWhole && this.#state === 'open' && this.#waiters.count === 0) {
      this.#leased--;
      this.#idle[block.classIndex]!.push(block);
      return;
    }
    this.#giveBackSlowly(block, lease);
  }

  #giveBackSlowly(block: Block<B>, lease: Lease<B>): void {
    if (block.isWatched) this.#unwatch(block, lease);
    this.#settle(block);
  }

  handOver(block: Block<B>, lease: Lease<B>): Lease<B> {
    const next = new Lease(block, lease.sizeBytes);
    if (block.isWatched) {
      this.#unwatch(block, lease);
      // oxlint-disable-next-line typescript/unbound-method -- names the function whose callers the stack starts with
      this.#watch(next, block, Lease.prototype.move);
    }
    return next;
  }

  describeForThread(block: Block<B>, lease: Lease<B>): SharedLeaseDescriptor {
    const shares = this.#sharesOrThrow();
    if (block.index === -1)
      throw new ForeignLeaseError('lease: an overflow block cannot go to another thread');
    if (block.isWatched) this.#unwatch(block, lease);
    const descriptor = shares.send(block as unknown as Block<SharedArrayBuffer>, lease.sizeBytes);
    void this.#watchShares();
    return descriptor;
  }

  trim(keepBytes: number): PoolTrim {
    this.#collectShares();
    return this.#stock.trim(keepBytes);
  }

  stats(): PoolStats {
    this.#collectShares();
    return {
      idleBlockCount: this.#stock.idleCount,
      idleBytes: this.#stock.idleBytes,
      leasedCount: this.#leased,
      peakLeasedCount: this.#peakLeased,
      remoteCount: this.#shares?.awayCount ?? 0,
      ownedBytes: this.#stock.ownedBytes,
      waitingCount: this.#waiters.count,
      acquiredCount: this.#acquired,
      createdCount: this.#stock.createdCount,
      overflowCount: this.#overflowed,
      timedOutCount: this.#waiters.timedOutCount,
      leakedCount: this.#leaked,
      detachedCount: this.#detached,
    };
  }

  close(options: ClosePoolOptions | undefined): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    const closing = this.#close(options?.timeoutMs ?? CLOSE_TIMEOUT_MS);
    // A time limit that is none closes nothing, and the next call may bring a better one.
    if (this.#state !== 'open') this.#closing = closing;
    return closing;
  }

  destroy(): void {
    this.#stop();
    this.#onDrained?.();
  }

  async #close(timeoutMs: number): Promise<void> {
    checkTimeout('timeoutMs', timeoutMs);
    this.#stop();
    if (this.#leased === 0) return;
    const { timers } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const timer =
        timeoutMs === Infinity
          ? undefined
          : timers.setTimeout(() => {
              this.#onDrained = undefined;
              this.#closing = undefined;
              reject(
                new PoolTimeoutError(
                  `The pool '${this.#options.name}' still had ${this.#leased} leases out ${timeoutMs} ms after close`,
                ),
              );
            }, timeoutMs);
      this.#onDrained = () => {
        this.#onDrained = undefined;
        if (timer !== undefined) timers.clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Takes no more acquires, drops what is idle; what is leased is dropped as it comes back. */
  #stop(): void {
    if (this.#state !== 'open') return;
    this.#moveTo('closing');
    this.#waiters.rejectAll(() => this.#closedError());
    this.trim(0);
    this.#closeIfDrained();
    void this.#watchShares();
  }

  #closeIfDrained(): void {
    if (this.#leased === 0 && this.#state === 'closing') this.#moveTo('closed');
  }

  /** The only place where the state changes. */
  #moveTo(state: 'closing' | 'closed'): void {
    this.#state = state;
    if (state !== 'closed') return;
    this.#shares?.dispose();
    this.#onDrained?.();
  }

  #lend(block: Block<B>, sizeBytes: number, entry: EntryPoint): Lease<B> {
    this.#countLease();
    const lease = new Lease(block, sizeBytes);
    if (this.#detector !== undefined && this.#detector.isDue()) this.#watch(lease, block, entry);
    return lease;
  }

  #countLease(): void {
    this.#acquired++;
    if (++this.#leased > this.#peakLeased) this.#peakLeased = this.#leased;
  }

  /** Nothing of the class is idle: look for what other threads released, else make a block if the limits allow. */
  #takeSlowly(classIndex: number): Block<B> | undefined {
    this.#checkOpen();
    this.#collectShares();
    if (this.#waiters.count > 0) return undefined;
    return this.#stock.take(classIndex);
  }

  /** A block came back, from whatever thread. */
  #settle(block: Block<B>): void {
    this.#leased--;
    if (block.bytes.length !== block.blockBytes) {
      this.#detached++;
      this.#stock.drop(block);
    } else if (block.classIndex === -1 || this.#state !== 'open') this.#stock.drop(block);
    else this.#stock.put(block);
    if (this.#waiters.count > 0) this.#serveWaiters();
    this.#closeIfDrained();
  }

  /** Serves the line in its order as far as blocks go. */
  #serveWaiters(): void {
    for (;;) {
      const sizeBytes = this.#waiters.nextSizeBytes;
      if (sizeBytes === undefined) return;
      const classIndex = this.#options.classes.findIndex((blockBytes) => blockBytes >= sizeBytes);
      let block: Block<B> | undefined;
      try {
        block = this.#stock.take(classIndex);
      } catch (error) {
        this.#waiters.refuse(error);
        continue;
      }
      if (block === undefined) return;
      this.#countLease();
      this.#waiters.serve(block);
    }
  }

  /** A watched lease was collected. Someone may still hold its bytes, so the block is given up, not used again. */
  #lose(block: Block<B>): void {
    this.#leaked++;
    this.#leased--;
    this.#stock.forget(block);
    if (this.#waiters.count > 0) this.#serveWaiters();
    this.#closeIfDrained();
  }

  #watch(lease: Lease<B>, block: Block<B>, entry: EntryPoint): void {
    block.isWatched = true;
    this.#detector!.watch(lease, block, block.blockBytes, this.#detector!.capture(entry));
  }

  #unwatch(block: Block<B>, lease: Lease<B>): void {
    block.isWatched = false;
    this.#detector!.unwatch(lease);
  }

  #collectShares(): void {
    this.#shares?.collect((block) => {
      this.#settle(block as unknown as Block<B>);
    });
  }

  /** Looks for releases of other threads for as long as something here waits for them. */
  async #watchShares(): Promise<void> {
    const shares = this.#shares;
    if (shares === undefined || this.#isWatching) return;
    this.#isWatching = true;
    while (shares.awayCount > 0 && (this.#waiters.count > 0 || this.#state === 'closing')) {
      const seen = shares.wakeValue();
      this.#collectShares();
      if (shares.awayCount > 0) await shares.nextRelease(seen);
    }
    this.#isWatching = false;
  }

  #checkOpen(): void {
    if (this.#state !== 'open') throw this.#closedError();
  }

  #sharesOrThrow(): ShareTable {
    if (this.#shares !== undefined) return this.#shares;
    throw new ForeignLeaseError(`The pool '${this.#options.name}' is not shared: make it with shared: true`);
  }

  #closedError(): PoolClosedError {
    return new PoolClosedError(`The pool '${this.#options.name}' is closed`);
  }

  #exhausted(what: string): PoolExhaustedError {
    return new PoolExhaustedError(`The pool '${this.#options.name}' ${what}: ${this.#leased} leases are out`);
  }
}
