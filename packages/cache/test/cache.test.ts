import { AsyncLocalStorage } from 'node:async_hooks';
import {
  ArgumentTypeError,
  CacheClosedError,
  createCache,
  DuplicateDefinitionError,
  LoadManyContractError,
  LoadTimeoutError,
  memoryTier,
  type RegionOptions,
  type TierEntry,
  type TierRegion,
} from '@hotpath/cache';
import { expect, test, vi } from 'vitest';
import { DoubleStore, settled, TestClock, withResolvers } from './tier-double.ts';

test('plain keys are set, read, tested for, deleted and cleared', async () => {
  const cache = createCache({ tiers: [memoryTier(), new DoubleStore().tier()] });
  expect(await cache.set('a', { n: 1 })).toEqual({ l2: 'done' });
  await cache.setMany(
    new Map<string, unknown>([
      ['b', 2],
      ['c', 3],
    ]),
  );
  expect(await cache.getMany(['a', 'x', 'c'])).toEqual([{ n: 1 }, undefined, 3]);
  expect([await cache.has('b'), await cache.has('x')]).toEqual([true, false]);
  expect(await cache.delete('b')).toEqual({ l2: 'done' });
  expect(await cache.has('b')).toBe(false);
  await cache.clear();
  expect(await cache.getMany(['a', 'b', 'c'])).toEqual([undefined, undefined, undefined]);
});

test.each([null, 0, '', false, Number.NaN])('%s is a value: one load, then hits', async (value) => {
  const load = vi.fn(() => value);
  const cache = createCache({ tiers: [memoryTier(), new DoubleStore().tier()] });
  const definition = cache.define({ name: 'falsy', load });
  expect(await definition.get('a')).toBe(value);
  expect(await definition.get('a')).toBe(value);
  expect(definition.peek('a')).toBe(value);
  expect(load).toHaveBeenCalledOnce();
});

test('that there is no value is forgotten at once, or remembered for the negative life', async () => {
  const clock = new TestClock();
  const store = new DoubleStore();
  store.now = clock.now;
  const cache = createCache({ tiers: [memoryTier(), store.tier()], now: clock.now, jitter: 0 });
  const forgetting = vi.fn(() => undefined);
  const forgets = cache.define({ name: 'forgets', load: forgetting });
  await forgets.get('a');
  await forgets.get('a');
  expect(forgetting).toHaveBeenCalledTimes(2);

  const remembering = vi.fn(() => undefined);
  const remembers = cache.define({ name: 'remembers', load: remembering, negativeTtlMs: 100 });
  await remembers.get('a');
  await remembers.get('a');
  expect(remembering).toHaveBeenCalledOnce();
  await settled();
  clock.advance(100);
  await remembers.get('a');
  expect(remembering).toHaveBeenCalledTimes(2);
});

test('a thousand misses at once are one load', async () => {
  const { promise, resolve } = withResolvers<string>();
  const load = vi.fn(() => promise);
  const cache = createCache({ tiers: [memoryTier()] });
  const definition = cache.define({ name: 'hot', load });
  const reads = Array.from({ length: 1000 }, () => definition.get('a'));
  resolve('value');
  expect(new Set(await Promise.all(reads))).toEqual(new Set(['value']));
  expect(load).toHaveBeenCalledOnce();
  expect(cache.stats().regions[1]).toMatchObject({
    loadCount: 1,
    missCount: 1000,
    joinedCount: 999,
    flightCount: 0,
  });
});

test('a loader that throws is called once, everyone gets its error, and the next read tries again', async () => {
  const error = new Error('the database is gone');
  const load = vi.fn<() => Promise<string>>(() => Promise.reject(error));
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const definition = cache.define({ name: 'broken', load });
  const reads = await Promise.allSettled(Array.from({ length: 1000 }, () => definition.get('a')));
  expect(reads.every((read) => read.status === 'rejected' && read.reason === error)).toBe(true);
  expect(load).toHaveBeenCalledOnce();
  load.mockResolvedValue('value');
  expect(await definition.get('a')).toBe('value');
});

test.each([
  ['nothing that has a text', () => Object.create(null) as object],
  ['an error whose message is no text', () => Object.assign(new Error('x'), { message: { a: 1 } })],
  [
    'an error whose name cannot be read',
    () =>
      Object.defineProperty(new Error('x'), 'name', {
        get: () => {
          throw new Error('no name');
        },
      }),
  ],
])('a loader that throws %s rejects the read, and the next one loads', async (_, thrown) => {
  const error = thrown();
  const load = vi.fn<() => Promise<string>>().mockRejectedValueOnce(error);
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const definition = cache.define({ name: 'odd', load });
  expect(await definition.get('a').catch((reason: unknown) => reason)).toBe(error);
  load.mockResolvedValue('value');
  expect(await definition.get('a')).toBe('value');
});

test('a loader runs in the context of who asked, also where reads of one turn go together', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const tenant = new AsyncLocalStorage<string>();
  const definition = cache.define<string | undefined>({ name: 'row', load: () => tenant.getStore() });
  const names = ['a', 'b', 'c'];
  const values = await Promise.all(names.map((name) => tenant.run(name, () => definition.get(name))));
  expect(values).toEqual(names);
  expect(store.calls.filter((call) => call.startsWith('getMany'))).toHaveLength(1);
});

test('a loader runs in the context of who asked, also where more reads of one turn come than go together', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const tenant = new AsyncLocalStorage<string>();
  const definition = cache.define<string | undefined>({ name: 'row', load: () => tenant.getStore() });
  const names = Array.from({ length: 600 }, (_, i) => `${i}`);
  const values = await Promise.all(names.map((name) => tenant.run(name, () => definition.get(name))));
  expect(values).toEqual(names);
  expect(store.calls.filter((call) => call.startsWith('getMany'))).toHaveLength(2);
});

test.each(['getMany', 'readOrAcquire'])(
  'a loader runs in the context of who asked, also where %s misses its deadline',
  async (call) => {
    const store = new DoubleStore();
    const tier = store.tier({ deadlineMs: 20, readsOrAcquires: call === 'readOrAcquire' });
    const cache = createCache({ tiers: [memoryTier(), tier] });
    const tenant = new AsyncLocalStorage<string>();
    const definition = cache.define<string | undefined>({ name: 'row', load: () => tenant.getStore() });
    store.hang();
    const first = tenant.run('a', () => definition.get('a'));
    await settled();
    const second = tenant.run('b', () => definition.get('b'));
    expect(await Promise.all([first, second])).toEqual(['a', 'b']);
  },
);

/** A tier whose entries take longer to open than anybody should wait for, and who asked it for what. */
function slowToOpen() {
  const store = new DoubleStore();
  const tier = store.tier();
  const told: string[] = [];
  const open = (options: RegionOptions): TierRegion => {
    const region = tier.open(options);
    const getMany = async (keys: readonly string[]): Promise<readonly unknown[]> => {
      told.push(`ask ${keys.join()}`);
      const entries = await region.getMany(keys);
      return entries.map((entry, index) => ({ key: keys[index], entry }));
    };
    const openOne = (held: unknown): TierEntry | undefined => {
      const { key, entry } = held as { key: string; entry: TierEntry | undefined };
      told.push(`open ${key}`);
      const until = performance.now() + 1;
      while (performance.now() < until);
      return entry;
    };
    return { ...region, undecoded: { getMany, open: openOne } };
  };
  return { store, told, tier: { ...tier, open } };
}

test('who gets what is decoded first goes on, and asks for the next, before the rest is decoded', async () => {
  const { told, tier } = slowToOpen();
  const cache = createCache({ tiers: [tier] });
  await cache.setMany(['a', 'b', 'c', 'd'].map((key) => [key, key]));
  await Promise.all([
    cache.get('a').then((value) => {
      told.push(`read ${String(value)}`);
      return cache.get('d');
    }),
    cache.get('b'),
    cache.get('c'),
  ]);
  expect(told.slice(0, 5)).toEqual(['ask a,b,c', 'open a', 'read a', 'ask d', 'open b']);
  expect(told).toHaveLength(7);
});

test('a loader runs in the context of who asked, also where an answer is decoded bit by bit', async () => {
  const { tier } = slowToOpen();
  const cache = createCache({ tiers: [memoryTier(), tier] });
  const tenant = new AsyncLocalStorage<string>();
  const definition = cache.define<string | undefined>({ name: 'row', load: () => tenant.getStore() });
  const names = ['a', 'b', 'c'];
  const values = await Promise.all(names.map((name) => tenant.run(name, () => definition.get(name))));
  expect(values).toEqual(names);
});

test('an answer that is being decoded when the cache is closed reaches all who asked', async () => {
  const { tier } = slowToOpen();
  const cache = createCache({ tiers: [tier] });
  await cache.setMany(['a', 'b', 'c'].map((key) => [key, key]));
  const reads = ['a', 'b', 'c'].map((key) => cache.get(key));
  const closing = reads[0]!.then(() => cache.close());
  expect(await Promise.all(reads)).toEqual(['a', 'b', 'c']);
  await closing;
});

test('what is missing in an answer that is decoded bit by bit is one call of loadMany', async () => {
  const { tier } = slowToOpen();
  const cache = createCache({ tiers: [memoryTier(), tier] });
  const loadMany = vi.fn((ids: readonly string[]) => ids);
  const definition = cache.define<string>({ name: 'row', loadMany });
  expect(await definition.getMany(['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
  expect(loadMany.mock.calls.map(([ids]) => ids)).toEqual([['a', 'b', 'c']]);
});

test('a key that is refused leaves no read of its list to nobody', () => {
  const load = vi.fn<() => Promise<string>>(() => Promise.reject(new Error('unheard')));
  const cache = createCache({ tiers: [memoryTier()] });
  const definition = cache.define<string>({
    name: 'row',
    key: (id) => {
      if (id === 'bad') throw new RangeError('no such id');
      return id;
    },
    load,
  });
  expect(() => definition.getMany(['a', 'bad'])).toThrow(RangeError);
  expect(load).not.toHaveBeenCalled();
});

test('a loader that throws before it returns rejects the read alike', async () => {
  const cache = createCache({ tiers: [memoryTier()] });
  const definition = cache.define<string>({
    name: 'throws',
    load: () => {
      throw new RangeError('no such id');
    },
  });
  await expect(definition.get('a')).rejects.toThrow(RangeError);
});

test('a loader that never answers is given up', async () => {
  const cache = createCache({ tiers: [memoryTier()] });
  const definition = cache.define<string>({
    name: 'hangs',
    load: () => new Promise(() => {}),
    loadTimeoutMs: 5,
  });
  await expect(definition.get('a')).rejects.toThrow(LoadTimeoutError);
});

test('a read that begins after an invalidation does not join the load that began before it', async () => {
  const loads: ReturnType<typeof withResolvers<string>>[] = [];
  const cache = createCache({ tiers: [memoryTier(), new DoubleStore().tier()] });
  const definition = cache.define<string>({
    name: 'raced',
    load: () => {
      const load = withResolvers<string>();
      loads.push(load);
      return load.promise;
    },
  });
  const before = definition.get('a');
  await vi.waitUntil(() => loads.length === 1);
  expect(await definition.invalidate('a')).toEqual({ l2: 'done' });
  const after = definition.get('a');
  await vi.waitUntil(() => loads.length === 2);
  loads[1]!.resolve('new');
  expect(await after).toBe('new');
  loads[0]!.resolve('old');
  expect(await before).toBe('old');
  await settled();
  expect(definition.peek('a')).toBe('new');
  expect(await definition.get('a')).toBe('new');
});

test('a value loaded before another cache invalidates it is stored nowhere', async () => {
  const store = new DoubleStore();
  const open = () => createCache({ tiers: [memoryTier(), store.tier()] });
  const [one, two] = [open(), open()];
  let row = 'old';
  const gate = withResolvers();
  const slow = one.define<string>({
    name: 'row',
    load: async () => {
      const read = row;
      await gate.promise;
      return read;
    },
  });
  const fast = two.define<string>({ name: 'row', load: () => row });
  const reading = slow.get('a');
  await vi.waitUntil(() => store.calls.includes('acquire a'));
  await settled();
  row = 'new';
  await fast.invalidate('a');
  gate.resolve();
  expect(await reading).toBe('old');
  await settled();
  expect(slow.peek('a')).toBeUndefined();
  expect(await slow.get('a')).toBe('new');
  expect(await fast.get('a')).toBe('new');
});

test('a hit below fills the levels above with what is left of its life, and no more', async () => {
  const clock = new TestClock();
  const [upper, lower] = [new DoubleStore(), new DoubleStore()];
  upper.now = clock.now;
  lower.now = clock.now;
  const open = () =>
    createCache({
      tiers: [memoryTier({ maxTtlMs: 1e9 }), upper.tier({ name: 'upper' }), lower.tier({ name: 'lower' })],
      now: clock.now,
      jitter: 0,
    });
  const writer = open();
  await writer.set('a', 1, { ttlMs: 1000 });
  upper.entries.clear();
  clock.advance(900);
  const reader = open();
  expect(await reader.get('a')).toBe(1);
  await settled();
  expect(upper.entries.get('hotpath::a')).toMatchObject({
    entry: { value: 1, expiresAt: clock.now() + 100 },
  });
  clock.advance(99);
  expect(reader.peek('a')).toBe(1);
  clock.advance(1);
  expect(reader.peek('a')).toBeUndefined();
  expect(await reader.get('a')).toBeUndefined();
});

test('a fill that reaches its level late does not lengthen the life of the value', async () => {
  const clock = new TestClock();
  const [upper, lower] = [new DoubleStore(), new DoubleStore()];
  upper.now = clock.now;
  lower.now = clock.now;
  const cache = createCache({
    tiers: [upper.tier({ name: 'upper' }), lower.tier({ name: 'lower' })],
    now: clock.now,
    jitter: 0,
  });
  await cache.set('a', 1, { ttlMs: 100 });
  upper.entries.clear();
  const gate = withResolvers();
  upper.gate = (call) => (call.startsWith('fill') ? gate.promise : Promise.resolve());
  expect(await cache.get('a')).toBe(1);
  clock.advance(60);
  gate.resolve();
  await settled();
  clock.advance(39);
  expect(await cache.get('a')).toBe(1);
  clock.advance(1);
  expect(await cache.get('a')).toBeUndefined();
});

test('a tier without leases is filled, but not by a load that was overtaken', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier({ leases: false })] });
  const gate = withResolvers();
  const load = vi.fn(async () => {
    await gate.promise;
    return 'value';
  });
  const definition = cache.define({ name: 'plain', load });
  const overtaken = definition.get('a');
  await vi.waitUntil(() => load.mock.calls.length === 1);
  await definition.invalidate('a');
  gate.resolve();
  await overtaken;
  await settled();
  expect(store.entries.size).toBe(0);
  await definition.get('a');
  await settled();
  expect(store.entries.get('hotpath:plain@1:a')?.entry).toMatchObject({ value: 'value' });
});

test('deletions go from the lowest tier up', async () => {
  const order: string[] = [];
  const stores = ['upper', 'lower'].map((name) => {
    const store = new DoubleStore();
    const tier = store.tier({ name });
    store.gate = () => {
      order.push(name);
      return Promise.resolve();
    };
    return tier;
  });
  await createCache({ tiers: stores }).delete('a');
  expect(order).toEqual(['lower', 'upper']);
});

test('many misses are one read of each tier and one call of loadMany', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const loadMany = vi.fn((ids: readonly number[]) => Promise.resolve(ids.map((id) => id * 2)));
  const definition = cache.define<number, number>({ name: 'batched', loadMany });
  await definition.get(3);
  expect(await definition.getMany([1, 2, 3, 2])).toEqual([2, 4, 6, 4]);
  expect(loadMany.mock.calls.map(([ids]) => ids)).toEqual([[3], [1, 2]]);
  expect(store.calls.filter((call) => call.startsWith('getMany'))).toEqual(['getMany 3', 'getMany 1,2']);
});

test('loadMany may fail for one id alone, and a single miss goes to load', async () => {
  const cache = createCache({ tiers: [memoryTier()] });
  const definition = cache.define<string>({
    name: 'mixed',
    load: (id) => `one ${id}`,
    loadMany: (ids) => ids.map((id) => (id === 'bad' ? new Error('bad row') : `many ${id}`)),
  });
  expect(await definition.get('a')).toBe('one a');
  const results = await Promise.allSettled([definition.get('bad'), definition.get('good')]);
  expect(results).toMatchObject([
    { status: 'rejected', reason: { message: 'bad row' } },
    { status: 'fulfilled', value: 'many good' },
  ]);
});

test('loadMany that answers with too few rejects all with both counts', async () => {
  const cache = createCache({ tiers: [memoryTier()] });
  const definition = cache.define<string>({ name: 'short', loadMany: () => ['only one'] });
  const results = await Promise.allSettled([definition.get('a'), definition.get('b')]);
  for (const result of results) {
    expect(result).toMatchObject({ status: 'rejected', reason: expect.any(LoadManyContractError) });
    expect((result as PromiseRejectedResult).reason).toMatchObject({
      code: 'ERR_HOTPATH_CACHE_LOAD_MANY_CONTRACT',
      message: 'loadMany: expected an array of 2 values, got 1 values',
    });
  }
});

test('a write that another process overtakes does not stay in memory', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const open = store.hang();
  const writing = cache.set('a', 'ours');
  await settled();
  for (const listener of store.listeners) listener.onChanged('', ['a']);
  open();
  await writing;
  expect(cache.peek('a')).toBeUndefined();
});

test('a read that found the old value while it was overwritten does not put it back', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  await cache.set('a', 'old');
  const [writes, answers] = [withResolvers(), withResolvers()];
  store.gate = (call) => (call.startsWith('setMany') ? writes.promise : Promise.resolve());
  store.answerGate = () => answers.promise;
  const writing = cache.set('a', 'new');
  const reading = cache.get('a');
  await settled();
  writes.resolve();
  await writing;
  answers.resolve();
  expect(await reading).toBe('old');
  expect(cache.peek('a')).toBe('new');
});

test('a refused fill takes the value out of memory, even when no message said why', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const definition = cache.define<string>({
    name: 'row',
    load: () => {
      store.entries.clear();
      return 'overtaken';
    },
  });
  expect(await definition.get('a')).toBe('overtaken');
  await settled();
  expect(definition.peek('a')).toBeUndefined();
  expect(cache.stats().regions[1]!.refusedFillCount).toBe(1);
});

test('from the call of invalidate on memory does not answer', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const definition = cache.define<string>({ name: 'row', load: (id) => id });
  await definition.get('a');
  const open = store.hang();
  const invalidating = definition.invalidate('a');
  expect(definition.peek('a')).toBeUndefined();
  open();
  await invalidating;
});

test('tiers get keys that any store can hold and tell apart', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier()] });
  const keys = ['', 'é', '\0', '\uD800', '\uDFFF', '\uFFFD', '~', 'x'.repeat(513), 'x'.repeat(514)];
  await cache.setMany(keys.map((key, index) => [key, index]));
  const stored = [...store.entries.keys()].map((key) => Buffer.from(key).toString());
  expect(new Set(stored).size).toBe(keys.length);
  for (const key of stored) expect(key.includes('\0') || key.length > 512 + 'hotpath::'.length).toBe(false);
  expect(await cache.getMany(keys)).toEqual(keys.map((_, index) => index));
});

test('two definitions of one name are refused, two versions are not and do not meet', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier()] });
  const one = cache.define<string>({ name: 'user', version: 1, load: () => 'one' });
  const two = cache.define<string>({ name: 'user', version: 2, load: () => 'two' });
  expect([await one.get('a'), await two.get('a')]).toEqual(['one', 'two']);
  expect(() => cache.define({ name: 'user', load: () => 1 })).toThrow(DuplicateDefinitionError);
});

test('undefined is no value to set, and a key is a string', async () => {
  const cache = createCache({ tiers: [memoryTier()] });
  await expect(cache.set('a', undefined)).rejects.toThrow(ArgumentTypeError);
  await expect(cache.get(7 as unknown as string)).rejects.toThrow(ArgumentTypeError);
  expect(() => cache.peek(7 as unknown as string)).toThrow(ArgumentTypeError);
});

test('a closed cache finishes what it began and refuses the rest', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const gate = withResolvers();
  const load = vi.fn(async () => {
    await gate.promise;
    return 1;
  });
  const definition = cache.define({ name: 'slow', load });
  const reading = definition.get('a');
  await vi.waitUntil(() => load.mock.calls.length === 1);
  const closing = cache.close();
  expect(cache.close()).toBe(closing);
  gate.resolve();
  expect(await reading).toBe(1);
  await closing;
  expect(definition.peek('a')).toBeUndefined();
  expect(store.entries.get('hotpath:slow@1:a')?.entry).toMatchObject({ value: 1 });
  expect(store.listeners.size).toBe(0);
  await expect(definition.get('b')).rejects.toThrow(CacheClosedError);
  await expect(definition.invalidate('b')).rejects.toThrow(CacheClosedError);
  await expect(cache.set('b', 1)).rejects.toThrow(CacheClosedError);
  expect(() => cache.define({ name: 'late', load: () => 1 })).toThrow(CacheClosedError);
});
