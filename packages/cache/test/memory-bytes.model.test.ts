import { createCache, memoryTier } from '@hotpath/cache';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const step = fc.record({
  what: fc.constantFrom('set' as const, 'peek' as const, 'peek' as const, 'delete' as const),
  key: fc.nat(12).map(String),
  bytes: fc.integer({ min: 1, max: 40 }),
});

test('under lru what is least recently used goes until the rest fits both limits', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 10, max: 100 }),
      fc.array(step, { maxLength: 100, size: 'max' }),
      async (maxEntries, maxBytes, steps) => {
        const tier = memoryTier({ maxEntries, maxBytes, sizeOf: (value) => value as number });
        const cache = createCache({ tiers: [tier] });
        // Least recently used first.
        const kept = new Map<string, number>();
        const heldBytes = (): number => [...kept.values()].reduce((sum, bytes) => sum + bytes, 0);
        for (const { what, key, bytes } of steps) {
          if (what === 'set') {
            await cache.set(key, bytes);
            kept.delete(key);
            if (bytes <= maxBytes) kept.set(key, bytes);
            while (kept.size > maxEntries || heldBytes() > maxBytes) kept.delete(kept.keys().next().value!);
          } else if (what === 'delete') {
            await cache.delete(key);
            kept.delete(key);
          } else {
            const held = kept.get(key);
            expect(cache.peek(key)).toBe(held);
            if (held !== undefined) {
              kept.delete(key);
              kept.set(key, held);
            }
          }
          const { entryCount, entryBytes } = cache.stats().regions[0]!;
          expect([entryCount, entryBytes]).toEqual([kept.size, heldBytes()]);
        }
      },
    ),
    { numRuns: 80 },
  );
});
