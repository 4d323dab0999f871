/** What a worker of any pool is asked to do: one contiguous chunk of shared arrays, in place. */

import { availableParallelism } from 'node:os';

import type { Operation } from '../../harness/case.ts';
import { crunch, crunchInput, skewed } from '../../workloads/crunch.ts';

export interface Chunk {
  readonly input: Int32Array;
  readonly output: Int32Array;
  readonly start: number;
  readonly end: number;
}

export function crunchChunk({ input, output, start, end }: Chunk): void {
  for (let i = start; i < end; i++) output[i] = crunch(input[i]!);
}

export function skewedChunk({ input, output, start, end }: Chunk): void {
  for (let i = start; i < end; i++) output[i] = skewed(input[i]!);
}

/** What a pool does to an array that is not shared: both ways it is cloned. */
export function crunchValues(values: readonly number[]): number[] {
  return values.map((value) => crunch(value));
}

export default crunchChunk;

/** Maps shared arrays by one chunk a core, the way to use a pool of workers that its readme would suggest. */
export function chunkedOperation(
  length: number,
  runChunk: (chunk: Chunk) => Promise<unknown>,
  close: () => Promise<void>,
): Operation {
  const input = crunchInput(length, new SharedArrayBuffer(length * 4));
  const output = new Int32Array(new SharedArrayBuffer(length * 4));
  const cores = availableParallelism();
  const run = async (): Promise<number> => {
    const chunks = Array.from({ length: cores }, (_, i) => ({
      input,
      output,
      start: Math.floor((length * i) / cores),
      end: Math.floor((length * (i + 1)) / cores),
    }));
    await Promise.all(chunks.map(runChunk));
    return output[length - 1]!;
  };
  return {
    run,
    async answer() {
      output.fill(-1);
      await run();
      return [...output];
    },
    close,
  };
}
