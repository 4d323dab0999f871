import { TTL_MS } from '../readers.ts';
import type { OpenUserReader } from '../users.ts';

const TTL_S = TTL_MS / 1000;

/** In memory, with room for all users. */
export async function openDedupeMemory(): Promise<OpenUserReader> {
  const { createCache } = await import('async-cache-dedupe');
  return async (_context, entries) => {
    const users = new Map<string, unknown>(entries);
    const cache = createCache({ ttl: TTL_S, storage: { type: 'memory', options: { size: 10_000 } } }).define(
      'user',
      (key: string) => users.get(key),
    );
    for (const key of users.keys()) await cache.user(key);
    return { get: (key) => cache.user(key) };
  };
}

/** On Redis, its only level then. */
export async function openDedupeRedis(): Promise<OpenUserReader> {
  const { createCache } = await import('async-cache-dedupe');
  const { Redis } = await import('ioredis');
  return async (context, entries) => {
    const client = new Redis(context.redisUrl);
    const users = new Map<string, unknown>(entries);
    const name = `${context.uniqueName}-user`;
    const cache = createCache({ ttl: TTL_S, storage: { type: 'redis', options: { client } } }).define(
      name,
      (key: string) => users.get(key),
    );
    const read = cache[name]!;
    await Promise.all([...users.keys()].map((key) => read(key)));
    return {
      get: (key) => read(key),
      async close() {
        await cache.clear(name);
        client.disconnect();
      },
    };
  };
}
