import { type Cache, createCache, type Definition, memoryTier } from '@hotpath/cache';
import { redisTier } from '@hotpath/cache/redis';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { startRedis, type RedisServer } from '../../../benchmarks/dist/services/index.js';
import { monitor } from './monitor.ts';
import { withResolvers } from './tier-double.ts';

const MEBIBYTE = 2 ** 20;

describe.skipIf(inject('redisUrl') === '')('on a Redis of our own that loses things', () => {
  let server: RedisServer;
  let client: Redis;
  const caches: Cache[] = [];

  beforeAll(async () => {
    server = await startRedis();
    client = new Redis(server.url);
  });
  afterEach(async () => {
    await Promise.all(caches.splice(0).map((cache) => cache.close()));
    await client.config('SET', 'maxmemory', '0');
    await client.flushall();
  });
  afterAll(async () => {
    client?.disconnect();
    await server?.stop();
  });

  function open(): Cache {
    const cache = createCache({ tiers: [redisTier({ client, deadlineMs: 2000 })] });
    caches.push(cache);
    return cache;
  }

  function loader(): { users: Definition<string>; load: ReturnType<typeof vi.fn> } {
    const load = vi.fn((id: string) => Promise.resolve(`loaded ${id}`));
    return { users: open().define<string>({ name: 'user', load }), load };
  }

  test('flushed: the next read loads, and is cached again', async () => {
    const { users, load } = loader();
    await users.get('a');
    await vi.waitUntil(async () => (await client.get('hotpath:user@1:a'))?.startsWith('V'));
    await client.flushall();
    expect(await users.get('a')).toBe('loaded a');
    await vi.waitUntil(async () => (await client.get('hotpath:user@1:a'))?.startsWith('V'));
    expect(await users.get('a')).toBe('loaded a');
    expect(load).toHaveBeenCalledTimes(2);
  });

  test('flushed during a load: the lease is gone, so what was loaded is not stored', async () => {
    const gate = withResolvers();
    const cache = open();
    const users = cache.define<string>({
      name: 'user',
      load: async () => {
        await gate.promise;
        return 'loaded';
      },
    });
    const reading = users.get('a');
    await vi.waitUntil(async () => (await client.exists('hotpath:user@1:a')) === 1);
    await client.flushall();
    gate.resolve();
    expect(await reading).toBe('loaded');
    await vi.waitUntil(() => cache.stats().regions[1]!.refusedFillCount === 1);
    expect(await client.exists('hotpath:user@1:a')).toBe(0);
  });

  test('scripts flushed, before a read and during a load: nobody notices', async () => {
    const gate = withResolvers();
    const cache = open();
    const users = cache.define<string>({
      name: 'user',
      load: async (id) => {
        if (id === 'slow') await gate.promise;
        return `loaded ${id}`;
      },
    });
    await users.get('a');
    await client.script('FLUSH');
    expect(await users.get('b')).toBe('loaded b');
    const reading = users.get('slow');
    await vi.waitUntil(async () => (await client.exists('hotpath:user@1:slow')) === 1);
    await client.script('FLUSH');
    gate.resolve();
    expect(await reading).toBe('loaded slow');
    await vi.waitUntil(async () => (await client.get('hotpath:user@1:slow'))?.startsWith('V'));
    expect(cache.stats().tiers[0]!.errorCount).toBe(0);
  });

  test('scripts flushed before a load fails: who asks after it does not get its error, but a load', async () => {
    let fails = true;
    const users = open().define<string>({
      name: 'user',
      load: () => (fails ? Promise.reject(new Error('gone')) : Promise.resolve('loaded')),
    });
    for (let i = 0; i < 20; i++) {
      await client.script('FLUSH');
      fails = true;
      await expect(users.get(`${i}`)).rejects.toThrow('gone');
      fails = false;
      // Its lease is given back by a script that the server does not know, and that is sent again after this read.
      expect(await users.get(`${i}`)).toBe('loaded');
    }
  });

  test('full: what is there is read all the same', async () => {
    const { users, load } = loader();
    await users.get('a');
    await vi.waitUntil(async () => (await client.get('hotpath:user@1:a'))?.startsWith('V'));
    await client.config('SET', 'maxmemory', '1');
    expect(await users.get('a')).toBe('loaded a');
    expect(await users.get('b')).toBe('loaded b');
    expect(load.mock.calls.map(([id]) => id)).toEqual(['a', 'b']);
  });

  test('a miss of one key is two commands: one that reads or takes the lease, and one that fills', async () => {
    const { users } = loader();
    await users.get('a');
    await vi.waitUntil(async () => (await client.get('hotpath:user@1:a'))?.startsWith('V'));
    using seen = await monitor(client);
    await users.get('b');
    const ours = await vi.waitUntil(() => {
      const commands = seen.commands.filter((args) => args.some((arg) => arg.endsWith('user@1:b')));
      return commands.some(([name]) => name === 'evalsha') && commands;
    });
    expect(ours.map(([name]) => name)).toEqual(['set', 'evalsha']);
  });

  test('misses one after the other: what one leaves behind goes with what the next asks for', async () => {
    const { users } = loader();
    const writes: number[] = [];
    const { stream } = client;
    const writev = stream._writev!.bind(stream);
    stream._writev = (chunks, done) => {
      writes.push(chunks.length);
      writev(chunks, done);
    };
    for (const id of 'abcdef') await users.get(id);
    await vi.waitUntil(async () => (await client.get('hotpath:user@1:f'))?.startsWith('V'));
    expect(writes).toEqual([2, 2, 2, 2, 2]);
    stream._writev = writev;
  });

  test('full: a write is queued, which deletes what was there, and nothing old is served', async () => {
    const cache = open();
    await cache.set('a', 'old');
    await client.config('SET', 'maxmemory', '1');
    expect(await cache.set('a', 'new')).toEqual({ l2: 'queued' });
    expect(await cache.get('a')).not.toBe('old');
    await client.config('SET', 'maxmemory', '0');
    await vi.waitUntil(() => cache.stats().regions[0]!.queuedCount === 0, { timeout: 10_000 });
    expect(await cache.get('a')).not.toBe('old');
  });

  const keys: [what: string, key: string][] = [
    ['empty', ''],
    ['of a megabyte', 'k'.repeat(MEBIBYTE)],
    ['of a megabyte, with another end', `${'k'.repeat(MEBIBYTE - 1)}l`],
    ['with NUL', 'a\0b'],
    ['with half a surrogate pair', 'a\uD800'],
    ['that looks like a pattern', 'a*[b]?\\'],
  ];

  test('keys of all kinds are values, definitions and invalidations of their own', async () => {
    const { users } = loader();
    const cache = caches[0]!;
    for (const [what, key] of keys) {
      await cache.set(key, what);
      await users.get(key);
    }
    for (const [what, key] of keys) {
      expect(await cache.get(key)).toBe(what);
      expect(await users.get(key)).toBe(`loaded ${key}`);
    }
    expect(await cache.delete('')).toEqual({ l2: 'done' });
    expect(await cache.has('')).toBe(false);
    for (const [what, key] of keys.slice(1)) expect(await cache.get(key)).toBe(what);
  });
});

test('keys of all kinds are kept apart in memory', async () => {
  const cache = createCache({ tiers: [memoryTier()] });
  for (const key of ['', 'a\0b', 'k'.repeat(MEBIBYTE)]) await cache.set(key, key.length);
  expect(cache.peek('')).toBe(0);
  expect(cache.peek('a\0b')).toBe(3);
  expect(cache.peek('k'.repeat(MEBIBYTE))).toBe(MEBIBYTE);
});
