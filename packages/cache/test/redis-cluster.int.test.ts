import { createCache, memoryTier, type Tier } from '@hotpath/cache';
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

  /** However slow the machine. */
  function patientTier(): Tier {
    return redisTier({ client, deadlineMs: 20_000 });
  }

  describe('the contract of tiers', () => {
    for (const check of tierContract({ create: () => redisTier({ client }) }))
      test(check.name, () => check.run());
  });

  test('keys of all nodes are read together, and an invalidation reaches the other process', async () => {
    const [one, two] = [0, 1].map(() => createCache({ tiers: [memoryTier(), patientTier()] }));
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

  /** How often each command was called, on all nodes together. */
  async function callCounts(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const node of client.nodes('master')) {
      const stats = await node.info('commandstats');
      for (const [, name, calls] of stats.matchAll(/^cmdstat_(\w+):calls=(\d+)/gm))
        counts[name!] = (counts[name!] ?? 0) + Number(calls);
    }
    return counts;
  }

  test('keys with one hash tag share a command, on whichever node they are', async () => {
    await using cache = createCache({ tiers: [patientTier()] });
    const orders = cache.define<string, readonly [tenant: string, id: number]>({
      name: 'order',
      key: ([tenant, id]) => `{${tenant}}:${id}`,
      load: ([tenant, id]) => `${tenant} ${id}`,
    });
    const ids = ['a', 'b', 'c', 'd'].flatMap((tenant) =>
      Array.from({ length: 20 }, (_, id) => [tenant, id] as const),
    );
    const values = ids.map(([tenant, id]) => `${tenant} ${id}`);
    expect(await orders.getMany(ids)).toEqual(values);
    await vi.waitUntil(async () => (await orders.explain(ids.at(-1)!)).levels[0]!.state === 'fresh');
    const before = await callCounts();
    expect(await orders.getMany(ids)).toEqual(values);
    expect(await orders.invalidateMany(ids)).toEqual({ l2: 'done' });
    const after = await callCounts();
    expect([after['mget']! - before['mget']!, after['del']! - (before['del'] ?? 0)]).toEqual([4, 4]);
    expect(await orders.explain(ids[0]!)).toMatchObject({ levels: [{ state: 'absent' }] });
  });

  test('values of all nodes are set together, and go with their tag', async () => {
    await using cache = createCache({ tiers: [patientTier()] });
    const entries = Array.from({ length: 60 }, (_, i) => [`plain ${i}`, i] as const);
    expect(await cache.setMany(entries)).toEqual({ l2: 'done' });
    expect(await cache.getMany(entries.map(([key]) => key))).toEqual(entries.map(([, value]) => value));
    let row = 'old';
    const users = cache.define<string>({
      name: 'tagged',
      load: () => row,
      tags: (id) => [`team:${Number(id) % 3}`],
    });
    const ids = Array.from({ length: 30 }, (_, id) => `${id}`);
    expect(await users.getMany(ids)).toEqual(ids.map(() => 'old'));
    row = 'new';
    expect(await cache.invalidateTags(['team:0', 'team:1'])).toEqual({ l2: 'done' });
    expect(await users.getMany(ids)).toEqual(ids.map((id) => (Number(id) % 3 === 2 ? 'old' : 'new')));
  });

  test('a slot that has moved without the client knowing costs no read and no deletion', async () => {
    await using cache = createCache({ tiers: [patientTier()], namespace: 'moving' });
    const key = 'moved';
    const slot = await client.cluster('KEYSLOT', `moving::${key}`);
    const [from] = client.slots[slot]!;
    const nodes = client.nodes('master');
    const nodeNames = nodes.map(({ options }) => `${options.host}:${options.port}`);
    const keys = [key, ...Array.from({ length: 30 }, (_, i) => `${i}`)];
    // Nothing is in the slot yet, so that it moves with a word.
    const to = nodes[nodeNames.findIndex((name) => name !== from)]!;
    const toId = String(await to.call('CLUSTER', 'MYID'));
    for (const node of [to, ...nodes]) await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
    const stale = [...client.slots[slot]!];
    expect(stale[0]).toBe(from);
    expect(await cache.setMany(keys.map((each) => [each, each]))).toEqual({ l2: 'done' });
    client.slots[slot] = stale;
    expect(await cache.getMany(keys)).toEqual(keys);
    client.slots[slot] = stale;
    expect(await cache.deleteMany(keys)).toEqual({ l2: 'done' });
    expect(await to.get(`moving::${key}`)).toBeNull();
    expect(cache.stats().tiers[0]).toMatchObject({ errorCount: 0, timeoutCount: 0 });
  });

  test('a process whose connection for messages was cut knows it, and what it had in memory goes', async () => {
    await using cache = createCache({ tiers: [memoryTier(), patientTier()], namespace: 'cut' });
    expect(await cache.ready()).toBe(true);
    await cache.set('a', 1);
    expect(cache.peek('a')).toBe(1);
    for (const node of client.nodes('master')) await node.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    // Nothing reads it meanwhile, so that nothing brings it back.
    await vi.waitUntil(() => cache.peek('a') === undefined, { timeout: 20_000 });
    await vi.waitUntil(() => cache.stats().listening === true, { timeout: 20_000 });
    await using other = createCache({ tiers: [patientTier()], namespace: 'cut' });
    expect(await cache.get('a')).toBe(1);
    await other.set('a', 2);
    await vi.waitUntil(() => cache.peek('a') === undefined, { timeout: 20_000 });
  });

  test('the heartbeat goes the way of the messages', async () => {
    await using cache = createCache({ tiers: [memoryTier(), patientTier()], namespace: 'beating' });
    expect(await cache.ready()).toBe(true);
    await vi.waitUntil(
      async () => {
        const lists = await Promise.all(
          client.nodes('master').map((node) => node.call('CLIENT', 'LIST', 'TYPE', 'pubsub')),
        );
        return lists.some((list) => String(list).includes('cmd=ping'));
      },
      { timeout: 20_000 },
    );
  });

  test('clearing asks every node, also those that the client has yet to find, or has lost', async () => {
    await using cache = createCache({ tiers: [patientTier()], namespace: 'clearing' });
    const entries = Array.from({ length: 60 }, (_, i) => [`${i}`, i] as const);
    const nothing = entries.map(() => undefined);
    const read = (): Promise<unknown[]> => cache.getMany(entries.map(([key]) => key));
    await cache.setMany(entries);
    const early = new Cluster([...servers.seeds], { lazyConnect: true });
    await using first = createCache({
      tiers: [redisTier({ client: early, deadlineMs: 20_000 })],
      namespace: 'clearing',
    });
    expect(await first.clear()).toEqual({ l2: 'done' });
    expect(await read()).toEqual(nothing);
    await cache.setMany(entries);
    // As when its connection was lost: the client forgets the node until it looks at the slots again.
    const [gone] = early.nodes('master');
    const ended = new Promise((resolve) => gone!.once('end', resolve));
    gone!.disconnect();
    await ended;
    expect(early.nodes('master').length).toBe(2);
    expect(await first.clear()).toEqual({ l2: 'done' });
    expect(await read()).toEqual(nothing);
    early.disconnect();
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
