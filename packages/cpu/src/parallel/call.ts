import type { Crew } from './crew.ts';
import type { ResolvedOptions } from './options.ts';
import type { LoadedTask } from './task.ts';
import type { Threads } from './threads.ts';

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
  /** The crews of the pool that are at work, for `close`. */
  readonly crews: Set<Crew>;
}

/** Serial work that is left below which waking threads costs more than it gains. Waking them takes 70-190 µs. */
export const INLINE_BELOW_MS = 0.5;

/** Until this much was spent, a reading of the cost of an item is not believed: the first items run cold. */
export const PROBE_MS = 0.1;

/** Whether what remains is worth waking threads for; `spentMs` were needed for `done` items so far. */
export function isWorthSharing(remaining: number, msPerItem: number, spentMs: number): boolean {
  return spentMs >= PROBE_MS && remaining * msPerItem >= INLINE_BELOW_MS;
}

/** How many items to try next while the cost is being found out. */
export function nextProbe(done: number, msPerItem: number, remaining: number): number {
  const known = msPerItem > 0 ? Math.ceil(PROBE_MS / msPerItem) : Infinity;
  return Math.max(1, Math.min(done + 1, known, remaining));
}
