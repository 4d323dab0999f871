/** The caches of row versions that a history is made with. */

import { nowMs, type Reach, type Records, type WorkerPlan } from './protocol.ts';

/** A cache of row versions. */
export interface Rows {
  readonly read: (key: number) => Promise<number>;
  /** After a write. @returns whom it is to hold for. */
  readonly invalidate: (key: number, version: number) => Promise<Reach>;
  readonly close: () => Promise<void>;
}

/** What the database answers. */
export type Ask = (kind: 'load' | 'loadPrimary' | 'write', key: number) => Promise<number>;

/** The modes of ours. `records` is asked for anew at each record: those that were reported are gone. */
export async function openOurs(plan: WorkerPlan, ask: Ask, records: () => Records): Promise<Rows> {
  const { redisUrl, namespace, mode, capMs, dropOneIn } = plan;
  const { createCache, memoryTier } = await import('@hotpath/cache');
  const { redisTier } = await import('@hotpath/cache/redis');
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl);
  client.on('error', () => {
    // Faults are what this is about.
  });
  const redis = redisTier({ client });
  let heardCount = 0;
  const cache = createCache({
    tiers: [
      memoryTier(),
      {
        name: redis.name,
        deadlineMs: redis.deadlineMs,
        open: (region) => redis.open(region),
        available: () => redis.available(),
        // Notes what is heard, before the cache hears it.
        subscribe: (listener) =>
          redis.subscribe({
            ...listener,
            onChanged: (region, keys, version) => {
              if (dropOneIn > 0 && ++heardCount % dropOneIn === 0) return;
              noteHeard(records(), keys ?? [], version);
              listener.onChanged(region, keys, version);
            },
            onUp: () => {
              records().bus.push([nowMs(), true]);
              listener.onUp();
            },
            onDown: () => {
              records().bus.push([nowMs(), false]);
              listener.onDown();
            },
          }),
      },
    ],
    namespace,
    disconnectedTtlMs: mode === 'told' ? capMs : 0,
  });
  const rows = cache.define<number>({
    name: 'row',
    // A replica may be behind what nobody could say: the primary is not.
    load: (id, { unverified }) => ask(unverified ? 'loadPrimary' : 'load', Number(id)),
    ttlMs: 60_000,
    leaseMs: 300,
    ...(mode === 'versioned' ? { strategy: 'versioned', versionOf: (version: number) => version } : {}),
  });
  await cache.ready();
  return {
    read: async (key) => (await rows.get(`${key}`)) ?? 0,
    async invalidate(key, version) {
      if (mode === 'versioned') {
        const { l2 } = await rows.invalidate(`${key}`, { version, confirm: 'all' });
        return l2 === 'done' ? 'all' : 'own';
      }
      // The second key is no row: with it the message says which version it is about.
      const ids = [`${key}`, `${key}#${version}`];
      const { l2 } = await rows.invalidateMany(ids, mode === 'ours' ? { confirm: 'all' } : {});
      if (l2 === 'queued') return 'own';
      return mode === 'ours' ? 'all' : 'told';
    },
    async close() {
      await cache.close();
      client.disconnect();
    },
  };
}

function noteHeard({ heard }: Records, keys: readonly string[], version: number | undefined): void {
  const at = nowMs();
  for (const name of keys) {
    const [key, marked] = name.split('#');
    const about = version ?? marked;
    if (about !== undefined) heard.push([at, Number(key), Number(about)]);
  }
}

export async function openNaive({ redisUrl, namespace }: WorkerPlan, ask: Ask): Promise<Rows> {
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl, { commandTimeout: 50, maxRetriesPerRequest: 0 });
  client.on('error', () => {
    // As above; each command has its own.
  });
  const nameOf = (key: number): string => `${namespace}:naive:${key}`;
  return {
    async read(key) {
      const found = await client.get(nameOf(key)).catch(() => null);
      if (found !== null) return Number(found);
      const version = await ask('load', key);
      await client.set(nameOf(key), version, 'PX', 60_000).catch(() => null);
      return version;
    },
    invalidate: (key) =>
      client.del(nameOf(key)).then(
        () => 'all',
        () => 'own',
      ),
    close() {
      client.disconnect();
      return Promise.resolve();
    },
  };
}
