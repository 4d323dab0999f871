import { once } from 'node:events';
import type { OpenUserReader, UserReader } from './users.ts';

/** Longer than any run, so that nothing expires under the clock. */
export const TTL_MS = 3_600_000;

/** Of ours; peers wait for ever. The default of 50 ms can pass while a machine that is busy stores all users. */
const DEADLINE_MS = 2000;

/** The guide's baseline: the value is in the database, behind a pool of the guide's size. */
export async function database(): Promise<OpenUserReader> {
  const { default: pg } = await import('pg');
  const { postgresTier } = await import('@hotpath/cache/postgres');
  return async (context, entries) => {
    const pool = new pg.Pool({ connectionString: context.postgresUrl, min: 5, max: 20 });
    const table = `cache_table_${context.uniqueName}`;
    await pool.query(postgresTier.migration(table));
    await pool.query(
      `INSERT INTO ${table} (key, value, expires_at)
       SELECT key, value, now() + interval '1 hour' FROM unnest($1::text[], $2::text[]) AS u (key, value)`,
      [entries.map(([key]) => key), entries.map(([, user]) => JSON.stringify(user))],
    );
    await pool.query(`ANALYZE ${table}`);
    const text = `SELECT value FROM ${table} WHERE key = $1`;
    return {
      async get(key) {
        const { rows } = await pool.query<{ value: string }>(text, [key]);
        return JSON.parse(rows[0]!.value) as unknown;
      },
      async close() {
        await pool.query(`DROP TABLE ${table}`);
        await pool.end();
      },
    };
  };
}

/** Redis as one would use it by hand. */
export async function plainRedis(): Promise<OpenUserReader> {
  const { Redis } = await import('ioredis');
  return async (context, entries) => {
    const client = new Redis(context.redisUrl);
    const keys = entries.map(([key]) => `${context.uniqueName}:${key}`);
    const pipeline = client.pipeline();
    for (const [index, [, user]] of entries.entries()) {
      pipeline.set(keys[index]!, JSON.stringify(user), 'PX', TTL_MS);
    }
    await pipeline.exec();
    const prefix = `${context.uniqueName}:`;
    return {
      async get(key) {
        return JSON.parse((await client.get(prefix + key))!) as unknown;
      },
      async close() {
        await client.del(keys);
        client.disconnect();
      },
    };
  };
}

/** Our Redis level by itself: every read is a hit there. */
export async function ourRedis(): Promise<OpenUserReader> {
  const { createCache } = await import('@hotpath/cache');
  const { redisTier } = await import('@hotpath/cache/redis');
  const { Redis } = await import('ioredis');
  return async (context, entries) => {
    const client = new Redis(context.redisUrl);
    const cache = createCache({
      tiers: [redisTier({ client, deadlineMs: DEADLINE_MS })],
      namespace: context.uniqueName,
    });
    await once(client, 'ready');
    const { l2 } = await cache.setMany(entries, { ttlMs: TTL_MS });
    if (l2 !== 'done') throw new Error('Redis did not take the users within the deadline');
    return {
      get: (key) => cache.get(key),
      async close() {
        await cache.clear();
        await cache.close();
        client.disconnect();
      },
    };
  };
}

interface OurUsers {
  readonly peek: (key: string) => unknown;
  readonly get: (key: string) => unknown;
  readonly close: () => Promise<void>;
}

async function ourDefinition(
  context: Parameters<OpenUserReader>[0],
  entries: Parameters<OpenUserReader>[1],
  withRedis: boolean,
): Promise<OurUsers> {
  const { createCache, memoryTier } = await import('@hotpath/cache');
  const memory = memoryTier({ maxTtlMs: TTL_MS });
  const users = new Map<string, unknown>(entries);
  const load = (key: string): unknown => users.get(key);
  if (!withRedis) {
    const cache = createCache({ tiers: [memory], namespace: context.uniqueName });
    const definition = cache.define({ name: 'users', load, ttlMs: TTL_MS });
    await definition.getMany([...users.keys()]);
    return {
      peek: (key) => definition.peek(key),
      get: (key) => definition.get(key),
      close: () => cache.close(),
    };
  }
  const { redisTier } = await import('@hotpath/cache/redis');
  const { Redis } = await import('ioredis');
  const client = new Redis(context.redisUrl);
  const cache = createCache({
    tiers: [memory, redisTier({ client, deadlineMs: DEADLINE_MS })],
    namespace: context.uniqueName,
  });
  await cache.ready();
  const definition = cache.define({ name: 'users', load, ttlMs: TTL_MS });
  await definition.getMany([...users.keys()]);
  return {
    peek: (key) => definition.peek(key),
    get: (key) => definition.get(key),
    async close() {
      await cache.clear();
      await cache.close();
      client.disconnect();
    },
  };
}

/** Memory over Redis, every read a hit in memory, by promise. */
export function ourGet(withRedis: boolean): () => OpenUserReader {
  return () =>
    async (context, entries): Promise<UserReader> => {
      const { get, close } = await ourDefinition(context, entries, withRedis);
      return { get, close };
    };
}

/** As {@link ourGet}, synchronous. */
export function ourPeek(withRedis: boolean): () => OpenUserReader {
  return () =>
    async (context, entries): Promise<UserReader> => {
      const { peek, close } = await ourDefinition(context, entries, withRedis);
      return { get: peek, close };
    };
}

/** What a look-up costs at the very least. */
export function map(): OpenUserReader {
  return (_context, entries) => {
    const users = new Map<string, unknown>(entries);
    return { get: (key) => users.get(key) };
  };
}
