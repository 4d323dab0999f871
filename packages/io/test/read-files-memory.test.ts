import { readdirSync, readlinkSync } from 'node:fs';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readFiles, type ReadFileResult } from '@hotpath/io';

const FILE_BYTES = 1000;
/** Memory for one of the files: while it is read and not taken, the others wait. */
const ONE_AT_A_TIME = { maxBytes: FILE_BYTES };

async function freshFiles(count: number): Promise<{ readonly folder: string; readonly paths: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-io-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const paths = Array.from({ length: count }, (_, index) => join(folder, String(index)));
  for (const [index, path] of paths.entries()) await writeFile(path, Buffer.alloc(FILE_BYTES, index));
  return { folder, paths };
}

function* thenThrow(paths: readonly string[], error: Error): Generator<string> {
  yield* paths;
  throw error;
}

/** Of this process, to files in the folder. */
function openDescriptorCount(folder: string): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(folder);
    } catch {
      // The one that listed the others.
      return false;
    }
  }).length;
}

/** Calls under way may end first. */
function noDescriptorsTo(folder: string): Promise<void> {
  return vi.waitFor(() => expect(openDescriptorCount(folder)).toBe(0), { timeout: 10_000 });
}

/** Lets everything happen that happens without the consumer. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

test('when the source of paths throws, what came before it is handed out whole, then its error', async () => {
  const { paths } = await freshFiles(20);
  const error = new Error('no more paths');
  const results: ReadFileResult[] = [];
  const run = async (): Promise<void> => {
    for await (const result of readFiles(thenThrow(paths, error), ONE_AT_A_TIME)) results.push(result);
  };
  await expect(run()).rejects.toBe(error);
  expect(results.map((result) => result.error)).toEqual(paths.map(() => undefined));
  expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(paths.map((_, index) => index));
  for (const { bytes, index } of results) expect(bytes).toEqual(Buffer.alloc(FILE_BYTES, index));
});

test.skipIf(process.platform !== 'linux')('files that wait for memory hold no descriptor', async () => {
  const { folder, paths } = await freshFiles(20);
  const results = readFiles(paths, ONE_AT_A_TIME);
  await results.next();
  await settle();
  await noDescriptorsTo(folder);
  let count = 1;
  for await (const { error } of results) {
    expect(error).toBeUndefined();
    count++;
  }
  expect(count).toBe(20);
});

test('a file that grows or goes while it waits for memory is what it is when its turn comes', async () => {
  const { paths } = await freshFiles(3);
  // The second holds the memory until it is taken; whether it was read before the change is not for us to say.
  const options = { maxBytes: FILE_BYTES * 1.5, concurrency: 3 };
  const growing = readFiles(paths, options);
  await growing.next();
  await settle();
  for (const [index, path] of paths.entries()) await appendFile(path, Buffer.alloc(FILE_BYTES, index));
  const { value: second } = await growing.next();
  expect(second!.bytes).toEqual(Buffer.alloc(second!.bytes!.length, second!.index));
  expect([FILE_BYTES, 2 * FILE_BYTES]).toContain(second!.bytes!.length);
  const { value: third } = await growing.next();
  expect(third!.bytes).toEqual(Buffer.alloc(2 * FILE_BYTES, third!.index));

  const going = readFiles(paths, options);
  await going.next();
  await settle();
  for (const path of paths) await rm(path);
  const { value: readOrGone } = await going.next();
  expect([undefined, 'ENOENT']).toContain(readOrGone!.error?.code);
  expect((await going.next()).value!.error?.code).toBe('ENOENT');
});

test('an abort and a consumer that stops let go of the files that wait for memory', async () => {
  const { folder, paths } = await freshFiles(20);
  const error = new Error('no more paths');
  for (const source of [paths, thenThrow(paths, error)]) {
    for await (const _result of readFiles(source, ONE_AT_A_TIME)) break;
  }
  const abort = new AbortController();
  const run = async (): Promise<void> => {
    for await (const _result of readFiles(thenThrow(paths, error), {
      ...ONE_AT_A_TIME,
      signal: abort.signal,
    })) {
      await settle();
      abort.abort('enough');
    }
  };
  await expect(run()).rejects.toBe('enough');
  if (process.platform === 'linux') await noDescriptorsTo(folder);
});
