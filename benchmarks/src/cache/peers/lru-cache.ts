import type { OpenUserReader, User } from '../users.ts';
import { TTL_MS } from '../readers.ts';

/** Synchronous. */
export async function openLruCacheGet(): Promise<OpenUserReader> {
  const { LRUCache } = await import('lru-cache');
  return (_context, entries) => {
    const cache = new LRUCache<string, User>({ max: 10_000, ttl: TTL_MS });
    for (const [key, user] of entries) cache.set(key, user);
    return { get: (key) => cache.get(key) };
  };
}

/** Its read-through, by promise. */
export async function openLruCacheFetch(): Promise<OpenUserReader> {
  const { LRUCache } = await import('lru-cache');
  return (_context, entries) => {
    const users = new Map<string, User>(entries);
    const cache = new LRUCache<string, User>({
      max: 10_000,
      ttl: TTL_MS,
      fetchMethod: (key) => users.get(key),
    });
    for (const [key, user] of entries) cache.set(key, user);
    return { get: (key) => cache.fetch(key) };
  };
}
