import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  bytesPerOp,
  heapDiff,
  heapSnapshot,
  ArgumentTypeError,
  ProfilerBusyError,
  readHeapSnapshot,
  SnapshotFileError,
  SnapshotFormatError,
} from '@hotpath/profile';
import type { HeapSnapshot, HeapSnapshotOptions } from '@hotpath/profile';

/** Runs a program in a process of its own, whose heap is small: a snapshot of the test runner's takes a second. */
async function run<T>(body: string): Promise<T> {
  const program = `import * as profile from '@hotpath/profile';\nconsole.log(JSON.stringify(await (async () => {${body}})()));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: new URL('.', import.meta.url),
    maxBuffer: 1 << 24,
  });
  return JSON.parse(stdout) as T;
}

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-profile-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Why no small disk can be had here, or an empty string. */
function whyNoMount(): string {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'mounting needs root';
  const probe = mkdtempSync(join(tmpdir(), 'hotpath-profile-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe]);
  if (mounted.status === 0) execFileSync('umount', [probe]);
  rmdirSync(probe);
  return mounted.status === 0 ? '' : 'mount is not permitted';
}

const noMount = whyNoMount();

describe('snapshots', () => {
  test('differ by what was kept in between, in number and bytes; a file tells the same', async () => {
    const file = join(await freshFolder(), 'after.heapsnapshot');
    const { before, after } = await run<{ before: HeapSnapshot; after: HeapSnapshot }>(`
      class KeptByTheTest { text = 'kept'; }
      const before = await profile.heapSnapshot();
      globalThis.kept = Array.from({ length: 3000 }, () => new KeptByTheTest());
      return { before, after: await profile.heapSnapshot({ file: ${JSON.stringify(file)} }) };
    `);
    const change = heapDiff(before, after)
      .top()
      .find(({ name }) => name === 'KeptByTheTest');
    expect(change).toMatchObject({ countBefore: 0, countAfter: 3000, countChange: 3000, selfBytesBefore: 0 });
    // Four words at least.
    expect(change!.selfBytesChange).toBeGreaterThanOrEqual(3000 * 32);
    expect(after.selfBytes).toBe(after.kinds.reduce((sum, { selfBytes }) => sum + selfBytes, 0));
    expect(after.count).toBe(after.kinds.reduce((sum, { count }) => sum + count, 0));

    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readHeapSnapshot(file)).toEqual(after);
    const { snapshot } = JSON.parse(await readFile(file, 'utf8')) as { snapshot: { node_count: number } };
    expect(snapshot.node_count).toBe(after.count);
  });
});

describe('a difference', () => {
  const kinds = (...list: (readonly [name: string, count: number, selfBytes: number])[]): HeapSnapshot => ({
    count: 0,
    selfBytes: 0,
    kinds: list.map(([name, count, selfBytes]) => ({ name, count, selfBytes })),
  });

  test('names what is new, grew, shrank and went, in that order of bytes', () => {
    const before = kinds(['Same', 1, 10], ['Gone', 5, 500], ['Grown', 1, 10], ['Shrunk', 9, 90]);
    const after = kinds(['Same', 1, 10], ['New', 2, 2000], ['Grown', 2, 20], ['Shrunk', 1, 10]);
    const diff = heapDiff(before, after);
    expect(diff.changes.map(({ name }) => name)).toEqual(['New', 'Grown', 'Shrunk', 'Gone']);
    expect(diff.changes.map(({ selfBytesChange }) => selfBytesChange)).toEqual([2000, 10, -80, -500]);
    expect(diff.top().map(({ name }) => name)).toEqual(['New', 'Grown']);
    expect(diff.top(1).map(({ name }) => name)).toEqual(['New']);
    expect(() => diff.top(0)).toThrow('count: expected an integer from 1 to 1000000, got 0');
  });

  test('of what is no snapshot is refused', () => {
    expect(() => heapDiff(kinds(), null as unknown as HeapSnapshot)).toThrow(
      'after: expected an object, got null',
    );
    expect(() => heapDiff({} as HeapSnapshot, kinds())).toThrow(ArgumentTypeError);
  });
});

describe('what goes wrong', () => {
  test.skipIf(noMount !== '')(
    `a disk that is full: a typed error, and nothing left on it${noMount && ` (skipped: ${noMount})`}`,
    async () => {
      const folder = await freshFolder();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder]);
      try {
        const file = join(folder, 'x.heapsnapshot');
        const failure = await run(`
          try {
            await profile.heapSnapshot({ file: ${JSON.stringify(file)} });
          } catch (error) {
            const { code, message, cause } = error;
            return { isTyped: error instanceof profile.SnapshotFileError, code, message, cause: cause.code };
          }
        `);
        expect(failure).toEqual({
          isTyped: true,
          code: 'ERR_HOTPATH_PROFILE_SNAPSHOT_FILE',
          message: `${file} could not be written: ENOSPC`,
          cause: 'ENOSPC',
        });
        expect(await readdir(folder)).toEqual([]);
      } finally {
        execFileSync('umount', ['-l', folder]);
      }
    },
  );

  test('a folder that is missing, a file that is missing', async () => {
    const file = join(await freshFolder(), 'missing', 'x.heapsnapshot');
    await expect(heapSnapshot({ file })).rejects.toThrow(`${file} could not be written: ENOENT`);
    const unread = readHeapSnapshot(file);
    await expect(unread).rejects.toThrow(SnapshotFileError);
    await expect(unread).rejects.toMatchObject({ cause: { code: 'ENOENT' } });
  });

  test('a file that is no snapshot', async () => {
    const file = join(await freshFolder(), 'x.heapsnapshot');
    await writeFile(file, '{"snapshot":{"meta"');
    await expect(readHeapSnapshot(file)).rejects.toThrow(SnapshotFormatError);
    await writeFile(file, '{"snapshot":{nonsense}}');
    await expect(readHeapSnapshot(file)).rejects.toThrow(SnapshotFormatError);
  });

  test('while something else is profiled it is refused', async () => {
    const first = bytesPerOp(() => 0, { warmUpMs: 0, rounds: 5, operations: 1 });
    await expect(heapSnapshot()).rejects.toThrow(ProfilerBusyError);
    await first;
  });

  test('an abort ends the reading of a file', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    abort.abort(reason);
    const file = fileURLToPath(import.meta.url);
    await expect(readHeapSnapshot(file, { signal: abort.signal })).rejects.toBe(reason);
  });

  test.each<[options: unknown, part: string]>([
    [null, 'options: expected an object, got null'],
    [{ file: 7 }, 'file: expected a path, got number'],
  ])('options %j have the wrong type', async (options, part) => {
    await expect(heapSnapshot(options as HeapSnapshotOptions)).rejects.toThrow(ArgumentTypeError);
    await expect(heapSnapshot(options as HeapSnapshotOptions)).rejects.toThrow(part);
  });
});
