import { type Cache, createCache, type Definition, memoryTier } from '@hotpath/cache';
import { redisTier } from '@hotpath/cache/redis';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  startProxy,
  startRedis,
  type FaultProxy,
  type RedisServer,
} from '../../../benchmarks/dist/services/index.js';

/** A whole lease, in ms: what a process that cannot answer costs who waits for it. */
const LEASE_MS = 2000;

describe.skipIf(inject('redisUrl') === '')("invalidate with confirm: 'all', on a Redis of our own", () => {
  let server: RedisServer;
  let proxy: FaultProxy;
  const clients: Redis[] = [];
  const caches: Cache[] = [];
  let row = 0;

  beforeAll(async () => {
    server = await startRedis();
    proxy = await startProxy(server.url);
  });
  afterEach(async () => {
    proxy.halfOpen(false);
    await Promise.all(caches.splice(0).map((cache) => cache.close()));
    for (const client of clients.splice(0)) client.disconnect();
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  /** A process of its own, as far as Redis can tell. */
  async function open(url: string): Promise<Definition<number>> {
    const client = new Redis(url);
    client.on('error', () => {});
    clients.push(client);
    const cache = createCache({ tiers: [memoryTier(), redisTier({ client })], disconnectedTtlMs: 0 });
    caches.push(cache);
    expect(await cache.ready()).toBe(true);
    return cache.define<number>({ name: 'row', load: () => row });
  }

  test('no process has it in memory when it resolves, which takes no lease', async () => {
    const all = await Promise.all([open(server.url), open(server.url), open(server.url)]);
    const startedAt = performance.now();
    for (let round = 0; round < 100; round++) {
      for (const each of all) expect(await each.get('a')).toBe(row);
      for (const each of all) expect(each.peek('a')).toBe(row);
      row++;
      expect(await all[round % 3]!.invalidate('a', { confirm: 'all' })).toEqual({ l2: 'done' });
      for (const each of all) expect(each.peek('a')).toBeUndefined();
    }
    // One lost acknowledgement would be a lease.
    expect(performance.now() - startedAt).toBeLessThan(100 * LEASE_MS);
  });

  test('one that hears nothing is waited for until it serves memory no more', async () => {
    const [writer, deaf] = await Promise.all([open(server.url), open(proxy.url)]);
    expect(await deaf.get('a')).toBe(row);
    proxy.halfOpen(true);
    row++;
    expect(deaf.peek('a')).toBe(row - 1);
    expect(await writer.invalidate('a', { confirm: 'all' })).toEqual({ l2: 'done' });
    expect(deaf.peek('a')).toBeUndefined();
    expect(await deaf.get('a')).toBe(row);
  });

  test('one that has closed is not waited for, nor a list that was flushed for longer than a lease', async () => {
    const [writer, leaver] = await Promise.all([open(server.url), open(server.url)]);
    expect(await leaver.get('a')).toBe(row);
    await caches[1]!.close();
    expect(await writer.invalidate('a', { confirm: 'all' })).toEqual({ l2: 'done' });
    const other = await open(server.url);
    expect(await other.get('a')).toBe(row);
    await clients[0]!.flushall();
    row++;
    const startedAt = performance.now();
    expect(await writer.invalidate('a', { confirm: 'all' })).toEqual({ l2: 'done' });
    expect(performance.now() - startedAt).toBeLessThan(2 * LEASE_MS);
    expect(other.peek('a')).toBeUndefined();
  });
});
