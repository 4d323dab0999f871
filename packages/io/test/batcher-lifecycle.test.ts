import { getEventListeners } from 'node:events';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ClosedError, createBatcher } from '@hotpath/io';
import { heldHandler } from './batcher/held-handler.ts';
import { rejection, turn } from './promises.ts';

test('flush starts what waits and resolves when the items before it are settled, not later ones', async () => {
  const { handler, release, batches } = heldHandler();
  const batcher = createBatcher(handler, { lingerMs: Infinity, concurrency: 1 });
  await batcher.flush();
  batcher.push(1);
  const order: string[] = [];
  const flushed = batcher.flush().then(() => order.push('flushed'));
  expect(batches).toEqual([[1]]);
  batcher.push(2);
  await turn();
  order.push('released');
  await release();
  await flushed;
  expect(order).toEqual(['released', 'flushed']);
  expect(batches).toEqual([[1]]);
  expect(batcher.stats().queuedCount).toBe(1);
  const closed = batcher.close();
  await release();
  await closed;
});

test('failures of pushed items reject the next flush once, or go to onError', async () => {
  const failing = (): never => {
    throw new Error('down');
  };
  const silent = createBatcher<number>(failing);
  silent.push(1);
  silent.push(2);
  await expect(silent.flush()).rejects.toThrow('down');
  await silent.close();
  const onError = vi.fn();
  const told = createBatcher<number>(failing, { onError });
  told.push(1);
  told.push(2);
  await told.close();
  expect(onError.mock.calls).toEqual([
    [new Error('down'), 1],
    [new Error('down'), 2],
  ]);
});

test('failures of pushed items are published for those who subscribe', async () => {
  const messages: unknown[] = [];
  const listener = (message: unknown): void => void messages.push(message);
  subscribe('hotpath:io:batcher.error', listener);
  onTestFinished(() => void unsubscribe('hotpath:io:batcher.error', listener));
  const batcher = createBatcher(() => [new Error('bad')]);
  batcher.push('x');
  await rejection(batcher.close());
  expect(messages).toEqual([{ batcher, error: new Error('bad'), item: 'x' }]);
});

test('close settles everything, takes nothing more, and may be called twice', async () => {
  const { handler, release } = heldHandler();
  const batcher = createBatcher(handler, { lingerMs: Infinity });
  const result = batcher.add(21);
  const closed = Promise.all([batcher.close(), batcher.close()]);
  expect(() => batcher.push(1)).toThrow(ClosedError);
  await expect(batcher.add(1)).rejects.toThrow(ClosedError);
  await expect(batcher.ready()).rejects.toThrow(ClosedError);
  await release();
  await closed;
  expect(await result).toBe(42);
  await batcher.close();
  await batcher[Symbol.asyncDispose]();
  await expect(batcher.flush()).rejects.toThrow(ClosedError);
  batcher.destroy();
});

test('destroy fails what is queued, running or waiting for a retry, with the reason as cause', async () => {
  const reason = new Error('shut down');
  const signals: AbortSignal[] = [];
  const batcher = createBatcher(
    (items: readonly number[], context): Promise<void> | void => {
      if (items[0] === 1) throw new Error('try again');
      signals.push(context.signal);
      return new Promise(() => {});
    },
    { maxItems: 1, concurrency: 2, maxQueued: 4, retry: { baseMs: 1e6, maxMs: 1e6, random: () => 0.9 } },
  );
  const items = [1, 2, 3, 4].map((item) => rejection(batcher.add(item)));
  await turn();
  const waits = [rejection(batcher.flush()), rejection(batcher.ready()), rejection(batcher.close())];
  expect(await waits[1]).toBeInstanceOf(ClosedError);
  batcher.destroy(reason);
  for (const error of await Promise.all([...items, waits[0], waits[2]])) {
    expect(error).toBeInstanceOf(ClosedError);
    expect((error as Error).cause).toBe(reason);
  }
  expect(signals[0]?.aborted).toBe(true);
  expect(batcher.stats()).toMatchObject({
    queuedCount: 0,
    runningCount: 0,
    failedCount: 4,
    runningBatchCount: 0,
  });
});

test("aborting the batcher's signal destroys it, and the listener goes with close and destroy", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const closed = createBatcher(() => {}, { signal });
  await closed.close();
  expect(getEventListeners(signal, 'abort').length).toBe(0);
  const batcher = createBatcher<number>(() => new Promise(() => {}), { signal });
  const item = rejection(batcher.add(1));
  const reason = new Error('enough');
  controller.abort(reason);
  expect(await item).toMatchObject({ code: 'ERR_HOTPATH_IO_CLOSED', cause: reason });
  expect(getEventListeners(signal, 'abort').length).toBe(0);
  const late = createBatcher(() => {}, { signal });
  expect(() => late.push(1)).toThrow(ClosedError);
});

test('aborting an item takes it back when no batch has started with it, and ends the wait when one has', async () => {
  const { handler, batches, release } = heldHandler();
  const batcher = createBatcher(handler, { lingerMs: Infinity, maxItems: 2 });
  const controller = new AbortController();
  const { signal } = controller;
  const started = rejection(batcher.add(1, { signal }));
  const other = batcher.add(2);
  const queued = rejection(batcher.add(3, { signal }));
  const kept = batcher.add(4);
  const open = rejection(batcher.add(5, { signal }));
  const waits = [rejection(batcher.flush({ signal }))];
  expect(batcher.stats().queuedCount).toBe(3);
  controller.abort('reason');
  expect(await Promise.all([started, queued, open, ...waits])).toEqual([
    'reason',
    'reason',
    'reason',
    'reason',
  ]);
  expect(batcher.stats().queuedCount).toBe(1);
  await turn();
  expect(getEventListeners(signal, 'abort').length).toBe(0);
  expect(await rejection(batcher.add(6, { signal }))).toBe('reason');
  const closed = batcher.close();
  await release();
  await release();
  await closed;
  expect(await Promise.all([other, kept])).toEqual([4, 8]);
  expect(batches).toEqual([[1, 2], [4]]);
});

test('listeners on an item go when it succeeds and when it fails', async () => {
  const { signal } = new AbortController();
  const batcher = createBatcher((items: readonly number[]) =>
    items.map((item) => (item === 1 ? new Error() : item)),
  );
  await Promise.all([
    rejection(batcher.add(1, { signal })),
    batcher.add(2, { signal }),
    batcher.flush({ signal }),
  ]);
  await turn();
  expect(getEventListeners(signal, 'abort').length).toBe(0);
});
