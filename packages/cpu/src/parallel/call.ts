import type { ResolvedOptions } from './options.ts';
import type { LoadedTask } from './task.ts';
import type { Threads } from './threads.ts';

/** What `close` stops when it has waited long enough. */
export interface Stoppable {
  /** Ends the call with this error. */
  fail(error: Error): void;
}

/** What every call of a pool works with. */
export interface Call {
  readonly task: LoadedTask;
  readonly threads: Threads;
  readonly options: ResolvedOptions;
  readonly signal: AbortSignal | undefined;
  /** The user's own grain, or 0. */
  readonly grain: number;
  /** Told how many of the items are done. */
  readonly onProgress: ((done: number, total: number) => void) | undefined;
  /** The calls of the pool that are at work, for `close`. */
  readonly running: Set<Stoppable>;
}
