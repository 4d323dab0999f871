import { createCache, memoryTier } from '@hotpath/cache';
import { expect, test, vi } from 'vitest';
import { DoubleStore, settled, withResolvers } from './tier-double.ts';

test('warming reads every id once, so many at a time, counts failures and goes on', async () => {
  const cache = createCache({ tiers: [memoryTier()] });
  let active = 0;
  let most = 0;
  const users = cache.define<number, number>({
    name: 'user',
    load: async (id) => {
      most = Math.max(most, ++active);
      await settled();
      active--;
      if (id === 3) throw new Error('gone');
      return id;
    },
  });
  const seen: number[] = [];
  async function* ids(): AsyncGenerator<number> {
    for (let id = 0; id < 20; id++) {
      await settled();
      yield id;
    }
  }
  const warming = users.warm(ids(), {
    concurrency: 4,
    onProgress: ({ warmedCount, failedCount }) => seen.push(warmedCount + failedCount),
  });
  expect(cache.readiness()).toMatchObject({ ready: false, warmingCount: 1 });
  expect(await warming).toEqual({ warmedCount: 19, failedCount: 1 });
  expect(cache.readiness()).toMatchObject({ ready: true, warmingCount: 0 });
  expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  expect(most).toBeLessThanOrEqual(4);
  expect(users.peek(19)).toBe(19);
});

test('warming can be ended, and its source is closed', async () => {
  const cache = createCache({ tiers: [memoryTier()] });
  const users = cache.define<number, number>({ name: 'user', load: (id) => id });
  const controller = new AbortController();
  let closed = false;
  async function* ids(): AsyncGenerator<number> {
    try {
      for (let id = 0; ; id++) {
        await settled();
        if (id === 5) controller.abort(new Error('enough'));
        yield id;
      }
    } finally {
      closed = true;
    }
  }
  await expect(users.warm(ids(), { signal: controller.signal })).rejects.toThrow('enough');
  await vi.waitUntil(() => closed);
});

test.each(['source', 'loader'])('warming ends when it is told to although its %s hangs', async (what) => {
  await using cache = createCache({ tiers: [memoryTier()] });
  const never = withResolvers();
  const load = vi.fn(() => never.promise);
  const users = cache.define<unknown, number>({ name: 'user', load });
  const controller = new AbortController();
  let taken = 0;
  async function* ids(): AsyncGenerator<number> {
    for (let id = 0; id < 3; id++) {
      taken++;
      if (what === 'source') await never.promise;
      yield id;
    }
  }
  const warming = users.warm(ids(), { signal: controller.signal });
  await vi.waitUntil(() => (what === 'source' ? taken === 1 : load.mock.calls.length === 3));
  controller.abort(new Error('enough'));
  await expect(warming).rejects.toThrow('enough');
  expect(cache.readiness().warmingCount).toBe(0);
  never.resolve();
});

test('the keys read most are saved by one process and found by the next', async () => {
  const store = new DoubleStore();
  const options = { name: 'user', load: (id: string) => id, hotKeys: { capacity: 10 } };
  const first = createCache({ tiers: [memoryTier(), store.tier()] });
  const users = first.define<string>(options);
  for (let i = 0; i < 2000; i++) {
    await users.get(i % 3 === 0 ? `cold${i}` : `hot${i % 2}`);
  }
  await first.close();
  const second = createCache({ tiers: [memoryTier(), store.tier()] });
  const hot = await second.define<string>(options).hotKeys(2);
  expect(new Set(hot)).toEqual(new Set(['hot0', 'hot1']));
});

test('a scheduled value is computed by one process a period, and served by all', async () => {
  const store = new DoubleStore();
  const compute = vi.fn(() => compute.mock.calls.length);
  const caches = [0, 1, 2].map(() => createCache({ tiers: [memoryTier(), store.tier()] }));
  const values = caches.map((cache) => cache.precompute({ name: 'daily', everyMs: 100_000, compute }));
  expect(await Promise.all(values.map((value) => value.get()))).toEqual([1, 1, 1]);
  await vi.waitUntil(() => caches.every((cache) => cache.readiness().ready));
  expect(compute).toHaveBeenCalledOnce();
  await Promise.all(caches.map((cache) => cache.close()));
});

test('a scheduled value is computed anew when its period is over, and the old one is served when that fails', async () => {
  let count = 0;
  const cache = createCache({ tiers: [memoryTier(), new DoubleStore().tier()] });
  const value = cache.precompute({
    name: 'daily',
    everyMs: 10,
    ttlMs: 60_000,
    compute: () => {
      if (++count === 2) throw new Error('busy');
      return count;
    },
  });
  await vi.waitUntil(async () => ((await value.get()) ?? 0) >= 3);
  expect(value.failureCount).toBe(1);
  expect(() => Object.assign(value, { computed: false })).toThrow(TypeError); // its own business
  await cache.close();
});
