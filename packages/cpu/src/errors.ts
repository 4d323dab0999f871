/** An argument has the wrong type. The message names it, what was expected and what came. */
export class ArgumentTypeError extends TypeError {
  override readonly name: string = 'ArgumentTypeError';
  readonly code: string = 'ERR_HOTPATH_CPU_ARGUMENT_TYPE';
}

/** An argument has the right type and an impossible value: lengths that differ, an output too small, a number out of range. */
export class ArgumentRangeError extends RangeError {
  override readonly name: string = 'ArgumentRangeError';
  readonly code: string = 'ERR_HOTPATH_CPU_ARGUMENT_RANGE';
}

/** The root of every error of this package that is not about an argument. */
export class CpuError extends Error {
  override readonly name: string = 'CpuError';
  /** Stable: `ERR_HOTPATH_CPU_<CAUSE>`. */
  readonly code: string = 'ERR_HOTPATH_CPU';
}

/** A kernel was given a vector that had been freed. */
export class FreedVectorError extends CpuError {
  override readonly name: string = 'FreedVectorError';
  override readonly code: string = 'ERR_HOTPATH_CPU_FREED_VECTOR';
}

/** A task's module cannot be loaded: it does not exist, does not parse, or throws; `cause` says which. */
export class TaskModuleError extends CpuError {
  override readonly name: string = 'TaskModuleError';
  override readonly code: string = 'ERR_HOTPATH_CPU_TASK_MODULE';
}

/** A task's module was loaded, and has no function under the name given. */
export class TaskExportError extends CpuError {
  override readonly name: string = 'TaskExportError';
  override readonly code: string = 'ERR_HOTPATH_CPU_TASK_EXPORT';
}

/** A function given as source cannot be compiled again from its text: native, bound, a class, or code generation is off. */
export class TaskSourceError extends CpuError {
  override readonly name: string = 'TaskSourceError';
  override readonly code: string = 'ERR_HOTPATH_CPU_TASK_SOURCE';
}

/** A function given as source used a variable from outside itself, which does not exist in another thread. */
export class TaskClosureError extends CpuError {
  override readonly name: string = 'TaskClosureError';
  override readonly code: string = 'ERR_HOTPATH_CPU_TASK_CLOSURE';
  /** Index of the item at which the variable was missed. */
  readonly index: number;

  constructor(message: string, index: number, options?: ErrorOptions) {
    super(message, options);
    this.index = index;
  }
}

/** A task threw. `cause` is what it threw, with the stack it had in its thread. */
export class TaskError extends CpuError {
  override readonly name: string = 'TaskError';
  override readonly code: string = 'ERR_HOTPATH_CPU_TASK';
  /** Index of the item; where several items failed at once, the lowest that was seen. */
  readonly index: number;

  constructor(message: string, index: number, options?: ErrorOptions) {
    super(message, options);
    this.index = index;
  }
}

/** A task gave back what its output cannot hold: a promise, a value that is no number, one that cannot be cloned. */
export class TaskResultError extends CpuError {
  override readonly name: string = 'TaskResultError';
  override readonly code: string = 'ERR_HOTPATH_CPU_TASK_RESULT';
  /** Index of the item; `-1` where it is not known. */
  readonly index: number;

  constructor(message: string, index: number, options?: ErrorOptions) {
    super(message, options);
    this.index = index;
  }
}

/** An item of a plain array cannot be cloned into another thread. */
export class ItemCloneError extends CpuError {
  override readonly name: string = 'ItemCloneError';
  override readonly code: string = 'ERR_HOTPATH_CPU_ITEM_CLONE';
}

/** A worker thread ended while it held items: the task called `process.exit`, ran out of memory, or was terminated. */
export class WorkerDiedError extends CpuError {
  override readonly name: string = 'WorkerDiedError';
  override readonly code: string = 'ERR_HOTPATH_CPU_WORKER_DIED';
}

/** No worker thread could be started, and the calling thread takes no part (`callerSliceMs: 0`). */
export class ThreadsUnavailableError extends CpuError {
  override readonly name: string = 'ThreadsUnavailableError';
  override readonly code: string = 'ERR_HOTPATH_CPU_THREADS_UNAVAILABLE';
}

/** The pool is closed. */
export class ParallelClosedError extends CpuError {
  override readonly name: string = 'ParallelClosedError';
  override readonly code: string = 'ERR_HOTPATH_CPU_CLOSED';
}
