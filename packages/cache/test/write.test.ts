import {
  createCache,
  type Cache,
  type DefineOptions,
  type Definition,
  EncodeError,
  memoryTier,
  ReplicaLagError,
  type Strategy,
  type Tier,
} from '@hotpath/cache';
import { expect, test, vi } from 'vitest';
import { DoubleStore, settled, TestClock, withResolvers } from './tier-double.ts';

interface Row {
  readonly version: number;
  readonly f?: () => number;
}

function open(
  options: Omit<DefineOptions<string, string>, 'name' | 'load'>,
  store = new DoubleStore(),
): { cache: Cache; rows: Definition<string>; database: Map<string, string>; store: DoubleStore } {
  const database = new Map<string, string>([['a', 'old']]);
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const rows = cache.define<string>({
    name: 'row',
    load: (id) => database.get(id),
    persist: async (id, value) => {
      await settled();
      database.set(id, value);
    },
    ...options,
  });
  return { cache, rows, database, store };
}

test.each(['lease', 'writeThrough', 'delayedDoubleDelete', 'writeBehind'] as const)(
  '%s: who reads after a write sees it',
  async (strategy) => {
    const { cache, rows, database } = open({ strategy });
    expect(await rows.get('a')).toBe('old');
    expect(await rows.write('a', 'new')).toEqual({ l2: 'done' });
    expect(await rows.get('a')).toBe('new');
    await cache.close();
    expect(database.get('a')).toBe('new');
  },
);

test.each(['ttl', 'lru'] as const)('%s: a write leaves the cache alone', async (strategy) => {
  const { rows, database } = open({ strategy });
  await rows.get('a');
  await rows.write('a', 'new');
  expect([await rows.get('a'), database.get('a')]).toEqual(['old', 'new']);
});

test('a write that the database refuses deletes the key and rejects', async () => {
  const { rows } = open({ strategy: 'writeThrough', persist: () => Promise.reject(new Error('refused')) });
  await rows.get('a');
  await expect(rows.write('a', 'new')).rejects.toThrow('refused');
  expect(rows.peek('a')).toBeUndefined();
  expect(await rows.get('a')).toBe('old');
});

/** It has versions, and can write none. */
function unable(tier: Tier): Tier {
  return {
    ...tier,
    open: (options) => {
      const region = tier.open(options);
      const bury = async (key: string): Promise<boolean> => {
        await region.deleteMany([key]);
        return true;
      };
      return { ...region, versions: { set: () => Promise.reject(new EncodeError('unable')), bury } };
    },
  };
}

test.each<[what: string, strategy: Strategy, value: Row, wrap: (tier: Tier) => Tier]>([
  ['written through that cannot be copied', 'writeThrough', { version: 2, f: () => 1 }, (tier) => tier],
  ['with a version that cannot be copied', 'versioned', { version: 2, f: () => 1 }, (tier) => tier],
  ['with a version that a level cannot hold', 'versioned', { version: 2 }, unable],
  ['without the version it should have', 'versioned', { version: -1 }, (tier) => tier],
])('a value %s leaves nothing older in any process', async (_what, strategy, value, wrap) => {
  const store = new DoubleStore();
  let row = { version: 1 };
  const rows = [1, 2].map(() =>
    createCache({ tiers: [memoryTier(), wrap(store.tier())], values: 'copied' }).define<Row>({
      name: 'row',
      strategy,
      ...(strategy === 'versioned' ? { versionOf: ({ version }: Row) => version } : {}),
      load: () => row,
      persist: () => {
        row = { version: 2 };
        return Promise.resolve();
      },
    }),
  );
  for (const each of rows) expect(await each.get('a')).toEqual({ version: 1 });
  await settled();
  await expect(rows[0]!.write('a', value)).rejects.toThrow(value.version < 0 ? RangeError : EncodeError);
  for (const each of rows) expect(await each.get('a')).toEqual({ version: 2 });
});

test.each(['ttl', 'lru', 'writeBehind'] as const)(
  '%s: with secondDeleteMs an invalidation deletes twice',
  async (strategy) => {
    const { rows, store } = open({ strategy, secondDeleteMs: 5 });
    await rows.invalidate('a');
    await vi.waitUntil(() => store.calls.filter((call) => call === 'deleteMany a').length === 2);
  },
);

test('delayed double delete deletes what a lagging load stored in between', async () => {
  const { rows, store, cache } = open({ strategy: 'delayedDoubleDelete', secondDeleteMs: 20 });
  await rows.write('a', 'new');
  store.calls.length = 0;
  await vi.waitUntil(() => store.calls.includes('deleteMany a'));
  await rows.write('a', 'newer');
  store.calls.length = 0;
  await cache.close();
  expect(store.calls).toContain('deleteMany a');
});

test('write-behind joins writes of one key, writes in batches, tries again, and drains on close', async () => {
  const batches: string[][] = [];
  let fails = true;
  const { cache, rows } = open({
    strategy: 'writeBehind',
    writeBehind: { maxBatch: 2, lingerMs: 1, drainMs: 2000 },
    persistMany: (entries) => {
      if (fails) {
        fails = false;
        return Promise.reject(new Error('busy'));
      }
      batches.push(entries.map(([id, value]) => `${id}=${value}`));
      return Promise.resolve();
    },
  });
  await Promise.all([rows.write('a', '1'), rows.write('a', '2'), rows.write('b', '3'), rows.write('c', '4')]);
  await cache.close();
  expect(batches).toEqual([['a=2', 'b=3'], ['c=4']]);
});

test.each(['persist', 'persistMany'] as const)(
  'write-behind, copied: what %s does to a value before it fails is seen by no read and not by the next try',
  async (name) => {
    const cache = createCache({ tiers: [memoryTier()], values: 'copied' });
    const tries: (readonly number[])[] = [];
    const persist = (_id: string, { list }: { list: number[] }): Promise<void> => {
      tries.push([...list]);
      list.push(2);
      return tries.length === 1 ? Promise.reject(new Error('busy')) : Promise.resolve();
    };
    const rows = cache.define<{ list: number[] }>({
      name: 'row',
      load: () => undefined,
      strategy: 'writeBehind',
      writeBehind: { lingerMs: 1, drainMs: 2000 },
      ...(name === 'persist' ? { persist } : { persistMany: (entries) => persist(...entries[0]!) }),
    });
    await rows.write('a', { list: [1] });
    await vi.waitUntil(() => tries.length > 0);
    expect(await rows.get('a')).toEqual({ list: [1] });
    await cache.close();
    expect(tries).toEqual([[1], [1]]);
  },
);

test('write-behind is bounded: a writer waits for room', async () => {
  const { promise, resolve: release } = withResolvers();
  const { cache, rows } = open({
    strategy: 'writeBehind',
    writeBehind: { maxPending: 1, maxBatch: 1, lingerMs: 1 },
    persistMany: () => promise,
  });
  await rows.write('a', '1');
  let written = false;
  const second = rows.write('b', '2').then(() => {
    written = true;
  });
  await settled();
  expect(written).toBe(false);
  release();
  await second;
  await cache.close();
});

test('write-behind: a database that never answers holds up neither the end nor who waits for room', async () => {
  const persistMany = vi.fn(() => new Promise<void>(() => {}));
  const { cache, rows } = open({
    strategy: 'writeBehind',
    writeBehind: { maxPending: 1, maxBatch: 1, lingerMs: 1, drainMs: 20 },
    persistMany,
  });
  await rows.write('a', '1');
  expect(persistMany).toHaveBeenCalledOnce();
  const waiting = Promise.allSettled([rows.write('b', '2')]);
  await expect(cache.close()).rejects.toMatchObject({ code: 'ERR_HOTPATH_CACHE_WRITE_BEHIND' });
  expect(await waiting).toMatchObject([{ reason: { code: 'ERR_HOTPATH_CACHE_CLOSED' } }]);
  await expect(rows.write('a', '3')).rejects.toMatchObject({ code: 'ERR_HOTPATH_CACHE_CLOSED' });
});

test('write-behind: a value that is not in the database yet is read all the same, and lost values are an error', async () => {
  const { cache, rows, store } = open({
    strategy: 'writeBehind',
    writeBehind: { drainMs: 10, lingerMs: 1 },
    persistMany: () => Promise.reject(new Error('down')),
  });
  await rows.write('a', 'new');
  await cache.clear();
  store.entries.clear();
  expect(await rows.get('a')).toBe('new');
  await expect(cache.close()).rejects.toMatchObject({ code: 'ERR_HOTPATH_CACHE_WRITE_BEHIND' });
});

test('tags invalidate together, in every process, and no others', async () => {
  const store = new DoubleStore();
  const tags = (id: string): string[] => [`team:${id[0]!}`];
  const [one, two] = [open({ tags }, store), open({ tags }, store)];
  for (const { rows, database } of [one, two]) {
    for (const id of ['a1', 'a2', 'b1']) database.set(id, 'old');
    await rows.getMany(['a1', 'a2', 'b1']);
  }
  await settled();
  for (const { database } of [one, two]) for (const id of ['a1', 'a2', 'b1']) database.set(id, 'new');
  expect(await one.cache.invalidateTags(['team:a'])).toEqual({ l2: 'done' });
  for (const { rows } of [one, two])
    expect(await rows.getMany(['a1', 'a2', 'b1'])).toEqual(['new', 'new', 'old']);
});

test('a load that a tag was invalidated during leaves nothing that is served', async () => {
  const store = new DoubleStore();
  const { cache, rows, database } = open({ tags: () => ['all'] }, store);
  await rows.get('a');
  await settled();
  await cache.clear();
  const calls: (() => void)[] = [];
  store.gate = (call) =>
    call === 'fill a'
      ? new Promise((resolve) => {
          calls.push(resolve);
        })
      : Promise.resolve();
  const before = rows.get('a');
  await vi.waitUntil(() => calls.length === 1);
  database.set('a', 'new');
  await cache.invalidateTags(['all']);
  store.gate = () => Promise.resolve();
  calls[0]!();
  expect(await before).toBe('old');
  await settled();
  expect(await rows.get('a')).toBe('new');
});

test.each(['writeThrough', 'writeBehind', 'versioned'] as const)(
  '%s: what was written goes with its tags, and is a hit in every process until then',
  async (strategy) => {
    const versions = strategy === 'versioned' ? { versionOf: (value: string) => value.length } : {};
    const load = vi.fn((id: string) => shared.database.get(id));
    const options = { strategy, tags: () => ['all'], ...versions, load };
    const store = new DoubleStore();
    const shared = open(options, store);
    const other = open(options, store);
    await shared.rows.write('a', 'newer');
    await vi.waitUntil(() => shared.database.get('a') === 'newer');
    expect([await shared.rows.get('a'), await other.rows.get('a')]).toEqual(['newer', 'newer']);
    // The double has no versions: what is written there is deleted, for others to load.
    expect(load).toHaveBeenCalledTimes(strategy === 'versioned' ? 1 : 0);
    await shared.rows.write('a', 'newest');
    await vi.waitUntil(() => shared.database.get('a') === 'newest');
    shared.database.set('a', 'changed beside the cache');
    expect(await other.cache.invalidateTags(['all'])).toEqual({ l2: 'done' });
    await settled();
    expect(await shared.rows.get('a')).toBe('changed beside the cache');
    expect(await other.rows.get('a')).toBe('changed beside the cache');
  },
);

test('a value whose tag is invalidated while it is written is not kept', async () => {
  const store = new DoubleStore();
  const { cache, rows, database } = open({ strategy: 'writeThrough', tags: () => ['all'] }, store);
  const gate = withResolvers();
  store.gate = (call) => (call === 'setMany a' ? gate.promise : Promise.resolve());
  const writing = rows.write('a', 'new');
  await vi.waitUntil(() => store.calls.includes('setMany a'));
  await cache.invalidateTags(['all']);
  database.set('a', 'newer');
  gate.resolve();
  await writing;
  expect(await rows.get('a')).toBe('newer');
});

test('tags that are none reject a write before the database has it', async () => {
  const { rows, database } = open({ strategy: 'writeThrough', tags: () => [7] as never });
  await expect(rows.write('a', 'new')).rejects.toThrow(TypeError);
  expect(database.get('a')).toBe('old');
});

test('a prefix invalidates what begins with it, in memory everything', async () => {
  const { rows, database, store } = open({});
  database.set('b', 'old');
  const long = `a${'x'.repeat(600)}`;
  database.set(long, 'old');
  await rows.getMany(['a', 'b', long]);
  await settled();
  for (const id of database.keys()) database.set(id, 'new');
  expect(await rows.invalidatePrefix('a')).toEqual({ l2: 'done' });
  expect(await rows.getMany(['a', 'b', long])).toEqual(['new', 'old', 'new']);
  expect(store.calls).toContain('clear');
});

test('a version that a tier could not be told of holds here: a replica that lags is not believed', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  let loadCount = 0;
  const rows = cache.define<{ version: number }>({
    name: 'row',
    strategy: 'versioned',
    versionOf: ({ version }) => version,
    persist: () => Promise.resolve(),
    load: () => ({ version: ++loadCount < 3 ? 1 : 2 }),
  });
  store.gate = () => Promise.reject(new Error('refused'));
  expect(await rows.invalidate('a', { version: 2 })).toEqual({ l2: 'queued' });
  expect(await rows.get('a')).toEqual({ version: 2 });
  expect(loadCount).toBe(3);
  store.gate = () => Promise.resolve();
  await vi.waitUntil(() => cache.stats().regions.every(({ queuedCount }) => queuedCount === 0));
  expect(await rows.get('a')).toEqual({ version: 2 });
  await cache.close();
});

test('a version that was heard of holds, for memory, for levels below and for loads, and for its time only', async () => {
  const store = new DoubleStore();
  const clock = new TestClock();
  store.now = clock.now;
  const cache = createCache({ tiers: [memoryTier(), store.tier()], now: clock.now, jitter: 0 });
  let row = { version: 1 };
  const rows = cache.define<{ version: number }>({
    name: 'row',
    strategy: 'versioned',
    versionOf: ({ version }) => version,
    load: () => Promise.resolve(row),
  });
  expect(await rows.get('a')).toEqual({ version: 1 });
  await vi.waitFor(() => {
    expect(store.entries.get('hotpath:row@1:a')?.entry).toBeDefined();
  });
  for (const listener of store.listeners) listener.onChanged('row@1', ['a'], 2);
  expect(rows.peek('a')).toBeUndefined();
  row = { version: 2 };
  // The level still has the old one, and is not believed.
  expect(await rows.get('a')).toEqual({ version: 2 });
  row = { version: 1 };
  for (const listener of store.listeners) listener.onChanged('row@1', ['a'], 3);
  await expect(rows.get('a')).rejects.toThrow(ReplicaLagError);
  clock.advance(60_001);
  expect(await rows.get('a')).toEqual({ version: 2 });
  await cache.close();
});
