/** Stops all; one that fails does not keep the others from being stopped. */
export async function stopAll(servers: readonly { stop(): Promise<void> }[]): Promise<void> {
  const outcomes = await Promise.allSettled(servers.map((server) => server.stop()));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Starts all at once; if one fails, those that started are stopped. */
export async function startAll<T extends { stop(): Promise<void> }>(
  starts: readonly (() => Promise<T>)[],
): Promise<T[]> {
  const outcomes = await Promise.allSettled(starts.map((start) => start()));
  const started = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return started;
  await stopAll(started);
  throw failed.reason;
}
