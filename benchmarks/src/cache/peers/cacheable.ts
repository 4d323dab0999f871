import { TTL_MS } from '../readers.ts';
import type { OpenUserReader } from '../users.ts';

/** In memory, its default store, read through as we are. */
export async function openCacheable(): Promise<OpenUserReader> {
  const { Cacheable } = await import('cacheable');
  return async (_context, entries) => {
    const cache = new Cacheable({ ttl: TTL_MS });
    for (const [key, user] of entries) await cache.set(key, user);
    const users = new Map<string, unknown>(entries);
    return {
      get: (key) => cache.getOrSet(key, () => Promise.resolve(users.get(key))),
      close: () => cache.disconnect(),
    };
  };
}
