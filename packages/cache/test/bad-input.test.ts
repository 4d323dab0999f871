import { setTimeout as sleep } from 'node:timers/promises';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  type Cache,
  CacheClosedError,
  createCache,
  type Definition,
  EncodeError,
  memoryTier,
  type Strategy,
  type Tier,
  type TierLease,
  type TierRegion,
} from '@hotpath/cache';
import { postgresTier } from '@hotpath/cache/postgres';
import { redisTier } from '@hotpath/cache/redis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DoubleStore, settled, TestClock, withResolvers } from './tier-double.ts';

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => {
  unhandled.push(reason);
};

beforeEach(() => {
  process.on('unhandledRejection', onUnhandled);
});
afterEach(async () => {
  await settled();
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

type Call = (cache: Cache, rows: Definition<string>) => unknown;
const nothing = undefined as never;

test.each<[what: string, call: Call]>([
  ['cache.getMany without keys', (cache) => cache.getMany(nothing)],
  ['cache.deleteMany without keys', (cache) => cache.deleteMany(nothing)],
  ['cache.delete without a key', (cache) => cache.delete(nothing)],
  ['cache.setMany without entries', (cache) => cache.setMany(nothing)],
  ['cache.setMany of no pairs', (cache) => cache.setMany([1, 2] as never)],
  ['cache.invalidateTags without tags', (cache) => cache.invalidateTags(nothing)],
  ['cache.set of undefined', (cache) => cache.set('a', nothing)],
  ['definition.getMany without ids', (_, rows) => rows.getMany(nothing)],
  ['definition.invalidateMany without ids', (_, rows) => rows.invalidateMany(nothing)],
  ['definition.invalidatePrefix without a prefix', (_, rows) => rows.invalidatePrefix(nothing)],
  ['definition.write of undefined', (_, rows) => rows.write('a', nothing)],
  ['definition.get with a signal that is none', (_, rows) => rows.get('b', { signal: {} as never })],
  ['definition.getMany with a signal that is none', (_, rows) => rows.getMany(['b'], { signal: 5 as never })],
  ['definition.warm without ids', (_, rows) => rows.warm(nothing)],
  ['definition.warm of a number', (_, rows) => rows.warm(5 as never)],
  ['definition.warm with a signal that is none', (_, rows) => rows.warm([], { signal: {} as never })],
  ['definition.warm with a rate that is none', (_, rows) => rows.warm([], { rps: '5' as never })],
  ['redisTier without a client', () => redisTier({} as never)],
  ['redisTier with a codec that is none', () => redisTier({ client: { mget: vi.fn() }, codec: {} } as never)],
  [
    'postgresTier with a codec that is none',
    () => postgresTier({ db: { query: vi.fn() }, codec: {} } as never),
  ],
  ['a tier without a name', () => createCache({ tiers: [{ open: vi.fn() } as never] })],
])('%s is refused, and nothing is lost', async (_what, call) => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const rows = cache.define<string>({
    name: 'row',
    load: (id) => (id === 'a' ? 'old' : Promise.reject(new Error('unheard'))),
    persist: () => Promise.reject(new Error('must not be called')),
  });
  await cache.set('a', 1);
  await rows.get('a');
  await settled();
  await expect((async () => call(cache, rows))()).rejects.toThrow(ArgumentTypeError);
  await settled();
  expect(store.entries.get('hotpath::a')?.entry).toMatchObject({ value: 1 });
  expect(store.entries.get('hotpath:row@1:a')?.entry).toMatchObject({ value: 'old' });
  expect([cache.peek('a'), rows.peek('a')]).toEqual([1, 'old']);
  await cache.close();
});

test.each<[what: string, ttlMs: unknown, error: typeof ArgumentTypeError | typeof ArgumentRangeError]>([
  ['text', '300', ArgumentTypeError],
  ['nothing', undefined, ArgumentTypeError],
  ['no number', Number.NaN, ArgumentRangeError],
])('a life told as %s rejects the read, and nothing is kept', async (_what, ttlMs, error) => {
  const store = new DoubleStore();
  // Without jitter nothing is reckoned with it, and text would be put before the clock.
  const cache = createCache({ tiers: [memoryTier(), store.tier()], jitter: 0 });
  const rows = cache.define<string>({ name: 'row', load: () => 'value', ttlMs: () => ttlMs as number });
  await expect(rows.get('a')).rejects.toThrow(error);
  await settled();
  expect([rows.peek('a'), store.entries.size]).toEqual([undefined, 0]);
  await cache.close();
});

test('a life told as below zero is none, and one beyond all reckoning does not end', async () => {
  const [clock, store] = [new TestClock(), new DoubleStore()];
  store.now = clock.now;
  const cache = createCache({ tiers: [store.tier()], now: clock.now, jitter: 0 });
  const rows = cache.define<number>({ name: 'row', load: Number, ttlMs: (value) => value });
  expect([await rows.get('-1'), await rows.get('1e300')]).toEqual([-1, 1e300]);
  await settled();
  expect([...store.entries.keys()]).toEqual(['hotpath:row@1:1e300']);
  expect(store.entries.get('hotpath:row@1:1e300')?.entry?.expiresAt).toBe(Infinity);
  await cache.close();
});

test.each<[what: string, version: unknown, error: typeof ArgumentTypeError | typeof ArgumentRangeError]>([
  ['text, as a bigint comes from pg', '5', ArgumentTypeError],
  ['no number', Number.NaN, ArgumentRangeError],
  ['a fraction', 1.5, ArgumentRangeError],
])(
  'a loaded row whose version is %s rejects the read, and nothing is kept',
  async (_what, version, error) => {
    const store = new DoubleStore();
    const cache = createCache({ tiers: [memoryTier(), store.tier()] });
    const rows = cache.define<{ version: unknown }>({
      name: 'row',
      load: () => ({ version }),
      strategy: 'versioned',
      versionOf: (row) => row.version as number,
    });
    await expect(rows.get('a')).rejects.toThrow(error);
    for (const listener of store.listeners) listener.onChanged('row@1', ['b'], 2);
    await expect(rows.get('b')).rejects.toThrow(error);
    await settled();
    expect([rows.peek('a'), rows.peek('b'), store.entries.size]).toEqual([undefined, undefined, 0]);
    await cache.close();
  },
);

function answering(region: Partial<TierRegion>, lease: Partial<TierLease> = {}): Tier {
  const tier = new DoubleStore().tier();
  return {
    ...tier,
    open: (options) => {
      const opened = tier.open(options);
      return { ...opened, ...region, lease: { ...opened.lease!, ...lease } };
    },
  };
}
const answer = (value: unknown) => () => Promise.resolve(value as never);
const unopenable = (): never => {
  throw new Error('cannot be opened');
};

test.each<[what: string, tier: () => Tier]>([
  ['nothing for entries', () => answering({ getMany: answer(undefined) })],
  ['a number for entries', () => answering({ getMany: answer(5) })],
  ['null for an entry', () => answering({ getMany: answer([null, null]) })],
  ['a number for an entry', () => answering({ getMany: answer([5, 5]) })],
  ['an entry of nothing', () => answering({ getMany: answer([{}, {}]) })],
  ['what it cannot open', () => answering({ undecoded: { getMany: answer([1, 2]), open: unopenable } })],
  ['too little to open', () => answering({ undecoded: { getMany: answer([]), open: unopenable } })],
  ['nothing about the lease', () => answering({}, { acquire: answer(undefined) })],
  ['a word about the lease', () => answering({}, { acquire: answer('granted') })],
  ['a hit without an entry', () => answering({}, { acquire: answer({ kind: 'hit' }) })],
  ['nothing about a read with the lease', () => answering({}, { readOrAcquire: answer(undefined) })],
  ['nothing about a fill', () => answering({}, { fill: answer(undefined) })],
])('a tier that answers %s is no error of the read', async (_what, tier) => {
  const cache = createCache({ tiers: [memoryTier(), tier()] });
  const rows = cache.define<string>({ name: 'row', load: (id) => id });
  expect(await Promise.all([rows.get('a'), rows.get('b')])).toEqual(['a', 'b']);
  expect(await rows.get('c')).toBe('c');
  expect(await cache.get('a')).toBeUndefined();
  await cache.close();
});

test('what a tier cannot open is counted as an error of the tier', async () => {
  const tier = answering({ undecoded: { getMany: answer([1, 2]), open: unopenable } });
  await using cache = createCache({ tiers: [memoryTier(), tier] });
  expect(await cache.getMany(['a', 'b'])).toEqual([undefined, undefined]);
  expect(cache.stats().tiers[0]).toMatchObject({ errorCount: 2, corruptCount: 0 });
});

test('a warm-up whose progress cannot be told ends, and reads no more', async () => {
  const cache = createCache({ tiers: [memoryTier()] });
  const load = vi.fn((id: number) => settled().then(() => id));
  const rows = cache.define<number, number>({ name: 'row', load });
  let toldCount = 0;
  const onProgress = (): void => {
    if (toldCount++ === 0) throw new Error('no room for it');
  };
  const ids = Array.from({ length: 1000 }, (_, id) => id);
  await expect(rows.warm(ids, { concurrency: 2, onProgress })).rejects.toThrow('no room for it');
  const before = load.mock.calls.length;
  await sleep(20);
  expect(load.mock.calls.length).toBeLessThanOrEqual(before + 1);
  expect(before).toBeLessThan(10);
  await cache.close();
});

test('a value that cannot be frozen is refused, and after it was persisted nothing older is left', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const evil = {
    get row(): string {
      throw new Error('no such column');
    },
  };
  await expect(cache.set('a', evil)).rejects.toThrow(EncodeError);
  let row: object = { row: 'old' };
  const rows = cache.define<object>({
    name: 'row',
    load: () => row,
    strategy: 'writeThrough',
    persist: () => {
      row = { row: 'new' };
      return Promise.resolve();
    },
  });
  await rows.get('a');
  await settled();
  await expect(rows.write('a', evil)).rejects.toThrow(EncodeError);
  expect(await rows.get('a')).toEqual({ row: 'new' });
  await cache.close();
});

const STRATEGIES: readonly Strategy[] = [
  'lease',
  'versioned',
  'writeThrough',
  'delayedDoubleDelete',
  'writeBehind',
  'ttl',
  'lru',
];

function openWrites(strategy: Strategy, persist: () => Promise<void>) {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier({ deadlineMs: 20 })] });
  const rows = cache.define<number>({
    name: 'row',
    load: () => 1,
    strategy,
    persist,
    ...(strategy === 'versioned' ? { versionOf: Number } : {}),
  });
  return { store, cache, rows };
}

test.each(STRATEGIES)('%s: a write to a closed cache does not reach the database', async (strategy) => {
  const persist = vi.fn(() => Promise.resolve());
  const { cache, rows } = openWrites(strategy, persist);
  await cache.close();
  await expect(rows.write('a', 2)).rejects.toThrow(CacheClosedError);
  expect(persist).not.toHaveBeenCalled();
});

test.each(STRATEGIES.filter((strategy) => !['writeBehind', 'ttl', 'lru'].includes(strategy)))(
  '%s: a write that the end of the cache comes in between leaves nothing older, or says that it could not',
  async (strategy) => {
    const gates = [withResolvers(), withResolvers()];
    let writeCount = 0;
    const { store, cache, rows } = openWrites(strategy, () => gates[writeCount++]!.promise);
    await rows.get('a');
    await settled();
    const writes = [rows.write('a', 2), rows.write('b', 2)];
    await vi.waitUntil(() => writeCount === 2);
    await cache.close();
    gates[0]!.resolve();
    expect(await writes[0]).toEqual({ l2: 'done' });
    expect(store.entries.get('hotpath:row@1:a')?.entry?.value).not.toBe(1);
    store.gate = () => Promise.reject(new Error('gone'));
    gates[1]!.resolve();
    await expect(writes[1]).rejects.toThrow(CacheClosedError);
  },
);

test('a second deletion that is under way when the cache is closed is waited for, and rejects to nobody', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier({ deadlineMs: 20_000 })] });
  const rows = cache.define<number>({ name: 'row', load: () => 1, secondDeleteMs: 1 });
  await rows.invalidate('a');
  store.calls.length = 0;
  const gate = withResolvers();
  store.gate = () => gate.promise;
  await vi.waitUntil(() => store.calls.includes('deleteMany a'), { interval: 1 });
  let isClosed = false;
  const closing = cache.close().then(() => {
    isClosed = true;
  });
  for (let turn = 0; turn < 10; turn++) await settled();
  expect(isClosed).toBe(false);
  gate.reject(new Error('down'));
  await closing;
  await settled();
});
