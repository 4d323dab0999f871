/** How a user's function is called: many times in a row, awaited when it gives promises, abandoned when aborted. */

/** The function under measurement. What it returns is kept until the next call, so that its work cannot be left out. */
export type Operation = () => unknown;

/** Where results go; written and never read. */
export const sink: { last: unknown } = { last: undefined };

/** Calls it so many times in a row. */
export function runSync(operation: Operation, times: number): void {
  for (let left = times; left > 0; left--) sink.last = operation();
}

/** Calls it so many times, each after the one before has settled. */
export async function runAsync(operation: Operation, times: number): Promise<void> {
  for (let left = times; left > 0; left--) sink.last = await operation();
}

/**
 * Keeps V8 from inlining an operation into the loops above: its allocations would then be theirs, in what the sampler tells.
 * A call site that has met several functions inlines none of them. That is forgotten when the loops are not used for some
 * collections, so it is done before each measurement.
 */
export async function keepApart(): Promise<void> {
  // Feedback is collected once a function has run for a while.
  for (const operation of [() => 0, () => 1, () => 2]) {
    runSync(operation, 2000);
    await runAsync(operation, 200);
  }
}

/**
 * The promise, or the signal's reason as soon as it aborts: what is waited for may never settle. Its listener is removed
 * on every path; a later failure of the promise is swallowed.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  promise.catch(() => {});
  signal.throwIfAborted();
  const { promise: aborted, reject } = withRejecter();
  const onAbort = (): void => {
    reject(signal.reason as Error);
  };
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function withRejecter(): { readonly promise: Promise<never>; readonly reject: (reason: Error) => void } {
  let reject: (reason: Error) => void;
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  return { promise, reject: reject! };
}
