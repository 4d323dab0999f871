import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Cache, type ChangedEvent, createCache, type Definition, memoryTier } from '@hotpath/cache';
import { redisTier } from '@hotpath/cache/redis';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import {
  startProxy,
  startRedis,
  type FaultProxy,
  type RedisServer,
} from '../../../benchmarks/dist/services/index.js';

const url = inject('redisUrl');
/** How far the replica is behind: long enough to be met, and shorter than loads are tried again. */
const LAG_MS = 300;

interface Row {
  readonly version: number;
}

/** The database is a second Redis; loads read a replica of it, whose link is slow. */
describe.skipIf(url === '')('versioned, on a real replica that lags', () => {
  let primary: RedisServer;
  let replica: RedisServer;
  let link: FaultProxy;
  let readerLink: FaultProxy;
  let namespace: string;
  const clients: Redis[] = [];
  const caches: Cache[] = [];

  function connect(to: string): Redis {
    const client = new Redis(to);
    client.on('error', () => {});
    clients.push(client);
    return client;
  }

  beforeEach(async () => {
    namespace = randomUUID();
    [primary, readerLink] = await Promise.all([startRedis(), startProxy(url)]);
    link = await startProxy(primary.url);
    replica = await startRedis({ config: [`replicaof 127.0.0.1 ${new URL(link.url).port}`] });
  });
  afterEach(async () => {
    await Promise.all(caches.splice(0).map((cache) => cache.close()));
    for (const client of clients.splice(0)) client.disconnect();
    await Promise.all([link, readerLink, replica, primary].map((each) => each?.stop()));
  });

  async function open(
    cacheUrl: string,
    load: (id: string) => Promise<Row>,
  ): Promise<readonly [Cache, Definition<Row>]> {
    const redis = redisTier({ client: connect(cacheUrl), deadlineMs: 2000 });
    const cache = createCache({ tiers: [memoryTier(), redis], namespace });
    caches.push(cache);
    expect(await cache.ready()).toBe(true);
    const rows = cache.define<Row>({
      name: 'row',
      strategy: 'versioned',
      versionOf: ({ version }) => version,
      load,
    });
    return [cache, rows];
  }

  test('who has heard of a version serves and keeps nothing older, even when its own Redis is gone', async () => {
    const [database, copy] = [connect(primary.url), connect(replica.url)];
    await database.set('a', 1);
    await vi.waitFor(async () => {
      expect(await copy.get('a')).toBe('1');
    });
    const load = async (id: string): Promise<Row> => ({ version: Number(await copy.get(id)) });
    const [[, writer], [cache, reader]] = [await open(url, load), await open(readerLink.url, load)];
    expect(await reader.get('a')).toEqual({ version: 1 });
    const heard: string[] = [];
    const onChanged = (event: unknown): void => {
      const { keys, from } = event as ChangedEvent;
      if (from === 'elsewhere') heard.push(...(keys ?? []));
    };
    subscribe('hotpath:cache:changed', onChanged);
    link.setLatencyMs(LAG_MS);
    await database.set('a', 2);
    expect(await writer.invalidate('a', { version: 2 })).toEqual({ l2: 'done' });
    await vi.waitFor(() => {
      expect(heard).toContain('a');
    });
    await readerLink.refuse(true);
    readerLink.cutAll();
    await vi.waitFor(() => {
      expect(cache.stats().listening).toBe(false);
    });
    expect(await reader.get('a')).toEqual({ version: 2 });
    expect(reader.peek('a')).toEqual({ version: 2 });
    expect(await writer.get('a')).toEqual({ version: 2 });
    unsubscribe('hotpath:cache:changed', onChanged);
  });

  test('one that was never told of versions, because its Redis was gone, is told so', async () => {
    const told: boolean[] = [];
    const [cache, rows] = await open(readerLink.url, () => Promise.resolve({ version: 1 }));
    await readerLink.refuse(true);
    readerLink.cutAll();
    await vi.waitFor(() => {
      expect(cache.stats().listening).toBe(false);
    });
    const others = cache.define<Row>({
      name: 'other',
      versionOf: ({ version }) => version,
      strategy: 'versioned',
      load: (_id, { unverified }) => {
        told.push(unverified);
        return { version: 1 };
      },
    });
    expect(await others.get('a')).toEqual({ version: 1 });
    expect(told).toEqual([true]);
    expect(await rows.get('a')).toEqual({ version: 1 });
  });
});
