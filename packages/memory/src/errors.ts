/** What every error of this package carries, whatever class it extends. */
export interface MemoryErrorLike extends Error {
  /** Stable: `ERR_HOTPATH_MEMORY_<CAUSE>`. */
  readonly code: string;
}

/** An argument has the wrong type. The message names it, what was expected and what came. */
export class ArgumentTypeError extends TypeError implements MemoryErrorLike {
  override readonly name: string = 'ArgumentTypeError';
  readonly code: string = 'ERR_HOTPATH_MEMORY_ARGUMENT_TYPE';
}

/** An argument has the right type and an impossible value: negative, fractional, NaN, too large, out of range. */
export class ArgumentRangeError extends RangeError implements MemoryErrorLike {
  override readonly name: string = 'ArgumentRangeError';
  readonly code: string = 'ERR_HOTPATH_MEMORY_ARGUMENT_RANGE';
}

/** The root of every error of this package that is not about an argument. */
export class MemoryError extends Error implements MemoryErrorLike {
  override readonly name: string = 'MemoryError';
  readonly code: string = 'ERR_HOTPATH_MEMORY';
}

/** The heap was configured or attached after its first use, or twice with different options. */
export class HeapInUseError extends MemoryError {
  override readonly name: string = 'HeapInUseError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_HEAP_IN_USE';
}

/** The heap's maximum is reached, or the machine refuses to give more. */
export class HeapExhaustedError extends MemoryError {
  override readonly name: string = 'HeapExhaustedError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_HEAP_EXHAUSTED';
}

/** The address space of the heap cannot be reserved on this machine. */
export class HeapUnavailableError extends MemoryError {
  override readonly name: string = 'HeapUnavailableError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_HEAP_UNAVAILABLE';
}

/** A thread that only attached to the heap tried to allocate or to free. */
export class HeapOwnerError extends MemoryError {
  override readonly name: string = 'HeapOwnerError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_NOT_HEAP_OWNER';
}

/** A block was freed a second time. */
export class DoubleFreeError extends MemoryError {
  override readonly name: string = 'DoubleFreeError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_DOUBLE_FREE';
}

/** An address or a view that this heap never gave out. */
export class ForeignMemoryError extends MemoryError {
  override readonly name: string = 'ForeignMemoryError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_FOREIGN';
}

/** The integrity check failed, or a freed block was written to (debug mode). */
export class HeapCorruptionError extends MemoryError {
  override readonly name: string = 'HeapCorruptionError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_CORRUPTION';
}
