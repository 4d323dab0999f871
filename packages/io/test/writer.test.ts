import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { getEventListeners } from 'node:events';
import fs from 'node:fs';
import { mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  BusyError,
  ClosedError,
  createWriter,
  ArgumentRangeError,
  ArgumentTypeError,
  isRetryable,
  OpenFailedError,
  OverflowError,
  SyncFailedError,
  WriteFailedError,
  type Writer,
  type WriterOptions,
} from '@hotpath/io';
import { MemoryFileSystem } from './writer/memory-file-system.ts';

let folder: string;
let fileCount = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-io-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function freshPath(): string {
  return join(folder, `${fileCount++}.log`);
}

function memoryWriter(options: WriterOptions = {}): { writer: Writer; files: MemoryFileSystem } {
  const files = new MemoryFileSystem();
  return { writer: createWriter('memory', { ...options, fileSystem: files }), files };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe.each(['async', 'sync'] as const)('in %s mode', (mode) => {
  test('strings and bytes reach a real file in the order of the calls', async () => {
    const path = freshPath();
    const writer = createWriter(path, { mode });
    const owned = new Uint8Array(100_000).fill(66);
    writer.write('one\n');
    writer.write(Buffer.from('two\n'));
    writer.writeOwned(owned);
    writer.write('three €\n');
    await writer.flush();
    expect(await readFile(path, 'utf8')).toBe(`one\ntwo\n${'B'.repeat(100_000)}three €\n`);
    await writer.close();
  });

  test('text longer than a slab is written whole', async () => {
    const path = freshPath();
    const text = 'aé漢😀'.repeat(200_000);
    const writer = createWriter(path, { mode });
    writer.write(text);
    await writer.close();
    expect((await readFile(path, 'utf8')) === text).toBe(true);
  });

  test('a character split across two writes arrives whole', async () => {
    const { writer, files } = memoryWriter({ mode });
    writer.write('x\ud83d');
    await writer.flush();
    expect(files.content.toString()).toBe('x');
    writer.write('\ude00y');
    await writer.flush();
    expect(files.content.toString()).toBe('x😀y');
  });

  test('half a character before bytes, and at the end, becomes U+FFFD', async () => {
    const { writer, files } = memoryWriter({ mode });
    writer.write('\ud83d');
    writer.write(Buffer.from('b'));
    writer.write('\ud83d');
    await writer.close();
    expect(files.content.toString()).toBe('\ufffdb\ufffd');
  });

  test('half a character is not pending, so it can neither fill the buffer nor stall a flush', async () => {
    const { writer } = memoryWriter({ mode, highWaterMark: 1, overflow: 'drop' });
    writer.write('\ud83d');
    await writer.flush();
    expect(writer.stats()).toMatchObject({ pendingBytes: 0, writtenBytes: 0 });
    writer.write('\ude00');
    await writer.flush();
    expect(writer.stats()).toMatchObject({ writtenBytes: 4, droppedCount: 0 });
  });

  test('empty writes and empty flushes change nothing', async () => {
    const { writer, files } = memoryWriter({ mode });
    expect(writer.write('')).toBe(true);
    expect(writer.write(new Uint8Array(0))).toBe(true);
    expect(writer.writeOwned(new Uint8Array(0))).toBe(true);
    await writer.flush();
    await writer.flush({ sync: true });
    expect(files.content.length).toBe(0);
    expect(writer.stats()).toMatchObject({ writeCallCount: 0, syncCallCount: 0 });
  });

  test('write returns false from highWaterMark on, and ready resolves with half of it free', async () => {
    const { writer, files } = memoryWriter({ mode, highWaterMark: 100, flushBytes: 100 });
    files.writeOutcomes.push({ error: 'EAGAIN' }, { bytes: 49 }, { error: 'EAGAIN' }, { bytes: 51 });
    expect(writer.write('a'.repeat(99))).toBe(true);
    expect(writer.write('a')).toBe(false);
    await writer.ready();
    expect(writer.stats().pendingBytes).toBeLessThanOrEqual(50);
    expect(writer.write('b')).toBe(true);
    await writer.close();
    expect(files.content.length).toBe(101);
  });

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
    const { writer, files } = memoryWriter({ mode });
    files.syncErrors.push('EIO');
    writer.write('abc');
    const error = await rejection(writer.flush({ sync: true }));
    expect(error).toBeInstanceOf(SyncFailedError);
    expect(error).toMatchObject({ durableBytes: 0, cause: { code: 'EIO' } });
    expect(await rejection(writer.flush({ sync: true }))).toBe(error);
    expect(() => writer.flushSync({ sync: true })).toThrow(SyncFailedError);
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

  test('a reopening that fails keeps the old file', async () => {
    const path = freshPath();
    const writer = createWriter(path, { mode });
    writer.write('a');
    await expect(writer.reopen(join(folder, 'missing', 'x.log'))).rejects.toThrow(OpenFailedError);
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

  test('overflow drop discards whole writes, counts them and says so', async () => {
    const messages: unknown[] = [];
    const listener = (message: unknown): void => void messages.push(message);
    subscribe('hotpath:io:writer.drop', listener);
    onTestFinished(() => void unsubscribe('hotpath:io:writer.drop', listener));
    const { writer, files } = memoryWriter({ mode, highWaterMark: 4, overflow: 'drop' });
    files.writeOutcomes.push({ error: 'EAGAIN' });
    expect(writer.write('1234')).toBe(false);
    expect(writer.write('é')).toBe(false);
    expect(writer.write(new Uint8Array(3))).toBe(false);
    expect(writer.stats()).toMatchObject({ droppedBytes: 5, droppedCount: 2, pendingBytes: 4 });
    expect(messages).toEqual([
      { writer, bytes: 2 },
      { writer, bytes: 3 },
    ]);
    await writer.close();
    expect(files.content.toString()).toBe('1234');
  });

  test('overflow throw refuses whole writes', async () => {
    const { writer, files } = memoryWriter({ mode, highWaterMark: 4, overflow: 'throw' });
    files.writeOutcomes.push({ error: 'EAGAIN' });
    writer.write('12345');
    expect(() => writer.write('6')).toThrow(OverflowError);
    expect(() => writer.writeOwned(new Uint8Array(9))).toThrow(
      expect.objectContaining({ code: 'ERR_HOTPATH_IO_OVERFLOW', pending: 5, unit: 'bytes' }),
    );
    await writer.close();
    expect(files.content.toString()).toBe('12345');
  });

  test('overflow wait bounds a producer that ignores false: at maxPendingBytes the write itself writes', async () => {
    const { writer, files } = memoryWriter({ mode, highWaterMark: 10, maxPendingBytes: 25 });
    let mostBytes = 0;
    for (let index = 0; index < 100; index++) {
      writer.write('0123456789');
      mostBytes = Math.max(mostBytes, writer.stats().pendingBytes);
    }
    expect(mostBytes).toBeLessThan(35);
    await writer.close();
    expect(files.content.toString()).toBe('0123456789'.repeat(100));
  });

  test('overflow wait throws with the cause when the bound is reached and nothing can be written', async () => {
    const { writer, files } = memoryWriter({ mode, highWaterMark: 10, maxPendingBytes: 10 });
    files.writeOutcomes.push({ error: 'ENOSPC' });
    writer.write('0123456789');
    await rejection(writer.flush());
    expect(() => writer.write('x')).toThrow(
      expect.objectContaining({
        code: 'ERR_HOTPATH_IO_OVERFLOW',
        cause: expect.any(WriteFailedError) as unknown,
      }),
    );
    writer.retry();
    await writer.close();
    expect(files.content.toString()).toBe('0123456789');
  });

  test('destroy drops what is pending, rejects who waits with the reason, and closes the descriptor', async () => {
    const { writer, files } = memoryWriter({ mode, highWaterMark: 4 });
    files.writeOutcomes.push(...Array.from({ length: 50 }, () => ({ error: 'EAGAIN' })));
    writer.write('abcdef');
    const waits = [
      writer.flush(),
      writer.flush({ sync: true }),
      writer.ready(),
      writer.reopen('x'),
      writer.close(),
    ];
    const reason = new Error('shut down');
    const outcomes = Promise.all(waits.map((wait) => rejection(wait)));
    writer.destroy(reason);
    writer.destroy(reason);
    for (const error of await outcomes) {
      expect(error).toBeInstanceOf(ClosedError);
      expect(error).toMatchObject({ code: 'ERR_HOTPATH_IO_CLOSED', cause: reason });
    }
    await writer.close();
    expect(files.openCount).toBe(0);
  });

  test('after close, writes throw and waits reject with a code; a second close resolves', async () => {
    const { writer } = memoryWriter({ mode });
    await Promise.all([writer.close(), writer.close()]);
    await writer.close();
    expect(() => writer.write('x')).toThrow(expect.objectContaining({ code: 'ERR_HOTPATH_IO_CLOSED' }));
    expect(() => writer.writeOwned(new Uint8Array(1))).toThrow(ClosedError);
    expect(() => writer.flushSync()).toThrow(ClosedError);
    await expect(writer.flush()).rejects.toThrow(ClosedError);
    await expect(writer.reopen()).rejects.toThrow(ClosedError);
    writer.retry();
    writer.destroy();
  });

  test('async dispose closes, and destroys when the disk is full', async () => {
    const good = memoryWriter({ mode });
    good.writer.write('abc');
    await good.writer[Symbol.asyncDispose]();
    expect(good.files.content.toString()).toBe('abc');
    expect(good.files.openCount).toBe(0);
    const bad = memoryWriter({ mode });
    bad.files.writeOutcomes.push({ error: 'ENOSPC' });
    bad.writer.write('abc');
    await expect(bad.writer[Symbol.asyncDispose]()).rejects.toThrow(WriteFailedError);
    expect(bad.files.openCount).toBe(0);
  });

  test('a FileHandle stays open unless autoClose asks, and a closed one fails instead of hitting another file', async () => {
    const path = freshPath();
    const handle = await open(path, 'a');
    const writer = createWriter(handle, { mode });
    writer.write('abc');
    await writer.close();
    await handle.write('def');
    expect(await readFile(path, 'utf8')).toBe('abcdef');
    const late = createWriter(handle, { mode });
    await handle.close();
    const other = freshPath();
    const otherFd = fs.openSync(other, 'a');
    late.write('x');
    await expect(late.flush()).rejects.toThrow(WriteFailedError);
    late.destroy();
    expect(fs.fstatSync(otherFd).size).toBe(0);
    fs.closeSync(otherFd);
    const owned = await open(path, 'a');
    await createWriter(owned, { mode, autoClose: true }).close();
    expect(owned.fd).toBe(-1);
  });

  test('a signal that aborts ends the wait with its reason, and every listener goes', async () => {
    const { writer, files } = memoryWriter({ mode, highWaterMark: 2 });
    files.writeOutcomes.push(...Array.from({ length: 6 }, () => ({ error: 'EAGAIN' })));
    const controller = new AbortController();
    const { signal } = controller;
    writer.write('abc');
    const waits = [writer.flush({ signal }), writer.flush({ sync: true, signal }), writer.ready({ signal })];
    const kept = writer.flush();
    const closing = writer.close({ signal });
    expect(getEventListeners(signal, 'abort').length).toBe(4);
    const reason = new Error('too late');
    const outcomes = Promise.all([...waits, closing].map((wait) => rejection(wait)));
    controller.abort(reason);
    expect(await outcomes).toEqual([reason, reason, reason, reason]);
    await kept;
    await turn();
    expect(getEventListeners(signal, 'abort').length).toBe(0);
    expect(await rejection(writer.flush({ signal }))).toBe(reason);
    expect(await rejection(writer.ready({ signal }))).toBe(reason);
    await writer.close();
    expect(files.content.toString()).toBe('abc');
  });

  test('listeners go when the wait succeeds and when it fails', async () => {
    const { writer, files } = memoryWriter({ mode, highWaterMark: 1 });
    const { signal } = new AbortController();
    files.writeOutcomes.push({ error: 'EAGAIN' }, 'full', { error: 'EIO' });
    writer.write('a');
    await Promise.all([
      writer.ready({ signal }),
      writer.flush({ signal }),
      writer.flush({ signal, sync: true }),
    ]);
    expect(getEventListeners(signal, 'abort').length).toBe(0);
    writer.write('b');
    await Promise.all([rejection(writer.flush({ signal })), rejection(writer.flush({ sync: true, signal }))]);
    expect(getEventListeners(signal, 'abort').length).toBe(0);
    writer.retry();
    await writer.close({ signal });
    await turn();
    expect(getEventListeners(signal, 'abort').length).toBe(0);
  });

  test('the callback form of flush reports success and failure', async () => {
    const { writer, files } = memoryWriter({ mode });
    writer.write('a');
    expect(await new Promise((resolve) => writer.flush(resolve))).toBeUndefined();
    files.writeOutcomes.push({ error: 'EIO' });
    writer.write('b');
    expect(await new Promise((resolve) => writer.flush(resolve))).toBeInstanceOf(WriteFailedError);
    writer.destroy();
  });
});

describe('when writes happen', () => {
  test('with an infinite linger only flushBytes and a flush write', async () => {
    const { writer, files } = memoryWriter({ lingerMs: Infinity, flushBytes: 10 });
    writer.write('012345678');
    await turn();
    await turn();
    expect(writer.stats().writeCallCount).toBe(0);
    writer.write('9');
    expect(writer.stats().writeCallCount).toBe(1);
    await turn();
    writer.write('x');
    await turn();
    expect(files.content.length).toBe(10);
    await writer.close();
    expect(files.content.length).toBe(11);
  });

  test('without a linger the writes of one turn share one call', async () => {
    const { writer, files } = memoryWriter();
    for (let index = 0; index < 100; index++) writer.write('line\n');
    expect(writer.stats().writeCallCount).toBe(0);
    await turn();
    expect(writer.stats().writeCallCount).toBe(1);
    await writer.close();
    expect(files.content.length).toBe(500);
  });

  test('a linger is counted from the first of the bytes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { writer } = memoryWriter({ lingerMs: 20 });
    writer.write('a');
    vi.advanceTimersByTime(15);
    writer.write('b');
    vi.advanceTimersByTime(4);
    expect(writer.stats().writeCallCount).toBe(0);
    vi.advanceTimersByTime(1);
    expect(writer.stats().writeCallCount).toBe(1);
    await writer.close();
  });

  test('a stalled producer is not left to the linger', async () => {
    const { writer } = memoryWriter({ lingerMs: Infinity, highWaterMark: 100, flushBytes: 100 });
    writer.write('a'.repeat(100));
    writer.write('b'.repeat(60));
    await writer.ready();
    expect(writer.stats().pendingBytes).toBe(0);
  });

  test('a flush resolves with its own bytes while writing goes on', async () => {
    const { writer, files } = memoryWriter();
    files.held = [];
    writer.write('first');
    const flushed = writer.flush();
    const order: string[] = [];
    const noted = flushed.then(() => order.push('flushed'));
    for (let round = 0; round < 5; round++) {
      writer.write('more');
      const held = files.held;
      files.held = [];
      for (const call of held) call();
      order.push(`round ${round}`);
      await turn();
    }
    await noted;
    expect(order.slice(0, 2)).toEqual(['round 0', 'flushed']);
    expect(writer.stats().pendingBytes).toBeGreaterThan(0);
    files.release();
    await writer.close();
  });

  test('writes go on while an fsync is under way, and it covers only what was written before it', async () => {
    const { writer, files } = memoryWriter();
    writer.write('abc');
    await writer.flush();
    files.held = [];
    const durable = writer.flush({ sync: true });
    writer.write('def');
    await turn();
    expect(files.held.length).toBe(2);
    files.release();
    await durable;
    expect(writer.stats()).toMatchObject({ durableBytes: 3, writtenBytes: 6 });
  });

  test('a destroyed writer keeps its descriptor until the call under way has ended', async () => {
    const { writer, files } = memoryWriter();
    files.held = [];
    writer.write('abc');
    const flushed = rejection(writer.flush());
    writer.destroy();
    expect(await flushed).toBeInstanceOf(ClosedError);
    expect(files.openCount).toBe(1);
    files.release();
    await writer.close();
    expect(files.openCount).toBe(0);
  });
});

describe('flushSync during a write on the thread pool', () => {
  test('waits until the write has landed in the file and keeps the order', async () => {
    const path = freshPath();
    const writer = createWriter(path);
    writer.write('a'.repeat(1 << 20));
    writer.flush(() => {});
    writer.write('b');
    writer.flushSync();
    const size = fs.statSync(path).size;
    expect(size).toBe((1 << 20) + 1);
    expect(writer.stats().pendingBytes).toBe(0);
    writer.write('c');
    await writer.close();
    expect(await readFile(path, 'utf8')).toBe(`${'a'.repeat(1 << 20)}bc`);
  });

  test('refuses where the end of that write cannot be seen', async () => {
    const { writer, files } = memoryWriter();
    files.isRegular = false;
    await writer.reopen('pipe');
    writer.write('a');
    writer.flush(() => {});
    writer.write('b');
    expect(() => writer.flushSync()).toThrow(BusyError);
    await writer.close();
    expect(files.content.toString()).toBe('ab');
  });

  test('gives up when that write does not end', async () => {
    const { writer, files } = memoryWriter({ syncTimeoutMs: 1 });
    files.landsAtOnce = false;
    writer.write('a');
    writer.flush(() => {});
    expect(() => writer.flushSync()).toThrow(BusyError);
    await writer.close();
    expect(files.content.toString()).toBe('a');
  });

  test('writes the rest when somebody else grew the file and the write had been short', async () => {
    const { writer, files } = memoryWriter();
    files.writeOutcomes.push({ bytes: 2 });
    writer.write('abcd');
    writer.flush(() => {});
    files.files[0]!.bytes = Buffer.concat([files.files[0]!.bytes, Buffer.from('--')]);
    writer.flushSync();
    await turn();
    await writer.close();
    expect(files.content.toString()).toBe('ab--cd');
    expect(writer.stats().writtenBytes).toBe(4);
  });

  test('a failure meanwhile is kept until retry, and nothing is written twice', async () => {
    const { writer, files } = memoryWriter();
    files.writeOutcomes.push('full', { error: 'ENOSPC' });
    writer.write('a');
    writer.flush(() => {});
    writer.write('b');
    expect(() => writer.flushSync()).toThrow(WriteFailedError);
    writer.retry();
    await writer.close();
    expect(files.content.toString()).toBe('ab');
  });
});

describe('opening', () => {
  test('append is the default, append: false truncates, mkdir makes the folders', async () => {
    const path = join(folder, 'deep', 'er', 'x.log');
    expect(() => createWriter(path)).toThrow(OpenFailedError);
    for (const options of [{ mkdir: true }, {}]) {
      const writer = createWriter(path, options);
      writer.write('a');
      await writer.close();
    }
    expect(await readFile(path, 'utf8')).toBe('aa');
    await createWriter(path, { append: false }).close();
    expect(await readFile(path, 'utf8')).toBe('');
  });

  test('fileMode sets the permissions of a new file', async () => {
    const path = freshPath();
    await createWriter(path, { fileMode: 0o600 }).close();
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
  });

  test('an fd is written to and left open; a closed one is refused', async () => {
    const fd = fs.openSync(freshPath(), 'a');
    const writer = createWriter(fd);
    await expect(writer.reopen()).rejects.toThrow(ArgumentTypeError);
    writer.write('abc');
    await writer.close();
    expect(fs.fstatSync(fd).size).toBe(3);
    fs.closeSync(fd);
    expect(() => createWriter(fd)).toThrow(OpenFailedError);
  });

  test.each([
    [undefined, 'target: expected a path, a descriptor or a FileHandle, got undefined'],
    [-1, 'target: expected a path, a descriptor or a FileHandle, got -1'],
    [null, 'target: expected a path, a descriptor or a FileHandle, got null'],
    [{}, 'target: expected a path, a descriptor or a FileHandle, got an instance of Object'],
  ])('a target of %s is refused', (target, message) => {
    expect(() => createWriter(target as never)).toThrow(new ArgumentTypeError(message));
  });

  test.each([
    [{ mode: 'fast' }, ArgumentRangeError, 'mode: expected async, sync, got "fast"'],
    [
      { highWaterMark: 0 },
      ArgumentRangeError,
      'highWaterMark: expected an integer from 1 to 9007199254740991, got 0',
    ],
    [{ highWaterMark: '1' }, ArgumentTypeError, 'highWaterMark: expected a number, got "1"'],
    [
      { highWaterMark: 100, flushBytes: 101 },
      ArgumentRangeError,
      'flushBytes: expected an integer from 1 to 100, got 101',
    ],
    [{ flushBytes: 1.5 }, ArgumentRangeError, 'flushBytes: expected an integer from 1 to 1048576, got 1.5'],
    [
      { lingerMs: -1 },
      ArgumentRangeError,
      'lingerMs: expected milliseconds from 0 to 2147483647, or Infinity, got -1',
    ],
    [
      { lingerMs: NaN },
      ArgumentRangeError,
      'lingerMs: expected milliseconds from 0 to 2147483647, or Infinity, got NaN',
    ],
    [{ overflow: 'grow' }, ArgumentRangeError, 'overflow: expected wait, drop, throw, got "grow"'],
    [
      { highWaterMark: 9, maxPendingBytes: 8 },
      ArgumentRangeError,
      'maxPendingBytes: expected an integer from 9 to',
    ],
    [{ append: 1 }, ArgumentTypeError, 'append: expected a boolean, got 1'],
    [{ onError: {} }, ArgumentTypeError, 'onError: expected a function, got an instance of Object'],
    [
      { syncTimeoutMs: 0 },
      ArgumentRangeError,
      'syncTimeoutMs: expected milliseconds from 1 to 2147483647, or Infinity',
    ],
  ])('options %j are refused before anything is opened', (options, kind, message) => {
    const path = freshPath();
    const create = (): Writer => createWriter(path, options as never);
    expect(create).toThrow(kind);
    expect(create).toThrow(message);
    expect(fs.existsSync(path)).toBe(false);
  });

  test('a chunk that is neither a string nor bytes is refused and changes nothing', async () => {
    const { writer, files } = memoryWriter();
    expect(() => writer.write(1 as never)).toThrow(
      new ArgumentTypeError('chunk: expected a string or a Uint8Array, got 1'),
    );
    expect(() => writer.writeOwned('x' as never)).toThrow(ArgumentTypeError);
    await writer.close();
    expect(files.content.length).toBe(0);
  });
});

test('failures are published for those who subscribe', async () => {
  const messages: unknown[] = [];
  const listener = (message: unknown): void => void messages.push(message);
  subscribe('hotpath:io:writer.error', listener);
  onTestFinished(() => void unsubscribe('hotpath:io:writer.error', listener));
  const { writer, files } = memoryWriter();
  files.writeOutcomes.push({ error: 'EIO' });
  writer.write('a');
  const error = await rejection(writer.flush());
  expect(messages).toEqual([{ writer, error }]);
  writer.destroy();
});
