import { ArgumentRangeError, createCache, memoryTier } from '@hotpath/cache';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { DoubleStore, settled, withResolvers } from './tier-double.ts';

/** Lets `performance.now` go on by so much at once, as after a pause of the process. */
function pauseFor(ms: number): void {
  const now = performance.now.bind(performance);
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
  onTestFinished(() => {
    spy.mockRestore();
  });
}

test('bound to a heartbeat, memory serves nothing once it is late, by whatever cause, and is empty when it is back', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()], disconnectedTtlMs: 0 });
  await cache.set('a', 1);
  await cache.set('not read in between', 1);
  expect(cache.peek('a')).toBe(1);
  pauseFor(1900);
  expect(cache.peek('a')).toBeUndefined();
  expect(await cache.get('a')).toBe(1);
  expect(cache.peek('a')).toBeUndefined();
  for (const listener of store.listeners) listener.onHeard(performance.now());
  expect(cache.peek('a')).toBeUndefined();
  expect(cache.peek('not read in between')).toBeUndefined();
  expect(await cache.get('a')).toBe(1);
  expect(cache.peek('a')).toBe(1);
});

test('bound to a heartbeat, memory serves nothing while cut off', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [memoryTier(), store.tier()], disconnectedTtlMs: 0 });
  await cache.set('a', 1);
  store.down();
  expect(cache.peek('a')).toBeUndefined();
  await cache.set('b', 1);
  expect(cache.peek('b')).toBeUndefined();
});

test('in silence a read joins none from before it, and all that came during one share the next', async () => {
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier()], disconnectedTtlMs: 0 });
  const gates: (() => void)[] = [];
  let row = 'old';
  const rows = cache.define<string>({
    name: 'row',
    load: async () => {
      const read = row;
      const gate = withResolvers();
      gates.push(gate.resolve);
      await gate.promise;
      return read;
    },
  });
  store.down();
  // It forgets what was under way then, by a timer of the same length, which comes first.
  await sleep(0);
  const before = rows.get('a');
  await vi.waitUntil(() => gates.length === 1);
  row = 'new';
  // Written and invalidated where this process does not hear of it.
  store.entries.clear();
  const after = Array.from({ length: 100 }, () => rows.get('a'));
  await settled();
  expect(gates.length).toBe(1);
  gates[0]!();
  await vi.waitUntil(() => gates.length === 2);
  gates[1]!();
  expect(await before).toBe('old');
  expect(new Set(await Promise.all(after))).toEqual(new Set(['new']));
  expect(gates.length).toBe(2);
});

test("confirm: 'all' is refused where it could confirm nothing", async () => {
  const define = (options: Parameters<typeof createCache>[0]) =>
    createCache(options).define<string>({ name: 'row', load: () => 'row' });
  const capped = define({ tiers: [memoryTier(), new DoubleStore().tier()] });
  await expect(capped.invalidate('a', { confirm: 'all' })).rejects.toThrow(/disconnectedTtlMs: 0/);
  const mute = define({ tiers: [memoryTier(), new DoubleStore().tier()], disconnectedTtlMs: 0 });
  await expect(mute.invalidate('a', { confirm: 'all' })).rejects.toThrow(ArgumentRangeError);
  const alone = define({ tiers: [memoryTier()] });
  await expect(alone.invalidate('a', { confirm: 'all' })).rejects.toThrow(ArgumentRangeError);
  expect(await alone.get('a')).toBe('row');
  expect(alone.peek('a')).toBe('row');
  await expect(alone.invalidate('a', { confirm: 'some' as 'all' })).rejects.toThrow(ArgumentRangeError);
});
