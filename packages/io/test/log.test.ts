import fs from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  ClosedError,
  ArgumentRangeError,
  ArgumentTypeError,
  LogCorruptError,
  LogLockedError,
  NotALogError,
  openLog,
  OpenFailedError,
  readLog,
  SyncFailedError,
  WriteFailedError,
  type LogRecord,
  type WriterFileSystem,
} from '@hotpath/io';

async function freshPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-log-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'x.log');
}

async function texts(records: AsyncIterable<LogRecord>): Promise<string[]> {
  const found: string[] = [];
  for await (const { bytes } of records) found.push(Buffer.from(bytes).toString());
  return found;
}

/** The real calls, with some of them replaced. */
const faulty = (faults: Partial<WriterFileSystem>): WriterFileSystem => ({
  ...(fs as WriterFileSystem),
  ...faults,
});
const errno = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

test('records are read back by position, by the writer and by others, and after opening again', async () => {
  const path = await freshPath();
  const log = await openLog(path);
  expect(log.recovery).toEqual({ isNew: true, recordCount: 0, endPosition: 8, truncatedBytes: 0 });
  const positions = ['one', '', 'größer 漢字 😀', 'x'.repeat(700_000)].map((text) => log.append(text));
  positions.push(log.append(new Uint8Array([1, 2, 3])));
  expect(await texts(log.read({ from: positions[1]! }))).toHaveLength(4);
  await log.durable();
  expect(log.stats()).toMatchObject({ appendedCount: 5, durablePosition: log.stats().endPosition });
  const seen: LogRecord[] = [];
  for await (const record of readLog(path)) seen.push(record);
  expect(seen.map(({ position }) => position)).toEqual(positions);
  expect(seen.map(({ nextPosition }) => nextPosition)).toEqual([
    ...positions.slice(1),
    log.stats().endPosition,
  ]);
  expect([...seen[4]!.bytes]).toEqual([1, 2, 3]);
  const { endPosition } = log.stats();
  await log.close();
  await log.close();
  await using again = await openLog(path);
  expect(again.recovery).toEqual({ isNew: false, recordCount: 5, endPosition, truncatedBytes: 0 });
  expect(again.append('more')).toBe(endPosition);
  await again.durable();
  expect(await texts(readLog(path, { from: endPosition }))).toEqual(['more']);
});

test('whatever a file is cut to, the whole records before the cut are kept and the rest is reported', async () => {
  const path = await freshPath();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20, size: 'max' }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.boolean(),
      async (records, share, isZeroed) => {
        await rm(path, { force: true });
        const log = await openLog(path, { lock: false });
        const ends = records.map((record) => log.append(record) + 8 + record.length);
        await log.close();
        const size = ends.at(-1)!;
        const cut = 8 + Math.floor(share * (size - 8));
        const written = await readFile(path);
        await truncate(path, cut);
        // What a crash may leave of a block that was allocated and not written.
        if (isZeroed) await truncate(path, size);
        // Where what was cut off were zeros, as the end of an empty record's frame, nothing is lost.
        const left = await readFile(path);
        const whole = ends.filter((end) => left.subarray(0, end).equals(written.subarray(0, end)));
        const endPosition = whole.at(-1) ?? 8;
        const again = await openLog(path, { lock: false });
        expect(again.recovery).toEqual({
          isNew: false,
          recordCount: whole.length,
          endPosition,
          truncatedBytes: (isZeroed ? size : cut) - endPosition,
        });
        again.append('next');
        await again.close();
        const expected = [
          ...records.slice(0, whole.length).map((record) => Buffer.from(record)),
          Buffer.from('next'),
        ];
        const found: Buffer[] = [];
        for await (const { bytes } of readLog(path)) found.push(Buffer.from(bytes));
        expect(found).toEqual(expected);
      },
    ),
    { numRuns: 25 },
  );
}, 60_000);

test('a damaged record with sound ones behind it is refused and left as it is, or cut when asked for', async () => {
  const path = await freshPath();
  const log = await openLog(path);
  const positions = ['first', 'second', 'third'].map((text) => log.append(text));
  await log.close();
  const bytes = await readFile(path);
  for (const at of [0, 4, 9]) {
    const damaged = Buffer.from(bytes);
    damaged[positions[1]! + at]! ^= 0xff;
    await writeFile(path, damaged);
    const error = await openLog(path).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(LogCorruptError);
    expect((error as LogCorruptError).position).toBe(positions[1]);
    expect(await readFile(path)).toEqual(damaged);
    // Readers have what comes before it, and are told that it is not all.
    const read = readLog(path);
    expect(Buffer.from((await read.next()).value!.bytes).toString()).toBe('first');
    await expect(read.next()).rejects.toMatchObject({
      code: 'ERR_HOTPATH_IO_LOG_CORRUPT',
      position: positions[1],
    });
  }
  await using cut = await openLog(path, { damage: 'truncate' });
  expect(cut.recovery).toMatchObject({ recordCount: 1, endPosition: positions[1] });
});

test('a file that is no log is left as it is', async () => {
  const path = await freshPath();
  await writeFile(path, 'something precious');
  await expect(openLog(path)).rejects.toThrow(NotALogError);
  await expect(readLog(path).next()).rejects.toThrow(NotALogError);
  expect(await readFile(path, 'utf8')).toBe('something precious');
  await expect(openLog(join(path, 'below'))).rejects.toThrow(OpenFailedError);
  expect((await readdir(join(path, '..'))).sort()).toEqual(['x.log']);
});

test('a death while the file was made leaves a log that opens as new', async () => {
  const path = await freshPath();
  await writeFile(path, 'HOT');
  await using log = await openLog(path);
  expect(log.recovery.isNew).toBe(true);
  log.append('a');
  await log.durable();
  expect(await texts(readLog(path))).toEqual(['a']);
});

test('all who wait share one fdatasync, and who comes meanwhile the next', async () => {
  const path = await freshPath();
  const held: (() => void)[] = [];
  const log = await openLog(path, {
    fileSystem: faulty({
      fdatasync: (fd, callback) => void held.push(() => fs.fdatasync(fd, callback)),
    }),
  });
  const first = Array.from({ length: 1000 }, (_, index) => log.durable(log.append(`${index}`)));
  await vi.waitFor(() => expect(held).toHaveLength(1));
  const second = Array.from({ length: 1000 }, (_, index) => log.durable(log.append(`${index}`)));
  held.shift()!();
  await Promise.all(first);
  await vi.waitFor(() => expect(held).toHaveLength(1));
  held.shift()!();
  await Promise.all(second);
  expect(log.stats().syncCallCount).toBe(2);
  // What is durable already costs nothing.
  await log.durable(8);
  expect(log.stats().syncCallCount).toBe(2);
  await log.close();
});

test('after a failed fdatasync the log is poisoned, and opening it anew finds what was written', async () => {
  const path = await freshPath();
  const log = await openLog(path, {
    fileSystem: faulty({ fdatasync: (_fd, callback) => setImmediate(callback, errno('EIO')) }),
  });
  const position = log.append('lost or not');
  await expect(log.durable(position)).rejects.toThrow(SyncFailedError);
  expect(() => log.append('more')).toThrow(SyncFailedError);
  await expect(log.durable(position)).rejects.toThrow(SyncFailedError);
  expect(log.failure).toBeInstanceOf(SyncFailedError);
  await expect(log.close()).rejects.toThrow(SyncFailedError);
  await using again = await openLog(path);
  expect(again.recovery.recordCount).toBe(1);
});

test('a full disk fails who waits; after retry nothing is lost and nothing is there twice', async () => {
  const path = await freshPath();
  let roomBytes = 50;
  const log = await openLog(path, {
    fileSystem: faulty({
      write(fd, bytes, offset, lengthBytes, position, callback) {
        const taken = Math.min(roomBytes, lengthBytes);
        roomBytes -= taken;
        if (taken === 0) setImmediate(callback, errno('ENOSPC'), 0);
        else fs.write(fd, bytes, offset, taken, position, callback);
      },
    }),
  });
  const waits = ['a', 'b', 'c'].map((letter) => log.durable(log.append(letter.repeat(30))));
  for (const outcome of await Promise.allSettled(waits)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(WriteFailedError) });
  }
  await expect(log.close()).rejects.toThrow(WriteFailedError);
  roomBytes = Infinity;
  log.retry();
  await log.close();
  expect(await texts(readLog(path))).toEqual(['a'.repeat(30), 'b'.repeat(30), 'c'.repeat(30)]);
});

test('a second writer is refused, and a lock left behind by a dead one is taken over', async () => {
  const path = await freshPath();
  const log = await openLog(path);
  const refusal = await openLog(path).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(LogLockedError);
  expect((refusal as LogLockedError).pid).toBe(process.pid);
  await log.close();
  expect(await readdir(join(path, '..'))).toEqual(['x.log']);
  // The pid of this process, but of one that started at another time; one that cannot be; and half a lock.
  for (const content of [
    JSON.stringify({ pid: process.pid, host: hostname(), started: 'another boot/1' }),
    JSON.stringify({ pid: 2 ** 30, host: hostname(), started: '' }),
    '{"pid":',
  ]) {
    await writeFile(`${path}.lock`, content);
    await (await openLog(path)).close();
  }
  await writeFile(`${path}.lock`, JSON.stringify({ pid: 1, host: 'elsewhere', started: '' }));
  await expect(openLog(path)).rejects.toThrow(LogLockedError);
});

test('of many who take over a stale lock at once one wins', async () => {
  const path = await freshPath();
  await writeFile(`${path}.lock`, JSON.stringify({ pid: 2 ** 30, host: hostname(), started: '' }));
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => openLog(path)));
  const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  expect(won).toHaveLength(1);
  await won[0]!.value.close();
  expect(await readdir(join(path, '..'))).toEqual(['x.log']);
});

test('bad arguments, and calls after the end, get typed errors', async () => {
  const path = await freshPath();
  await expect(openLog(1 as never)).rejects.toThrow(ArgumentTypeError);
  await expect(openLog(path, { maxRecordBytes: 0 })).rejects.toThrow(ArgumentRangeError);
  await expect(openLog(path, { damage: 'ignore' as never })).rejects.toThrow(ArgumentRangeError);
  expect(fs.existsSync(path)).toBe(false);
  const log = await openLog(path, { maxRecordBytes: 10 });
  expect(() => log.append(1 as never)).toThrow(ArgumentTypeError);
  expect(() => log.append('x'.repeat(11))).toThrow(ArgumentRangeError);
  await expect(log.durable(8)).rejects.toThrow(ArgumentRangeError);
  await expect(log.durable('8' as never)).rejects.toThrow(ArgumentTypeError);
  log.append('0123456789');
  log.append('0123456789');
  await expect(texts(log.read({ from: 9 }))).rejects.toThrow(ArgumentRangeError);
  await expect(texts(log.read({ from: 1e9 }))).rejects.toThrow(ArgumentRangeError);
  await expect(log.durable(8, { signal: AbortSignal.abort('enough') })).rejects.toBe('enough');
  const size = log.stats().endPosition;
  await log.close();
  expect(() => log.append('x')).toThrow(ClosedError);
  expect((await stat(path)).size).toBe(size);
  await expect(readLog(`${path}.missing`).next()).rejects.toThrow(OpenFailedError);
});

test('a reading that begins while the log closes has all that was appended', async () => {
  const path = await freshPath();
  const held: (() => void)[] = [];
  const fileSystem = faulty({ write: (...call) => void held.push(() => fs.write(...call)) });
  const log = await openLog(path, { fileSystem });
  const records = Array.from({ length: 100 }, (_, index) => `record ${index}`);
  for (const record of records) log.append(record);
  const closing = log.close();
  const read = texts(log.read());
  // A reading that did not wait would be over by then.
  setTimeout(() => held[0]!(), 200);
  expect(await read).toEqual(records);
  await closing;
  expect(await texts(log.read())).toEqual(records);
});

test('destroying rejects who waits and lets go of file and lock', async () => {
  const path = await freshPath();
  const log = await openLog(path);
  const wait = log.durable(log.append('x'));
  log.destroy('enough');
  await expect(wait).rejects.toThrow(ClosedError);
  await log.close();
  expect(await readdir(join(path, '..'))).toEqual(['x.log']);
});
