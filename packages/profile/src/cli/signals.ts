/** Signals that end a program unless it handles them. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Calls `finish` when a signal is about to end the program. Where the program has a handler of its own, ours makes room
 * for it, because libraries count the handlers to learn whether it is for them to end the program.
 *
 * @returns whether the program has, or had, a handler of its own: it then decides when it ends.
 */
export function beforeSignalsEnd(finish: () => void): () => boolean {
  const ours = new Map<string | symbol, () => void>();
  let isEnding = false;
  let hasOwn = false;
  for (const signal of SIGNALS) {
    const onSignal = (): void => {
      finish();
      isEnding = true;
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    ours.set(signal, onSignal);
    process.on(signal, onSignal);
  }
  process.on('newListener', (event: string | symbol, listener: unknown) => {
    const onSignal = ours.get(event);
    if (onSignal === undefined || listener === onSignal) return;
    hasOwn = true;
    // It is told before the other one is there; so that there is always one, ours goes after it.
    process.nextTick(() => process.off(event, onSignal));
  });
  process.on('removeListener', (event: string | symbol) => {
    const onSignal = ours.get(event);
    if (onSignal === undefined || isEnding || process.listenerCount(event) > 0) return;
    process.on(event, onSignal);
  });
  return () => hasOwn;
}
