// Loads in the thread of a test and nowhere else.
import { workerData } from 'node:worker_threads';

if (Array.isArray(workerData) || globalThis.hotpathTestThread !== true) throw new Error('not in this thread');

export function same(x) {
  return x;
}
