import { setImmediate as nextTurn } from 'node:timers/promises';

import { describeThrown } from '../describe.ts';
import type { Call, Stoppable } from './call.ts';
import { errorOfThrown } from './failure.ts';
import { isSettled, learn, PROBE_MS, steadyCost } from './grain.ts';
import type { Pace } from './grain.ts';
import type { Position } from './loop.ts';

/** The items of a call as the calling thread works through them, from the front. */
export interface OwnWork {
  readonly count: number;
  /** Items that nobody was given yet. */
  readonly remaining: number;
  /** Where the function was when it threw. */
  readonly position: Position;
  /** Runs the next items, at most `size` or the caller's own grain, fewer where they are dearer than `pace` has it; returns how many. */
  run(size: number, pace: Pace, since: number): number;
  /** What giving an item to another thread costs this one, in milliseconds; infinite while that cannot be told. */
  handoverMs(): number;
}

/**
 * What a shared call costs beside its items, in milliseconds of the calling thread: the message to a worker, the wait for its last
 * items, and the turn of the event loop in which it answers. A call that would win less is computed here.
 */
const SHARE_MS = 0.5;

/** First items of a task whose cost is known: so few that an error by orders of magnitude is found out at once. */
const KNOWN_FIRST = 16;

/** How much longer the next piece is, until it would take {@link PROBE_MS}. */
const GROWTH = 16;

/** Whether the other threads can take more time off this one than handing them the items costs. */
export function isWorthSharing({ options }: Call, pace: Pace, work: OwnWork): boolean {
  if (options.workerCount === 0) return false;
  const { remaining } = work;
  const wonMs = remaining * steadyCost(pace) * (1 - 1 / Math.min(options.threads, remaining));
  return wonMs >= SHARE_MS && wonMs >= SHARE_MS + remaining * work.handoverMs();
}

/**
 * Runs items for `sliceMs`; where threads may be woken (`mayShare`) at most until the rest proves worth it.
 *
 * @throws TaskError and its like when the function throws.
 */
export function runSlice(call: Call, pace: Pace, work: OwnWork, sliceMs: number, mayShare: boolean): void {
  const started = performance.now();
  let before = started;
  let size = pace.msPerItem > 0 ? KNOWN_FIRST : 1;
  try {
    while (work.remaining > 0) {
      const known = pace.msPerItem > 0 ? Math.ceil(PROBE_MS / pace.msPerItem) : size;
      const done = work.run(Math.min(size, known), pace, before);
      const after = performance.now();
      learn(pace, done, after - before);
      before = after;
      size *= GROWTH;
      if (after - started >= sliceMs) return;
      if (mayShare && isSettled(pace) && isWorthSharing(call, pace, work)) return;
    }
  } catch (error) {
    throw errorOfThrown(error, work.position.index, call.task);
  }
}

/** Runs items as long as threads cannot win, in slices with a turn of the event loop before each. */
export async function runAlone(call: Call, pace: Pace, work: OwnWork): Promise<void> {
  await inTurns(call, async (turn, stoppable) => {
    const reporting = reportProgress(call, stoppable, () => work.count - work.remaining, work.count);
    try {
      while (work.remaining > 0 && !isWorthSharing(call, pace, work)) {
        await turn();
        runSlice(call, pace, work, call.options.callerSliceMs, true);
      }
    } finally {
      clearInterval(reporting);
    }
  });
}

/**
 * Work of the calling thread that lets the event loop turn now and then: `turn` does so, and throws where the call was aborted
 * meanwhile, or ended by `close`.
 */
export async function inTurns<R>(
  { signal, running }: Call,
  work: (turn: () => Promise<void>, stoppable: Stoppable) => Promise<R>,
): Promise<R> {
  let failure: Error | undefined;
  const stoppable: Stoppable = { fail: (error) => (failure ??= error) };
  const turn = async (): Promise<void> => {
    await nextTurn();
    signal?.throwIfAborted();
    if (failure !== undefined) throw failure;
  };
  running.add(stoppable);
  try {
    return await work(turn, stoppable);
  } finally {
    running.delete(stoppable);
  }
}

/** How often progress is told. */
const PROGRESS_MS = 50;

/** Tells of progress from time to time. A callback that throws fails the call. */
export function reportProgress(
  { onProgress }: Call,
  running: Stoppable,
  done: () => number,
  total: number,
): ReturnType<typeof setInterval> | undefined {
  if (onProgress === undefined) return undefined;
  const timer = setInterval(() => {
    try {
      onProgress(Math.min(done(), total), total);
    } catch (error) {
      running.fail(error instanceof Error ? error : new Error(describeThrown(error)));
    }
  }, PROGRESS_MS);
  return timer.unref();
}
