/**
 * Reads files in a process of its own, whose system calls, descriptors and threads the measuring process has arranged:
 * `reading-process.js <strategy> <folder> <count>`. Answers with one line of JSON.
 */

import fs from 'node:fs';

/** What such a process answers. */
export interface Reading {
  /** How long the reading took, without the start of the process. */
  readonly elapsedMs: number;
  readonly bytes: number;
  /** Files that could not be read. */
  readonly failedCount: number;
}

export type ReadingStrategy = 'blocking' | 'awaited' | 'ours' | 'readFile at once' | 'graceful-fs';

type ReadAll = (paths: readonly string[]) => Promise<Omit<Reading, 'elapsedMs'>>;

async function atOnce(
  paths: readonly string[],
  read: typeof fs.readFile,
): Promise<Omit<Reading, 'elapsedMs'>> {
  let bytes = 0;
  let failedCount = 0;
  await Promise.all(
    paths.map(
      (path) =>
        new Promise<void>((resolve) => {
          read(path, (error, contents) => {
            if (error === null || error === undefined) bytes += contents.length;
            else failedCount++;
            resolve();
          });
        }),
    ),
  );
  return { bytes, failedCount };
}

const strategies: Readonly<Record<ReadingStrategy, () => Promise<ReadAll> | ReadAll>> = {
  awaited: () => async (paths) => {
    let bytes = 0;
    for (const path of paths) bytes += (await fs.promises.readFile(path)).length;
    return { bytes, failedCount: 0 };
  },
  blocking: () => async (paths) => {
    let bytes = 0;
    for (const path of paths) bytes += fs.readFileSync(path).length;
    return { bytes, failedCount: 0 };
  },
  'readFile at once': () => (paths) => atOnce(paths, fs.readFile),
  'graceful-fs': async () => {
    // @ts-expect-error -- graceful-fs has no types of its own
    const { default: graceful } = (await import('graceful-fs')) as { default: typeof fs };
    return (paths) => atOnce(paths, graceful.readFile);
  },
  ours: async () => {
    const { readFiles } = await import('@hotpath/io');
    return async (paths) => {
      let bytes = 0;
      let failedCount = 0;
      for await (const { bytes: contents, error } of readFiles(paths)) {
        if (error === undefined) bytes += contents.length;
        else failedCount++;
      }
      return { bytes, failedCount };
    };
  },
};

const [, , strategy, folder, count] = process.argv;
const paths = Array.from({ length: Number(count) }, (_, index) => `${folder}/${index}.txt`);
const readAll = await strategies[strategy as ReadingStrategy]();
const start = performance.now();
const outcome = await readAll(paths);
const reading: Reading = { elapsedMs: performance.now() - start, ...outcome };
process.stdout.write(JSON.stringify(reading));
