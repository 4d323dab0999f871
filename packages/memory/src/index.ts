export {
  ArgumentRangeError,
  ArgumentTypeError,
  CapacityError,
  DisposedError,
  DoubleFreeError,
  ForeignLeaseError,
  ForeignMemoryError,
  HeapCorruptionError,
  HeapExhaustedError,
  HeapInUseError,
  HeapOwnerError,
  HeapUnavailableError,
  LayoutError,
  LayoutMismatchError,
  LeaseReleasedError,
  MemoryError,
  type MemoryErrorLike,
  PoolClosedError,
  PoolExhaustedError,
  PoolTimeoutError,
} from './errors.ts';
export type { ElementType, TypedArrayOf } from './heap/element-type.ts';
export type { Heap, HeapHandle, HeapStats, HeapTrim } from './heap/heap.ts';
export { attachHeap, configureHeap, heap, type HeapOptions } from './heap/process-heap.ts';
export { addressOf, adopt, allocate, free, isFreed, viewAt } from './heap/views.ts';
export type { WasmMemory } from './heap/wasm-memory.ts';
export type { SharedLeaseDescriptor } from './pool/block.ts';
export { type BufferPool, createPool } from './pool/buffer-pool.ts';
export { LEAK_CHANNEL, type LeakDetection, type LeakReport } from './pool/leak-detector.ts';
export type { Lease } from './pool/lease.ts';
export {
  createObjectPool,
  type ObjectPool,
  type ObjectPoolOptions,
  type ObjectPoolStats,
} from './pool/object-pool.ts';
export type {
  ClearPolicy,
  CommonPoolOptions,
  OverflowPolicy,
  PoolOptions,
  SizeClassPoolOptions,
} from './pool/options.ts';
export type { AcquireOptions, ClosePoolOptions, PoolStats, PoolTrim } from './pool/pool-core.ts';
export { receiveLease, type RemoteLease } from './pool/remote-lease.ts';
export { createSizeClassPool, type SizeClassPool } from './pool/size-class-pool.ts';
export type { Timers } from './pool/waiters.ts';
