import { getEventListeners } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  createChannel,
  createWriter,
  ArgumentRangeError,
  ArgumentTypeError,
  pipeline,
  type Pipeline,
  type Source,
} from '@hotpath/io';
import { turn } from './promises.ts';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const kinds: Record<string, (items: readonly number[]) => Source<number>> = {
  array: (items) => items,
  generator: (items) => items.values(),
  'async generator': async function* (items) {
    for (const item of items) {
      if (item % 3 === 0) await turn();
      yield item;
    }
  },
  'Node stream': (items) => Readable.from(items),
  'Web stream': (items) =>
    new ReadableStream<number>({
      start(controller) {
        for (const item of items) controller.enqueue(item);
        controller.close();
      },
    }),
};

test('the same items come out as from the methods of arrays, whatever waits on the way', async () => {
  const items = fc.array(fc.nat(1000), { maxLength: 200, size: 'max' });
  await fc.assert(
    fc.asyncProperty(
      items,
      fc.constantFrom(...Object.keys(kinds)),
      fc.constantFrom(1, 3, 64),
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      fc.constantFrom(1, 4),
      async (numbers, kind, batchSize, groupSize, waits, concurrency) => {
        const maybeLater = <T>(index: number, value: T, key: number): T | Promise<T> =>
          waits[index] && key % 4 === 0 ? turn().then(() => value) : value;
        const tapped: number[] = [];
        const result: number[][] = [];
        const count = await pipeline(kinds[kind]!(numbers), { batchSize })
          .map((item) => maybeLater(0, item * 2, item), { concurrency })
          .filter((item) => maybeLater(1, item % 3 !== 0, item))
          .flatMap((item) => maybeLater(2, item % 5 === 0 ? [] : [item, -item].values(), item))
          .tap((item) => maybeLater(3, void tapped.push(item), item))
          .batch(groupSize)
          .to((group) => maybeLater(4, void result.push(group), group.length));
        const expected = numbers
          .map((item) => item * 2)
          .filter((item) => item % 3 !== 0)
          .flatMap((item) => (item % 5 === 0 ? [] : [item, -item]));
        expect(tapped).toEqual(expected);
        expect(result.flat()).toEqual(expected);
        expect(count).toBe(Math.ceil(expected.length / groupSize));
        expect(result.slice(0, -1).every((group) => group.length === groupSize)).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});

test('an item of a slow source is not held back for company', async () => {
  const source = createChannel<number>(10);
  const incremented = pipeline(source).map((item) => item + 1);
  const results = incremented[Symbol.asyncIterator]();
  await source.send(1);
  expect(await results.next()).toEqual({ done: false, value: 2 });
  source.close();
  expect((await results.next()).done).toBe(true);
});

test('a million items into a slow sink: never more under way than the bound, at any size of batches', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 16, 64),
      fc.integer({ min: 1, max: 4 }),
      async (batchSize, stages) => {
        let made = 0;
        let done = 0;
        let most = 0;
        const source = function* (): Generator<number> {
          for (; made < 1_000_000; made++) yield made;
        };
        let chain = pipeline(source(), { batchSize });
        for (let stage = 0; stage < stages; stage++) chain = chain.map((item) => item);
        await chain.to((_item) => {
          most = Math.max(most, made - done);
          done++;
          return done % 10_000 === 0 ? turn() : undefined;
        });
        expect(done).toBe(1_000_000);
        expect(most).toBeLessThanOrEqual(batchSize + 1);
      },
    ),
    { numRuns: 4 },
  );
}, 60_000);

test('an endless flatMap is drawn from as the sink asks', async () => {
  let made = 0;
  const endless = function* (): Generator<number> {
    for (;;) yield made++;
  };
  for await (const item of pipeline([0]).flatMap(endless)) if (item === 1000) break;
  expect(made).toBeLessThan(1100);
});

describe('errors and aborts reach both ends', () => {
  interface Ends {
    readonly source: Iterable<number>;
    readonly isClosed: () => boolean;
  }
  function endless(): Ends {
    let isClosed = false;
    const source = (function* (): Generator<number> {
      try {
        for (let index = 0; ; index++) yield index;
      } finally {
        isClosed = true;
      }
    })();
    return { source, isClosed: () => isClosed };
  }
  const fail = (item: number): number => {
    if (item === 100) throw new Error('a hundred');
    return item;
  };
  const failLater = async (item: number): Promise<number> => {
    await turn();
    return fail(item);
  };
  function* failing(source: Iterable<number>): Generator<number> {
    for (const item of source) yield fail(item);
  }

  test.each([
    ['map', (source: Iterable<number>) => pipeline(source).map(fail)],
    ['map that waits', (source: Iterable<number>) => pipeline(source).map(failLater)],
    ['map at once', (source: Iterable<number>) => pipeline(source).map(failLater, { concurrency: 4 })],
    ['filter', (source: Iterable<number>) => pipeline(source).filter((item) => fail(item) >= 0)],
    ['tap', (source: Iterable<number>) => pipeline(source).tap(failLater)],
    ['flatMap', (source: Iterable<number>) => pipeline(source).flatMap((item) => [fail(item)])],
  ])('from %s', async (_name, build) => {
    const { source, isClosed } = endless();
    let destroyed: Error | null = null;
    const sink = new Writable({
      objectMode: true,
      write: (_item, _encoding, callback) => callback(),
      destroy(error, callback) {
        destroyed = error;
        callback(null);
      },
    });
    await expect(build(source).to(sink)).rejects.toThrow('a hundred');
    expect(isClosed()).toBe(true);
    expect(sink.destroyed).toBe(true);
    expect(destroyed).toMatchObject({ message: 'a hundred' });
  });

  test.each([
    ['a source', (source: Iterable<number>) => pipeline(failing(source))],
    ['a map', (source: Iterable<number>) => pipeline(source).map(fail)],
    ['a map that waits', (source: Iterable<number>) => pipeline(source).map(failLater)],
    [
      'a map that waits now and then',
      (source: Iterable<number>) => pipeline(source).map((item) => (item % 7 ? fail(item) : failLater(item))),
    ],
    ['a map at once', (source: Iterable<number>) => pipeline(source).map(failLater, { concurrency: 4 })],
    ['a tap', (source: Iterable<number>) => pipeline(source).tap(fail)],
    ['a flatMap', (source: Iterable<number>) => pipeline(source).flatMap((item) => [fail(item)])],
  ])('what came before %s that throws reaches the sink, once', async (_name, build) => {
    const received: number[] = [];
    await expect(
      build(endless().source)
        .filter(() => true)
        .to((item) => void received.push(item)),
    ).rejects.toThrow('a hundred');
    expect(received).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  test('a group that an error cuts short reaches the sink before it', async () => {
    for (const call of [fail, failLater]) {
      const sizes: number[] = [];
      await expect(
        pipeline(endless().source)
          .map((item) => call(item))
          .batch(30)
          .to((group) => void sizes.push(group.length)),
      ).rejects.toThrow('a hundred');
      expect(sizes).toEqual([30, 30, 30, 10]);
    }
  });

  test('from the source, which is not closed again', async () => {
    const channel = createChannel<number>(1000);
    const source = (function* (): Generator<number> {
      yield 1;
      throw new Error('source');
    })();
    await expect(pipeline(source).to(channel)).rejects.toThrow('source');
    await expect(channel.receive()).rejects.toMatchObject({ cause: { message: 'source' } });
  });

  test('from a function, a Node stream and a Web stream as the sink', async () => {
    const sinks = [
      fail,
      failLater,
      new Writable({
        objectMode: true,
        write: (item: number, _encoding, callback) => callback(item === 100 ? new Error('a hundred') : null),
      }),
      new WritableStream<number>({ write: (item) => void fail(item) }),
    ];
    for (const sink of sinks) {
      const { source, isClosed } = endless();
      await expect(pipeline(source).to(sink)).rejects.toThrow('a hundred');
      expect(isClosed()).toBe(true);
    }
  });

  test('a Node stream that somebody destroys or ends ends the pipeline', async () => {
    const sink = new Writable({ objectMode: true, highWaterMark: 1, write: () => {} });
    const { source, isClosed } = endless();
    const run = pipeline(source).to(sink);
    await turn();
    sink.destroy(new Error('gone'));
    await expect(run).rejects.toThrow('gone');
    expect(isClosed()).toBe(true);
    const ended = new Writable({ objectMode: true, write: () => {} });
    ended.end();
    await expect(pipeline([1]).to(ended)).rejects.toMatchObject({ code: 'ERR_HOTPATH_IO_CLOSED' });
  });

  test('an abort while the sink, a stage or the source hangs', async () => {
    const hang = (): Promise<never> => new Promise(() => {});
    const silent = createChannel<number>(1);
    const { source, isClosed } = endless();
    const runs: ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => pipeline(source, { signal }).to(hang),
      (signal) => pipeline([1], { signal }).map(hang).to(hang),
      (signal) => pipeline([1], { signal }).map(hang, { concurrency: 3 }).to(hang),
      (signal) => pipeline(silent, { signal }).to(hang),
      (signal) => collect(pipeline(silent, { signal })),
    ];
    for (const run of runs) {
      const abort = new AbortController();
      const running = run(abort.signal);
      await turn();
      abort.abort('enough');
      await expect(running).rejects.toBe('enough');
      await turn();
      expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
    }
    expect(isClosed()).toBe(true);
    await expect(pipeline([1], { signal: AbortSignal.abort('early') }).to(hang)).rejects.toBe('early');
  });

  test('an abort from within a pipeline that never waits', async () => {
    const builds: ((source: Iterable<number>, signal: AbortSignal) => Pipeline<number>)[] = [
      (source, signal) => pipeline(source, { signal }),
      (source, signal) => pipeline([0], { signal }).flatMap(() => source),
    ];
    for (const build of builds) {
      const { source, isClosed } = endless();
      const abort = new AbortController();
      const seen: number[] = [];
      const items = build(source, abort.signal).tap((item) => {
        if (item === 100) abort.abort('enough');
      });
      await expect(items.filter((item) => item < 10).to((item) => void seen.push(item))).rejects.toBe(
        'enough',
      );
      expect(isClosed()).toBe(true);
      expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });

  test('an abort from within hands the sink nothing more, and does not end it', async () => {
    const abort = new AbortController();
    const channel = createChannel<number>(10);
    const received: number[] = [];
    const toChannel = pipeline([1, 2, 3], { signal: abort.signal })
      .tap((item) => {
        if (item === 2) abort.abort('enough');
      })
      .to(channel);
    await expect(toChannel).rejects.toBe('enough');
    await expect(channel.receive()).rejects.toMatchObject({ cause: 'enough' });
    const other = new AbortController();
    const run = pipeline([1, 2, 3], { signal: other.signal }).to((item) => {
      received.push(item);
      if (item === 2) other.abort('enough');
    });
    await expect(run).rejects.toBe('enough');
    const iterated = new AbortController();
    const iterate = async (): Promise<void> => {
      for await (const item of pipeline([4, 5, 6], { signal: iterated.signal })) {
        received.push(item);
        if (item === 5) iterated.abort('enough');
      }
    };
    await expect(iterate()).rejects.toBe('enough');
    expect(received).toEqual([1, 2, 4, 5]);
  });

  test('a consumer that stops early', async () => {
    const { source, isClosed } = endless();
    for await (const item of pipeline(source).map((item) => item)) if (item === 10) break;
    expect(isClosed()).toBe(true);
  });
});

test('sinks: a writer is flushed, a channel closed, streams are ended', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-io-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'x');
  await using writer = createWriter(path, { highWaterMark: 1000 });
  const numbers = Array.from({ length: 10_000 }, (_, index) => index);
  const text = numbers.join('');
  await pipeline(numbers).map(String).to(writer);
  expect(await readFile(path, 'utf8')).toBe(text);

  const channel = createChannel<number>(10);
  const [received] = await Promise.all([collect(channel), pipeline(numbers).to(channel)]);
  expect(received).toEqual(numbers);

  let fromNode = '';
  const node = new Writable({
    highWaterMark: 100,
    write(chunk: Buffer, _encoding, callback) {
      fromNode += chunk.toString();
      setImmediate(callback);
    },
  });
  await pipeline(numbers).map(String).to(node);
  expect(fromNode).toBe(text);
  expect(node.writableFinished).toBe(true);
  expect(node.listenerCount('drain')).toBe(0);

  let fromWeb = '';
  await pipeline(numbers)
    .map(String)
    .to(new WritableStream<string>({ write: (chunk) => void (fromWeb += chunk) }));
  expect(fromWeb).toBe(text);

  expect(await Readable.from(pipeline(numbers)).toArray()).toEqual(numbers);
});

test('bad arguments are refused', async () => {
  expect(() => pipeline(1 as never)).toThrow(ArgumentTypeError);
  expect(() => pipeline([], { batchSize: 0 })).toThrow(ArgumentRangeError);
  expect(() => pipeline([]).map(1 as never)).toThrow(ArgumentTypeError);
  expect(() => pipeline([]).batch(0)).toThrow(ArgumentRangeError);
  expect(() => pipeline([]).batch(undefined as never)).toThrow(ArgumentTypeError);
  await expect(pipeline([]).to(1 as never)).rejects.toThrow(ArgumentTypeError);
});
