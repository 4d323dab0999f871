import { abortSignal } from './arguments.ts';

/** Options of everything that waits: `ready`, `flush`, `add`, `durable`, `send`, `receive`, `close` … */
export interface WaitOptions {
  /** Ends the wait with the signal's reason, not the work; an item or value that nobody has taken yet is taken back. */
  readonly signal?: AbortSignal;
}

/** A promise that rejects with a signal's reason: the user's own value, whatever it is. */
export function rejected(reason: unknown): Promise<never> {
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- see above
  return Promise.reject(reason);
}

/** What a wait rejects with before it begins: the reason of a signal that has aborted, or that it is no signal. */
export function refusedBy(signal: AbortSignal | undefined): Promise<never> | undefined {
  try {
    return abortSignal(signal)?.aborted === true ? rejected(signal!.reason) : undefined;
  } catch (error) {
    return rejected(error);
  }
}

/** The promise, or the signal's reason when that aborts first. The listener goes with whichever comes first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      detach();
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- see above
      reject(signal.reason);
    };
    const detach = (): void => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort);
    promise.then(
      (value) => {
        detach();
        resolve(value);
      },
      (error: unknown) => {
        detach();
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever the promise rejected with
        reject(error);
      },
    );
    if (signal.aborted) onAbort();
  });
}
