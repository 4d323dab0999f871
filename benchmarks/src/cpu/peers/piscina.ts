import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

import type { Operation } from '../../harness/case.ts';
import { crunchInput } from '../../workloads/crunch.ts';
import { chunkedOperation } from './crunch-chunk.ts';

/** Piscina with all its threads up, and one chunk for each of them, which its function `name` runs. */
export async function openPiscina(
  length: number,
  name: 'crunchChunk' | 'skewedChunk' = 'crunchChunk',
): Promise<Operation> {
  const { Piscina } = await import('piscina');
  const threads = availableParallelism();
  const pool = new Piscina({
    filename: fileURLToPath(new URL('./crunch-chunk.js', import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
  });
  return chunkedOperation(
    length,
    (chunk) => pool.run(chunk, { name }),
    () => pool.destroy(),
  );
}

/** A plain array, in one chunk a thread: what one writes who does not share memory. */
export async function openPiscinaClones(length: number): Promise<Operation> {
  const { Piscina } = await import('piscina');
  const threads = availableParallelism();
  const pool = new Piscina({
    filename: fileURLToPath(new URL('./crunch-chunk.js', import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
  });
  const input = Array.from(crunchInput(length));
  const run = async (): Promise<number[]> => {
    const chunks = Array.from({ length: threads }, (_, i) =>
      input.slice(Math.floor((length * i) / threads), Math.floor((length * (i + 1)) / threads)),
    );
    const results = await Promise.all(
      chunks.map((chunk) => pool.run(chunk, { name: 'crunchValues' }) as Promise<number[]>),
    );
    return results.flat();
  };
  return { run, answer: run, close: () => pool.destroy() };
}

/** A task an item: what its API suggests, and far too little work for a message. */
export async function openPiscinaItems(length: number): Promise<Operation> {
  const { Piscina } = await import('piscina');
  const threads = availableParallelism();
  const pool = new Piscina({
    filename: fileURLToPath(new URL('../../workloads/crunch.js', import.meta.url)),
    name: 'crunch',
    minThreads: threads,
    maxThreads: threads,
    maxQueue: length,
  });
  const input = crunchInput(length);
  const run = async (): Promise<number[]> =>
    await Promise.all(Array.from(input, (x) => pool.run(x) as Promise<number>));
  return { run, answer: run, close: () => pool.destroy() };
}
