import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import {
  BusyError,
  ClosedError,
  createWriter,
  isRetryable,
  OpenFailedError,
  SyncFailedError,
  WriteFailedError,
} from '@hotpath/io';
import { rejection, turn } from './promises.ts';
import { freshPaths, memoryWriter } from './writer/fresh-writers.ts';

const freshPath = freshPaths();

describe.each(['async', 'sync'] as const)('in %s mode', (mode) => {
  test('EAGAIN, EINTR, short and empty writes lose nothing and repeat nothing', async () => {
    const { writer, files } = memoryWriter({ mode });
    files.writeOutcomes.push(
      { error: 'EINTR' },
      { bytes: 3 },
      { error: 'EAGAIN' },
      { bytes: 0 },
      { bytes: 1 },
    );
    writer.write('0123456789');
    await writer.flush();
    expect(files.content.toString()).toBe('0123456789');
  });

  test('flushSync writes through EAGAIN, EINTR and short writes before it returns', () => {
    const { writer, files } = memoryWriter({ mode });
    files.writeOutcomes.push({ error: 'EAGAIN' }, { bytes: 3 }, { error: 'EINTR' }, { bytes: 0 });
    writer.write('0123456789');
    writer.flushSync({ sync: true });
    expect(files.content.toString()).toBe('0123456789');
    expect(writer.stats()).toMatchObject({ pendingBytes: 0, durableBytes: 10 });
  });

  test('flushSync gives up on a descriptor that takes nothing, and the bytes stay pending', async () => {
    const { writer, files } = memoryWriter({ mode, syncTimeoutMs: 1 });
    files.writeOutcomes.push(...Array.from({ length: 3 }, () => ({ error: 'EAGAIN' })));
    writer.write('abc');
    expect(() => writer.flushSync()).toThrow(BusyError);
    expect(writer.stats().pendingBytes).toBe(3);
    await writer.close();
    expect(files.content.toString()).toBe('abc');
  });

  test('a full disk surfaces on flush with its position, and retry goes on at that byte', async () => {
    const onError = vi.fn();
    const { writer, files } = memoryWriter({ mode, onError });
    files.writeOutcomes.push({ bytes: 4 }, { error: 'ENOSPC' });
    writer.write('0123456789');
    const error = await rejection(writer.flush());
    expect(error).toBeInstanceOf(WriteFailedError);
    expect(error).toMatchObject({
      code: 'ERR_HOTPATH_IO_WRITE_FAILED',
      positionBytes: 4,
      pendingBytes: 6,
      cause: { code: 'ENOSPC' },
    });
    expect(isRetryable(error)).toBe(true);
    writer.write('ab');
    expect(await rejection(writer.flush())).toBe(error);
    expect(() => writer.flushSync()).toThrow(WriteFailedError);
    writer.retry();
    await writer.flush();
    expect(files.content.toString()).toBe('0123456789ab');
    expect(onError.mock.calls).toEqual([[error]]);
  });

  test('a flush that was already covered resolves while writing has failed', async () => {
    const { writer, files } = memoryWriter({ mode });
    writer.write('a');
    await writer.flush();
    files.writeOutcomes.push({ error: 'EIO' });
    writer.write('b');
    await expect(writer.flush()).rejects.toThrow(WriteFailedError);
    await expect(writer.ready()).resolves.toBeUndefined();
    writer.destroy();
  });

  test('ready rejects when the buffer is full and writing has failed', async () => {
    const { writer, files } = memoryWriter({ mode, highWaterMark: 2 });
    files.writeOutcomes.push({ error: 'EIO' }, { error: 'EIO' });
    writer.write('abc');
    expect(await rejection(writer.ready())).toBeInstanceOf(WriteFailedError);
    writer.retry();
    expect(await rejection(writer.ready())).toBeInstanceOf(WriteFailedError);
    writer.retry();
    await writer.flush();
    expect(files.content.toString()).toBe('abc');
  });

  test('a failed close leaves the writer open: retry and close again', async () => {
    const { writer, files } = memoryWriter({ mode });
    files.writeOutcomes.push({ error: 'ENOSPC' });
    writer.write('abc');
    await expect(writer.close()).rejects.toThrow(WriteFailedError);
    expect(writer.writable).toBe(true);
    await expect(writer.close()).rejects.toThrow(WriteFailedError);
    writer.write('d');
    writer.retry();
    await writer.close();
    expect(files.content.toString()).toBe('abcd');
    expect(files.openCount).toBe(0);
  });

  test('a sync flush fsyncs once for all who wait, and nothing when all is durable', async () => {
    const { writer, files } = memoryWriter({ mode });
    writer.write('abc');
    await Promise.all([writer.flush({ sync: true }), writer.flush({ sync: true }), writer.flush()]);
    expect(files.syncedBytes).toBe(3);
    await writer.flush({ sync: true });
    writer.flushSync({ sync: true });
    expect(writer.stats()).toMatchObject({ durableBytes: 3, syncCallCount: 1 });
  });

  test('a failed fsync is final for its file, whatever fsync says next, and reopening starts afresh', async () => {
    const onError = vi.fn();
    const { writer, files } = memoryWriter({ mode, onError });
    files.syncErrors.push('EIO');
    writer.write('abc');
    const error = await rejection(writer.flush({ sync: true }));
    expect(error).toBeInstanceOf(SyncFailedError);
    expect(error).toMatchObject({ durableBytes: 0, cause: { code: 'EIO' } });
    expect(await rejection(writer.flush({ sync: true }))).toBe(error);
    expect(() => writer.flushSync({ sync: true })).toThrow(SyncFailedError);
    expect(onError.mock.calls).toEqual([[error]]);
    await writer.flush();
    await writer.reopen('next');
    writer.write('def');
    await writer.flush({ sync: true });
    expect(files.files.map((file) => file.bytes.toString())).toEqual(['abc', 'def']);
  });

  test('close with sync fsyncs first, and rejects when that fails, closed all the same', async () => {
    const good = memoryWriter({ mode });
    good.writer.write('abc');
    await good.writer.close({ sync: true });
    expect(good.files.syncedBytes).toBe(3);
    const bad = memoryWriter({ mode });
    bad.files.syncErrors.push('EIO');
    bad.writer.write('abc');
    await expect(bad.writer.close({ sync: true })).rejects.toThrow(SyncFailedError);
    expect(bad.writer.writable).toBe(false);
    expect(bad.files.openCount).toBe(0);
  });

  test('reopen after a rotation splits the stream exactly at the call', async () => {
    const path = freshPath();
    const writer = createWriter(path, { mode });
    writer.write('before\n');
    await rename(path, `${path}.1`);
    const reopened = writer.reopen();
    writer.write('after\n');
    await reopened;
    await writer.close();
    expect(await readFile(`${path}.1`, 'utf8')).toBe('before\n');
    expect(await readFile(path, 'utf8')).toBe('after\n');
  });

  test('reopening without a path goes on in the file that a reopening before it has asked for', async () => {
    const { writer, files } = memoryWriter({ mode });
    files.writeOutcomes.push({ error: 'EAGAIN' });
    writer.write('a');
    const reopened = writer.reopen('next');
    writer.write('b');
    await writer.reopen();
    await reopened;
    writer.write('c');
    await writer.close();
    expect(files.files.map(({ path, bytes }) => [path, bytes.toString()])).toEqual([
      ['memory', 'a'],
      ['next', 'b'],
      ['next', 'c'],
    ]);
  });

  test('a reopening that fails keeps the old file', async () => {
    const path = freshPath();
    const writer = createWriter(path, { mode });
    writer.write('a');
    await expect(writer.reopen(join(freshPath(), 'missing', 'x.log'))).rejects.toThrow(OpenFailedError);
    writer.write('b');
    await writer.close();
    expect(await readFile(path, 'utf8')).toBe('ab');
  });

  test('reopening fsyncs the old file once durability was asked for, and not before', async () => {
    const { writer, files } = memoryWriter({ mode });
    writer.write('a');
    await writer.reopen('1');
    expect(files.files[0]?.syncedBytes).toBe(0);
    writer.write('b');
    await writer.flush({ sync: true });
    writer.write('c');
    await writer.reopen('2');
    expect(files.files[1]?.syncedBytes).toBe(2);
    await writer.close();
    expect(files.openCount).toBe(0);
  });
});

test('a failed fsync that ends after destroy is nobody’s concern', async () => {
  const onError = vi.fn();
  const { writer, files } = memoryWriter({ mode: 'async', onError });
  writer.write('abc');
  await writer.flush();
  files.syncErrors.push('EIO');
  files.held = [];
  const flushed = rejection(writer.flush({ sync: true }));
  writer.destroy();
  files.release();
  await writer.close();
  expect(await flushed).toBeInstanceOf(ClosedError);
  await turn();
  expect(onError).not.toHaveBeenCalled();
  expect(files.openCount).toBe(0);
});
