import { randomUUID } from 'node:crypto';
import { createCache, type CacheOptions, type Cache, memoryTier } from '@hotpath/cache';
import { tierContract } from '@hotpath/cache/contract';
import { redisTier } from '@hotpath/cache/redis';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { monitor } from './monitor.ts';
import { withResolvers } from './tier-double.ts';

const url = inject('redisUrl');

describe.skipIf(url === '')('on a real Redis', () => {
  let client: Redis;
  let namespace: string;
  const open: Cache[] = [];

  beforeAll(() => {
    client = new Redis(url);
  });
  beforeEach(() => {
    namespace = randomUUID();
    return async () => {
      await Promise.all(open.splice(0).map((cache) => cache.close()));
    };
  });
  afterAll(() => {
    client.disconnect();
  });

  /** A process of its own, as far as Redis can tell. */
  async function process(options: Partial<CacheOptions> = {}): Promise<Cache> {
    const cache = createCache({ tiers: [memoryTier(), redisTier({ client })], namespace, ...options });
    open.push(cache);
    expect(await cache.ready()).toBe(true);
    return cache;
  }

  describe('the contract of tiers', () => {
    for (const check of tierContract({ create: () => redisTier({ client }) }))
      test(check.name, () => check.run());
  });

  describe('the contract of tiers, through a client with a key prefix', () => {
    let prefixed: Redis;
    beforeAll(() => {
      prefixed = new Redis(url, { keyPrefix: 'pre*fix:' });
      return () => {
        prefixed.disconnect();
      };
    });
    const contract = tierContract({ create: () => redisTier({ client: prefixed }) });
    for (const check of contract) test(check.name, () => check.run());
  });

  test('values live an hour in Redis unless told otherwise, and the key says whose they are', async () => {
    const cache = await process({ jitter: 0 });
    await cache.set('greeting', 'hello');
    const left = await client.pttl(`${namespace}::greeting`);
    expect(left).toBeGreaterThan(3_590_000);
    expect(left).toBeLessThanOrEqual(3_600_000);
    const users = cache.define<string>({ name: 'user', version: 3, load: () => 'Ada', ttlMs: 5000 });
    await users.get('7');
    await vi.waitUntil(async () => (await client.pttl(`${namespace}:user@3:7`)) > 3000);
  });

  test('many processes miss at once and one of them loads', async () => {
    const caches = await Promise.all(Array.from({ length: 5 }, () => process()));
    const gate = withResolvers();
    const load = vi.fn(async () => {
      await gate.promise;
      return { name: 'Ada' };
    });
    const users = caches.map((cache) => cache.define<{ name: string }>({ name: 'user', load }));
    const reads = users.flatMap((each) => Array.from({ length: 200 }, () => each.get('7')));
    await vi.waitUntil(
      () => caches.filter((cache) => cache.stats().regions[1]!.leaseWaitCount > 0).length === 4,
    );
    gate.resolve();
    const names = await Promise.all(reads);
    expect(new Set(names.map((user) => user?.name))).toEqual(new Set(['Ada']));
    expect(load).toHaveBeenCalledOnce();
  });

  test('a lease whose holder died lapses, and another loads', async () => {
    const cache = await process();
    await client.set(`${namespace}:user@1:7`, 'L9999999999999,somebody-dead;', 'PX', 100);
    const users = cache.define<string>({ name: 'user', load: () => 'Ada' });
    expect(await users.get('7')).toBe('Ada');
    expect(cache.stats().regions[1]!.leaseWaitCount).toBeGreaterThan(0);
  });

  test('versioned: a replica that lags behind is not believed after an invalidation', async () => {
    const primary = new Map([['7', { name: 'old', version: 1 }]]);
    let replica = new Map(primary);
    const options = {
      name: 'user',
      strategy: 'versioned',
      versionOf: (user: { version: number }) => user.version,
      load: (id: string, { minVersion }: { minVersion: number | undefined }) => {
        const user = replica.get(id);
        return minVersion !== undefined && (user?.version ?? 0) < minVersion ? primary.get(id) : user;
      },
    } as const;
    const users = (await Promise.all([process(), process()])).map((cache) =>
      cache.define<{ name: string; version: number }>(options),
    );
    for (const each of users) expect((await each.get('7'))?.name).toBe('old');
    primary.set('7', { name: 'new', version: 2 });
    expect(await users[0]!.invalidate('7', { version: 2 })).toEqual({ l2: 'done' });
    expect((await users[0]!.get('7'))?.name).toBe('new');
    await vi.waitUntil(() => users[1]!.peek('7') === undefined);
    expect((await users[1]!.get('7'))?.name).toBe('new');
    replica = new Map(primary);
    primary.set('7', { name: 'newer', version: 3 });
    expect(await users[1]!.write('7', { name: 'newer', version: 3 })).toEqual({ l2: 'done' });
    expect((await users[1]!.get('7'))?.name).toBe('newer');
  });

  test('a loader that throws gives its lease back at once', async () => {
    const cache = await process();
    let fails = true;
    const users = cache.define<string>({
      name: 'user',
      leaseMs: 60_000,
      load: () => (fails ? Promise.reject(new Error('gone')) : 'Ada'),
    });
    await expect(users.get('7')).rejects.toThrow('gone');
    fails = false;
    expect(await users.get('7')).toBe('Ada');
  });

  test('a loader that throws, for those in another process who wait: its error, after one call', async () => {
    const patient = (): Promise<Cache> =>
      process({ tiers: [memoryTier(), redisTier({ client, deadlineMs: 5000 })] });
    const [holder, waiter] = [await patient(), await patient()];
    const gate = withResolvers();
    const load = vi.fn(async () => {
      await gate.promise;
      throw Object.assign(new RangeError('the database; is gone'), { code: 'EGONE' });
    });
    const options = { name: 'user', load };
    const [one, other] = [holder.define<string>(options), waiter.define<string>(options)];
    const first = one.get('7');
    await vi.waitFor(() => {
      expect(load).toHaveBeenCalled();
    });
    const second = other.get('7');
    await vi.waitFor(() => {
      expect(waiter.stats().regions[1]!.leaseWaitCount).toBeGreaterThan(0);
    });
    const failed = Promise.allSettled([first, second]);
    gate.resolve();
    const [own, remote] = await failed;
    expect(own).toMatchObject({ reason: { name: 'RangeError', message: 'the database; is gone' } });
    expect(remote).toMatchObject({
      reason: {
        code: 'ERR_HOTPATH_CACHE_REMOTE_LOAD',
        message: 'the loader failed in another process: RangeError: the database; is gone',
        cause: { name: 'RangeError', message: 'the database; is gone', code: 'EGONE' },
      },
    });
    expect(load).toHaveBeenCalledTimes(1);
    // Who asks after it was told asks the loader.
    await expect(other.get('7')).rejects.toThrow('the database; is gone');
    expect(load).toHaveBeenCalledTimes(2);
  });

  test('no stale set: a value loaded before an invalidation elsewhere is stored nowhere', async () => {
    const [slow, fast, fresh] = [await process(), await process(), await process()];
    let row = 'old';
    const gate = withResolvers();
    const loading = withResolvers();
    const slowUsers = slow.define<string>({
      name: 'user',
      load: async () => {
        const read = row;
        loading.resolve();
        await gate.promise;
        return read;
      },
    });
    const fastUsers = fast.define<string>({ name: 'user', load: () => row });
    const reading = slowUsers.get('7');
    await loading.promise;
    row = 'new';
    expect(await fastUsers.invalidate('7')).toEqual({ l2: 'done' });
    gate.resolve();
    expect(await reading).toBe('old');
    await vi.waitUntil(() => slow.stats().regions[1]!.flightCount === 0);
    expect(await fresh.define<string>({ name: 'user', load: () => row }).get('7')).toBe('new');
    expect(await slowUsers.get('7')).toBe('new');
  });

  test('a thousand random stale-set races leave no stale value', async () => {
    const [one, two] = [await process(), await process()];
    const rows = new Map<string, number>();
    const load = async (id: string): Promise<number> => {
      const read = rows.get(id) ?? 0;
      await new Promise(setImmediate);
      return read;
    };
    const [reader, writer] = [one, two].map((cache) => cache.define<number>({ name: 'row', load }));
    let stale = 0;
    await Promise.all(
      Array.from({ length: 1000 }, async (_, index) => {
        const id = `${index % 100}`;
        const reading = reader!.get(id);
        rows.set(id, (rows.get(id) ?? 0) + 1);
        await writer!.invalidate(id);
        await reading;
      }),
    );
    await vi.waitUntil(() => one.stats().regions[1]!.flightCount + two.stats().regions[1]!.flightCount === 0);
    // A message of the last invalidations may still be on its way to the reader.
    await client.ping();
    await one.set('fence', 1);
    for (const [id, version] of rows) {
      await vi
        .waitUntil(async () => (await reader!.get(id)) === version, { timeout: 1000 })
        .catch(() => stale++);
    }
    expect(stale).toBe(0);
  });

  test('an invalidation reaches the memory of the other processes, and so does a write and a clearing', async () => {
    const [one, two] = [await process(), await process()];
    await one.set('a', 1);
    expect(await two.get('a')).toBe(1);
    expect(two.peek('a')).toBe(1);
    await one.set('a', 2);
    await vi.waitUntil(() => two.peek('a') === undefined);
    expect(await two.get('a')).toBe(2);
    await one.delete('a');
    await vi.waitUntil(() => two.peek('a') === undefined);
    expect(await two.get('a')).toBeUndefined();
    await one.set('b', 1);
    expect(await two.get('b')).toBe(1);
    await one.clear();
    await vi.waitUntil(() => two.peek('b') === undefined);
    expect(await two.get('b')).toBeUndefined();
  });

  test('clearing takes this namespace and no other, however many keys there are', async () => {
    const cache = await process();
    await client.set(`${namespace}x::other`, 1, 'PX', 60_000);
    await cache.setMany(Array.from({ length: 3000 }, (_, index) => [`${index}`, index]));
    expect(await cache.clear()).toEqual({ l2: 'done' });
    expect(await client.exists(`${namespace}::0`, `${namespace}::2999`)).toBe(0);
    expect(await client.exists(`${namespace}x::other`)).toBe(1);
  });

  test('what is not ours to read is a miss, is counted, and is replaced', async () => {
    // A read that is given up fills nothing.
    const tier = redisTier({ client, deadlineMs: 5000 });
    const cache = await process({ tiers: [tier] });
    const users = cache.define<string>({ name: 'user', load: () => 'Ada' });
    for (const [id, garbage] of Object.entries({
      a: 'plain',
      b: 'Vzz;not json',
      c: 'V;',
      d: 'V!!;1',
      e: '',
      f: 'Granted',
      g: 'Gz,z,z;',
      h: 'Failed',
      i: 'Late, or not;',
    })) {
      await client.set(`${namespace}:user@1:${id}`, garbage);
      expect(await users.get(id)).toBe('Ada');
      await vi.waitUntil(async () =>
        /^V.*"Ada"$/.test((await client.get(`${namespace}:user@1:${id}`)) ?? ''),
      );
    }
    expect(tier.corruptCount).toBeGreaterThanOrEqual(9);
    await client.lpush(`${namespace}:user@1:list`, 'x');
    expect(await users.get('list')).toBe('Ada');
  });

  test('forgotten scripts are sent again', async () => {
    const cache = await process();
    const users = cache.define<string>({ name: 'user', load: (id) => id });
    await users.get('a');
    await client.script('FLUSH');
    expect(await users.get('b')).toBe('b');
    await vi.waitUntil(async () => (await client.get(`${namespace}:user@1:b`))?.startsWith('V') === true);
    expect(cache.stats().tiers[0]!.errorCount).toBe(0);
  });

  test('hits are MGET and nothing else', async () => {
    const cache = await process({ tiers: [redisTier({ client })] });
    await cache.setMany([
      ['a', 1],
      ['b', 2],
    ]);
    using seen = await monitor(client);
    expect(await Promise.all([cache.get('a'), cache.get('b'), cache.get('a')])).toEqual([1, 2, 1]);
    const ours = await vi.waitUntil(() => {
      const commands = seen.commands.filter((args) => args.some((arg) => arg.includes(namespace)));
      return commands.length > 0 && commands;
    });
    expect(ours).toEqual([['mget', `${namespace}::a`, `${namespace}::b`]]);
  });
});
