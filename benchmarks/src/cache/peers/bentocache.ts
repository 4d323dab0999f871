import type { OpenUserReader } from '../users.ts';

const TTL = '1h';

/** In memory, with its defaults: values are kept serialised, and each hit parses one. */
export async function openBentocacheMemory(): Promise<OpenUserReader> {
  const { BentoCache, bentostore } = await import('bentocache');
  const { memoryDriver } = await import('bentocache/drivers/memory');
  return async (context, entries) => {
    const bento = new BentoCache({
      default: 'memory',
      prefix: context.uniqueName,
      stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: 10_000 })) },
    });
    for (const [key, value] of entries) await bento.set({ key, value, ttl: TTL });
    const users = new Map<string, unknown>(entries);
    return {
      get: (key) => bento.getOrSet({ key, ttl: TTL, factory: () => users.get(key) }),
      close: () => bento.disconnectAll(),
    };
  };
}

/** On Redis alone, with its defaults. */
export async function openBentocacheRedis(): Promise<OpenUserReader> {
  const { BentoCache, bentostore } = await import('bentocache');
  const { redisDriver } = await import('bentocache/drivers/redis');
  const { Redis } = await import('ioredis');
  return async (context, entries) => {
    const client = new Redis(context.redisUrl);
    const bento = new BentoCache({
      default: 'redis',
      prefix: context.uniqueName,
      stores: { redis: bentostore().useL2Layer(redisDriver({ connection: client })) },
    });
    await Promise.all(entries.map(([key, value]) => bento.set({ key, value, ttl: TTL })));
    return {
      get: (key) => bento.get({ key }),
      async close() {
        await bento.clear();
        await bento.disconnectAll();
      },
    };
  };
}
