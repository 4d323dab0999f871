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
export type { BorrowedMemory } from './heap/borrowed-memory.ts';
export type { ElementType, TypedArrayOf } from './heap/element-type.ts';
export type { Heap, HeapHandle, HeapStats, HeapTrim } from './heap/heap.ts';
export { attachHeap, configureHeap, heap, type HeapOptions } from './heap/process-heap.ts';
export { addressOf, adopt, type AdoptedOf, allocate, free, isFreed, viewAt } from './heap/views.ts';
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
export { Bytes, type BytesHandOver, type BytesMessage } from './bytes/bytes.ts';
export { BytesList, type WritesVectors } from './bytes/bytes-list.ts';
export {
  BytesMut,
  type BytesMutOptions,
  type ByobReader,
  type ReadOptions,
  type ReadsInto,
} from './bytes/bytes-mut.ts';
export { BytesReader } from './bytes/bytes-reader.ts';
export type { CollectOptions } from './bytes/chunk-source.ts';
export { payloadBytesCopied } from './bytes/copies.ts';
export {
  BufferDetachedError,
  BytesBorrowedError,
  BytesReleasedError,
  EncodingError,
  NotTransferableError,
  ResizableBufferError,
} from './bytes/errors.ts';
export type { GrowableBytes } from './bytes/growable-bytes.ts';
export type { BytesLease } from './bytes/lease-store.ts';
export type { BytesLike, ReadableBytes } from './bytes/readable-bytes.ts';
export type { StoreOptions } from './bytes/store.ts';
export type {
  ColumnOf,
  ColumnsOf,
  Cursor,
  CursorField,
  FieldType,
  LayoutSpec,
  RowInput,
  RowOf,
  SortableField,
  ValueOf,
  VectorCursor,
} from './soa/field-types.ts';
export { type BorrowTableOptions, type CreateTableOptions, defineLayout, type Layout } from './soa/layout.ts';
export type { SortOptions, Table, TableDescriptor } from './soa/table.ts';
export {
  Arena,
  type ArenaHandle,
  type ArenaMark,
  type ArenaOptions,
  type ArenaStats,
} from './arena/arena.ts';
export { StaleHandleError } from './arena/errors.ts';
export { withArena } from './arena/with-arena.ts';
export { type Lazy, lazy, lazyRange } from './vec/lazy.ts';
export { StringBuilder } from './vec/string-builder.ts';
export { StringList, type StringListOptions } from './vec/string-list.ts';
export { type ElementOf, TypedVector, type TypedVectorOptions } from './vec/typed-vector.ts';
