import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

import type { Operation } from '../../harness/case.ts';
import { chunkedOperation } from './crunch-chunk.ts';

/** Piscina with all its threads up, and one chunk for each of them. */
export async function openPiscina(length: number): Promise<Operation> {
  const { Piscina } = await import('piscina');
  const threads = availableParallelism();
  const pool = new Piscina({
    filename: fileURLToPath(new URL('./crunch-chunk.js', import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
  });
  return chunkedOperation(
    length,
    (chunk) => pool.run(chunk),
    () => pool.destroy(),
  );
}
