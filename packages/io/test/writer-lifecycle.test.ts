import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { getEventListeners } from 'node:events';
import fs from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ArgumentTypeError, ClosedError, createWriter, OverflowError, WriteFailedError } from '@hotpath/io';
import { rejection, turn } from './promises.ts';
import { freshPaths, memoryWriter } from './writer/fresh-writers.ts';

const freshPath = freshPaths();
const GIB = 2 ** 30;

describe.each(['async', 'sync'] as const)('in %s mode', (mode) => {
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

test('who asks for an fsync while the descriptor is being closed is not told that it was one', async () => {
  const { writer, files } = memoryWriter();
  writer.write('abc');
  await writer.flush();
  files.held = [];
  const closing = writer.close();
  const synced = rejection(writer.flush({ sync: true }));
  expect(() => writer.flushSync({ sync: true })).toThrow(ClosedError);
  await writer.flush();
  files.release();
  expect(await synced).toBeInstanceOf(ClosedError);
  await closing;
  expect(writer.stats()).toMatchObject({ durableBytes: 0, syncCallCount: 0 });
});

test('bytes that go without a copy are written by calls of a length that write(2) can be given, and room counts beyond 4 GiB', async () => {
  const { writer, files } = memoryWriter({ highWaterMark: 5 * GIB, maxPendingBytes: Infinity });
  const lengths: number[] = [];
  const callbacks: (() => void)[] = [];
  files.write = (_fd, _bytes, _offset, lengthBytes, _position, callback) => {
    lengths.push(lengthBytes);
    callbacks.push(() => callback(null, lengthBytes));
  };
  // Memory that nobody touches is none.
  const bytes = new Uint8Array(2 * GIB);
  for (let count = 0; count < 3; count++) writer.writeOwned(bytes);
  let hasRoom = false;
  const ready = writer.ready().then(() => (hasRoom = true));
  while (callbacks.length > 0) {
    expect(hasRoom).toBe(writer.stats().pendingBytes <= 2.5 * GIB);
    callbacks.shift()!();
    await turn();
  }
  await ready;
  expect(lengths).toEqual(Array.from({ length: 6 }, () => GIB));
  await writer.close();
});

test.each([
  ['flush', (options: never) => memoryWriter().writer.flush(options)],
  ['ready', (options: never) => memoryWriter().writer.ready(options)],
  ['close', (options: never) => memoryWriter().writer.close(options)],
])('a signal that is none is refused by %s, waiting or not', async (_name, call) => {
  // The mistake that is made: the controller in the place of its signal.
  const outcome = rejection(call({ signal: new AbortController() } as never));
  expect(await outcome).toEqual(
    new ArgumentTypeError('signal: expected an AbortSignal, got an instance of AbortController'),
  );
});
