import { ArgumentRangeError, ArgumentTypeError, createCache, memoryTier } from '@hotpath/cache';
import { S3FifoCache } from '@hotpath/cache/policy';
import { describe, expect, test, vi } from 'vitest';

const BOUNDED = ['lru', 's3-fifo'] as const;

const lengthOf = (value: unknown): number => (value as string).length;

describe.each(BOUNDED)('memory limited by bytes, with %s', (policy) => {
  test('it holds as much as fits, and says how much that is', async () => {
    const cache = createCache({ tiers: [memoryTier({ policy, maxBytes: 100, sizeOf: lengthOf })] });
    for (let i = 0; i < 50; i++) await cache.set(`${i}`, 'x'.repeat(10));
    expect(cache.stats().regions[0]).toMatchObject({ entryCount: 10, entryBytes: 100, oversizedCount: 0 });
    await cache.set('large', 'x'.repeat(95));
    expect(cache.peek('large')).toBeDefined();
    expect(cache.stats().regions[0]).toMatchObject({ entryCount: 1, entryBytes: 95 });
    await cache.delete('large');
    expect(cache.stats().regions[0]).toMatchObject({ entryCount: 0, entryBytes: 0 });
  });

  test('the limit in entries holds as well, and an empty value takes a byte', async () => {
    const tier = memoryTier({ policy, maxEntries: 3, maxBytes: 100, sizeOf: lengthOf });
    const cache = createCache({ tiers: [tier] });
    for (let i = 0; i < 10; i++) await cache.set(`${i}`, '');
    expect(cache.stats().regions[0]).toMatchObject({ entryCount: 3, entryBytes: 3 });
    await cache.clear();
    expect(cache.stats().regions[0]).toMatchObject({ entryCount: 0, entryBytes: 0 });
  });

  test('a value larger than the limit takes nobody’s place, and leaves no older value of its key', async () => {
    const cache = createCache({ tiers: [memoryTier({ policy, maxBytes: 10, sizeOf: lengthOf })] });
    await cache.set('a', 'small');
    await cache.set('b', 'small');
    await cache.set('a', 'x'.repeat(11));
    expect([cache.peek('a'), cache.peek('b')]).toEqual([undefined, 'small']);
    expect(cache.stats().regions[0]).toMatchObject({ entryBytes: 5, oversizedCount: 1 });
  });

  test('without a sizeOf an estimate counts, buffers and all', async () => {
    const cache = createCache({ tiers: [memoryTier({ policy, maxBytes: 100_000 })] });
    for (let i = 0; i < 100; i++) await cache.set(`${i}`, { id: i, bytes: Buffer.alloc(10_000) });
    const { entryCount, entryBytes } = cache.stats().regions[0]!;
    expect(entryCount).toBe(9);
    expect(entryBytes).toBeGreaterThan(90_000);
    expect(entryBytes).toBeLessThanOrEqual(100_000);
  });
});

test('a value whose size cannot be told is answered but not kept, and no read fails', async () => {
  const answers = [-1, 0.5, Number.NaN, Infinity, '5'];
  const sizeOf = vi.fn((value: unknown): number => {
    if (value === 0) throw new Error('no size');
    return answers[(value as number) - 1] as number;
  });
  const cache = createCache({ tiers: [memoryTier({ maxBytes: 100, sizeOf })] });
  const numbers = cache.define<number, number>({ name: 'n', load: (id) => id });
  for (let id = 0; id <= answers.length; id++) {
    expect(await numbers.get(id)).toBe(id);
    expect(numbers.peek(id)).toBeUndefined();
  }
  expect(cache.stats().regions[1]).toMatchObject({ entryCount: 0, entryBytes: 0, oversizedCount: 6 });
});

test('a definition has a limit of its own, and none is measured where there is none', async () => {
  const sizeOf = vi.fn(lengthOf);
  const cache = createCache({ tiers: [memoryTier({ sizeOf })] });
  const bounded = cache.define<string>({ name: 'bounded', load: (id) => id.repeat(5), maxBytes: 10 });
  const free = cache.define<string>({ name: 'free', load: (id) => id });
  await free.get('a');
  expect(sizeOf).not.toHaveBeenCalled();
  await bounded.getMany(['a', 'b', 'c']);
  expect(sizeOf.mock.calls).toEqual([
    ['aaaaa', 'a'],
    ['bbbbb', 'b'],
    ['ccccc', 'c'],
  ]);
  expect(cache.stats().regions.map(({ entryBytes }) => entryBytes)).toEqual([undefined, 10, undefined]);
});

test('the estimate counts what is reached twice once, ends on a cycle and on what is too deep', async () => {
  const cache = createCache({ tiers: [memoryTier({ maxBytes: 50_000 })] });
  const sizeOf = async (value: unknown): Promise<number> => {
    await cache.clear();
    await cache.set('k', value);
    return cache.stats().regions[0]!.entryBytes!;
  };
  const blob = new Uint8Array(10_000);
  const once = await sizeOf({ a: blob, b: null });
  expect(await sizeOf({ a: blob, b: blob })).toBe(once);
  expect(await sizeOf(new Map([['a', new Set([blob])]]))).toBeGreaterThan(10_000);
  const cyclic: { self?: object; text: string } = { text: 'x'.repeat(1000) };
  cyclic.self = cyclic;
  expect(await sizeOf(cyclic)).toBeGreaterThan(2000);
  let deep: object = {};
  for (let i = 0; i < 100_000; i++) deep = { deep };
  expect(await sizeOf(deep)).toBe(0);
  expect(cache.stats().regions[0]!.oversizedCount).toBe(1);
});

test('limits that are none, or that the policy cannot keep, are refused', () => {
  expect(() => memoryTier({ maxBytes: 0 })).toThrow(ArgumentRangeError);
  expect(() => memoryTier({ maxBytes: '1' as unknown as number })).toThrow(ArgumentTypeError);
  expect(() => memoryTier({ maxBytes: 1, sizeOf: 1 as unknown as () => number })).toThrow(ArgumentTypeError);
  expect(() => memoryTier({ maxBytes: 100, policy: 'arc' })).toThrow(/expected policy/);
  const cache = createCache({ tiers: [memoryTier({ policy: 'arc' })] });
  expect(() => cache.define({ name: 'd', load: () => 1, maxBytes: 10 })).toThrow(ArgumentRangeError);
  cache.define({ name: 'd', load: () => 1 });
  expect(() => new S3FifoCache(1, { maxBytes: 0, sizeOf: () => 1 })).toThrow(ArgumentRangeError);
});
