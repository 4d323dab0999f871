import { checkSignal } from './check.ts';

/** Settles as the promise does, or rejects when the signal aborts first, or is none; what the promise stands for goes on. */
export async function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Whoever else waits for it hears of a failure; this caller may have gone.
  promise.catch(() => {});
  checkSignal(signal);
  signal.throwIfAborted();
  let onAbort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
