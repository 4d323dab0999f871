import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

import type { Operation } from '../../harness/case.ts';
import { chunkedOperation } from './crunch-chunk.ts';

/** Workerpool on threads, all of them up, and one chunk for each. */
export async function openWorkerpool(length: number): Promise<Operation> {
  const { default: workerpool } = await import('workerpool');
  const threads = availableParallelism();
  const script = fileURLToPath(new URL('./workerpool-worker.js', import.meta.url));
  const pool = workerpool.pool(script, { workerType: 'thread', minWorkers: threads, maxWorkers: threads });
  return chunkedOperation(
    length,
    async (chunk) => {
      await pool.exec('crunchChunk', [chunk]);
    },
    async () => {
      await pool.terminate();
    },
  );
}
