/** Ways to read through a cache to a loader. */

/** Where a reader finds its Redis, and what keeps its keys apart. */
export interface ReaderPlace {
  readonly redisUrl: string;
  readonly uniqueName: string;
}

/** One process's way to read through. */
export interface Reader {
  readonly get: (key: string) => Promise<unknown>;
  /** How often a read has waited for the load of another process, where that is known. */
  readonly waitCount?: () => number;
  readonly close: () => Promise<void>;
}

export type Load = (key: string) => Promise<unknown>;
export type OpenReader = (place: ReaderPlace, load: Load) => Promise<Reader>;

export const byHand: OpenReader = async ({ redisUrl, uniqueName }, load) => {
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl);
  return {
    async get(key) {
      const name = `${uniqueName}:${key}`;
      const found = await client.get(name);
      if (found !== null) return JSON.parse(found) as unknown;
      const value = await load(key);
      await client.set(name, JSON.stringify(value), 'PX', 60_000);
      return value;
    },
    close() {
      client.disconnect();
      return Promise.resolve();
    },
  };
};

export const ours: OpenReader = async ({ redisUrl, uniqueName }, load) => {
  const { createCache, memoryTier } = await import('@hotpath/cache');
  const { redisTier } = await import('@hotpath/cache/redis');
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl);
  const cache = createCache({
    tiers: [memoryTier(), redisTier({ client, deadlineMs: 2000 })],
    namespace: uniqueName,
  });
  await cache.ready();
  const rows = cache.define<unknown>({ name: 'row', load });
  return {
    get: (key) => rows.get(key),
    waitCount: () => cache.stats().regions.reduce((sum, { leaseWaitCount }) => sum + leaseWaitCount, 0),
    async close() {
      await cache.close();
      client.disconnect();
    },
  };
};

export const bentocache: OpenReader = async ({ redisUrl, uniqueName }, load) => {
  const { BentoCache, bentostore } = await import('bentocache');
  const { memoryDriver } = await import('bentocache/drivers/memory');
  const { redisDriver } = await import('bentocache/drivers/redis');
  const { Redis } = await import('ioredis');
  const bento = new BentoCache({
    default: 'two',
    prefix: uniqueName,
    stores: {
      two: bentostore()
        .useL1Layer(memoryDriver({ maxItems: 10_000 }))
        .useL2Layer(redisDriver({ connection: new Redis(redisUrl) })),
    },
  });
  return {
    get: (key) => bento.getOrSet({ key, ttl: '1m', factory: () => load(key) }),
    close: () => bento.disconnectAll(),
  };
};

export const dedupe: OpenReader = async ({ redisUrl, uniqueName }, load) => {
  const { createCache } = await import('async-cache-dedupe');
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl);
  const name = `${uniqueName}-row`;
  const cache = createCache({ ttl: 60, storage: { type: 'redis', options: { client } } }).define(name, load);
  return {
    get: (key) => cache[name]!(key),
    close() {
      client.disconnect();
      return Promise.resolve();
    },
  };
};

export type Way = 'naive' | 'ours' | 'bentocache' | 'async-cache-dedupe';

export const WAYS: Readonly<Record<Way, OpenReader>> = {
  naive: byHand,
  ours,
  bentocache,
  'async-cache-dedupe': dedupe,
};
