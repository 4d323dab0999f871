import { spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  copy,
  ArgumentRangeError,
  ArgumentTypeError,
  readFiles,
  VerifyFailedError,
  type ReadFileResult,
} from '@hotpath/io';

const LIBRARY = new URL('../dist/index.js', import.meta.url).href;

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-io-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('each path has its contents or its error', async () => {
  const folder = await freshFolder();
  const sizes = [0, 1, 1000, 100_000, 3_000_000];
  const paths = sizes.map((size) => join(folder, String(size)));
  for (const [index, path] of paths.entries()) await writeFile(path, Buffer.alloc(sizes[index]!, index));
  const all = [...paths, join(folder, 'missing'), folder, '/proc/self/stat', 'nul\0byte'];
  // Less memory than the largest needs: that one comes alone.
  for (const options of [
    undefined,
    { concurrency: 2, maxBytes: 100_000 },
    { maxBytes: 1 },
    { maxBytes: Infinity },
  ]) {
    const results: ReadFileResult[] = [];
    for (const result of await collect(readFiles(all, options))) results[result.index] = result;
    expect(results.map(({ path }) => path)).toEqual(all);
    expect(results.slice(0, 5).map(({ bytes }) => bytes?.length)).toEqual(sizes);
    expect(results[4]!.bytes!.every((byte) => byte === 4)).toBe(true);
    expect(results.slice(5).map(({ error }) => error?.code)).toEqual([
      'ENOENT',
      'EISDIR',
      process.platform === 'linux' ? undefined : 'ENOENT',
      'ERR_INVALID_ARG_VALUE',
    ]);
  }
});

test('at most maxBytes are read and not taken', async () => {
  const folder = await freshFolder();
  const paths = Array.from({ length: 50 }, (_, index) => join(folder, String(index)));
  for (const path of paths) await writeFile(path, Buffer.alloc(1000));
  let drawn = 0;
  const source = (function* (): Generator<string> {
    for (const path of paths) {
      drawn++;
      yield path;
    }
  })();
  const results = readFiles(source, { concurrency: 10, maxBytes: 3000 });
  await results.next();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(drawn).toBeLessThanOrEqual(11);
  expect((await collect(results)).length).toBe(49);
});

test.each(['undefined', 'Infinity'])(
  'more files than descriptors, some of which others hold, maxBytes %s: all are read',
  async (maxBytes) => {
    if (process.platform === 'win32') return;
    const folder = await freshFolder();
    await Promise.all(
      Array.from({ length: 300 }, (_, index) => writeFile(join(folder, String(index)), `${index}`)),
    );
    const program = `
    import fs from 'node:fs';
    import { readFiles } from ${JSON.stringify(LIBRARY)};
    const held = [];
    try { for (;;) held.push(fs.openSync(process.execPath)); } catch {}
    setTimeout(() => held.forEach((fd) => fs.closeSync(fd)), 50);
    let sum = 0;
    const paths = Array.from({ length: 300 }, (_, index) => ${JSON.stringify(folder)} + '/' + index);
    for await (const { bytes, error } of readFiles(paths, { concurrency: 300, maxBytes: ${maxBytes} })) {
      if (error) throw error;
      sum += Number(bytes);
    }
    console.log(sum);`;
    const child = spawnSync(
      'sh',
      ['-c', 'ulimit -n 100; exec "$0" --input-type=module -e "$1"', process.execPath, program],
      { encoding: 'utf8' },
    );
    expect(child.stderr).toBe('');
    expect(child.stdout.trim()).toBe(String((299 * 300) / 2));
  },
);

test('files that wait for memory and others that wait for descriptors do not wait for each other', async () => {
  if (process.platform === 'win32') return;
  const folder = await freshFolder();
  for (const name of ['a', 'b', 'c']) await writeFile(join(folder, name), Buffer.alloc(1000));
  const program = `
    import fs from 'node:fs';
    import { readFiles } from ${JSON.stringify(LIBRARY)};
    const folder = ${JSON.stringify(folder)};
    // What the three files let go of goes to somebody else, so that none is left for the one whose turn for memory comes.
    const close = fs.closeSync;
    let grabbed = 0;
    fs.closeSync = (descriptor) => {
      close(descriptor);
      if (grabbed++ < 3) fs.openSync(process.execPath);
    };
    const paths = [folder + '/a', folder + '/b', folder + '/c', ...Array.from({ length: 200 }, () => folder)];
    const found = {};
    for await (const { bytes, error } of readFiles(paths, { concurrency: 203, maxBytes: 1000 })) {
      const what = error?.code ?? error?.cause?.code ?? bytes.length;
      found[what] = (found[what] ?? 0) + 1;
    }
    console.log(JSON.stringify(found));`;
  const child = spawnSync(
    'sh',
    ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, program],
    { encoding: 'utf8', timeout: 20_000 },
  );
  expect(child.stderr).toBe('');
  expect(JSON.parse(child.stdout)).toEqual({ 1000: 3, EISDIR: 200 });
});

test('an abort ends the iteration, a wrong path too, and a consumer may stop', async () => {
  const folder = await freshFolder();
  await writeFile(join(folder, 'a'), 'a');
  const paths = Array.from({ length: 100 }, () => join(folder, 'a'));
  const abort = new AbortController();
  const run = async (): Promise<void> => {
    for await (const _result of readFiles(paths, { signal: abort.signal, concurrency: 4 }))
      abort.abort('enough');
  };
  await expect(run()).rejects.toBe('enough');
  await expect(collect(readFiles([1 as never]))).rejects.toThrow(ArgumentTypeError);
  for await (const { bytes } of readFiles(paths)) {
    expect(String(bytes)).toBe('a');
    break;
  }
  expect(() => readFiles([], { concurrency: 0 })).toThrow(ArgumentRangeError);
  expect(() => readFiles([], { maxBytes: 0.5 })).toThrow(ArgumentRangeError);
  expect(() => readFiles([], { maxBytes: '1' as never })).toThrow(ArgumentTypeError);
});

test('a copy has the bytes of its source, with and without options', async () => {
  const folder = await freshFolder();
  const from = join(folder, 'from');
  for (const size of [0, 1, (1 << 20) - 1, 1 << 20, 3_500_000]) {
    const bytes = Buffer.alloc(size, 'hotpath');
    await writeFile(from, bytes);
    await copy(from, join(folder, 'plain'));
    const progress: number[] = [];
    await copy(from, join(folder, 'own'), {
      verify: true,
      onProgress: (copied, total) => {
        expect(total).toBe(size);
        progress.push(copied);
      },
    });
    expect((await readFile(join(folder, 'plain'))).equals(bytes)).toBe(true);
    expect((await readFile(join(folder, 'own'))).equals(bytes)).toBe(true);
    expect(progress.at(-1) ?? 0).toBe(size);
    expect(progress).toHaveLength(Math.ceil(size / (1 << 20)));
  }
});

test('a copy has the permissions of its source, whatever the umask, with and without options', async () => {
  if (process.platform === 'win32') return;
  const folder = await freshFolder();
  const from = join(folder, 'from');
  await writeFile(from, 'x');
  for (const mode of [0o666, 0o755, 0o400]) {
    await chmod(from, mode);
    for (const options of [undefined, { verify: true }]) {
      const to = join(folder, `${mode} ${options?.verify}`);
      await copy(from, to, options);
      expect((await stat(to)).mode & 0o7777).toBe(mode);
    }
  }
});

test('a copy of a file that grows meanwhile is one that it was at some time', async () => {
  const folder = await freshFolder();
  const from = join(folder, 'from');
  const to = join(folder, 'to');
  for (let round = 0; round < 10; round++) {
    await writeFile(from, Buffer.alloc(1_500_000, 'hotpath'));
    const copied = new AbortController();
    const growing = (async () => {
      for (let step = 0; step < 30 && !copied.signal.aborted; step++) {
        appendFileSync(from, Buffer.alloc(300_000, String(step)));
        await new Promise(setImmediate);
      }
    })();
    await copy(from, to, { verify: true });
    copied.abort();
    await growing;
    const [source, target] = await Promise.all([readFile(from), readFile(to)]);
    expect(target.length).toBeGreaterThanOrEqual(1_500_000);
    expect(source.subarray(0, target.length).equals(target)).toBe(true);
  }
});

test('a copy that is aborted or fails leaves what was there before, and nothing else', async () => {
  const folder = await freshFolder();
  const from = join(folder, 'from');
  const to = join(folder, 'to');
  await writeFile(from, Buffer.alloc(5_000_000));
  await writeFile(to, 'before');
  const abort = new AbortController();
  let toldCount = 0;
  await expect(
    copy(from, to, {
      signal: abort.signal,
      onProgress: () => {
        toldCount++;
        abort.abort('enough');
      },
    }),
  ).rejects.toBe('enough');
  expect(toldCount).toBe(1);
  await expect(
    copy(from, to, {
      onProgress: () => {
        toldCount++;
        throw new Error('mine');
      },
    }),
  ).rejects.toThrow('mine');
  expect(toldCount).toBe(2);
  await expect(copy(join(folder, 'missing'), to, { verify: true })).rejects.toMatchObject({ code: 'ENOENT' });
  await mkdir(join(folder, 'sub'));
  await expect(copy(from, join(folder, 'sub'), { verify: true })).rejects.toMatchObject({ code: 'EISDIR' });
  expect(await readFile(to, 'utf8')).toBe('before');
  expect((await readdir(folder)).sort()).toEqual(['from', 'sub', 'to']);
  await expect(copy(1 as never, to)).rejects.toThrow(ArgumentTypeError);
  await expect(copy(from, to, { verify: 1 as never })).rejects.toThrow(ArgumentTypeError);
});

test('a copy replaces the file behind a symbolic link, and no device', async () => {
  if (process.platform === 'win32') return;
  const folder = await freshFolder();
  const from = join(folder, 'from');
  await writeFile(from, 'after');
  await mkdir(join(folder, 'sub'));
  await writeFile(join(folder, 'sub', 'file'), 'before');
  await symlink(join('sub', 'file'), join(folder, 'link'));
  await copy(from, join(folder, 'link'), { verify: true });
  expect(await readFile(join(folder, 'sub', 'file'), 'utf8')).toBe('after');
  expect((await lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true);
  spawnSync('mkfifo', [join(folder, 'pipe')]);
  await expect(copy(from, join(folder, 'pipe'), { verify: true })).rejects.toThrow(ArgumentRangeError);
  expect((await lstat(join(folder, 'pipe'))).isFIFO()).toBe(true);
});

test('a copy that reads back otherwise than it was written is refused and removed', async () => {
  const folder = await freshFolder();
  const from = join(folder, 'from');
  const to = join(folder, 'to');
  await writeFile(from, Buffer.alloc(3_000_000, 'hotpath'));
  await writeFile(to, 'before');
  const spoil = (): void => {
    const draft = readdirSync(folder).find((name) => name.endsWith('.tmp'));
    const descriptor = openSync(join(folder, draft!), 'r+');
    writeSync(descriptor, 'x', 17);
    closeSync(descriptor);
  };
  const error = await copy(from, to, { verify: true, onProgress: spoil }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(VerifyFailedError);
  expect(await readFile(to, 'utf8')).toBe('before');
  expect((await readdir(folder)).sort()).toEqual(['from', 'to']);
});
