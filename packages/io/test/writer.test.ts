import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  BusyError,
  ClosedError,
  createWriter,
  ArgumentRangeError,
  ArgumentTypeError,
  OpenFailedError,
  WriteFailedError,
  type Writer,
} from '@hotpath/io';
import { rejection, turn } from './promises.ts';
import { freshPaths, memoryWriter } from './writer/fresh-writers.ts';

const freshPath = freshPaths();

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
});

describe('when writes happen', () => {
  test.each(['async', 'sync'] as const)('in %s mode what follows an empty write is written', async (mode) => {
    const { writer, files } = memoryWriter({ mode });
    writer.write('');
    writer.write(new Uint8Array(0));
    writer.write('a');
    writer.write('b');
    await turn();
    await turn();
    expect(files.content.toString()).toBe('ab');
    await writer.close();
  });

  test('in sync mode what follows a write that was made at once is written, too', async () => {
    const { writer, files } = memoryWriter({ mode: 'sync', flushBytes: 10 });
    writer.write('0123456789');
    expect(files.content.length).toBe(10);
    writer.write('x');
    writer.write('y');
    await turn();
    expect(files.content.toString()).toBe('0123456789xy');
    await writer.close();
  });

  test('while a write is under way lines are encoded many at once', async () => {
    const { writer, files } = memoryWriter({ highWaterMark: 1 << 20, flushBytes: 64 << 10 });
    files.held = [];
    const encode = vi.spyOn(Buffer.prototype, 'write');
    onTestFinished(() => encode.mockRestore());
    const line = `${'x'.repeat(99)}\n`;
    for (let index = 0; index < 5000; index++) writer.write(line);
    const encodeCount = encode.mock.calls.length;
    files.release();
    await writer.close();
    expect(files.content.length).toBe(500_000);
    // 500 KB in ropes of 8192 units, and the last before the first write.
    expect(encodeCount).toBeLessThan(70);
  });

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

  test('what is added after an empty write, made while another was under way, is written by itself too', async () => {
    const { writer, files } = memoryWriter();
    files.held = [];
    writer.write('a');
    await turn();
    expect(writer.write('')).toBe(true);
    files.release();
    expect(writer.write('b')).toBe(true);
    await turn();
    expect(String(files.content)).toBe('ab');
  });

  test('what a flush has encoded while a write is under way still counts as pending', async () => {
    const { writer, files } = memoryWriter({ highWaterMark: 100, flushBytes: 100 });
    files.held = [];
    writer.write('a');
    await turn();
    expect(writer.write('b'.repeat(60))).toBe(true);
    const flushed = writer.flush();
    expect(writer.write('c'.repeat(38))).toBe(true);
    expect(writer.write('d')).toBe(false);
    files.release();
    await flushed;
    await writer.close();
    expect(files.content.length).toBe(100);
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
    const path = join(freshPath(), 'deep', 'er', 'x.log');
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
