import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArgumentRangeError, ArgumentTypeError, map, mapIter } from '@hotpath/io';
import { turn } from './promises.ts';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('results come in order, or as they are ready, and never more than the limit is drawn ahead', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(3), { maxLength: 60, size: 'max' }),
      fc.constantFrom(1, 2, 5, Infinity),
      fc.boolean(),
      fc.boolean(),
      async (turns, concurrency, ordered, isStream) => {
        let drawn = 0;
        let taken = 0;
        const source = function* (): Generator<number> {
          for (let index = 0; index < turns.length; index++) {
            drawn++;
            // One more: the result that the consumer has just been handed.
            if (!isStream) expect(drawn - taken).toBeLessThanOrEqual(concurrency + 1);
            yield index;
          }
        };
        const seen: number[] = [];
        const results = mapIter(
          isStream ? Readable.from(source()) : source(),
          async (index) => {
            for (let count = turns[index]!; count > 0; count--) await turn();
            return index;
          },
          { concurrency, ordered },
        );
        for await (const result of results) {
          taken++;
          seen.push(result);
          if (result % 5 === 0) await turn();
        }
        const expected = turns.map((_, index) => index);
        expect(ordered ? seen : [...seen].sort((a, b) => a - b)).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  );
});

test('a consumer that stops early closes the source and aborts the calls under way', async () => {
  let isClosed = false;
  const signals: AbortSignal[] = [];
  const source = function* (): Generator<number> {
    try {
      for (let index = 0; ; index++) yield index;
    } finally {
      isClosed = true;
    }
  };
  for await (const item of mapIter(source(), async (item, { signal }) => {
    signals.push(signal);
    if (item > 2) await new Promise(() => {});
    return item;
  })) {
    if (item === 2) break;
  }
  await turn();
  expect(isClosed).toBe(true);
  expect(signals.length).toBeLessThanOrEqual(3 + 16);
  expect(signals.every((signal) => signal.aborted)).toBe(true);
});

test('what comes before a failure is handed out, then the failure', async () => {
  const seen: number[] = [];
  const run = async (): Promise<void> => {
    for await (const item of mapIter([0, 1, 2, 3], async (item) => {
      await turn();
      if (item === 2) throw new Error('no two');
      return item;
    }))
      seen.push(item);
  };
  await expect(run()).rejects.toThrow('no two');
  expect(seen).toEqual([0, 1]);
});

test('an abort ends the iteration with the reason, and leaves no listener', async () => {
  const abort = new AbortController();
  const results = mapIter([1, 2], () => new Promise<number>(() => {}), { signal: abort.signal });
  const next = results.next();
  abort.abort('enough');
  await expect(next).rejects.toBe('enough');
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
});

test('map without order gives the results as the calls end', async () => {
  const results = await map(
    [3, 1, 2],
    async (turns) => {
      for (let count = turns; count > 0; count--) await turn();
      return turns;
    },
    { ordered: false },
  );
  expect(results).toEqual([1, 2, 3]);
  expect(await collect(mapIter([], () => 1))).toEqual([]);
});

test('bad arguments are refused at the call', () => {
  expect(() => mapIter(1 as never, () => 1)).toThrow(ArgumentTypeError);
  expect(() => mapIter([], 1 as never)).toThrow(ArgumentTypeError);
  expect(() => mapIter([], () => 1, { concurrency: 0 })).toThrow(ArgumentRangeError);
  expect(() => mapIter([], () => 1, { ordered: 1 as never })).toThrow(ArgumentTypeError);
});
