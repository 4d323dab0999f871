import { addFinished, claim, claimed, isStopped } from './control.ts';
import type { Control } from './control.ts';
import { learn, nextGrain, runGrain } from './grain.ts';
import type { Pace } from './grain.ts';
import type { Indexed, Loop, Position, ResultKind } from './loop.ts';

/** What the threads of a call work on, as each of them sees it. */
export interface SharedWork {
  readonly control: Control;
  readonly input: Indexed;
  readonly output: Indexed;
  readonly resultKind: ResultKind;
  /** Number of items. */
  readonly count: number;
  /** Added to the index that the function sees. */
  readonly offset: number;
  /** Threads that take part, for the size of the grains. */
  readonly threads: number;
  /** The user's own grain, or 0. */
  readonly grain: number;
}

/** Items that a thread has claimed and not run yet. */
export interface Held {
  start: number;
  end: number;
}

/** Why {@link steal} came back. */
export const STOLEN = { all: 0, deadline: 1, stopped: 2 } as const;

/**
 * Work stealing in its simplest form: every thread takes the next few items from one shared counter until there are
 * none, so that nobody waits for a thread that had the expensive ones. The caller and the workers run this code.
 *
 *   until stopped or past the end: claim a grain; run it; add it to the finished ones
 *
 * It returns when a grain, or what was run of one that turns out too dear, ends after `deadline` (`performance.now()`
 * time), so the calling thread can let its event loop turn. What it has claimed by then it runs first when it is called
 * again with the same `held`.
 *
 * @throws what the function throws; `position` then holds the index.
 */
export function steal(
  work: SharedWork,
  loop: Loop,
  pace: Pace,
  position: Position,
  held: Held,
  deadline: number,
): number {
  const { control, count, threads, grain } = work;
  let before = performance.now();
  for (;;) {
    if (isStopped(control)) return STOLEN.stopped;
    if (held.start === held.end) {
      const remaining = count - claimed(control);
      if (remaining <= 0) return STOLEN.all;
      const size = nextGrain(pace, remaining, threads, grain);
      const start = claim(control, size);
      if (start >= count) return STOLEN.all;
      held.start = start;
      held.end = Math.min(start + size, count);
    }
    const { start } = held;
    held.start = runGrain(loop, work, start, held.end, position, pace, before);
    const items = held.start - start;
    addFinished(control, items);
    const after = performance.now();
    learn(pace, items, after - before);
    if (after >= deadline) return STOLEN.deadline;
    before = after;
  }
}
