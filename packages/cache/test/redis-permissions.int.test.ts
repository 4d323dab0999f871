import { readFileSync } from 'node:fs';
import { type Cache, createCache, memoryTier } from '@hotpath/cache';
import { redisTier } from '@hotpath/cache/redis';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { startRedis, type RedisServer } from '../../../benchmarks/dist/services/index.js';

/** The rules as the README has them. */
const RULES = /^ACL SETUSER hotpath (.*)$/m
  .exec(readFileSync(new URL('../README.md', import.meta.url), 'utf8'))![1]!
  .split(' ');

/** Those of the test itself. */
const ADMIN = ['acl|log', 'acl|setuser', 'config|resetstat', 'hello', 'client|setinfo', 'auth'];

describe.skipIf(inject('redisUrl') === '')('a user of Redis with the permissions of the README', () => {
  let server: RedisServer;
  let admin: Redis;
  const clients: Redis[] = [];
  const caches: Cache[] = [];

  beforeAll(async () => {
    server = await startRedis();
    admin = new Redis(server.url);
    await admin.call('ACL', 'SETUSER', 'hotpath', ...RULES);
  });
  afterAll(async () => {
    for (const client of [...clients, admin]) client?.disconnect();
    await server?.stop();
  });

  async function open(disconnectedTtlMs: number): Promise<Cache> {
    const password = RULES.find((rule) => rule.startsWith('>'))!.slice(1);
    const client = new Redis(server.url, { username: 'hotpath', password });
    clients.push(client);
    const cache = createCache({
      tiers: [memoryTier(), redisTier({ client, deadlineMs: 5000 })],
      disconnectedTtlMs,
    });
    caches.push(cache);
    expect(await cache.ready()).toBe(true);
    return cache;
  }

  async function useAll(cache: Cache, other: Cache): Promise<void> {
    await cache.setMany([
      ['plain', 1],
      ['more', 2],
    ]);
    expect(await other.getMany(['plain', 'more', 'none'])).toEqual([1, 2, undefined]);
    const [users, theirs] = [cache, other].map((each) =>
      each.define<string>({
        name: 'user',
        load: (id) => (id === 'bad' ? Promise.reject(new Error('bad')) : id),
        stale: { whileRevalidateMs: 60_000 },
        ttlMs: 50,
        tags: () => ['all'],
        hotKeys: {},
      }),
    );
    await users!.get('a');
    await vi.waitUntil(() => users!.peek('a') === undefined);
    await Promise.all([users!.get('a'), theirs!.get('a')]);
    await expect(Promise.all([users!.get('bad'), theirs!.get('bad')])).rejects.toThrow('bad');
    await users!.saveHotKeys();
    const rows = cache.define<number>({
      name: 'row',
      load: () => 2,
      strategy: 'versioned',
      versionOf: Number,
    });
    expect(await rows.write('a', 1)).toEqual({ l2: 'done' });
    expect(await rows.invalidate('a', { version: 2 })).toEqual({ l2: 'done' });
    expect(await rows.get('a')).toBe(2);
    expect(await users!.invalidate('a')).toEqual({ l2: 'done' });
    expect(await cache.invalidateTags(['all'])).toEqual({ l2: 'done' });
    expect(await users!.invalidatePrefix('a')).toEqual({ l2: 'done' });
    expect(await cache.clear()).toEqual({ l2: 'done' });
  }

  test('can do all that a cache does, and every command that it may use is used', async () => {
    await admin.config('RESETSTAT');
    await useAll(await open(1000), await open(1000));
    const [bound, other] = [await open(0), await open(0)];
    const rows = [bound, other].map((cache) => cache.define<number>({ name: 'bound', load: () => 1 }));
    await Promise.all(rows.map((each) => each.get('a')));
    expect(await rows[0]!.invalidate('a', { confirm: 'all' })).toEqual({ l2: 'done' });
    for (const cache of caches)
      expect(cache.stats().tiers).toMatchObject([{ errorCount: 0, timeoutCount: 0 }]);
    await Promise.all(caches.map((cache) => cache.close()));
    expect(await admin.call('ACL', 'LOG')).toEqual([]);
    const stats = await admin.info('commandstats');
    const used = Array.from(stats.matchAll(/^cmdstat_([^:]*)/gm), ([, name]) => name!);
    const allowed = RULES.filter((rule) => rule.startsWith('+')).map((rule) => rule.slice(1));
    expect(allowed.filter((name) => !used.includes(name))).toEqual([]);
    expect(used.filter((name) => !allowed.includes(name) && !ADMIN.includes(name))).toEqual([]);
  });

  test('can touch nothing else', async () => {
    const client = clients[0]!;
    for (const attempt of [
      () => client.set('other', 1),
      () => client.publish('other', 'message'),
      () => client.flushall(),
      () => client.config('GET', '*'),
    ])
      await expect(attempt()).rejects.toThrow(/^NOPERM/);
  });
});
