import { createCache, EncodeError, memoryTier, type TierEvent } from '@hotpath/cache';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, onTestFinished, test, vi } from 'vitest';
import { DoubleStore, settled, TestClock, withResolvers } from './tier-double.ts';

test('a tier that hangs costs a read its deadline, and from the third on nothing', async () => {
  const store = new DoubleStore();
  const cache = createCache({
    tiers: [store.tier({ deadlineMs: 5 })],
    breaker: { failures: 3, openMs: 60_000 },
  });
  const definition = cache.define<string>({ name: 'row', load: (id) => id });
  store.hang();
  for (const id of ['a', 'b', 'c', 'd', 'e']) expect(await definition.get(id)).toBe(id);
  expect(cache.stats().tiers).toEqual([
    { name: 'double', errorCount: 0, timeoutCount: 3, skippedCount: 2, breaker: 'open', corruptCount: 0 },
  ]);
});

/** A cache over one tier that hangs until `release`, whose breaker has opened for 100 ms. */
async function openBreaker() {
  const clock = new TestClock();
  const store = new DoubleStore();
  const cache = createCache({
    tiers: [store.tier({ deadlineMs: 5 })],
    breaker: { failures: 1, openMs: 100 },
    now: clock.now,
  });
  const release = store.hang();
  await cache.get('a');
  return { clock, store, cache, release };
}

test('one call tries a tier whose breaker is open, and its answer closes it', async () => {
  const { clock, cache, release } = await openBreaker();
  expect(cache.stats().tiers[0]!.breaker).toBe('open');
  clock.advance(100);
  const probing = cache.get('a');
  await settled();
  expect(cache.stats().tiers[0]!.breaker).toBe('probing');
  await cache.get('b');
  expect(cache.stats().tiers[0]!.skippedCount).toBe(1);
  await probing;
  expect(cache.stats().tiers[0]!).toMatchObject({ breaker: 'open', timeoutCount: 2 });
  release();
  clock.advance(100);
  await cache.get('a');
  expect(cache.stats().tiers[0]!.breaker).toBe('closed');
});

test('a value that cannot be encoded does not use up the one call that may try a tier', async () => {
  const { clock, store, cache, release } = await openBreaker();
  release();
  clock.advance(100);
  const error = new EncodeError('the codec cannot encode this value');
  store.gate = (call) => (call.startsWith('setMany') ? Promise.reject(error) : Promise.resolve());
  await expect(cache.set('a', 1)).rejects.toBe(error);
  expect(cache.stats().tiers[0]!.breaker).toBe('closed');
});

test('a lease that is granted after the deadline is given back', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier({ deadlineMs: 5 })] });
  const { promise, resolve } = withResolvers();
  store.gate = (what) => (what.startsWith('acquire') ? promise : Promise.resolve());
  const definition = cache.define<string>({ name: 'row', load: (id) => id });
  expect(await definition.get('a')).toBe('a');
  expect(store.calls).not.toContain('release a');
  resolve();
  await vi.waitUntil(() => store.calls.includes('release a'));
  expect(store.entries.size).toBe(0);
});

test('reads of one turn share one deadline', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier({ deadlineMs: 5 })] });
  store.hang();
  await cache.getMany(Array.from({ length: 100 }, (_, i) => `${i}`));
  expect(cache.stats().tiers[0]!.timeoutCount).toBe(1);
});

test('a stalled event loop is no missed deadline', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier({ deadlineMs: 5 })] });
  await cache.set('a', 1);
  const { promise, resolve } = withResolvers();
  store.gate = () => promise;
  const reading = cache.get('a');
  await settled();
  // The answer is there while the loop stands still past the deadline: it arrives with the sockets, after the timers.
  setImmediate(resolve);
  const until = performance.now() + 20;
  while (performance.now() < until);
  expect(await reading).toBe(1);
  expect(cache.stats().tiers[0]!.timeoutCount).toBe(0);
});

test('a tier that rejects is no error of the read', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  const definition = cache.define<string>({ name: 'row', load: (id) => id });
  store.gate = () => Promise.reject(new Error('READONLY'));
  expect(await definition.get('a')).toBe('a');
  expect(await cache.get('a')).toBeUndefined();
  expect(cache.stats().tiers[0]!.errorCount).toBeGreaterThan(0);
});

test('an invalidation that a tier does not confirm is queued, nothing stale is read, and it is replayed', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  let row = 'old';
  const definition = cache.define<string>({ name: 'row', load: () => row });
  await definition.get('a');
  await settled();
  row = 'new';
  store.gate = () => Promise.reject(new Error('gone'));
  expect(await definition.invalidate('a')).toEqual({ l2: 'queued' });
  expect(cache.stats().regions[1]!.queuedCount).toBe(1);
  store.gate = () => Promise.resolve();
  expect(store.entries.has('hotpath:row@1:a')).toBe(true);
  expect(await definition.get('a')).toBe('new');
  await vi.waitUntil(() => cache.stats().regions[1]!.queuedCount === 0);
  expect(store.entries.has('hotpath:row@1:a')).toBe(false);
  expect(await definition.get('a')).toBe('new');
});

test('what could not be written is deleted later, and only from there up', async () => {
  const [upper, lower] = [new DoubleStore(), new DoubleStore()];
  const cache = createCache({ tiers: [upper.tier({ name: 'upper' }), lower.tier({ name: 'lower' })] });
  await cache.set('a', 'old');
  upper.gate = () => Promise.reject(new Error('OOM'));
  expect(await cache.set('a', 'new')).toEqual({ l2: 'queued' });
  upper.gate = () => Promise.resolve();
  expect(upper.entries.get('hotpath::a')?.entry).toMatchObject({ value: 'old' });
  expect(await cache.get('a')).toBe('new');
  await vi.waitUntil(() => cache.stats().regions[0]!.queuedCount === 0);
  expect(upper.entries.has('hotpath::a')).toBe(false);
  expect(lower.entries.get('hotpath::a')?.entry).toMatchObject({ value: 'new' });
});

test('too many queued deletions become one of everything', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier()] });
  await cache.set('a', 1);
  store.gate = () => Promise.reject(new Error('gone'));
  await cache.deleteMany(Array.from({ length: 10_001 }, (_, i) => `${i}`));
  expect(cache.stats().regions[0]!.queuedCount).toBe(Infinity);
  store.gate = () => Promise.resolve();
  expect(await cache.get('a')).toBeUndefined();
  await vi.waitUntil(() => cache.stats().regions[0]!.queuedCount === 0);
  expect(store.entries.size).toBe(0);
});

test('a deletion that fails while the queue is replayed stays in it', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier({ deadlineMs: 60_000 })] });
  store.gate = () => Promise.reject(new Error('gone'));
  await cache.delete('a');
  const { promise, resolve } = withResolvers();
  store.gate = () => promise;
  const before = store.calls.length;
  await vi.waitUntil(() => store.calls.length > before);
  store.gate = () => Promise.reject(new Error('gone'));
  await cache.delete('a');
  resolve();
  await settled();
  expect(cache.stats().regions[0]!.queuedCount).toBe(1);
  store.gate = () => Promise.resolve();
  await vi.waitUntil(() => cache.stats().regions[0]!.queuedCount === 0);
});

test('clearing what takes a tier longer than a call may is confirmed when it is through', async () => {
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const [upper, lower] = [new DoubleStore(), new DoubleStore()];
  const cache = createCache({ tiers: [upper.tier({ name: 'upper' }), lower.tier({ name: 'lower' })] });
  await cache.set('a', 1);
  for (const store of [upper, lower]) {
    store.gate = (call) =>
      new Promise((resolve) => {
        setTimeout(resolve, call === 'clear' ? 6000 : 0);
      });
  }
  const clearing = cache.clear();
  await vi.advanceTimersByTimeAsync(10_100);
  expect(await clearing).toEqual({ l2: 'queued' });
  expect(cache.stats().regions[0]!.queuedCount).toBe(Infinity);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(cache.stats().regions[0]!.queuedCount).toBe(0);
  // Of each one that is not confirmed at once, one that is waited for; and the upper once more, after the lower.
  const clearCounts = [upper, lower].map(({ calls }) => calls.filter((call) => call === 'clear').length);
  expect(clearCounts).toEqual([3, 2]);
  expect([upper.entries.size, lower.entries.size]).toEqual([0, 0]);
});

test('what is to be cleared anew is not taken to be by a clearing that began before', async () => {
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier()] });
  const answers: (() => void)[] = [];
  store.gate = (call) => {
    const { promise, resolve } = withResolvers();
    if (call === 'clear') answers.push(resolve);
    else resolve();
    return promise;
  };
  const first = cache.clear();
  await vi.advanceTimersByTimeAsync(5200);
  expect(await first).toEqual({ l2: 'queued' });
  const second = cache.clear();
  const onSecond = vi.fn();
  void second.then(onSecond);
  await vi.advanceTimersByTimeAsync(10);
  // The first, what has come of it in the queue, and the second.
  expect(answers).toHaveLength(3);
  answers[0]!();
  answers[1]!();
  await vi.advanceTimersByTimeAsync(10);
  expect(onSecond).not.toHaveBeenCalled();
  answers[2]!();
  expect(await second).toEqual({ l2: 'done' });
  expect(cache.stats().regions[0]!.queuedCount).toBe(0);
});

test('closing tries what is queued once more', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier()] });
  await cache.set('a', 1);
  store.gate = () => Promise.reject(new Error('gone'));
  await cache.delete('a');
  store.gate = () => Promise.resolve();
  await cache.close();
  expect(store.entries.size).toBe(0);
});

test('while cut off memory keeps things for the short life only, and is emptied when it hears again', async () => {
  const clock = new TestClock();
  const store = new DoubleStore();
  const cache = createCache({
    tiers: [memoryTier(), store.tier()],
    now: clock.now,
    jitter: 0,
    disconnectedTtlMs: 20,
  });
  store.now = clock.now;
  await cache.set('before', 1);
  store.down();
  expect(cache.stats().listening).toBe(false);
  await cache.set('during', 1);
  clock.advance(19);
  expect(cache.peek('during')).toBe(1);
  clock.advance(1);
  expect(cache.peek('during')).toBeUndefined();
  await vi.waitUntil(() => cache.peek('before') === undefined);
  await cache.set('again', 1);
  store.up();
  expect(cache.stats().listening).toBe(true);
  expect(cache.peek('again')).toBeUndefined();
});

test('a reader under way when the cache hears again stores nothing in memory', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()] });
  await cache.set('a', 1);
  for (const listener of store.listeners) listener.onChanged('', ['a']);
  const open = store.hang();
  const reading = cache.get('a');
  await settled();
  store.down();
  store.up();
  open();
  expect(await reading).toBe(1);
  expect(cache.peek('a')).toBeUndefined();
});

test('faults of tiers are told on the diagnostics channel', async () => {
  const events: TierEvent[] = [];
  const listen = (event: unknown): void => {
    events.push(event as TierEvent);
  };
  subscribe('hotpath:cache:tier', listen);
  onTestFinished(() => {
    unsubscribe('hotpath:cache:tier', listen);
  });
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier({ deadlineMs: 5 })], breaker: { failures: 1 } });
  const error = new Error('READONLY');
  store.gate = () => Promise.reject(error);
  await cache.get('a');
  store.hang();
  await cache.get('a');
  expect(events).toEqual([
    { tier: 'double', what: 'bus-up' },
    { tier: 'double', what: 'error', error },
    { tier: 'double', what: 'timeout' },
    { tier: 'double', what: 'breaker-open' },
  ]);
});

test('a breaker that is open when the clock is set back lets a call through in its own time', async () => {
  const clock = new TestClock();
  const store = new DoubleStore();
  await using cache = createCache({
    tiers: [store.tier({ deadlineMs: 5 })],
    breaker: { failures: 1, openMs: 1000 },
    now: clock.now,
  });
  const release = store.hang();
  await cache.get('a');
  expect(cache.stats().tiers[0]!.breaker).toBe('open');
  release();
  clock.advance(-3_600_000);
  await vi.waitUntil(async () => {
    await cache.get('a');
    clock.advance(500);
    return cache.stats().tiers[0]!.breaker === 'closed';
  });
  expect(clock.now()).toBeLessThan(0);
});

test('what is set after a deletion was queued is not deleted by it', async () => {
  const store = new DoubleStore();
  await using cache = createCache({ tiers: [store.tier()] });
  store.gate = (call) =>
    call.startsWith('deleteMany') ? Promise.reject(new Error('down')) : Promise.resolve();
  expect(await cache.deleteMany(['a', 'b'])).toEqual({ l2: 'queued' });
  expect(await cache.set('a', 1)).toEqual({ l2: 'done' });
  expect(cache.stats().regions[0]!.queuedCount).toBe(1);
  store.gate = () => Promise.resolve();
  await vi.waitUntil(() => cache.stats().regions[0]!.queuedCount === 0);
  expect(await cache.get('a')).toBe(1);
});

test('what is set while a clearing is queued goes with it, and is not said to be done', async () => {
  const store = new DoubleStore();
  await using cache = createCache({ tiers: [store.tier()] });
  const rows = cache.define<{ readonly version: number }>({
    name: 'row',
    strategy: 'versioned',
    versionOf: ({ version }) => version,
    load: () => ({ version: 1 }),
  });
  store.gate = (call) => (call === 'clear' ? Promise.reject(new Error('down')) : Promise.resolve());
  for (const region of [cache, rows]) expect(await region.clear()).toEqual({ l2: 'queued' });
  expect(await cache.set('a', 1)).toEqual({ l2: 'queued' });
  expect(await rows.write('a', { version: 1 })).toEqual({ l2: 'queued' });
  store.gate = () => Promise.resolve();
  await vi.waitUntil(() => cache.stats().regions.every(({ queuedCount }) => queuedCount === 0));
  expect(await cache.get('a')).toBeUndefined();
  expect(await cache.set('a', 1)).toEqual({ l2: 'done' });
});

test('a deletion that was queued while a value is set stays queued', async () => {
  const store = new DoubleStore();
  await using cache = createCache({ tiers: [store.tier()] });
  const gate = withResolvers();
  store.gate = (call) =>
    call.startsWith('deleteMany')
      ? Promise.reject(new Error('down'))
      : call === 'setMany a'
        ? gate.promise
        : Promise.resolve();
  await cache.delete('a');
  const setting = cache.set('a', 1);
  await vi.waitUntil(() => store.calls.includes('setMany a'));
  expect(await cache.delete('a')).toEqual({ l2: 'queued' });
  gate.resolve();
  expect(await setting).toEqual({ l2: 'done' });
  expect(cache.stats().regions[0]!.queuedCount).toBe(1);
  store.gate = () => Promise.resolve();
  await vi.waitUntil(() => cache.stats().regions[0]!.queuedCount === 0);
  expect(await cache.get('a')).toBeUndefined();
});

test('a prefix that could not be deleted before the cache was closed is no queued deletion', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier()] });
  const rows = cache.define<string>({ name: 'row', load: (id) => id });
  const gate = withResolvers();
  store.gate = (call) => (call === 'clear' ? gate.promise : Promise.resolve());
  const deleting = rows.invalidatePrefix('a');
  await vi.waitUntil(() => store.calls.includes('clear'));
  await cache.close();
  gate.reject(new Error('down'));
  await expect(deleting).rejects.toMatchObject({ code: 'ERR_HOTPATH_CACHE_CLOSED' });
});
