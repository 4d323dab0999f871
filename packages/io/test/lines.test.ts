import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  createChannel,
  lines,
  LineTooLongError,
  OpenFailedError,
} from '@hotpath/io';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function freshPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-io-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'x.txt');
}

test('however the bytes are cut into chunks, the lines are those of the text', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 30 }),
          fc.string({ maxLength: 200, size: 'max' }),
          fc.nat(3000).map((length) => 'é'.repeat(length)),
          fc.constant(''),
        ),
        { maxLength: 40, size: 'max' },
      ),
      fc.array(fc.constantFrom('\n', '\r\n'), { minLength: 60, maxLength: 60 }),
      fc.boolean(),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 10 }),
      async (raw, ends, hasBom, hasLastEnd, sizes) => {
        const texts = raw.map((text) =>
          Buffer.from(text)
            .toString()
            .replaceAll(/[\r\n\u{feff}]/gu, '_'),
        );
        let whole = texts.map((text, index) => text + ends[index]!).join('');
        let expected = texts;
        if (!hasLastEnd) {
          whole = whole.replace(/\r?\n$/, '');
          if (texts.at(-1) === '') expected = texts.slice(0, -1);
        }
        const bytes = Buffer.from((hasBom ? '\u{feff}' : '') + whole);
        if (bytes.length === 3 && hasBom) expected = texts.length > 0 ? [''] : expected;
        const chunks: Uint8Array[] = [];
        for (let offset = 0, index = 0; offset < bytes.length; index++) {
          const size = sizes[index % sizes.length]!;
          chunks.push(new Uint8Array(bytes.subarray(offset, offset + size)));
          offset += size;
        }
        if (bytes.length === 3 && hasBom) return;
        expect(await collect(lines(chunks))).toEqual(expected);
        expect((await collect(lines(Readable.from(chunks)).batches())).flat()).toEqual(expected);
      },
    ),
    { numRuns: 30 },
  );
}, 60_000);

test('plain ASCII in chunks larger than what is decoded at once, with lines longer than that', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 5, arbitrary: fc.nat(150) }, fc.integer({ min: 1900, max: 5000 })), {
        minLength: 1,
        maxLength: 100,
        size: 'max',
      }),
      fc.constantFrom('\n', '\r\n'),
      fc.integer({ min: 1000, max: 20_000 }),
      async (lengths, end, chunkBytes) => {
        const expected = lengths.map((length, index) => String(index % 10).repeat(length));
        const bytes = Buffer.from(expected.join(end) + end);
        const chunks: Uint8Array[] = [];
        for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
          chunks.push(bytes.subarray(offset, offset + chunkBytes));
        }
        expect((await collect(lines(chunks).batches())).flat()).toEqual(expected);
        const longest = Math.max(...lengths);
        if (longest === 0) return;
        expect(await collect(lines(chunks, { maxLineBytes: longest }))).toEqual(expected);
        if (longest === 1) return;
        await expect(collect(lines(chunks, { maxLineBytes: longest - 1 }))).rejects.toMatchObject({
          lineNumber: lengths.indexOf(longest) + 1,
        });
      },
    ),
    { numRuns: 50 },
  );
});

test('a file is read to its end, over many chunks, and closed by whoever stops early', async () => {
  const path = await freshPath();
  const expected = Array.from(
    { length: 50_000 },
    (_, index) => `line ${index}${index % 9 === 0 ? ' ü' : ''}`,
  );
  await writeFile(path, expected.join('\n'));
  expect(await collect(lines(path))).toEqual(expected);
  expect((await collect(lines(path).batches())).flat()).toEqual(expected);
  let count = 0;
  for await (const _line of lines(path)) if (++count === 3000) break;
  expect(count).toBe(3000);
  await writeFile(path, '');
  expect(await collect(lines(path))).toEqual([]);
});

test('a line over the limit ends the iteration with its number, in one chunk or over many', async () => {
  for (const size of [1, 7, 100_000]) {
    const bytes = Buffer.from(`${'x'.repeat(10)}\r\n${'y'.repeat(10)}\nzz\n${'w'.repeat(11)}\nv`);
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    const seen: string[] = [];
    const run = async (): Promise<void> => {
      for await (const line of lines(chunks, { maxLineBytes: 10 })) seen.push(line);
    };
    const error = await run().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(LineTooLongError);
    expect((error as LineTooLongError).lineNumber).toBe(4);
    expect(await collect(lines(chunks, { maxLineBytes: 11 }))).toHaveLength(5);
  }
  const endless = (function* (): Generator<Uint8Array> {
    for (;;) yield new Uint8Array(1000);
  })();
  await expect(collect(lines(endless, { maxLineBytes: 10_000 }))).rejects.toThrow(LineTooLongError);
});

test('the lines before one that is too long come before the error, however they were cut into chunks', async () => {
  for (const short of ['abc', 'é']) {
    for (const size of [1, 4, 100]) {
      const bytes = Buffer.from(`${short}\n\n${short}\r\n${'é'.repeat(10)}\n${short}\n`);
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      const seen: string[] = [];
      const read = async (): Promise<void> => {
        for await (const line of lines(chunks, { maxLineBytes: 10 })) seen.push(line);
      };
      await expect(read()).rejects.toMatchObject({ lineNumber: 4 });
      expect(seen).toEqual([short, '', short]);
    }
  }
});

test('bytes that are no UTF-8 count as they are, not as what replaces them', async () => {
  const bytes = Buffer.from(`${'é'.repeat(10)}\n${'ü'.repeat(10)}\r\n`, 'latin1');
  expect(await collect(lines([bytes], { maxLineBytes: 10 }))).toEqual([
    '\u{fffd}'.repeat(10),
    '\u{fffd}'.repeat(10),
  ]);
});

test('who asks for several lines at once has each once, in order', async () => {
  const expected = Array.from({ length: 100 }, (_, index) => String(index));
  const chunks = Array.from({ length: 10 }, (_, index) =>
    Buffer.from(expected.slice(index * 10, index * 10 + 10).join('\n') + '\n'),
  );
  const iterator = lines(Readable.from(chunks))[Symbol.asyncIterator]();
  const results = await Promise.all(Array.from({ length: 105 }, () => iterator.next()));
  expect(results.map(({ value }) => value)).toEqual([...expected, ...Array.from({ length: 5 })]);
});

test('whoever stops early does not wait for a pipe to go on', async () => {
  if (process.platform === 'win32') return;
  const path = await freshPath();
  execFileSync('mkfifo', [path]);
  const pipe = await open(path, 'r+');
  await pipe.write('a\nb\n');
  for await (const line of lines(path)) {
    expect(line).toBe('a');
    break;
  }
  await pipe.close();
});

test('an abort between two lines of a chunk ends the iteration there', async () => {
  const abort = new AbortController();
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    for await (const line of lines([Buffer.from('a\nb\nc\n')], { signal: abort.signal })) {
      seen.push(line);
      if (line === 'b') abort.abort('enough');
    }
  };
  await expect(read()).rejects.toBe('enough');
  expect(seen).toEqual(['a', 'b']);
});

test('an abort ends the wait for a silent source, and a source that can is closed', async () => {
  const silent = createChannel<Uint8Array>(1);
  let isClosed = false;
  const endless = (async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield Buffer.from('a\n');
    } finally {
      isClosed = true;
    }
  })();
  const abort = new AbortController();
  const { signal } = abort;
  const waiting = collect(lines(silent, { signal }));
  const running = (async () => {
    let count = 0;
    for await (const _line of lines(endless, { signal })) if (++count === 100) abort.abort('enough');
  })();
  await expect(waiting).rejects.toBe('enough');
  await expect(running).rejects.toBe('enough');
  expect(isClosed).toBe(true);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);

  const { signal: other } = new AbortController();
  const throwing = (async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a\n');
    throw new Error('source');
  })();
  await expect(collect(lines(throwing, { signal: other }))).rejects.toThrow('source');
  expect(await collect(lines([Buffer.from('a\nb')], { signal: other }))).toEqual(['a', 'b']);
});

test('bad arguments, sources and paths get typed errors, an abort its reason', async () => {
  expect(() => lines(1 as never)).toThrow(ArgumentTypeError);
  expect(() => lines('x', { maxLineBytes: 0 })).toThrow(ArgumentRangeError);
  await expect(collect(lines(['text'] as never))).rejects.toThrow(ArgumentTypeError);
  await expect(collect(lines('/nowhere/at/all'))).rejects.toThrow(OpenFailedError);
  await expect(collect(lines([Buffer.from('a\n')], { signal: AbortSignal.abort('enough') }))).rejects.toBe(
    'enough',
  );
});
