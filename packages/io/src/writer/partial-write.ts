/** What a refused or fruitless write(2) asks for: the same again now, again later, or nothing. */
export type Refusal = 'again' | 'later' | 'fatal';

/**
 * Sorts the errors of write(2). `EINTR` means that a signal came first; `EAGAIN` that a non-blocking pipe, socket or
 * terminal is full, and there is no event to wait for on such a descriptor from JavaScript. All else is for the user.
 */
export function refusalOf(error: unknown): Refusal {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'EINTR') return 'again';
  return code === 'EAGAIN' || code === 'EWOULDBLOCK' ? 'later' : 'fatal';
}

/** A pipe of 64 KiB is emptied by a busy reader in well under a millisecond, so the first wait is as short as timers allow. */
const FIRST_BACKOFF_MS = 1;
/** A stuck reader costs twenty wake-ups a second and no more. */
const MAX_BACKOFF_MS = 50;

/** Milliseconds before attempt number `attempt` (0 for the first retry) on a descriptor that took nothing. */
export function backoffMs(attempt: number): number {
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(attempt, 16));
}

const SLEEP = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread; for synchronous flushes only. */
export function sleepSync(ms: number): void {
  Atomics.wait(SLEEP, 0, 0, ms);
}
