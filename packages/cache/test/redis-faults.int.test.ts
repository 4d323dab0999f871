import { createCache, type Cache, memoryTier } from '@hotpath/cache';
import { redisTier } from '@hotpath/cache/redis';
import { Redis } from 'ioredis';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import {
  startProxy,
  startRedis,
  type FaultProxy,
  type RedisServer,
} from '../../../benchmarks/dist/services/index.js';

const DEADLINE_MS = 50;

interface ClientOptions {
  readonly enableOfflineQueue?: boolean;
  readonly maxRetriesPerRequest?: number;
}

describe.skipIf(inject('redisUrl') === '')('on a Redis of our own that fails', () => {
  let server: RedisServer;
  let proxy: FaultProxy;
  const clients: Redis[] = [];
  const caches: Cache[] = [];
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown): void => {
    rejections.push(reason);
  };

  beforeAll(async () => {
    process.on('unhandledRejection', onRejection);
    server = await startRedis();
    proxy = await startProxy(server.url);
  });
  afterEach(async () => {
    await server.resume().catch(() => {});
    if (server.state !== 'running') await server.restart();
    await Promise.all(caches.splice(0).map((cache) => cache.close()));
    for (const client of clients.splice(0)) client.disconnect();
    expect(rejections).toEqual([]);
  });
  afterAll(async () => {
    process.off('unhandledRejection', onRejection);
    await proxy?.stop();
    await server?.stop();
  });

  function connect(url: string, options: ClientOptions = {}): Redis {
    const client = new Redis(url, options);
    client.on('error', () => {});
    clients.push(client);
    return client;
  }

  async function open(client: Redis, options: { memory?: boolean } = {}): Promise<Cache> {
    const redis = redisTier({ client, deadlineMs: DEADLINE_MS });
    const tiers = options.memory === false ? [redis] : [memoryTier(), redis];
    const cache = createCache({ tiers, disconnectedTtlMs: 100 });
    caches.push(cache);
    expect(await cache.ready()).toBe(true);
    return cache;
  }

  const kinds: [name: string, options: ClientOptions][] = [
    ['a client as it comes', {}],
    ['a client without an offline queue', { enableOfflineQueue: false, maxRetriesPerRequest: 0 }],
  ];

  describe.each(kinds)('%s', (_name, options) => {
    test('hung: reads cost at most the deadline above the loader, then nothing, and it heals', async () => {
      const client = connect(server.url, options);
      await once(client, 'ready');
      const cache = await open(client);
      const users = cache.define<string>({ name: 'user', load: (id) => Promise.resolve(id) });
      expect(await users.get('warm')).toBe('warm');
      await server.hang();
      const startedAt = performance.now();
      for (let i = 0; i < 20; i++) expect(await users.get(`${i}`)).toBe(`${i}`);
      const tookMs = performance.now() - startedAt;
      // Three missed deadlines open the breaker; a probe may go out in a slow run. Without it these would be twenty.
      expect(tookMs).toBeLessThan(10 * DEADLINE_MS);
      expect(cache.stats().tiers[0]!.breaker).not.toBe('closed');
      expect(users.peek('warm')).toBe('warm');
      expect(await users.invalidate('warm')).toEqual({ l2: 'queued' });
      expect(users.peek('warm')).toBeUndefined();
      await server.resume();
      await vi.waitUntil(() => cache.stats().regions[1]!.queuedCount === 0, { timeout: 10_000 });
      await vi.waitUntil(
        async () => {
          await users.get(`after${performance.now()}`);
          return cache.stats().tiers[0]!.breaker === 'closed';
        },
        { timeout: 10_000 },
      );
    });

    test('killed: reads go to the loader, nothing stays pending, and what was invalidated is gone after', async () => {
      const client = connect(server.url, options);
      await once(client, 'ready');
      const cache = await open(client);
      const users = cache.define<string>({ name: 'user', load: (id) => Promise.resolve(id) });
      await users.get('a');
      await server.kill();
      await vi.waitUntil(() => cache.stats().listening === false, { timeout: 10_000 });
      const reads = Array.from({ length: 100 }, (_, i) => users.get(`${i}`));
      expect(await Promise.all(reads)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
      expect(await users.invalidate('a')).toEqual({ l2: 'queued' });
      await server.restart();
      await vi.waitUntil(() => cache.stats().listening === true, { timeout: 10_000 });
      await vi.waitUntil(() => cache.stats().regions[1]!.queuedCount === 0, { timeout: 10_000 });
      expect(await users.get('b')).toBe('b');
    });
  });

  test('slow: a read waits for the deadline, not for the answer', async () => {
    const cache = await open(connect(proxy.url));
    const users = cache.define<string>({ name: 'user', load: (id) => Promise.resolve(id) });
    proxy.setLatencyMs(3000);
    const startedAt = performance.now();
    expect(await users.get('a')).toBe('a');
    expect(performance.now() - startedAt).toBeLessThan(1500);
    proxy.setLatencyMs(0);
  });

  test('full: reads and invalidations go on', async () => {
    const client = connect(server.url);
    const cache = await open(client);
    const users = cache.define<string>({ name: 'user', load: (id) => Promise.resolve(id) });
    await users.get('a');
    await client.config('SET', 'maxmemory', '1');
    expect(await users.get('b')).toBe('b');
    expect(await users.invalidate('a')).toEqual({ l2: 'done' });
    await client.config('SET', 'maxmemory', '0');
  });

  test('an invalidation missed while cut off is not missed for long', async () => {
    const [cut, whole] = [await open(connect(proxy.url)), await open(connect(server.url))];
    let row = 'old';
    const load = (): string => row;
    const [users, others] = [cut, whole].map((cache) => cache.define<string>({ name: 'user', load }));
    expect(await users!.get('a')).toBe('old');
    expect(users!.peek('a')).toBe('old');
    await proxy.refuse(true);
    proxy.cutAll();
    await vi.waitUntil(() => cut.stats().listening === false);
    row = 'new';
    expect(await others!.invalidate('a')).toEqual({ l2: 'done' });
    await vi.waitUntil(() => users!.peek('a') !== 'old', { timeout: 1000 });
    await proxy.refuse(false);
    await vi.waitUntil(() => cut.stats().listening === true, { timeout: 10_000 });
    expect(await users!.get('a')).toBe('new');
  });

  test('a half-open subscription is noticed', async () => {
    const cache = await open(connect(proxy.url));
    proxy.halfOpen(true);
    await vi.waitUntil(() => cache.stats().listening === false, { timeout: 10_000 });
    proxy.halfOpen(false);
    await vi.waitUntil(() => cache.stats().listening === true, { timeout: 20_000 });
  });
});
