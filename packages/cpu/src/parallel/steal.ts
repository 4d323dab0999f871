import { addFinished, claim, claimed, isStopped } from './control.ts';
import type { Control } from './control.ts';
import { learn, nextGrain } from './grain.ts';
import type { Pace } from './grain.ts';
import type { Indexed, Loop, Position } from './loop.ts';

/** What the threads of a call work on, as each of them sees it. */
export interface SharedWork {
  readonly control: Control;
  readonly input: Indexed;
  readonly output: Indexed;
  /** Number of items. */
  readonly count: number;
  /** Added to the index that the function sees. */
  readonly offset: number;
  /** Threads that take part, for the size of the grains. */
  readonly threads: number;
  /** The user's own grain, or 0. */
  readonly grain: number;
}

/** Why {@link steal} came back. */
export const STOLEN = { all: 0, deadline: 1, stopped: 2 } as const;

/**
 * Work stealing in its simplest form: every thread takes the next few items from one shared counter until there are
 * none, so that nobody waits for a thread that had the expensive ones. The caller and the workers run this code.
 *
 *   until stopped or past the end: claim a grain; run it; add it to the finished ones
 *
 * It returns at the first grain that ends after `deadline` (`performance.now()` time), so the calling thread can let
 * its event loop turn.
 *
 * @throws what the function throws; `position` then holds the index.
 */
export function steal(
  work: SharedWork,
  loop: Loop,
  pace: Pace,
  position: Position,
  deadline: number,
): number {
  const { control, input, output, count, offset, threads, grain } = work;
  let before = performance.now();
  for (;;) {
    if (isStopped(control)) return STOLEN.stopped;
    const remaining = count - claimed(control);
    if (remaining <= 0) return STOLEN.all;
    const size = nextGrain(pace, remaining, threads, grain);
    const start = claim(control, size);
    if (start >= count) return STOLEN.all;
    const end = Math.min(start + size, count);
    loop(input, output, start, end, offset, position);
    addFinished(control, end - start);
    const after = performance.now();
    learn(pace, end - start, after - before);
    if (after >= deadline) return STOLEN.deadline;
    before = after;
  }
}
