import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  BatchResultError,
  BatchTimeoutError,
  ClosedError,
  createBatcher,
  ArgumentRangeError,
  ArgumentTypeError,
  OverflowError,
} from '@hotpath/io';
import { heldHandler } from './batcher/held-handler.ts';
import { rejection, turn } from './promises.ts';

test('items added in one turn share a batch, and each gets its own result', async () => {
  const batches: number[][] = [];
  const batcher = createBatcher((items: readonly number[]) => {
    batches.push([...items]);
    return items.map((item) => item * 2);
  });
  expect(await Promise.all([batcher.add(1), batcher.add(2), batcher.add(3)])).toEqual([2, 4, 6]);
  expect(batches).toEqual([[1, 2, 3]]);
});

test('a full batch starts at once, by count and by bytes, and a larger item goes alone', async () => {
  const batches: string[][] = [];
  const handler = (items: readonly string[]): void => void batches.push([...items]);
  const byCount = createBatcher(handler, { maxItems: 2, lingerMs: Infinity });
  for (const item of ['a', 'b', 'c']) byCount.push(item);
  expect(batches).toEqual([['a', 'b']]);
  await byCount.close();
  batches.length = 0;
  const byBytes = createBatcher(handler, {
    maxBytes: 10,
    sizeOf: (item) => item.length,
    lingerMs: Infinity,
    concurrency: 9,
  });
  for (const item of ['1234', '5678', '123', 'x'.repeat(20), 'y']) byBytes.push(item);
  expect(batches).toEqual([['1234', '5678'], ['123'], ['x'.repeat(20)]]);
  await byBytes.close();
  expect(batches.at(-1)).toEqual(['y']);
});

test('with a linger a batch waits for company, counted from its first item', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const batches: number[][] = [];
  const batcher = createBatcher((items: readonly number[]) => void batches.push([...items]), {
    lingerMs: 20,
  });
  batcher.push(1);
  vi.advanceTimersByTime(15);
  batcher.push(2);
  vi.advanceTimersByTime(4);
  expect(batches).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(batches).toEqual([[1, 2]]);
  await batcher.close();
});

test('while all places are taken the open batch goes on filling', async () => {
  const { handler, batches, release } = heldHandler();
  const batcher = createBatcher(handler, { concurrency: 1, maxItems: 10 });
  batcher.push(1);
  await turn();
  batcher.push(2);
  await turn();
  batcher.push(3);
  await turn();
  expect(batches).toEqual([[1]]);
  await release();
  expect(batches).toEqual([[1], [2, 3]]);
  const closed = batcher.close();
  await release();
  await closed;
});

test('push returns false from half of maxQueued on, fails at it, and ready resolves at a quarter', async () => {
  const { handler, release } = heldHandler();
  const batcher = createBatcher(handler, { maxQueued: 8, maxItems: 2, lingerMs: Infinity });
  expect([batcher.push(1), batcher.push(2)]).toEqual([true, true]);
  expect(batcher.stats()).toMatchObject({ queuedCount: 0, runningCount: 2 });
  const answers = [3, 4, 5, 6, 7, 8, 9, 10].map((item) => batcher.push(item));
  expect(answers).toEqual([true, true, true, false, false, false, false, false]);
  expect(() => batcher.push(11)).toThrow(
    expect.objectContaining({ code: 'ERR_HOTPATH_IO_OVERFLOW', pending: 8, unit: 'items' }),
  );
  await expect(batcher.add(11)).rejects.toThrow(OverflowError);
  let isReady = false;
  void batcher.ready().then(() => {
    isReady = true;
  });
  await release();
  await release();
  expect(isReady).toBe(false);
  await release();
  expect(isReady).toBe(true);
  const closed = batcher.close();
  await release();
  await release();
  await closed;
});

test('an Error among the results fails its item alone', async () => {
  const bad = new Error('bad');
  const batcher = createBatcher((items: readonly number[]) => items.map((item) => (item === 2 ? bad : item)));
  const results = await Promise.allSettled([batcher.add(1), batcher.add(2), batcher.add(3)]);
  expect(results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason))).toEqual([
    1,
    bad,
    3,
  ]);
  expect(batcher.stats()).toMatchObject({ succeededCount: 2, failedCount: 1 });
});

test.each([
  ['throws', () => Promise.reject(new Error('down'))],
  [
    'throws synchronously',
    () => {
      throw new Error('down');
    },
  ],
])('a handler that %s fails the whole batch and the next one runs', async (_name, fail) => {
  let isDown = true;
  const batcher = createBatcher((items: readonly number[]) => (isDown ? fail() : [...items]));
  const errors = await Promise.all([rejection(batcher.add(1)), rejection(batcher.add(2))]);
  expect(errors).toEqual([new Error('down'), new Error('down')]);
  isDown = false;
  expect(await batcher.add(3)).toBe(3);
});

test.each([
  [[1], 'handler: expected nothing or an array of 2 results, one an item, got an array of 1'],
  [[1, 2, 3], 'handler: expected nothing or an array of 2 results, one an item, got an array of 3'],
  ['ok', 'handler: expected nothing or an array of 2 results, one an item, got "ok"'],
  [null, 'handler: expected nothing or an array of 2 results, one an item, got null'],
])('results of %j for two items fail both, without a retry', async (results, message) => {
  let callCount = 0;
  const batcher = createBatcher(
    () => {
      callCount++;
      return results as never;
    },
    { retry: { baseMs: 0 } },
  );
  const errors = await Promise.all([rejection(batcher.add(1)), rejection(batcher.add(2))]);
  for (const error of errors) expect(error).toEqual(new BatchResultError(2, message.split('got ')[1]!));
  expect((errors[0] as Error).message).toBe(message);
  expect(callCount).toBe(1);
});

test('a handler that empties its array fails the batch instead of leaving it unsettled', async () => {
  const batcher = createBatcher((items: readonly number[]) => {
    (items as number[]).length = 0;
  });
  await expect(batcher.add(1)).rejects.toThrow(BatchResultError);
});

test('failed items are tried again, those alone, and the wait is jittered', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const calls: [number[], number][] = [];
  const batcher = createBatcher(
    (items: readonly number[], { attempt }) => {
      calls.push([[...items], attempt]);
      if (attempt === 0) throw new Error('down');
      return items.map((item) => (item === 2 && attempt === 1 ? new Error('again') : item));
    },
    { retry: { retries: 2, baseMs: 100, random: () => 0.5 } },
  );
  const results = Promise.all([batcher.add(1), batcher.add(2)]);
  await turn();
  await vi.advanceTimersByTimeAsync(49);
  expect(calls.length).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(calls.length).toBe(2);
  await vi.advanceTimersByTimeAsync(99);
  expect(calls.length).toBe(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(await results).toEqual([1, 2]);
  expect(calls).toEqual([
    [[1, 2], 0],
    [[1, 2], 1],
    [[2], 2],
  ]);
  expect(batcher.stats()).toMatchObject({
    callCount: 3,
    retryCallCount: 2,
    succeededCount: 2,
    failedCount: 0,
  });
});

test('errors that are not retryable, and retries that are used up, fail the item', async () => {
  const isRetryable = (error: unknown): boolean => (error as Error).message === 'soft';
  let callCount = 0;
  const batcher = createBatcher(
    (items: readonly string[]) => {
      callCount++;
      return items.map((item) => new Error(item));
    },
    { retry: { retries: 2, baseMs: 0, isRetryable } },
  );
  expect(await rejection(batcher.add('hard'))).toEqual(new Error('hard'));
  expect(callCount).toBe(1);
  expect(await rejection(batcher.add('soft'))).toEqual(new Error('soft'));
  expect(callCount).toBe(4);
});

test('isRetryable or random that throw fail the items with what they threw, and the next batch runs', async () => {
  const thrown = new Error('mine');
  const throws = (): never => {
    throw thrown;
  };
  for (const retry of [{ isRetryable: throws }, { random: throws }]) {
    let isDown = true;
    const onError = vi.fn();
    const batcher = createBatcher(
      (items: readonly number[]) => {
        if (isDown) throw new Error('down');
        return [...items];
      },
      { retry, onError },
    );
    const first = rejection(batcher.add(1));
    batcher.push(2);
    expect(await first).toBe(thrown);
    await turn();
    expect(onError.mock.calls).toEqual([[thrown, 2]]);
    expect(batcher.stats()).toMatchObject({ runningCount: 0, runningBatchCount: 0, failedCount: 2 });
    isDown = false;
    expect(await batcher.add(3)).toBe(3);
    await batcher.close();
  }
});

test('a batcher that isRetryable or random destroys tries nothing again, nor the items that were to be', async () => {
  for (const { by, itemCount, first } of [
    { by: 'isRetryable', itemCount: 1, first: new Error('down') },
    // Asked for the second, when the first was to be tried again.
    { by: 'isRetryable', itemCount: 2, first: expect.any(ClosedError) as unknown },
    { by: 'random', itemCount: 2, first: expect.any(ClosedError) as unknown },
  ]) {
    let askedCount = 0;
    const handler = vi.fn((): never => {
      throw new Error('down');
    });
    const batcher = createBatcher(handler, {
      retry: {
        baseMs: 0,
        isRetryable: () => {
          if (by === 'isRetryable' && ++askedCount === itemCount) batcher.destroy();
          return true;
        },
        random: () => {
          if (by === 'random') batcher.destroy();
          return 0;
        },
      },
    });
    const errors = await Promise.all(
      Array.from({ length: itemCount }, (_, item) => rejection(batcher.add(item))),
    );
    expect(errors[0]).toEqual(first);
    await turn();
    expect(handler).toHaveBeenCalledTimes(1);
    expect(batcher.stats()).toMatchObject({ runningCount: 0, runningBatchCount: 0, failedCount: itemCount });
  }
});

test('pushed, added and abortable items of a batch each have their own outcome, at their own time', async () => {
  const onError = vi.fn();
  const { signal } = new AbortController();
  const batcher = createBatcher(
    (items: readonly number[], { attempt }) =>
      items.map((item) => {
        if (item % 3 === 0) return new Error(`never ${item}`);
        return item % 3 === 1 && attempt === 0 ? new Error('again') : item * 2;
      }),
    { retry: { retries: 1, baseMs: 0 }, onError },
  );
  const outcomes: string[] = [];
  const watch = async (item: number, promise: Promise<number>): Promise<void> => {
    try {
      outcomes.push(`${item}: ${await promise}`);
    } catch (error) {
      outcomes.push(`${item}: ${(error as Error).message}`);
    }
  };
  batcher.push(0);
  const waits = [1, 2, 3].map((item) => watch(item, batcher.add(item)));
  waits.push(...[4, 5, 6].map((item) => watch(item, batcher.add(item, { signal }))));
  batcher.push(7);
  waits.push(...[8, 9].map((item) => watch(item, batcher.add(item))));
  await Promise.all(waits);
  expect(outcomes.slice(0, 3).sort()).toEqual(['2: 4', '5: 10', '8: 16']);
  expect(outcomes.slice(3).sort()).toEqual(['1: 2', '3: never 3', '4: 8', '6: never 6', '9: never 9']);
  expect(onError.mock.calls).toEqual([[new Error('never 0'), 0]]);
});

test('a handler may use its array of results again', async () => {
  const results: number[] = [];
  const batcher = createBatcher(
    (items: readonly number[]) => {
      results.length = 0;
      for (const item of items) results.push(item * 2);
      return results;
    },
    { maxItems: 2 },
  );
  expect(await Promise.all([1, 2, 3, 4].map((item) => batcher.add(item)))).toEqual([2, 4, 6, 8]);
});

test('a handler that hangs is given up after timeoutMs, its signal aborted, and its place is free', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const signals: AbortSignal[] = [];
  const batcher = createBatcher(
    (items: readonly number[], context): Promise<number[]> | number[] => {
      if (items[0] === 2) return [...items];
      signals.push(context.signal);
      return new Promise(() => {});
    },
    { timeoutMs: 50, maxItems: 1 },
  );
  const hung = rejection(batcher.add(1));
  const next = batcher.add(2);
  await vi.advanceTimersByTimeAsync(50);
  expect(await hung).toBeInstanceOf(BatchTimeoutError);
  expect(signals[0]?.reason).toBeInstanceOf(BatchTimeoutError);
  expect(await next).toBe(2);
});

test('callers keep their own asynchronous context, and the handler that in which the batcher was made', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const batcher = storage.run('maker', () =>
    createBatcher((items: readonly string[]) => {
      seen.push(storage.getStore());
      return [...items];
    }),
  );
  const call = (name: string): Promise<string | undefined> =>
    storage.run(name, async () => {
      await batcher.add(name);
      return storage.getStore();
    });
  expect(await Promise.all([call('a'), call('b')])).toEqual(['a', 'b']);
  expect(seen).toEqual(['maker']);
});

test('a handler may add to its own batcher', async () => {
  const batcher = createBatcher(
    (items: readonly number[]) => {
      for (const item of items) if (item > 0) batcher.push(item - 1);
    },
    { maxItems: 1 },
  );
  batcher.push(5);
  while (batcher.stats().succeededCount < 6) await batcher.flush();
  await batcher.close();
});

test.each([
  [{ maxItems: 0 }, ArgumentRangeError, 'maxItems: expected an integer from 1 to 4294967295, got 0'],
  [{ maxQueued: 1 }, ArgumentRangeError, 'maxQueued: expected an integer from 2 to 4294967295, got 1'],
  [{ maxBytes: -1 }, ArgumentRangeError, 'maxBytes: expected an integer from 1 to'],
  [{ concurrency: 1.5 }, ArgumentRangeError, 'concurrency: expected an integer from 1 to'],
  [{ lingerMs: -1 }, ArgumentRangeError, 'lingerMs: expected milliseconds from 0'],
  [{ timeoutMs: 0 }, ArgumentRangeError, 'timeoutMs: expected milliseconds from 1'],
  [{ retry: 3 }, ArgumentTypeError, 'retry: expected an object, got 3'],
  [{ retry: { retries: 0 } }, ArgumentRangeError, 'retry.retries: expected an integer from 1'],
  [{ retry: { isRetryable: true } }, ArgumentTypeError, 'retry.isRetryable: expected a function, got true'],
  [{ sizeOf: 1 }, ArgumentTypeError, 'sizeOf: expected a function, got 1'],
  [null, ArgumentTypeError, 'options: expected an object, got null'],
])('options %j are refused', (options, kind, message) => {
  const create = (): unknown => createBatcher(() => {}, options as never);
  expect(create).toThrow(kind);
  expect(create).toThrow(message);
});

test('a handler that is no function, and sizes that are no sizes, are refused', async () => {
  expect(() => createBatcher(1 as never)).toThrow(
    new ArgumentTypeError('handler: expected a function, got 1'),
  );
  const unsized = createBatcher<object>(() => {}, { maxBytes: 10 });
  expect(() => unsized.push({})).toThrow(ArgumentTypeError);
  const wrong = createBatcher<number>(() => {}, { maxBytes: 10, sizeOf: () => Number.NaN });
  expect(() => wrong.push(1)).toThrow(new ArgumentRangeError('sizeOf: expected 0 or more, got NaN'));
  expect(await rejection(wrong.add(1))).toBeInstanceOf(ArgumentRangeError);
  expect(wrong.stats().queuedCount).toBe(0);
});
