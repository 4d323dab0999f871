/** `@hotpath/memory/pool`: buffers and objects that are used again. */

export type { SharedLeaseDescriptor } from './block.ts';
export { type BufferPool, createPool } from './buffer-pool.ts';
export { LEAK_CHANNEL, type LeakDetection, type LeakReport } from './leak-detector.ts';
export type { Lease } from './lease.ts';
export type { LeasePool } from './lease-pool.ts';
export {
  createObjectPool,
  type ObjectPool,
  type ObjectPoolOptions,
  type ObjectPoolStats,
} from './object-pool.ts';
export type {
  ClearPolicy,
  CommonPoolOptions,
  OverflowPolicy,
  PoolOptions,
  SizeClassPoolOptions,
} from './options.ts';
export type { AcquireOptions, ClosePoolOptions, PoolStats, PoolTrim } from './pool-calls.ts';
export { receiveLease, type RemoteLease } from './remote-lease.ts';
export { createSizeClassPool, type SizeClassPool } from './size-class-pool.ts';
export type { Timers } from './waiters.ts';
export { BufferDetachedError, ResizableBufferError } from '../bytes/errors.ts';
export {
  ForeignLeaseError,
  LeaseReleasedError,
  PoolClosedError,
  PoolExhaustedError,
  PoolTimeoutError,
} from '../errors.ts';
export { ArgumentRangeError, ArgumentTypeError, MemoryError } from '../errors.ts';
