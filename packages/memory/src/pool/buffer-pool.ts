import { checkInteger } from '../check.ts';
import { type BlockSource, heapSource, lentSource, ordinarySource, sideBySide } from './block.ts';
import type { BorrowedMemory } from '../heap/borrowed-memory.ts';
import type { Lease } from './lease.ts';
import { parsePoolOptions, type PoolOptions, type ResolvedFixedPoolOptions } from './options.ts';
import type { AcquireOptions, PoolTrim } from './pool-calls.ts';
import { LeasePool } from './lease-pool.ts';

/**
 * A pool of equal blocks. Make it with {@link createPool}.
 *
 * An acquire and its release cost about 40 ns and make no garbage but the lease itself.
 */
export class BufferPool<B extends ArrayBufferLike = ArrayBuffer> extends LeasePool<B> {
  /** Bytes of every block. */
  readonly blockSize: number;
  /** Blocks that the pool owns at most. */
  readonly maxBlocks: number;

  /** @internal Use {@link createPool}. */
  constructor(options: ResolvedFixedPoolOptions, source: BlockSource<B>) {
    super(options, source);
    this.blockSize = options.classes[0]!;
    this.maxBlocks = options.maxBlocks;
    this.core.preallocate(0, options.preallocate);
  }

  /**
   * A lease, or `undefined` when all blocks are out or others wait. Never waits.
   *
   * @throws PoolClosedError after `close`.
   */
  tryAcquire(): Lease<B> | undefined {
    return this.core.tryAcquire(0, this.blockSize, tryAcquire);
  }

  /**
   * A lease at once: an extra block, dropped at its release, when all are out and `overflow` is `allocate`.
   *
   * @throws PoolExhaustedError when all are out and `overflow` is something else.
   * @throws PoolClosedError after `close`.
   */
  acquireSync(): Lease<B> {
    return this.core.acquireSync(0, this.blockSize, acquireSync);
  }

  /**
   * A lease, by the overflow policy; with `wait`, in the order of the calls. Rejects with
   *
   * - `PoolTimeoutError` after the time limit, the signal's reason when it aborts,
   * - `PoolExhaustedError` when the line is full, or at the limit with `overflow: 'throw'`,
   * - `PoolClosedError` after `close`.
   */
  acquire(options?: AcquireOptions): Promise<Lease<B>> {
    return this.core.acquire(0, this.blockSize, options, acquire);
  }

  /**
   * Lets go of idle blocks, those idle longest first, until `keepBlocks` are left. Ordinary memory is then garbage;
   * the heap's is free for other uses of the heap.
   */
  trim(keepBlocks = 0): PoolTrim {
    checkInteger('keepBlocks', keepBlocks, 0, Number.MAX_SAFE_INTEGER);
    return this.core.trim(Math.min(keepBlocks, this.maxBlocks) * this.blockSize);
  }
}

// The functions that users call, named once: a leak's stack starts with their caller. Read from the prototype when the module loads,
// because looking them up in each call would cost as much as the lease.
// oxlint-disable typescript/unbound-method -- they are only compared with stack frames
const { tryAcquire, acquireSync, acquire } = BufferPool.prototype;
// oxlint-enable typescript/unbound-method

/**
 * Makes a pool of `maxBlocks` blocks of `blockSize` bytes.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when an option is invalid.
 * @throws PoolExhaustedError when the machine has no memory to preallocate.
 * @example
 * const pool = createPool({ blockSize: 64 * 1024, maxBlocks: 100 });
 * const lease = await pool.acquire();
 * try {
 *   const { bytesRead } = await file.read(lease.bytes);
 *   consume(lease.bytes.subarray(0, bytesRead));
 * } finally {
 *   lease.release();
 * }
 */
export function createPool(options: PoolOptions & { readonly shared: true }): BufferPool<SharedArrayBuffer>;
export function createPool<B extends ArrayBufferLike>(
  options: PoolOptions & { readonly memory: BorrowedMemory<B> },
): BufferPool<B>;
export function createPool(
  options: PoolOptions & { readonly shared?: false; readonly memory?: undefined },
): BufferPool;
export function createPool(options: PoolOptions): BufferPool<ArrayBufferLike>;
export function createPool(options: PoolOptions): object {
  const resolved = parsePoolOptions(options);
  if (resolved.lent !== undefined)
    return new BufferPool(
      resolved,
      lentSource(resolved.lent, sideBySide(resolved.classes[0]!, resolved.lent.byteLength)),
    );
  return resolved.isShared ? new BufferPool(resolved, heapSource) : new BufferPool(resolved, ordinarySource);
}
