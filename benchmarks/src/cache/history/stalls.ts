import { nowMs } from './protocol.ts';

/** The finest that timers have: it decides how late a stall is seen to begin. */
const TICK_MS = 1;
/** Between two ticks: a process that gets no turn for so long is held up by the machine, and so is all that it is to hear. */
const STALL_MS = 10;

/**
 * How long a process stands still before it counts as a stall, in ms: where a message is to be heard within a bound, less
 * than that. A loop that was held runs its timers before its sockets; a read in between would be blamed on the cache although
 * its process has had no turn to hear of anything. Half of it leaves the other half for the message.
 */
export function stallMsOf(boundMs: number | undefined): number {
  return Math.min(STALL_MS, (boundMs ?? Infinity) / 2);
}

/** Notes when the event loop stood still: paused, starved by others, or busy. @returns what ends it. */
export function watchStalls(stallMs: number, onStall: (from: number, to: number) => void): () => void {
  let last = nowMs();
  const ticking = setInterval(() => {
    const now = nowMs();
    if (now - last > stallMs) onStall(last, now);
    last = now;
  }, TICK_MS);
  return () => {
    clearInterval(ticking);
  };
}
