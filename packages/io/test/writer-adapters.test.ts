import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pino from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createWriter, toNodeWritable, toWebWritable, WriteFailedError } from '@hotpath/io';
import { MemoryFileSystem } from './writer/memory-file-system.ts';

const lines = Array.from({ length: 1000 }, (_, index) => `line ${index} é\n`);

describe('as a Node Writable', () => {
  test('a pipeline writes everything, waits when the buffer is full, and closes the writer', async () => {
    const files = new MemoryFileSystem();
    const writer = createWriter('x', { fileSystem: files, highWaterMark: 100 });
    await pipeline(Readable.from(lines), toNodeWritable(writer));
    expect(files.content.toString()).toBe(lines.join(''));
    expect(writer.writable).toBe(false);
  });

  test('text in another encoding is converted, bytes are not', async () => {
    const files = new MemoryFileSystem();
    const stream = toNodeWritable(createWriter('x', { fileSystem: files }));
    stream.write('ff00', 'hex');
    stream.write(Buffer.from([1]));
    stream.write('é', 'latin1');
    await new Promise<void>((resolve) => stream.end('é', () => resolve()));
    expect([...files.content]).toEqual([0xff, 0, 1, 0xe9, 0xc3, 0xa9]);
  });

  test('a failed write fails the pipeline and releases the descriptor', async () => {
    const files = new MemoryFileSystem();
    files.writeOutcomes.push({ error: 'ENOSPC' });
    const writer = createWriter('x', { fileSystem: files, highWaterMark: 10 });
    await expect(pipeline(Readable.from(lines), toNodeWritable(writer))).rejects.toThrow(WriteFailedError);
    await writer.close();
    expect(files.openCount).toBe(0);
  });

  test('destroying the stream while the writer closes lets go of a descriptor that takes nothing', async () => {
    const files = new MemoryFileSystem();
    files.writeOutcomes.push(...Array.from({ length: 1000 }, () => ({ error: 'EAGAIN' })));
    const writer = createWriter('x', { fileSystem: files });
    const stream = toNodeWritable(writer);
    stream.end('x');
    await new Promise(setImmediate);
    stream.destroy();
    await writer.close();
    expect(files.openCount).toBe(0);
  });

  test('closeWriter: false leaves the writer open, flushed', async () => {
    const files = new MemoryFileSystem();
    const writer = createWriter('x', { fileSystem: files });
    await pipeline(Readable.from(lines), toNodeWritable(writer, { closeWriter: false }));
    expect(files.content.toString()).toBe(lines.join(''));
    toNodeWritable(writer, { closeWriter: false }).destroy();
    writer.write('more');
    await writer.close();
  });
});

describe('as a Web WritableStream', () => {
  test('pipeTo writes everything, waits when the buffer is full, and closes the writer', async () => {
    const files = new MemoryFileSystem();
    const writer = createWriter('x', { fileSystem: files, highWaterMark: 100 });
    await ReadableStream.from(lines).pipeTo(toWebWritable(writer));
    expect(files.content.toString()).toBe(lines.join(''));
    expect(writer.writable).toBe(false);
  });

  test('aborting the stream while a write waits destroys the writer', async () => {
    const files = new MemoryFileSystem();
    files.held = [];
    const writer = createWriter('x', { fileSystem: files, highWaterMark: 10 });
    const stream = toWebWritable(writer).getWriter();
    const write = stream.write('0123456789').catch((error: unknown) => error);
    await new Promise(setImmediate);
    const reason = new Error('enough');
    const aborted = stream.abort(reason);
    expect(await write).toBe(reason);
    await aborted;
    files.release();
    await writer.close();
    expect(files.openCount).toBe(0);
  });

  test('aborting the stream while the writer closes lets go of a descriptor that takes nothing', async () => {
    for (const closeWriter of [true, false]) {
      const files = new MemoryFileSystem();
      files.writeOutcomes.push(...Array.from({ length: 1000 }, () => ({ error: 'EAGAIN' })));
      const writer = createWriter('x', { fileSystem: files });
      const stream = toWebWritable(writer, { closeWriter }).getWriter();
      void stream.write('x');
      const closed = Promise.allSettled([stream.close(), stream.closed]);
      await new Promise(setImmediate);
      await Promise.allSettled([stream.abort('enough')]);
      expect((await closed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      expect(writer.writable).toBe(!closeWriter);
      writer.destroy();
      await writer.close();
      expect(files.openCount).toBe(0);
    }
  });

  test('closeWriter: false leaves the writer open, flushed', async () => {
    const files = new MemoryFileSystem();
    const writer = createWriter('x', { fileSystem: files });
    await ReadableStream.from(lines).pipeTo(toWebWritable(writer, { closeWriter: false }));
    expect(files.content.toString()).toBe(lines.join(''));
    await toWebWritable(writer, { closeWriter: false }).abort();
    writer.write('more');
    await writer.close();
  });
});

describe('as a pino destination', () => {
  async function freshPath(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'hotpath-io-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    return join(folder, 'app.log');
  }

  test('every record arrives, in order, and pino can flush', async () => {
    const path = await freshPath();
    const writer = createWriter(path);
    const logger = pino(writer);
    const child = logger.child({ module: 'a' });
    for (let index = 0; index < 5000; index++) (index % 2 === 0 ? logger : child).info({ index }, 'héllo');
    await new Promise<void>((resolve, reject) => {
      logger.flush((error) => (error ? reject(error) : resolve()));
    });
    const records = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(records.map((record) => (JSON.parse(record) as { index: number }).index)).toEqual(
      Array.from({ length: 5000 }, (_, index) => index),
    );
    logger.flush();
    await writer.close();
  });

  test('a fatal record is in the file before the call returns', async () => {
    const path = await freshPath();
    const writer = createWriter(path, { lingerMs: Infinity });
    const logger = pino(writer);
    logger.info('before');
    logger.fatal('the end');
    expect(readFileSync(path, 'utf8')).toMatch(/before.*\n.*the end.*\n$/);
    await writer.close();
  });

  test('it serves in pino.multistream', async () => {
    const path = await freshPath();
    const writer = createWriter(path);
    const logger = pino({}, pino.multistream([{ level: 'warn', stream: writer }]));
    logger.info('no');
    logger.warn('yes');
    await writer.flush();
    expect(readFileSync(path, 'utf8')).toMatch(/^[^\n]*yes[^\n]*\n$/);
    await writer.close();
  });
});
