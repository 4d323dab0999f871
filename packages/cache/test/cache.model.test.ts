import { type Cache, createCache, type Definition, memoryTier } from '@hotpath/cache';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DoubleStore, settled, TestClock } from './tier-double.ts';

const KEYS = ['a', 'b', 'c', 'd'];
const TTL_MS = 1000;

/** Two processes over one store and one database, and what a reader may be told. */
class World {
  readonly clock = new TestClock();
  readonly upper = new DoubleStore();
  readonly lower = new DoubleStore();
  readonly caches: readonly Cache[];
  readonly rows: readonly Definition<number>[];
  /** The database: a version for each key, 0 when it was never written. */
  readonly database = new Map<string, number>();
  /** Plain keys as they must read: value and expiry. */
  readonly plain = new Map<string, { readonly value: number; readonly expiresAt: number }>();
  /** When each row was last loaded at the latest: the oldest version that may still be read. */
  readonly oldest = new Map<string, number>();

  constructor(maxEntries: number) {
    this.upper.now = this.clock.now;
    this.lower.now = this.clock.now;
    this.caches = [0, 1].map(() =>
      createCache({
        tiers: [
          memoryTier({ maxEntries }),
          this.upper.tier({ name: 'upper' }),
          this.lower.tier({ name: 'lower' }),
        ],
        now: this.clock.now,
        jitter: 0,
      }),
    );
    this.rows = this.caches.map((cache) =>
      cache.define<number>({ name: 'row', ttlMs: TTL_MS, load: (key) => this.database.get(key) ?? 0 }),
    );
  }

  expectedPlain(key: string): number | undefined {
    const held = this.plain.get(key);
    return held !== undefined && held.expiresAt > this.clock.now() ? held.value : undefined;
  }
}

type Step = (world: World) => Promise<void>;

const key = fc.constantFrom(...KEYS);
const who = fc.constantFrom(0, 1);
let version = 0;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(who, key, fc.integer({ min: 1, max: 2 * TTL_MS })).map(([i, k, ttlMs]): Step => async (world) => {
    const value = ++version;
    expect(await world.caches[i]!.set(k, value, { ttlMs })).toEqual({ l2: 'done' });
    world.plain.set(k, { value, expiresAt: world.clock.now() + ttlMs });
  }),
  fc.tuple(who, key).map(([i, k]): Step => async (world) => {
    await world.caches[i]!.delete(k);
    world.plain.delete(k);
  }),
  fc.tuple(who, fc.array(key)).map(([i, keys]): Step => async (world) => {
    expect(await world.caches[i]!.getMany(keys)).toEqual(keys.map((k) => world.expectedPlain(k)));
  }),
  fc.tuple(who, key).map(([i, k]): Step => async (world) => {
    // Memory may have forgotten; what it remembers must be true.
    expect([undefined, world.expectedPlain(k)]).toContain(world.caches[i]!.peek(k));
  }),
  who.map((i): Step => async (world) => {
    await world.caches[i]!.clear();
    world.plain.clear();
    for (const k of KEYS) world.oldest.set(k, world.database.get(k) ?? 0);
  }),
  // A row is written and invalidated, in that order, while both processes read it.
  fc.tuple(who, key).map(([i, k]): Step => async (world) => {
    const reads = world.rows.map((rows) => rows.get(k));
    const written = ++version;
    world.database.set(k, written);
    const invalidating = world.rows[i]!.invalidate(k);
    reads.push(...world.rows.map((rows) => rows.get(k)));
    expect(await invalidating).toEqual({ l2: 'done' });
    world.oldest.set(k, written);
    await Promise.all(reads);
    expect(await Promise.all(world.rows.map((rows) => rows.get(k)))).toEqual([written, written]);
  }),
  fc.tuple(who, key).map(([i, k]): Step => async (world) => {
    expect(await world.rows[i]!.get(k)).toBeGreaterThanOrEqual(world.oldest.get(k) ?? 0);
  }),
  fc.integer({ min: 1, max: TTL_MS }).map((ms): Step => async (world) => {
    world.clock.advance(ms);
  }),
  // A tier loses everything, as Redis does when it restarts.
  fc.constant<Step>(async (world) => {
    world.upper.entries.clear();
  }),
  fc.constant<Step>(async (world) => {
    world.upper.down();
    world.upper.up();
  }),
  fc.constant<Step>(settled),
);

test('random programs on two processes read what a map would say, and no row older than its invalidation', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { maxLength: 60, size: 'max' }),
      async (maxEntries, steps) => {
        const world = new World(maxEntries);
        for (const run of steps) await run(world);
        await settled();
        for (const cache of world.caches) {
          for (const region of cache.stats().regions) {
            expect(region).toMatchObject({ flightCount: 0, queuedCount: 0 });
            expect(region.entryCount).toBeLessThanOrEqual(maxEntries);
          }
          await cache.close();
        }
      },
    ),
    { numRuns: Number(process.env['HOTPATH_MODEL_RUNS'] ?? 150) },
  );
});
