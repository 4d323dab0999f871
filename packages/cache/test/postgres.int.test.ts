import { createCache, memoryTier } from '@hotpath/cache';
import { tierContract } from '@hotpath/cache/contract';
import { postgresTier } from '@hotpath/cache/postgres';
import { redisTier } from '@hotpath/cache/redis';
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { createDatabase, type FreshDatabase } from '../../../benchmarks/dist/services/index.js';
import { withResolvers } from './tier-double.ts';

const url = inject('postgresUrl');
const redisUrl = inject('redisUrl');

describe.skipIf(url === '')('on a real Postgres', () => {
  let database: FreshDatabase;
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await createDatabase(url);
    pool = new pg.Pool({ connectionString: database.url, max: 5 });
    await pool.query(postgresTier.migration());
  });
  afterAll(async () => {
    await pool?.end();
    await database?.drop();
  });

  describe('the contract of tiers', () => {
    for (const check of tierContract({ create: () => postgresTier({ db: pool }) }))
      test(check.name, () => check.run());
  });

  const HOUR_MS = 3_600_000;

  describe.each([
    ['ahead', HOUR_MS],
    ['behind', -HOUR_MS],
  ])('the contract of tiers, by a clock an hour %s', (_name, skewMs) => {
    const now = (): number => Date.now() + skewMs;
    for (const check of tierContract({ create: () => postgresTier({ db: pool }), now }))
      test.concurrent(check.name, () => check.run());
  });

  test('processes whose clocks are two hours apart agree on what is left of a life, and none adds to it', async () => {
    const namespace = 'skewed';
    // They stand still, so that what is left cannot be more for the time that the test takes.
    const [ahead, behind] = [HOUR_MS, -HOUR_MS].map((skewMs) => {
      const at = Date.now() + skewMs;
      return createCache({
        tiers: [memoryTier(), postgresTier({ db: pool })],
        namespace,
        now: () => at,
        jitter: 0,
      });
    }) as [ReturnType<typeof createCache>, ReturnType<typeof createCache>];
    for (const [writer, reader] of [
      [ahead, behind],
      [behind, ahead],
    ] as const) {
      await writer.set('a', 1, { ttlMs: 50_000 });
      await reader.clear();
      await writer.set('a', 2, { ttlMs: 50_000 });
      expect(await reader.get('a')).toBe(2);
      const { levels } = await reader.explain('a');
      expect(levels.map(({ level, state }) => [level, state])).toEqual([
        ['memory', 'fresh'],
        ['postgres', 'fresh'],
      ]);
      for (const { expiresInMs } of levels) expect(expiresInMs).toBeLessThanOrEqual(50_000);
      await Promise.all([writer.clear(), reader.clear()]);
    }
  });

  test.each(['setMany', 'fill'] as const)(
    'a %s that waits for a locked row adds nothing to the life',
    async (how) => {
      const at = Date.now() + HOUR_MS;
      const prefix = `locked-${how}:`;
      const region = postgresTier({ db: pool }).open({
        name: how,
        namespace: 'locked',
        origin: 'test',
        prefix,
        clock: { now: () => at },
      });
      const write = () => ({ key: 'a', value: 1, expiresAt: at + 50_000, freshUntil: at + 40_000 });
      let token = '';
      if (how === 'fill') {
        const answer = await region.lease!.acquire('a', 60_000);
        if (answer.kind === 'granted') ({ token } = answer);
      } else await region.setMany([write()]);
      const locker = await pool.connect();
      try {
        await locker.query('BEGIN');
        await locker.query('SELECT FROM cache_table WHERE key = $1 FOR UPDATE', [`${prefix}a`]);
        const written = how === 'fill' ? region.lease!.fill(write(), token) : region.setMany([write()]);
        await vi.waitUntil(async () => {
          const { rows } = await pool.query<{ waiting: boolean }>(
            `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock') AS waiting`,
          );
          return rows[0]!.waiting;
        });
        const { rows } = await locker.query<{ freed: string }>('SELECT clock_timestamp()::text AS freed');
        await locker.query('COMMIT');
        expect(await written).not.toBe(false);
        const { rows: lives } = await pool.query(
          `SELECT expires_at < $2::timestamptz + interval '50 s' AS expires, fresh_until < $2::timestamptz + interval '40 s' AS fresh
         FROM cache_table WHERE key = $1`,
          [`${prefix}a`, rows[0]!.freed],
        );
        expect(lives).toEqual([{ expires: true, fresh: true }]);
      } finally {
        await locker.query('ROLLBACK');
        locker.release();
      }
    },
  );

  test('the migration may be run again, and takes a schema', async () => {
    await pool.query(postgresTier.migration());
    await pool.query('CREATE SCHEMA "Other"');
    await pool.query(postgresTier.migration('Other.my_cache'));
    await pool.query(postgresTier.migration('Other.my_cache'));
    const cache = createCache({ tiers: [postgresTier({ db: pool, table: 'Other.my_cache' })] });
    await cache.set('a', 1);
    expect(await cache.get('a')).toBe(1);
    expect(() => postgresTier.migration('a"; DROP TABLE users')).toThrow(RangeError);
  });

  test('the guide’s own query finds the value', async () => {
    const cache = createCache({ tiers: [postgresTier({ db: pool })], namespace: 'guide' });
    await cache.set('a', { n: 1 });
    const { rows } = await pool.query('SELECT value FROM cache_table WHERE key = $1', ['guide::a']);
    expect(rows).toEqual([{ value: '{"n":1}' }]);
  });

  test('sweeping takes what has expired, up to the limit, and nothing else', async () => {
    const tier = postgresTier({ db: pool });
    await tier.sweep();
    const cache = createCache({ tiers: [tier], namespace: 'swept' });
    await cache.setMany(
      Array.from({ length: 5 }, (_, i) => [`short${i}`, i]),
      { ttlMs: 1 },
    );
    await cache.set('long', 1);
    await cache.set('eternal', 1, { ttlMs: Infinity });
    await pool.query('SELECT pg_sleep(0.01)');
    expect([await tier.sweep(3), await tier.sweep(), await tier.sweep()]).toEqual([3, 2, 0]);
    expect(await cache.getMany(['long', 'eternal'])).toEqual([1, 1]);
  });

  test('one load for all processes without a Redis, too', async () => {
    const load = vi.fn(async () => {
      await pool.query('SELECT pg_sleep(0.05)');
      return 'value';
    });
    const definitions = Array.from({ length: 4 }, () =>
      createCache({ tiers: [postgresTier({ db: pool })], namespace: 'lease' }).define<string>({
        name: 'd',
        load,
      }),
    );
    expect(await Promise.all(definitions.map((each) => each.get('a')))).toEqual(
      Array.from({ length: 4 }, () => 'value'),
    );
    expect(load).toHaveBeenCalledOnce();
  });

  test('a loader that throws, for those in other processes who wait: its error, after one call', async () => {
    const fails = withResolvers();
    const load = vi.fn(async (): Promise<string> => {
      await fails.promise;
      throw Object.assign(new Error('the database is gone'), { code: 'EGONE' });
    });
    const caches = Array.from({ length: 3 }, () =>
      createCache({ tiers: [postgresTier({ db: pool, deadlineMs: 10_000 })], namespace: 'failing' }),
    );
    const reads = caches.map((cache) => cache.define<string>({ name: 'd', load }).get('a'));
    const outcomes = Promise.allSettled(reads);
    await vi.waitUntil(
      () => caches.filter((cache) => cache.stats().regions[1]!.leaseWaitCount > 0).length === 2,
    );
    fails.resolve();
    const codes = (await outcomes).map((outcome) => outcome.status === 'rejected' && outcome.reason.code);
    expect(codes.filter((code) => code === 'EGONE')).toHaveLength(1);
    expect(codes.filter((code) => code === 'ERR_HOTPATH_CACHE_REMOTE_LOAD')).toHaveLength(2);
    expect(load).toHaveBeenCalledOnce();
  });

  test('a prefix of any characters takes what begins with it, and is done', async () => {
    const cache = createCache({ tiers: [memoryTier(), postgresTier({ db: pool })], namespace: 'prefixed' });
    let generation = 1;
    const rows = cache.define<number>({ name: 'row', load: () => generation });
    const prefixes = [
      '\0',
      'a\0',
      '~',
      '~a',
      '\uD83D',
      '\u{1F600}',
      '\uD7FF',
      '\uFFFF',
      '\u{103FF}',
      '\u{10FFFF}',
      '%',
      '_',
    ];
    for (const prefix of prefixes) {
      await rows.get('other');
      expect(await rows.get(`${prefix}\uDE00b`)).toBe(generation);
      await vi.waitUntil(() => cache.stats().regions[1]!.flightCount === 0);
      generation++;
      expect(await rows.invalidatePrefix(prefix)).toEqual({ l2: 'done' });
      expect([prefix, await rows.get(`${prefix}\uDE00b`)]).toEqual([prefix, generation]);
    }
    expect(await rows.get('other')).toBeLessThan(generation);
  });

  test('without its table the cache goes on, and says so in its statistics', async () => {
    const cache = createCache({ tiers: [memoryTier(), postgresTier({ db: pool, table: 'missing' })] });
    const definition = cache.define<string>({ name: 'd', load: (id) => id });
    expect(await definition.get('a')).toBe('a');
    expect(cache.stats().tiers[0]!.errorCount).toBeGreaterThan(0);
    expect(await definition.invalidate('a')).toEqual({ l2: 'queued' });
    await cache.close();
  });

  test.skipIf(redisUrl === '')(
    'memory, Redis and Postgres fill from below and are emptied together',
    async () => {
      const client = new Redis(redisUrl);
      const namespace = randomUUID();
      const open = () =>
        createCache({
          tiers: [memoryTier(), redisTier({ client, deadlineMs: 5000 }), postgresTier({ db: pool })],
          namespace,
        });
      const [one, two] = [open(), open()];
      try {
        await Promise.all([one.ready(), two.ready()]);
        await one.set('a', { n: 1 }, { ttlMs: 60_000 });
        await client.del(`${namespace}::a`);
        expect(await two.get('a')).toEqual({ n: 1 });
        expect(two.stats().regions[0]!.tierHitCounts).toEqual({ redis: 0, postgres: 1 });
        await vi.waitUntil(async () => (await client.get(`${namespace}::a`))?.startsWith('V') === true);
        const left = await client.pttl(`${namespace}::a`);
        expect(left).toBeGreaterThan(0);
        expect(left).toBeLessThanOrEqual(60_000);
        expect(await one.delete('a')).toEqual({ l2: 'done' });
        await vi.waitUntil(() => two.peek('a') === undefined);
        expect(await two.get('a')).toBeUndefined();
        const { rowCount } = await pool.query('SELECT FROM cache_table WHERE key = $1', [`${namespace}::a`]);
        expect(rowCount).toBe(0);
      } finally {
        await Promise.all([one.close(), two.close()]);
        client.disconnect();
      }
    },
  );
});
