import type { CacheEntry } from '@epic-web/cachified';
import { TTL_MS } from '../readers.ts';
import type { OpenUserReader } from '../users.ts';

/** On lru-cache, as its documentation begins. */
export async function openCachifiedMemory(): Promise<OpenUserReader> {
  const { cachified, totalTtl } = await import('@epic-web/cachified');
  const { LRUCache } = await import('lru-cache');
  return async (_context, entries) => {
    const lru = new LRUCache<string, CacheEntry>({ max: 10_000 });
    const cache = {
      set(key: string, value: CacheEntry) {
        const ttl = totalTtl(value.metadata);
        lru.set(key, value, { ...(ttl === Infinity ? {} : { ttl }), start: value.metadata.createdTime });
      },
      get: (key: string) => lru.get(key),
      delete: (key: string) => lru.delete(key),
    };
    const users = new Map<string, unknown>(entries);
    const get = (key: string): Promise<unknown> =>
      cachified({ key, cache, ttl: TTL_MS, getFreshValue: () => users.get(key) });
    for (const key of users.keys()) await get(key);
    return { get };
  };
}

/** On Redis by an adapter of three commands, because it brings none. */
export async function openCachifiedRedis(): Promise<OpenUserReader> {
  const { cachified, totalTtl } = await import('@epic-web/cachified');
  const { Redis } = await import('ioredis');
  return async (context, entries) => {
    const client = new Redis(context.redisUrl);
    const prefix = `${context.uniqueName}:`;
    const cache = {
      set: (key: string, value: CacheEntry) =>
        client.set(prefix + key, JSON.stringify(value), 'PX', totalTtl(value.metadata)),
      async get(key: string) {
        const text = await client.get(prefix + key);
        return text === null ? undefined : (JSON.parse(text) as CacheEntry);
      },
      delete: (key: string) => client.del(prefix + key),
    };
    const users = new Map<string, unknown>(entries);
    const get = (key: string): Promise<unknown> =>
      cachified({ key, cache, ttl: TTL_MS, getFreshValue: () => users.get(key) });
    await Promise.all([...users.keys()].map(get));
    return {
      get,
      async close() {
        await client.del([...users.keys()].map((key) => prefix + key));
        client.disconnect();
      },
    };
  };
}
