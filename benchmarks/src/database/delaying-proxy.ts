/** A thread: starts the proxy and tells its URL; it ends with the thread. */

import { parentPort, workerData } from 'node:worker_threads';
import { startProxy } from '../services/index.ts';

const { url, latencyMs } = workerData as { readonly url: string; readonly latencyMs: number };
const proxy = await startProxy(url, { latencyMs });
parentPort!.postMessage(proxy.url);
