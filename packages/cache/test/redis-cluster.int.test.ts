import { createCache, memoryTier } from '@hotpath/cache';
import { tierContract } from '@hotpath/cache/contract';
import { redisTier } from '@hotpath/cache/redis';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import {
  startRedisCluster,
  startRedisSentinel,
  type RedisCluster,
} from '../../../benchmarks/dist/services/index.js';

describe.skipIf(inject('redisUrl') === '')('on a Redis Cluster of three', () => {
  let servers: RedisCluster;
  let client: Cluster;

  beforeAll(async () => {
    servers = await startRedisCluster();
    client = new Cluster([...servers.seeds]);
  });
  afterAll(async () => {
    client?.disconnect();
    await servers?.stop();
  });

  describe('the contract of tiers', () => {
    for (const check of tierContract({ create: () => redisTier({ client }) }))
      test(check.name, () => check.run());
  });

  test('keys of all nodes are read together, and an invalidation reaches the other process', async () => {
    const [one, two] = [0, 1].map(() => createCache({ tiers: [memoryTier(), redisTier({ client })] }));
    expect(await Promise.all([one!.ready(), two!.ready()])).toEqual([true, true]);
    let row = 'old';
    const load = (): string => row;
    const [users, others] = [one!, two!].map((cache) => cache.define<string>({ name: 'user', load }));
    const ids = Array.from({ length: 50 }, (_, id) => `${id}`);
    for (const each of [users!, others!]) expect(await each.getMany(ids)).toEqual(ids.map(() => 'old'));
    row = 'new';
    expect(await users!.invalidateMany(ids)).toEqual({ l2: 'done' });
    await vi.waitUntil(() => ids.every((id) => others!.peek(id) === undefined));
    expect(await others!.getMany(ids)).toEqual(ids.map(() => 'new'));
    await Promise.all([one!.close(), two!.close()]);
  });
});

test.skipIf(inject('redisUrl') === '')(
  'behind Sentinel: reads go on while the primary fails over, and queued invalidations reach the new one',
  async () => {
    await using group = await startRedisSentinel();
    const client = new Redis({ sentinels: [...group.seeds], name: group.name });
    client.on('error', () => {});
    const cache = createCache({ tiers: [memoryTier(), redisTier({ client })] });
    expect(await cache.ready()).toBe(true);
    const users = cache.define<string>({ name: 'user', load: (id) => id });
    await users.get('a');
    await group.primary.kill();
    for (let i = 0; i < 20; i++) expect(await users.get(`${i}`)).toBe(`${i}`);
    await users.invalidate('a');
    await vi.waitUntil(
      () => cache.stats().listening === true && cache.stats().regions[1]!.queuedCount === 0,
      {
        timeout: 30_000,
      },
    );
    await vi.waitUntil(
      async () => (
        await users.get(`after ${performance.now()}`),
        cache.stats().tiers[0]!.breaker === 'closed'
      ),
      {
        timeout: 10_000,
      },
    );
    expect(await group.currentPort()).toBe(group.replica.port);
    await cache.close();
    client.disconnect();
  },
);
