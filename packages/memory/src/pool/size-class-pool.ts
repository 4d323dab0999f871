import { checkInteger } from '../check.ts';
import { ArgumentRangeError } from '../errors.ts';
import type { BorrowedMemory } from '../heap/borrowed-memory.ts';
import { type BlockSource, heapSource, lentSource, ordinarySource } from './block.ts';
import { Buddies } from './buddies.ts';
import type { Lease } from './lease.ts';
import { parseSizeClassPoolOptions, type ResolvedPoolOptions, type SizeClassPoolOptions } from './options.ts';
import type { AcquireOptions, PoolTrim } from './pool-calls.ts';
import { LeasePool } from './lease-pool.ts';

/**
 * A pool of blocks in powers of two, for requests of any size up to the largest class. Make it with
 * {@link createSizeClassPool}. A lease's block has the next power of two, so up to half of it is unused.
 */
export class SizeClassPool<B extends ArrayBufferLike = ArrayBuffer> extends LeasePool<B> {
  /** The largest request that comes from the pool. */
  readonly maxBlockSize: number;
  readonly #allowsLarger: boolean;
  /** Class of a size is 32 - clz32(size - 1) minus this, at least 0. */
  readonly #smallestBits: number;

  /** @internal Use {@link createSizeClassPool}. */
  constructor(options: ResolvedPoolOptions, source: BlockSource<B>) {
    super(options, source);
    this.maxBlockSize = options.classes.at(-1)!;
    this.#smallestBits = 31 - Math.clz32(options.classes[0]!);
    this.#allowsLarger = options.overflow === 'allocate';
  }

  /**
   * A lease on a block of at least `sizeBytes`, or `undefined` when the limits are reached or others wait.
   *
   * @throws ArgumentRangeError when `sizeBytes` is no integer from 1 to `maxBlockSize`. @throws PoolClosedError.
   */
  tryAcquire(sizeBytes: number): Lease<B> | undefined {
    return this.core.tryAcquire(this.#classOf(sizeBytes), sizeBytes, tryAcquire);
  }

  /**
   * A lease at once. With `overflow: 'allocate'` what is beyond the limits, or larger than `maxBlockSize`, gets a block
   * of its own that is dropped at its release.
   *
   * @throws PoolExhaustedError at the limits with another policy. @throws ArgumentRangeError as `tryAcquire`.
   * @throws PoolClosedError after `close`.
   */
  acquireSync(sizeBytes: number): Lease<B> {
    if (this.#allowsLarger && sizeBytes > this.maxBlockSize)
      return this.#acquireLarger(sizeBytes, acquireSync);
    return this.core.acquireSync(this.#classOf(sizeBytes), sizeBytes, acquireSync);
  }

  /**
   * A lease, by the overflow policy; with `wait`, strictly in the order of the calls, so a large request in front holds
   * up small ones behind it. Rejects as `BufferPool.acquire` does, and with `ArgumentRangeError` as `tryAcquire`.
   */
  async acquire(sizeBytes: number, options?: AcquireOptions): Promise<Lease<B>> {
    if (this.#allowsLarger && sizeBytes > this.maxBlockSize) return this.#acquireLarger(sizeBytes, acquire);
    return this.core.acquire(this.#classOf(sizeBytes), sizeBytes, options, acquire);
  }

  /** Lets go of idle blocks, the largest first, until at most `keepBytes` are idle. */
  trim(keepBytes = 0): PoolTrim {
    checkInteger('keepBytes', keepBytes, 0, Number.MAX_SAFE_INTEGER);
    return this.core.trim(keepBytes);
  }

  #acquireLarger(sizeBytes: number, entry: typeof acquireSync | typeof acquire): Lease<B> {
    checkInteger('sizeBytes', sizeBytes, 1, Number.MAX_SAFE_INTEGER);
    return this.core.lendOverflow(sizeBytes, sizeBytes, entry);
  }

  #classOf(sizeBytes: number): number {
    if (!(sizeBytes >= 1 && sizeBytes <= this.maxBlockSize) || sizeBytes !== (sizeBytes | 0)) {
      checkInteger('sizeBytes', sizeBytes, 1, this.maxBlockSize);
      throw new ArgumentRangeError(`sizeBytes: expected an integer, got ${sizeBytes}`);
    }
    const classIndex = 32 - Math.clz32(sizeBytes - 1) - this.#smallestBits;
    return classIndex > 0 ? classIndex : 0;
  }
}

// As in buffer-pool.ts: the functions that users call, for the stack of a leak.
// oxlint-disable typescript/unbound-method -- they are only compared with stack frames
const { tryAcquire, acquireSync, acquire } = SizeClassPool.prototype;
// oxlint-enable typescript/unbound-method

/**
 * Makes a pool of size classes.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when an option is invalid.
 * @example
 * const pool = createSizeClassPool({ maxBytes: 64 << 20 });
 * using lease = pool.acquireSync(3000);
 * lease.bytes.length; // 4096
 * lease.view().length; // 3000
 */
export function createSizeClassPool(
  options: SizeClassPoolOptions & { readonly shared: true },
): SizeClassPool<SharedArrayBuffer>;
export function createSizeClassPool<B extends ArrayBufferLike>(
  options: SizeClassPoolOptions & { readonly memory: BorrowedMemory<B> },
): SizeClassPool<B>;
export function createSizeClassPool(
  options: SizeClassPoolOptions & { readonly shared?: false; readonly memory?: undefined },
): SizeClassPool;
export function createSizeClassPool(options: SizeClassPoolOptions): SizeClassPool<ArrayBufferLike>;
export function createSizeClassPool(options: SizeClassPoolOptions): object {
  const resolved = parseSizeClassPoolOptions(options);
  const { lent, classes, isShared } = resolved;
  if (lent !== undefined)
    return new SizeClassPool(resolved, lentSource(lent, new Buddies(classes, lent.byteLength)));
  return isShared ? new SizeClassPool(resolved, heapSource) : new SizeClassPool(resolved, ordinarySource);
}
