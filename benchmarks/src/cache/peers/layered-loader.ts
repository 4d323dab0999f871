import { TTL_MS } from '../readers.ts';
import type { OpenUserReader } from '../users.ts';

/** In memory, by promise. */
export async function openLayeredMemory(): Promise<OpenUserReader> {
  const { Loader } = await import('layered-loader/core');
  return async (_context, entries) => {
    const users = new Map<string, object>(entries);
    const loader = new Loader<object>({
      inMemoryCache: { cacheType: 'lru-map', ttlInMsecs: TTL_MS, maxItems: 10_000 },
      dataSourceGetOneFn: (key) => Promise.resolve(users.get(key)),
    });
    for (const key of users.keys()) await loader.get(key);
    return { get: (key) => loader.get(key) };
  };
}

/** On Redis alone. */
export async function openLayeredRedis(): Promise<OpenUserReader> {
  const { Loader, RedisCache } = await import('layered-loader');
  const { Redis } = await import('ioredis');
  return async (context, entries) => {
    const client = new Redis(context.redisUrl);
    const users = new Map<string, object>(entries);
    const loader = new Loader<object>({
      asyncCache: new RedisCache<object>(client, {
        json: true,
        ttlInMsecs: TTL_MS,
        prefix: context.uniqueName,
      }),
      dataSourceGetOneFn: (key) => Promise.resolve(users.get(key)),
    });
    await Promise.all([...users.keys()].map((key) => loader.get(key)));
    return {
      get: (key) => loader.get(key),
      async close() {
        await loader.invalidateCache();
        client.disconnect();
      },
    };
  };
}
