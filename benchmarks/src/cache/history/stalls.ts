import { nowMs } from './protocol.ts';

const TICK_MS = 5;
/** Between two ticks: a process that gets no turn for twice as long is held up by the machine, and so is all that it is to hear. */
const STALL_MS = 10;

/** Notes when the event loop stood still: paused, starved by others, or busy. @returns what ends it. */
export function watchStalls(onStall: (from: number, to: number) => void): () => void {
  let last = nowMs();
  const ticking = setInterval(() => {
    const now = nowMs();
    if (now - last > STALL_MS) onStall(last, now);
    last = now;
  }, TICK_MS);
  return () => {
    clearInterval(ticking);
  };
}
