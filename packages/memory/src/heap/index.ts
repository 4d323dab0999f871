/** `@hotpath/memory/heap`: the process's one shared heap, and typed arrays in it. */

export type { BorrowedMemory } from './borrowed-memory.ts';
export type { ElementType, TypedArrayOf } from './element-type.ts';
export type { Heap, HeapHandle, HeapStats, HeapTrim } from './heap.ts';
export { attachHeap, configureHeap, heap, type HeapOptions } from './process-heap.ts';
export { addressOf, adopt, type AdoptedOf, allocate, free, isFreed, viewAt } from './views.ts';
export type { WasmMemory } from './wasm-memory.ts';
export { BufferDetachedError } from '../bytes/errors.ts';
export {
  DoubleFreeError,
  ForeignMemoryError,
  HeapCorruptionError,
  HeapExhaustedError,
  HeapInUseError,
  HeapOwnerError,
  HeapUnavailableError,
} from '../errors.ts';
export { ArgumentRangeError, ArgumentTypeError, MemoryError } from '../errors.ts';
