import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { forEach, lines, map, mapIter, pipeline } from '@hotpath/io';
import { turn } from './promises.ts';

interface Silent {
  readonly source: AsyncIterable<Uint8Array>;
  readonly isClosed: () => boolean;
}

/** They say nothing after their first items, and can be closed meanwhile. */
const kinds: Record<string, (first?: readonly Uint8Array[]) => Silent> = {
  'Node stream': (first = []) => {
    const source = new Readable({ read: () => {} });
    for (const item of first) source.push(item);
    return { source, isClosed: () => source.destroyed };
  },
  'Web stream': (first = []) => {
    let isClosed = false;
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const item of first) controller.enqueue(item);
      },
      cancel: () => void (isClosed = true),
    });
    return { source, isClosed: () => isClosed };
  },
};

async function collect(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items);
}

const consumers: Record<
  string,
  (source: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<unknown>
> = {
  lines: (source, signal) => collect(lines(source, { signal })),
  'batches of lines': (source, signal) => collect(lines(source, { signal }).batches()),
  map: (source, signal) => map(source, (item) => item, { signal }),
  forEach: (source, signal) => forEach(source, (item) => item, { signal }),
  mapIter: (source, signal) => collect(mapIter(source, (item) => item, { signal })),
  'pipeline into a sink': (source, signal) => pipeline(source, { signal }).to(() => {}),
  'pipeline that is iterated': (source, signal) => collect(pipeline(source, { signal })),
  'pipeline with calls at once': (source, signal) =>
    pipeline(source, { signal })
      .map((item) => item, { concurrency: 2 })
      .to(() => {}),
  'pipeline of lines': (source, signal) => pipeline(lines(source), { signal }).to(() => {}),
  'pipeline with a flatMap': (source, signal) =>
    pipeline([0], { signal })
      .flatMap(() => source)
      .to(() => {}),
};

describe.each(Object.entries(kinds))('a silent %s', (_kind, create) => {
  test.each(Object.entries(consumers))('is closed when %s is aborted', async (_name, consume) => {
    const { source, isClosed } = create();
    const abort = new AbortController();
    const consumed = consume(source, abort.signal);
    await turn();
    expect(isClosed()).toBe(false);
    abort.abort('enough');
    await expect(consumed).rejects.toBe('enough');
    await turn();
    expect(isClosed()).toBe(true);
  });

  test('is closed when a call fails, or the consumer stops, while it is asked for the next item', async () => {
    const failing = create([new Uint8Array(1)]);
    const fail = async (): Promise<never> => {
      await turn();
      throw new Error('mine');
    };
    await expect(map(failing.source, fail)).rejects.toThrow('mine');
    const stopped = create([new Uint8Array(1)]);
    for await (const _item of mapIter(stopped.source, async (item) => item)) break;
    await turn();
    expect([failing.isClosed(), stopped.isClosed()]).toEqual([true, true]);
  });
});
