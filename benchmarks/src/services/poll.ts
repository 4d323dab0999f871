import { ServiceStartError } from './errors.ts';

const PAUSE_MS = 25;

/**
 * Waits for something that a server tells only when it is asked.
 *
 * @throws ServiceStartError when it has not happened within the time.
 */
export async function until(
  what: string,
  timeoutMs: number,
  happened: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await happened())) {
    if (performance.now() > deadline) throw new ServiceStartError(`${what}: not within ${timeoutMs} ms`, '');
    await new Promise((resolve) => {
      setTimeout(resolve, PAUSE_MS);
    });
  }
}
