import { Worker } from 'node:worker_threads';

/** The URL of a Postgres that is `latencyMs` away each way: through a proxy in a thread of its own, so that only the wait is added. */
export async function openDelayed(
  url: string,
  latencyMs: number,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const worker = new Worker(new URL('./delaying-proxy.js', import.meta.url), {
    workerData: { url, latencyMs },
  });
  const proxied = await new Promise<string>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return {
    url: proxied,
    async close() {
      await worker.terminate();
    },
  };
}
