import { type Cache, createCache, type Definition, memoryTier } from '@hotpath/cache';
import { expect, test, vi } from 'vitest';
import { DoubleStore, settled, TestClock, withResolvers } from './tier-double.ts';

/** A definition whose loads read `row` when they begin and answer when they are let go. */
function slowRows(cache: Cache, database: { row: string }) {
  const gates: (() => void)[] = [];
  const rows: Definition<string> = cache.define<string>({
    name: 'row',
    load: async () => {
      const { row } = database;
      const gate = withResolvers();
      gates.push(gate.resolve);
      await gate.promise;
      return row;
    },
  });
  return { rows, gates };
}

test.each([
  ['with memory', true],
  ['without memory', false],
])('%s, a read after another process invalidated joins no load from before', async (_, memory) => {
  const store = new DoubleStore();
  const open = () => createCache({ tiers: memory ? [memoryTier(), store.tier()] : [store.tier()] });
  const database = { row: 'old' };
  const here = slowRows(open(), database);
  const elsewhere = open().define<string>({ name: 'row', load: () => database.row });
  const before = here.rows.get('a');
  await vi.waitUntil(() => here.gates.length === 1);
  database.row = 'new';
  expect(await elsewhere.invalidate('a')).toEqual({ l2: 'done' });
  const after = here.rows.get('a');
  await vi.waitUntil(() => here.gates.length === 2);
  for (const open of here.gates) open();
  expect(await before).toBe('old');
  expect(await after).toBe('new');
});

test('while cut off, a read joins one that began within the short life, and no older one', async () => {
  const clock = new TestClock();
  const store = new DoubleStore();
  const cache = createCache({ tiers: [store.tier()], now: clock.now, disconnectedTtlMs: 1000 });
  const { rows, gates } = slowRows(cache, { row: 'any' });
  store.down();
  const first = rows.get('a');
  await vi.waitUntil(() => gates.length === 1);
  clock.advance(999);
  const joined = rows.get('a');
  await settled();
  expect(gates.length).toBe(1);
  clock.advance(1);
  // The lease is the first one's: given up, as if Redis were gone.
  store.entries.clear();
  const second = rows.get('a');
  await vi.waitUntil(() => gates.length === 2);
  for (const open of gates) open();
  expect(await Promise.all([first, joined, second])).toEqual(['any', 'any', 'any']);
});
