import type { OpenUserReader } from '../users.ts';
import { TTL_MS } from '../readers.ts';

/** In memory (Keyv on a Map, its default store), read through as we are. */
export async function openCacheManager(): Promise<OpenUserReader> {
  const { createCache } = await import('cache-manager');
  return async (_context, entries) => {
    const cache = createCache({ ttl: TTL_MS });
    for (const [key, user] of entries) await cache.set(key, user);
    const users = new Map<string, unknown>(entries);
    return {
      get: (key) => cache.wrap(key, () => users.get(key)),
      close: async () => {
        await cache.disconnect();
      },
    };
  };
}
