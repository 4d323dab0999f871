import { createCache, EncodeError, type LoadContext, memoryTier } from '@hotpath/cache';
import { tierContract } from '@hotpath/cache/contract';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { DoubleStore, TestClock } from './tier-double.ts';

const POLICIES = ['lru', 's3-fifo', 'arc'] as const;

describe.each(POLICIES)('the contract of tiers, with %s', (policy) => {
  const clock = new TestClock();
  const contract = tierContract({
    create: () => memoryTier({ policy }),
    now: clock.now,
    advance: (ms) => {
      clock.advance(ms);
    },
  });
  for (const check of contract) test(check.name, () => check.run());
});

test('the least recently used goes first, and peeking counts as use', async () => {
  const cache = createCache({ tiers: [memoryTier({ maxEntries: 2 })] });
  await cache.set('a', 1);
  await cache.set('b', 2);
  cache.peek('a');
  await cache.set('c', 3);
  expect([cache.peek('a'), cache.peek('b'), cache.peek('c')]).toEqual([1, undefined, 3]);
});

test.each(POLICIES)('%s keeps to the bound, and forgets what is deleted', async (policy) => {
  const cache = createCache({ tiers: [memoryTier({ policy, maxEntries: 10 })] });
  for (let i = 0; i < 100; i++) await cache.set(`${i}`, i);
  expect(cache.stats().regions[0]!.entryCount).toBe(10);
  await cache.set('last', 1);
  expect(cache.peek('last')).toBe(1);
  await cache.delete('last');
  expect(cache.peek('last')).toBeUndefined();
  await cache.clear();
  expect(cache.stats().regions[0]!.entryCount).toBe(0);
});

test('an unknown policy is refused', () => {
  expect(() => memoryTier({ policy: 'fifo' as 'lru' })).toThrow(RangeError);
});

test('a scan over one definition evicts nothing of another', async () => {
  const cache = createCache({ tiers: [memoryTier({ maxEntries: 10 })] });
  const hot = cache.define<string>({ name: 'hot', load: (id) => id });
  const scanned = cache.define<string>({ name: 'scanned', load: (id) => id, maxEntries: 5 });
  await hot.get('a');
  await scanned.getMany(Array.from({ length: 100 }, (_, i) => `${i}`));
  expect(hot.peek('a')).toBe('a');
  expect(cache.stats().regions.map((region) => region.entryCount)).toEqual([0, 1, 5]);
});

test('an entry lives as long as told and not a millisecond more', async () => {
  const clock = new TestClock();
  const cache = createCache({ tiers: [memoryTier()], now: clock.now, jitter: 0 });
  await cache.set('a', 1, { ttlMs: 100 });
  clock.advance(99);
  expect(cache.peek('a')).toBe(1);
  clock.advance(1);
  expect(cache.peek('a')).toBeUndefined();
  expect(await cache.get('a')).toBeUndefined();
});

test.each([1, 20 * 24])('a clock that was set back by %i hours keeps no entry for longer', async (hours) => {
  const clock = new TestClock();
  const cache = createCache({ tiers: [memoryTier()], now: clock.now, jitter: 0 });
  clock.advance(-hours * 3_600_000);
  await cache.set('a', 1, { ttlMs: 1000 });
  clock.advance(999);
  expect(cache.peek('a')).toBe(1);
  clock.advance(1);
  expect(cache.peek('a')).toBeUndefined();
});

test('memory keeps nothing for longer than its own limit', async () => {
  const clock = new TestClock();
  const cache = createCache({ tiers: [memoryTier({ maxTtlMs: 50 })], now: clock.now, jitter: 0 });
  await cache.set('a', 1, { ttlMs: Infinity });
  clock.advance(50);
  expect(cache.peek('a')).toBeUndefined();
});

test('jitter only ever shortens a life, by at most its share', async () => {
  const clock = new TestClock();
  for (const [random, lifeMs] of [
    [0, 1000],
    [0.5, 900],
    [0.999_999, 801],
  ] as const) {
    const cache = createCache({ tiers: [memoryTier()], now: clock.now, jitter: 0.2, random: () => random });
    await cache.set('a', 1, { ttlMs: 1000 });
    clock.advance(lifeMs - 1);
    expect(cache.peek('a')).toBe(1);
    clock.advance(1);
    expect(cache.peek('a')).toBeUndefined();
  }
});

test('values are frozen to their leaves, unless they are shared', async () => {
  const frozen = createCache({ tiers: [memoryTier()] });
  await frozen.set('a', { list: [{ n: 1 }], when: new Date(0) });
  const value = frozen.peek('a') as { list: { n: number }[]; when: Date };
  expect(() => {
    value.list[0]!.n = 2;
  }).toThrow(TypeError);
  expect(Object.isFrozen(value.when)).toBe(false);

  const shared = createCache({ tiers: [memoryTier()], values: 'shared' });
  await shared.set('a', { n: 1 });
  (shared.peek('a') as { n: number }).n = 2;
  expect(await shared.get('a')).toEqual({ n: 2 });
});

test('a cyclic and a very deep value are frozen without harm', async () => {
  const cache = createCache({ tiers: [memoryTier()] });
  const cyclic: { self?: object } = {};
  cyclic.self = cyclic;
  let deep: object = {};
  for (let i = 0; i < 100_000; i++) deep = { deep };
  await cache.setMany([
    ['cyclic', cyclic],
    ['deep', deep],
  ]);
  expect(cache.peek('cyclic')).toBe(cyclic);
  expect(Object.isFrozen((deep as { deep: object }).deep)).toBe(true);
});

test('keys that some tier could not hold, or could mistake, keep apart', async () => {
  const cache = createCache({ tiers: [memoryTier()] });
  const keys = [
    '',
    '\0',
    'a\0b',
    '\uD800',
    '\uDFFF',
    '\uFFFD',
    '~',
    '~a',
    'x'.repeat(1e6),
    'x'.repeat(1e6 + 1),
  ];
  await cache.setMany(keys.map((key, index) => [key, index]));
  expect(keys.map((key) => cache.peek(key))).toEqual(keys.map((_, index) => index));
  expect(await cache.getMany(keys)).toEqual(keys.map((_, index) => index));
  await cache.delete('\uD800');
  expect([cache.peek('\uD800'), cache.peek('\uDFFF')]).toEqual([undefined, 4]);
});

test.each([
  ['', 0],
  [', by a clock that was set back', -3_600_000],
])(
  'a key that looks like the hash under which another is stored does not find that one%s',
  async (_clock, ms) => {
    const clock = new TestClock();
    const cache = createCache({ tiers: [memoryTier()], now: clock.now });
    const rows = cache.define<string>({ name: 'row', load: (id) => `loaded ${id.length}` });
    const secret = 'x'.repeat(600);
    clock.advance(ms);
    await cache.set(secret, 'secret');
    await rows.get(secret);
    const { key } = await cache.explain(secret);
    expect(cache.peek(secret)).toBe('secret');
    expect(await cache.get(key)).toBeUndefined();
    expect([cache.peek(key), await cache.has(key)]).toEqual([undefined, false]);
    expect(rows.peek(key)).toBeUndefined();
    expect(await rows.get(key)).toBe(`loaded ${key.length}`);
    expect([rows.peek(key), rows.peek(secret)]).toEqual([`loaded ${key.length}`, 'loaded 600']);
  },
);

test('copied: what is read, written, loaded or lent to a loader can be changed, and changes nothing that is kept', async () => {
  const [clock, store] = [new TestClock(), new DoubleStore()];
  store.now = clock.now;
  const cache = createCache({ tiers: [memoryTier(), store.tier()], values: 'copied', now: clock.now });
  const mine = { list: [1], at: new Date(0), names: new Map([['a', 1]]) };
  await cache.set('a', mine);
  const spoil = (value: unknown): void => {
    const { list, at, names } = value as typeof mine;
    list.push(2);
    at.setTime(1);
    names.clear();
  };
  const kept = { list: [1], at: new Date(0), names: new Map([['a', 1]]) };
  spoil(mine);
  spoil(cache.peek('a'));
  spoil(await cache.get('a'));
  expect(cache.peek('a')).toEqual(kept);
  expect(await cache.get('a')).toEqual(kept);
  let previous: unknown;
  const loaded = { list: [1] };
  const persisted: unknown[] = [];
  const rows = cache.define<{ list: number[] }>({
    name: 'row',
    ttlMs: 1000,
    stale: { onErrorMs: 60_000 },
    load: (_id, context) => {
      if (context.previous === undefined) return loaded;
      ({ previous } = context);
      (previous as typeof loaded).list.push(3);
      throw new Error('down');
    },
    strategy: 'writeBehind',
    persist: (_id, value) => Promise.resolve(persisted.push(value)),
  });
  const both = await Promise.all([rows.get('a'), rows.get('a')]);
  both[0]!.list.push(2);
  loaded.list.push(2);
  expect(both[1]).toEqual({ list: [1] });
  clock.advance(2000);
  expect(await rows.get('a')).toEqual({ list: [1] });
  expect(previous).toEqual({ list: [1, 3] });
  const written = { list: [5] };
  await rows.write('b', written);
  written.list.push(6);
  expect(await rows.get('b')).toEqual({ list: [5] });
  await cache.close();
  expect(persisted).toEqual([{ list: [5] }]);
});

test.each([
  ['by itself', (view: ArrayBufferView) => view, (copy: unknown) => copy],
  [
    'deep in it',
    (view: ArrayBufferView) => ({ rows: [new Map([['body', view]])], at: new Date(0) }),
    (copy: unknown) => (copy as { rows: [Map<string, unknown>] }).rows[0].get('body'),
  ],
] as const)(
  'copied: a view, %s, has memory of its own, and no more than it shows',
  async (_where, wrap, unwrap) => {
    const cache = createCache({ tiers: [memoryTier()], values: 'copied' });
    const shared = new Float32Array(new SharedArrayBuffer(64), 8, 2).fill(1);
    const buffer = Buffer.from('abc');
    const dataView = new DataView(new ArrayBuffer(64), 3, 2);
    await cache.setMany([
      ['shared', wrap(shared)],
      ['buffer', wrap(buffer)],
      ['dataView', wrap(dataView)],
    ]);
    shared.fill(2);
    (unwrap(await cache.get('shared')) as Float32Array).fill(3);
    (unwrap(cache.peek('shared')) as Float32Array).fill(4);
    const read = unwrap(await cache.get('shared')) as Float32Array;
    expect([read, read.buffer]).toEqual([Float32Array.of(1, 1), Float32Array.of(1, 1).buffer]);
    expect(read.buffer).toBeInstanceOf(ArrayBuffer);
    buffer.fill(0);
    const bytes = unwrap(await cache.get('buffer')) as Buffer;
    expect([Buffer.isBuffer(bytes), bytes.toString(), bytes.buffer.byteLength]).toEqual([true, 'abc', 3]);
    const seen = unwrap(await cache.get('dataView')) as DataView;
    expect([seen instanceof DataView, seen.buffer.byteLength]).toEqual([true, 2]);
  },
);

test('copied: what refers to one view, or to itself, does so in the copy', async () => {
  const cache = createCache({ tiers: [memoryTier()], values: 'copied' });
  const view = new Uint8Array([1]);
  const value: { one: Uint8Array; two: Uint8Array; self?: object } = { one: view, two: view };
  value.self = value;
  await cache.set('a', value);
  const copy = cache.peek('a') as typeof value;
  expect([copy.two === copy.one, copy.self === copy, copy === value]).toEqual([true, true, false]);
});

test('copied: shared memory itself, and what no view can be cloned beside, are refused', async () => {
  const cache = createCache({ tiers: [memoryTier()], values: 'copied' });
  await expect(cache.set('a', new SharedArrayBuffer(8))).rejects.toThrow(EncodeError);
  await expect(cache.set('a', { view: new Uint8Array(1), f: () => 1 })).rejects.toThrow(EncodeError);
});

test('copied: a value that cannot be copied is refused, and no read of it stays pending', async () => {
  const cache = createCache({ tiers: [memoryTier()], values: 'copied' });
  await expect(cache.set('a', { f: () => 1 })).rejects.toThrow(EncodeError);
  const rows = cache.define<object>({ name: 'row', load: () => ({ f: () => 1 }) });
  await expect(rows.get('a')).rejects.toThrow(EncodeError);
  expect(cache.stats().regions[1]).toMatchObject({ flightCount: 0, entryCount: 0 });
});

/** What a codec made that revives something with a function: it cannot be copied. */
const revived = { f: () => 1 };

test.each([
  ['fresh', 'with leases', 1, {}],
  ['fresh', 'without leases', 1, { leases: false }],
  ['fresh', 'that reads and takes the lease at once', 1, { readsOrAcquires: true }],
  ['stale', 'with leases', -1, {}],
  ['stale', 'without leases', -1, { leases: false }],
  ['stale', 'that reads and takes the lease at once', -1, { readsOrAcquires: true }],
])(
  'copied: a %s value that cannot be copied, in a tier %s, is a counted miss',
  async (_age, _tier, sign, kind) => {
    const [clock, store] = [new TestClock(), new DoubleStore()];
    store.now = clock.now;
    const tiers = [memoryTier(), store.tier(kind)];
    const cache = createCache({ tiers, values: 'copied', now: clock.now });
    const load = vi.fn((_id: string, _context: LoadContext<object>) => ({ n: 1 }));
    const stale = { whileRevalidateMs: 60_000, onErrorMs: 60_000, softTimeoutMs: 5 };
    const rows = cache.define<object>({ name: 'row', load, stale });
    const ends = { freshUntil: clock.now() + sign * 1000, expiresAt: clock.now() + 60_000 };
    store.entries.set('hotpath:row@1:a', { entry: { value: revived, ...ends } });
    store.entries.set('hotpath::a', { entry: { value: revived, ...ends } });
    expect(await Promise.all([rows.get('a'), rows.get('a')])).toEqual([{ n: 1 }, { n: 1 }]);
    expect(load).toHaveBeenCalledOnce();
    expect(load.mock.calls[0]![1].previous).toBeUndefined();
    expect(rows.peek('a')).toEqual({ n: 1 });
    expect(cache.stats().tiers[0]!.corruptCount).toBeGreaterThan(0);
    await vi.waitUntil(() => store.entries.get('hotpath:row@1:a')?.entry?.value !== revived);
    // Nothing could replace it here.
    expect(await cache.get('a')).toBeUndefined();
    expect(cache.peek('a')).toBeUndefined();
    await cache.close();
  },
);

test('copied: a tier whose values are plain is believed, and a loader is lent nothing that cannot be copied', async () => {
  const [clock, store] = [new TestClock(), new DoubleStore()];
  store.now = clock.now;
  const cache = createCache({
    tiers: [{ ...store.tier(), plain: true }],
    values: 'copied',
    now: clock.now,
  });
  const load = vi.fn((_id: string, _context: LoadContext<object>) => ({ n: 1 }));
  const rows = cache.define<object>({ name: 'row', load, stale: { onErrorMs: 60_000, softTimeoutMs: 5 } });
  const entry = { value: revived, freshUntil: clock.now() - 1, expiresAt: clock.now() + 60_000 };
  store.entries.set('hotpath:row@1:a', { entry });
  expect(await rows.get('a')).toEqual({ n: 1 });
  expect(load.mock.calls[0]![1].previous).toBeUndefined();
  expect(cache.stats().tiers[0]!.corruptCount).toBe(0);
  await cache.close();
});

test('the longest life that is told counts lives that are given one by one', async () => {
  const cache = createCache({ tiers: [memoryTier()], ttlMs: 1000 });
  const rows = cache.define<number>({
    name: 'row',
    load: () => 5000,
    ttlMs: Number,
    stale: { onErrorMs: 500 },
  });
  const told = (): number[] => cache.stats().regions.map(({ lifeMsMax }) => lifeMsMax);
  expect(told()).toEqual([1000, 1500]);
  await cache.set('a', 1, { ttlMs: 2000 });
  await rows.get('a');
  expect(told()).toEqual([2000, 5500]);
});

test('memory is empty after the clock was set back, by which nothing in it would end in time', async () => {
  await using cache = createCache({ tiers: [memoryTier()] });
  await cache.set('a', 1);
  expect(cache.peek('a')).toBe(1);
  const now = Date.now.bind(Date);
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
  onTestFinished(() => {
    spy.mockRestore();
  });
  await vi.waitUntil(() => cache.peek('a') === undefined);
  await cache.set('a', 2);
  expect(cache.peek('a')).toBe(2);
});
