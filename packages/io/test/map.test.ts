import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forEach, ArgumentRangeError, ArgumentTypeError, map } from '@hotpath/io';
import { rejection, turn } from './promises.ts';

/** Fails when it is asked twice at once. */
function impatient(count: number): AsyncIterable<number> {
  let isAsked = false;
  let index = 0;
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        expect(isAsked).toBe(false);
        isAsked = true;
        if (index % 3 > 0) await turn();
        isAsked = false;
        return index < count ? { done: false, value: index++ } : { done: true, value: undefined };
      },
    }),
  };
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await turn();
    yield item;
  }
}

test('results come in the order of the source, however long each call takes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ value: fc.integer(), turns: fc.nat(3), isSync: fc.boolean() }), {
        maxLength: 40,
        size: 'max',
      }),
      fc.constantFrom(1, 2, 5, 100, Infinity),
      fc.constantFrom('array', 'generator', 'async generator', 'stream'),
      async (items, concurrency, kind) => {
        const source =
          kind === 'array'
            ? items
            : kind === 'generator'
              ? items.values()
              : kind === 'async generator'
                ? later(items)
                : Readable.from(items);
        let running = 0;
        let most = 0;
        const results = await map(
          source,
          ({ value, turns, isSync }, { index }) => {
            expect(items[index]?.value).toBe(value);
            if (isSync) return value * 2;
            return (async () => {
              most = Math.max(most, ++running);
              for (let count = 0; count < turns; count++) await turn();
              running--;
              return value * 2;
            })();
          },
          { concurrency },
        );
        expect(results).toEqual(items.map(({ value }) => value * 2));
        expect(most).toBeLessThanOrEqual(concurrency);
      },
    ),
    { numRuns: 200 },
  );
});

test.each([
  ['an array', [1, 2, 3, 4, 5, 6]],
  ['an async generator', later([1, 2, 3, 4, 5, 6])],
])('all places are used with %s, and no more', async (_name, source) => {
  const open: (() => void)[] = [];
  const started: number[] = [];
  const done = map(
    source,
    (item) => {
      started.push(item);
      return new Promise<void>((resolve) => open.push(resolve));
    },
    { concurrency: 3 },
  );
  while (started.length < 3) await turn();
  for (let count = 0; count < 10; count++) await turn();
  expect(started).toEqual([1, 2, 3]);
  open[1]!();
  while (started.length < 4) await turn();
  for (let count = 0; count < 10; count++) await turn();
  expect(started).toEqual([1, 2, 3, 4]);
  for (const _ of [5, 6, 7, 8]) {
    for (const resolve of open) resolve();
    for (let count = 0; count < 5; count++) await turn();
  }
  await done;
});

test('a synchronous mapper runs through without a promise an item, over a million items', async () => {
  let sum = 0;
  await forEach(
    Array.from({ length: 1_000_000 }, (_, index) => index),
    (item) => {
      sum += item;
    },
    { concurrency: Infinity },
  );
  expect(sum).toBe(499_999_500_000);
});

test('an endless source is drawn from only as places are free', async () => {
  let drawn = 0;
  function* endless(): Generator<number> {
    for (;;) yield drawn++;
  }
  const controller = new AbortController();
  const done = rejection(
    forEach(endless(), () => new Promise(() => {}), { concurrency: 5, signal: controller.signal }),
  );
  await turn();
  expect(drawn).toBe(5);
  controller.abort();
  await done;
});

describe('when a call fails', () => {
  test.each(['rejects', 'throws'])(
    'and %s: nothing more starts, those under way settle, the source is closed',
    async (how) => {
      const events: string[] = [];
      function* source(): Generator<number> {
        try {
          yield* [0, 1, 2, 3, 4];
        } finally {
          events.push('closed');
        }
      }
      const error = await rejection(
        map(
          source(),
          async (item, { signal }) => {
            events.push(`start ${item}`);
            if (item === 1) {
              if (how === 'throws') throw new Error('bad');
              return Promise.reject(new Error('bad'));
            }
            await turn();
            events.push(`end ${item} ${signal.aborted}`);
            return item;
          },
          { concurrency: 2 },
        ),
      );
      expect(error).toEqual(new Error('bad'));
      expect(events).toEqual(['start 0', 'start 1', 'end 0 true', 'closed']);
    },
  );

  test('the first of several errors is reported, and none is unhandled', async () => {
    const error = await rejection(
      map([1, 2, 3], (item) => Promise.reject(new Error(`bad ${item}`)), { concurrency: 3 }),
    );
    expect(error).toEqual(new Error('bad 1'));
  });

  test('a source that does not answer does not keep the error back', async () => {
    async function* silent(): AsyncGenerator<number> {
      yield 1;
      await new Promise(() => {});
    }
    await expect(map(silent(), () => Promise.reject(new Error('bad')))).rejects.toThrow('bad');
  });
});

test.each(['sync', 'async'])(
  'a %s source that throws rejects after the calls under way have settled',
  async (kind) => {
    let isSettled = false;
    function* bad(): Generator<number> {
      yield 1;
      throw new Error('no more');
    }
    async function* badLater(): AsyncGenerator<number> {
      yield* bad();
    }
    const source = kind === 'sync' ? bad() : badLater();
    const error = await rejection(
      map(source, async () => {
        await turn();
        await turn();
        isSettled = true;
      }),
    );
    expect(error).toEqual(new Error('no more'));
    expect(isSettled).toBe(true);
  },
);

describe('aborting', () => {
  test("rejects at once with the reason, aborts the calls' signals, closes the source, and removes the listener", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    let isClosed = false;
    function* source(): Generator<number> {
      try {
        for (;;) yield 1;
      } finally {
        isClosed = true;
      }
    }
    const signals: AbortSignal[] = [];
    const done = rejection(
      map(
        source(),
        (_item, context) => {
          signals.push(context.signal);
          return new Promise(() => {});
        },
        { concurrency: 2, signal },
      ),
    );
    await turn();
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await done).toBe(reason);
    expect(signals.map((each) => each.reason as unknown)).toEqual([reason, reason]);
    expect(getEventListeners(signal, 'abort').length).toBe(0);
    await turn();
    expect(isClosed).toBe(true);
    expect(await rejection(map([1], () => 1, { signal }))).toBe(reason);
  });

  test('the listener goes with success and with failure', async () => {
    const { signal } = new AbortController();
    await map([1, 2], (item) => Promise.resolve(item), { signal });
    await rejection(map([1, 2], () => Promise.reject(new Error('bad')), { signal }));
    expect(getEventListeners(signal, 'abort').length).toBe(0);
  });
});

test('an asynchronous source is never asked twice at once', async () => {
  const results = await map(
    impatient(200),
    async (item) => {
      if (item % 5 > 0) await turn();
      if (item % 7 > 0) await Promise.resolve();
      return item;
    },
    { concurrency: 8 },
  );
  expect(results).toEqual(Array.from({ length: 200 }, (_, index) => index));
});

test('an empty source gives an empty list', async () => {
  expect(await map([], () => 1)).toEqual([]);
  expect(await map(later([]), () => 1)).toEqual([]);
});

test.each<[unknown, unknown, unknown, typeof ArgumentTypeError | typeof ArgumentRangeError, string]>([
  [1, () => 1, {}, ArgumentTypeError, 'source: expected an iterable or an async iterable, got 1'],
  [[], 1, {}, ArgumentTypeError, 'mapper: expected a function, got 1'],
  [[], () => 1, { concurrency: 0 }, ArgumentRangeError, 'concurrency: expected an integer from 1 to'],
  [[], () => 1, { concurrency: 1.5 }, ArgumentRangeError, 'concurrency: expected an integer from 1 to'],
  [[], () => 1, 5, ArgumentTypeError, 'options: expected an object, got 5'],
])('wrong arguments are refused: %j', async (source, mapper, options, kind, message) => {
  const error = await rejection(map(source as never, mapper as never, options as never));
  expect(error).toBeInstanceOf(kind);
  expect((error as Error).message).toContain(message);
});
