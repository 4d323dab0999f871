import { checkSignal } from './check.ts';

/**
 * Settles as what was begun does, or rejects when the signal aborts first, or is none; what was begun goes on. Nothing is when
 * it has aborted already.
 */
export async function withSignal<T>(begin: () => Promise<T>, signal: AbortSignal): Promise<T> {
  checkSignal(signal);
  signal.throwIfAborted();
  const promise = begin();
  // Whoever else waits for it hears of a failure; this caller may have gone.
  promise.catch(() => {});
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
