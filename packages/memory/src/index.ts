export {
  ArgumentRangeError,
  ArgumentTypeError,
  DoubleFreeError,
  ForeignMemoryError,
  HeapCorruptionError,
  HeapExhaustedError,
  HeapInUseError,
  HeapOwnerError,
  HeapUnavailableError,
  MemoryError,
  type MemoryErrorLike,
} from './errors.ts';
export type { ElementType, TypedArrayOf } from './heap/element-type.ts';
export type { Heap, HeapHandle, HeapStats, HeapTrim } from './heap/heap.ts';
export { attachHeap, configureHeap, heap, type HeapOptions } from './heap/process-heap.ts';
export { addressOf, adopt, allocate, free, viewAt } from './heap/views.ts';
export type { WasmMemory } from './heap/wasm-memory.ts';
