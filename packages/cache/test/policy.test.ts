import { ArgumentRangeError } from '@hotpath/cache';
import { ArcCache, type EntryStore, S3FifoCache } from '@hotpath/cache/policy';
import { LRUCache } from 'lru-cache';
import { expect, test } from 'vitest';

/** mulberry32. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const KEY_COUNT = 20_000;

/** Zipf 0.9; a third of the requests are a scan that comes by once, when asked for. */
function* trace(withScan: boolean): Generator<string> {
  const next = random(1);
  const cumulative = new Float64Array(KEY_COUNT);
  let sum = 0;
  for (let i = 0; i < KEY_COUNT; i++) cumulative[i] = sum += (i + 1) ** -0.9;
  for (let i = 0; i < 200_000; i++) {
    if (withScan && i % 3 === 2) {
      yield `scan ${i}`;
      continue;
    }
    const at = next() * sum;
    let [low, high] = [0, KEY_COUNT - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! < at) low = middle + 1;
      else high = middle;
    }
    yield `key ${low}`;
  }
}

function hitRate(cache: EntryStore<true>, withScan: boolean): number {
  let [hits, reads] = [0, 0];
  for (const key of trace(withScan)) {
    reads++;
    if (cache.get(key) === undefined) cache.set(key, true);
    else hits++;
  }
  return (100 * hits) / reads;
}

test('when a scan comes by, ARC and S3-FIFO hit at least five points more often than LRU', () => {
  const max = KEY_COUNT / 100;
  const lru = hitRate(new LRUCache<string, true>({ max }), true);
  expect(hitRate(new ArcCache<true>(max), true)).toBeGreaterThan(lru + 5);
  expect(hitRate(new S3FifoCache<true>(max), true)).toBeGreaterThan(lru + 5);
});

test('without a scan they hit no less often', () => {
  const max = KEY_COUNT / 10;
  const lru = hitRate(new LRUCache<string, true>({ max }), false);
  expect(hitRate(new ArcCache<true>(max), false)).toBeGreaterThan(lru);
  expect(hitRate(new S3FifoCache<true>(max), false)).toBeGreaterThan(lru);
});

test.each([
  ['ArcCache', ArcCache],
  ['S3FifoCache', S3FifoCache],
] as const)('%s of one entry, and of none', (_name, Policy) => {
  const cache = new Policy<number>(1);
  for (const key of ['a', 'b', 'a', 'b', 'b', 'c']) cache.set(key, 1);
  cache.checkInvariants();
  expect([cache.size, cache.peek('c')]).toEqual([1, 1]);
  expect(() => new Policy(0)).toThrow(ArgumentRangeError);
});

test.each([
  ['ArcCache', ArcCache],
  ['S3FifoCache', S3FifoCache],
] as const)('%s keeps what is in use through a scan of ten times its size', (_name, Policy) => {
  const cache = new Policy<number>(100);
  const hot = Array.from({ length: 50 }, (_, i) => `hot ${i}`);
  const use = (): number => {
    let hits = 0;
    for (const key of hot) {
      if (cache.get(key) === undefined) cache.set(key, 1);
      else hits++;
    }
    return hits;
  };
  use();
  use();
  for (let i = 0; i < 1000; i++) cache.set(`scan ${i}`, 1);
  expect(use()).toBe(50);
});
