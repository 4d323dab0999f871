import {
  createCache,
  type Cache,
  type Definition,
  memoryTier,
  notModified,
  type NotModified,
  type StaleOptions,
} from '@hotpath/cache';
import { expect, test, vi } from 'vitest';
import { DoubleStore, settled, TestClock, withResolvers } from './tier-double.ts';

const SOFT_MS = 100;

interface Row {
  readonly version: number;
}

type Load = () => Promise<Row | NotModified>;

interface World {
  readonly clock: TestClock;
  readonly store: DoubleStore;
  readonly cache: Cache;
  readonly rows: Definition<Row>;
  readonly load: ReturnType<typeof vi.fn<Load>>;
}

/** Version 1 is in memory and below, and no longer fresh. */
async function openStale(stale: StaleOptions): Promise<World> {
  const [clock, store] = [new TestClock(), new DoubleStore()];
  store.now = clock.now;
  const cache = createCache({ tiers: [memoryTier(), store.tier()], now: clock.now, jitter: 0 });
  const load = vi.fn<Load>(() => Promise.resolve({ version: 1 }));
  const rows = cache.define<Row>({
    name: 'row',
    strategy: 'versioned',
    versionOf: ({ version }) => version,
    ttlMs: 1000,
    stale,
    load,
  });
  await rows.get('a');
  await settled();
  clock.advance(1001);
  return { clock, store, cache, rows, load };
}

test('what a lease says to be outdated is not served because the loader fails', async () => {
  const { cache, clock, store, rows, load } = await openStale({ onErrorMs: 60_000 });
  load.mockImplementation(() => Promise.reject(new Error('down')));
  expect(await rows.get('a')).toEqual({ version: 1 });
  // For so long it is not asked again.
  clock.advance(1001);
  store.entries.clear();
  store.minVersions.set('a', 2);
  await expect(rows.get('a')).rejects.toThrow('down');
  expect(rows.peek('a')).toBeUndefined();
  await cache.close();
});

test('what a lease says to be outdated is not served while it is loaded anew', async () => {
  const { cache, store, rows, load } = await openStale({ whileRevalidateMs: 60_000 });
  store.entries.clear();
  store.minVersions.set('a', 2);
  load.mockImplementation(() => Promise.reject(new Error('down')));
  // Nobody could know yet; the load in the background finds out.
  expect(await rows.get('a')).toEqual({ version: 1 });
  await settled();
  await expect(rows.get('a')).rejects.toThrow('down');
  load.mockImplementation(() => Promise.resolve({ version: 2 }));
  expect(await rows.get('a')).toEqual({ version: 2 });
  await cache.close();
});

test.each([
  ['fails', { onErrorMs: 60_000 }],
  ['is slow', { onErrorMs: 60_000, softTimeoutMs: SOFT_MS }],
] as const)('what is heard to be outdated is not served because the loader %s', async (_how, stale) => {
  const { cache, store, rows, load } = await openStale(stale);
  const gate = withResolvers<Row>();
  load.mockImplementation(() => gate.promise);
  const reading = rows.get('a');
  const outcome = Promise.allSettled([reading]);
  await settled();
  expect(load).toHaveBeenCalledTimes(2);
  for (const listener of store.listeners) listener.onChanged('row@1', ['a'], 2);
  await new Promise((resolve) => {
    setTimeout(resolve, 2 * SOFT_MS);
  });
  gate.reject(new Error('down'));
  expect(await outcome).toMatchObject([{ status: 'rejected', reason: { message: 'down' } }]);
  await cache.close();
});

test('a loader that finds unchanged what was meanwhile heard to be outdated is asked again', async () => {
  const { cache, store, rows, load } = await openStale({ onErrorMs: 60_000, softTimeoutMs: SOFT_MS });
  const gate = withResolvers<NotModified>();
  load.mockImplementation(() => Promise.resolve({ version: 2 })).mockImplementationOnce(() => gate.promise);
  const reading = rows.get('a');
  await settled();
  for (const listener of store.listeners) listener.onChanged('row@1', ['a'], 2);
  await new Promise((resolve) => {
    setTimeout(resolve, 2 * SOFT_MS);
  });
  gate.resolve(notModified);
  expect(await reading).toEqual({ version: 2 });
  await cache.close();
});

test('what is heard to be outdated is not served because the load of somebody else is slow', async () => {
  const { cache, store, rows, load } = await openStale({ onErrorMs: 60_000, softTimeoutMs: SOFT_MS });
  load.mockImplementation(() => Promise.resolve({ version: 2 }));
  const key = 'hotpath:row@1:a';
  store.entries.set(key, { ...store.entries.get(key), token: 'of somebody else' });
  const reading = rows.get('a');
  await settled();
  for (const listener of store.listeners) listener.onChanged('row@1', ['a'], 2);
  expect(await reading).toEqual({ version: 2 });
  await cache.close();
});
