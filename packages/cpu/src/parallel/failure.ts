import { describeThrown } from '../describe.ts';
import {
  TaskClosureError,
  TaskError,
  TaskExportError,
  TaskModuleError,
  TaskResultError,
  TaskSourceError,
} from '../errors.ts';
import { fromPortable } from './protocol.ts';
import type { Failure } from './protocol.ts';
import type { LoadedTask } from './task.ts';

/** The error of the public face for what a worker reported. */
export function errorOfFailure(failure: Failure, task: LoadedTask): Error {
  const cause = failure.thrown === undefined ? undefined : fromPortable(failure.thrown);
  switch (failure.kind) {
    case 'result':
      return new TaskResultError(failure.message, failure.index);
    case 'module':
      return new TaskModuleError(failure.message, { cause });
    case 'export':
      return new TaskExportError(failure.message, { cause });
    case 'source':
      return new TaskSourceError(failure.message, { cause });
    case 'threw':
      return errorOfThrown(cause, failure.index, task);
  }
}

/** What V8 says of a variable that is nowhere; it has other words for one of the function's own that is used too early. */
const MISSING_VARIABLE = /^ReferenceError: .* is not defined$/;

/** The error of the public face for what the function threw, in whatever thread, at item `index`. */
export function errorOfThrown(thrown: unknown, index: number, task: LoadedTask): Error {
  if (thrown instanceof TaskResultError) return thrown;
  const what = describeThrown(thrown);
  if (task.spec.kind === 'source' && thrown instanceof Error && MISSING_VARIABLE.test(what)) {
    return new TaskClosureError(
      `the function '${task.name}', given as source, used something from outside itself at item ${index}: ` +
        `${thrown.message}; make it self-contained, or export it from a module and use moduleTask`,
      index,
      { cause: thrown },
    );
  }
  return new TaskError(`the task '${task.name}' threw at item ${index}: ${what}`, index, { cause: thrown });
}

/** Index that an error of {@link errorOfFailure} carries; failures that concern no item come first. */
export function indexOf(error: Error): number {
  return 'index' in error && typeof error.index === 'number' ? error.index : -1;
}
