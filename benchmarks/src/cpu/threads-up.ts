/** Longer than a worker takes to start and to load the task, on a machine that does other work too. */
const STARTING_MS = 300;

/**
 * Calls until the threads of a pool that starts them at need are up: the peers' pools start theirs when they are made, before the clock
 * starts, too. What the first call takes has a case of its own (first-call.bench.ts).
 */
export async function threadsUp(call: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + STARTING_MS;
  while (performance.now() < until) await call();
}
