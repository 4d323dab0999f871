import { execFileSync, spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import fs from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createWriter, WriteFailedError } from '@hotpath/io';

const LIBRARY = new URL('../dist/index.js', import.meta.url).href;
const LINUX_ONLY = process.platform === 'linux' ? '' : ' (skipped: Linux only)';

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-io-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Why no small disk can be had here, or an empty string. */
function whyNoMount(): string {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'mounting needs root';
  const probe = fs.mkdtempSync(join(tmpdir(), 'hotpath-io-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe]);
  if (mounted.status === 0) execFileSync('umount', [probe]);
  fs.rmdirSync(probe);
  return mounted.status === 0 ? '' : 'mount is not permitted';
}

const noMount = whyNoMount();

describe.each(['async', 'sync'] as const)('in %s mode', (mode) => {
  test.skipIf(noMount !== '')(
    `a disk that fills up and is emptied: every line once, in order${noMount && ` (skipped: ${noMount})`}`,
    async () => {
      const folder = await freshFolder();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder]);
      try {
        const ballast = join(folder, 'ballast');
        fs.writeFileSync(ballast, Buffer.alloc(200_000));
        const path = join(folder, 'app.log');
        const writer = createWriter(path, { mode });
        const lines = Array.from({ length: 2000 }, (_, index) => `${index} ${'é'.repeat(index % 50)}\n`);
        for (const line of lines) writer.write(line);
        const error = await writer.flush().catch((error: unknown) => error);
        expect(error).toBeInstanceOf(WriteFailedError);
        const { positionBytes, cause } = error as WriteFailedError;
        expect(cause).toMatchObject({ code: 'ENOSPC' });
        expect(positionBytes).toBe(fs.statSync(path).size);
        expect(positionBytes).toBeGreaterThan(0);
        await expect(writer.close()).rejects.toThrow(WriteFailedError);
        fs.unlinkSync(ballast);
        writer.retry();
        await writer.close({ sync: true });
        expect(await readFile(path, 'utf8')).toBe(lines.join(''));
      } finally {
        // Lazily: after a failed assertion the writer still has its file open.
        execFileSync('umount', ['-l', folder]);
      }
    },
  );

  test.skipIf(LINUX_ONLY !== '')(`a non-blocking FIFO that is full is waited for${LINUX_ONLY}`, async () => {
    const path = join(await freshFolder(), 'fifo');
    execFileSync('mkfifo', [path]);
    // Both ends are ours, so that opening does not block; nothing is read before the pipe has been full.
    const readFd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    const writeFd = fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
    const writer = createWriter(writeFd, { mode, autoClose: true, highWaterMark: 1 << 20 });
    const text = Array.from({ length: 60_000 }, (_, index) => `line ${index}\n`).join('');
    writer.write(text);
    const flushed = writer.flush();
    const parts: Buffer[] = [];
    let readBytes = 0;
    const buffer = Buffer.alloc(10_000);
    while (readBytes < text.length) {
      await new Promise(setImmediate);
      try {
        const count = fs.readSync(readFd, buffer);
        parts.push(Buffer.from(buffer.subarray(0, count)));
        readBytes += count;
      } catch (error) {
        expect(error).toMatchObject({ code: 'EAGAIN' });
      }
    }
    await flushed;
    expect(Buffer.concat(parts).toString() === text).toBe(true);
    expect(writer.stats().writeCallCount).toBeGreaterThan(2);
    await writer.close();
    fs.closeSync(readFd);
  });

  test.skipIf(LINUX_ONLY !== '')(
    `a reader that has gone fails the flush with EPIPE${LINUX_ONLY}`,
    async () => {
      const path = join(await freshFolder(), 'fifo');
      execFileSync('mkfifo', [path]);
      const readFd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
      const writeFd = fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
      const writer = createWriter(writeFd, { mode, autoClose: true });
      fs.closeSync(readFd);
      writer.write('x');
      await expect(writer.flush()).rejects.toMatchObject({ positionBytes: 0, cause: { code: 'EPIPE' } });
      writer.destroy();
      await writer.close();
      expect(() => fs.fstatSync(writeFd)).toThrow('EBADF');
    },
  );

  test('after kill -9 every line that a flush acknowledged is in the file, and none twice', async () => {
    const folder = await freshFolder();
    for (let round = 0; round < 10; round++) {
      const path = join(folder, `${round}.log`);
      const child = run(`
        const writer = createWriter(${JSON.stringify(path)}, { mode: ${JSON.stringify(mode)} });
        for (let index = 0; ; index++) {
          writer.write('line ' + index + '\\n');
          if (index % 50 === 0) { await writer.flush(); process.stdout.write(index + '\\n'); }
        }`);
      const acknowledged = await lastLine(child, 5 + round * 7);
      const lines = (await readFile(path, 'utf8')).split('\n');
      expect(lines.length - 1).toBeGreaterThan(acknowledged);
      for (const [index, line] of lines.slice(0, -1).entries()) expect(line).toBe(`line ${index}`);
    }
  });

  test('an exit handler that flushes synchronously leaves nothing behind, in order', async () => {
    const folder = await freshFolder();
    for (let round = 0; round < 5; round++) {
      const path = join(folder, `${round}.log`);
      const child = run(`
        const writer = createWriter(${JSON.stringify(path)}, { mode: ${JSON.stringify(mode)}, flushBytes: 1000 });
        process.on('exit', () => writer.flushSync());
        for (let index = 0; index < 20000; index++) writer.write('line ' + index + '\\n');
        process.exit(0);`);
      await new Promise((resolve) => child.on('close', resolve));
      const expected = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join('');
      expect((await readFile(path, 'utf8')) === expected).toBe(true);
    }
  });
});

test('a process with nothing else to do stays alive for a linger', async () => {
  const path = join(await freshFolder(), 'x.log');
  const child = run(`createWriter(${JSON.stringify(path)}, { lingerMs: 30 }).write('last words');`);
  await new Promise((resolve) => child.on('close', resolve));
  expect(await readFile(path, 'utf8')).toBe('last words');
});

/** Runs a module in a process of its own that has `createWriter`. */
function run(source: string): ChildProcessWithoutNullStreams {
  const module = `import { createWriter } from ${JSON.stringify(LIBRARY)};\n${source}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', module]);
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Reads this many numbers from the child, kills it, and returns the last one that came. */
async function lastLine(child: ChildProcessWithoutNullStreams, count: number): Promise<number> {
  let last = -1;
  let seen = 0;
  const closed = new Promise((resolve) => child.on('close', resolve));
  for await (const line of createInterface(child.stdout)) {
    last = Number(line);
    if (++seen === count) child.kill('SIGKILL');
  }
  await closed;
  return last;
}
