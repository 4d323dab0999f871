/** An argument has the wrong type. The message names it, what was expected and what came. */
export class ArgumentTypeError extends TypeError {
  override readonly name: string = 'ArgumentTypeError';
  readonly code: string = 'ERR_HOTPATH_MEMORY_ARGUMENT_TYPE';
}

/** An argument has the right type and an impossible value: negative, fractional, NaN, too large, out of range. */
export class ArgumentRangeError extends RangeError {
  override readonly name: string = 'ArgumentRangeError';
  readonly code: string = 'ERR_HOTPATH_MEMORY_ARGUMENT_RANGE';
}

/** The root of every error of this package that is not about an argument. */
export class MemoryError extends Error {
  override readonly name: string = 'MemoryError';
  /** Stable: `ERR_HOTPATH_MEMORY_<CAUSE>`. */
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

/** A pool has nothing left, and its overflow policy is to say so; or its queue of waiters is full. */
export class PoolExhaustedError extends MemoryError {
  override readonly name: string = 'PoolExhaustedError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_POOL_EXHAUSTED';
}

/** An acquire, or the drain of a closing pool, took longer than its time limit. */
export class PoolTimeoutError extends MemoryError {
  override readonly name: string = 'PoolTimeoutError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_POOL_TIMEOUT';
}

/** The pool was closed. */
export class PoolClosedError extends MemoryError {
  override readonly name: string = 'PoolClosedError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_POOL_CLOSED';
}

/** A lease was used or released after it was released or handed over. */
export class LeaseReleasedError extends MemoryError {
  override readonly name: string = 'LeaseReleasedError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_LEASE_RELEASED';
}

/** A lease or an object was given to a pool that it does not come from. */
export class ForeignLeaseError extends MemoryError {
  override readonly name: string = 'ForeignLeaseError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_FOREIGN_LEASE';
}

/** A layout's description is not one: no fields, an unknown type, a name that cannot be a field. */
export class LayoutError extends ArgumentTypeError {
  override readonly name: string = 'LayoutError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_LAYOUT';
}

/** A shared descriptor belongs to another layout, or to another version of it. */
export class LayoutMismatchError extends MemoryError {
  override readonly name: string = 'LayoutMismatchError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_LAYOUT_MISMATCH';
}

/** A structure over borrowed or limited memory has no room for more. */
export class CapacityError extends MemoryError {
  override readonly name: string = 'CapacityError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_CAPACITY';
}

/** A structure was used after its memory was given back. */
export class DisposedError extends MemoryError {
  override readonly name: string = 'DisposedError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_DISPOSED';
}
