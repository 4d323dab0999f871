import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClosedError, createBatcher, OverflowError } from '@hotpath/io';

type Plan = 'ok' | 'item fails' | 'throws' | 'rejects' | 'too few';

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constantFrom('add' as const, 'push' as const), bytes: fc.nat(12) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('abortable' as const), aborts: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('ready' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  ),
  { maxLength: 120, size: 'max' },
);
const options = fc.record({
  maxItems: fc.integer({ min: 1, max: 7 }),
  maxBytes: fc.constantFrom(10, 25, Infinity),
  lingerMs: fc.constantFrom(0, 1, Infinity),
  concurrency: fc.integer({ min: 1, max: 3 }),
  maxQueued: fc.integer({ min: 2, max: 20 }),
});
const plans = fc.array(
  fc.record({
    plan: fc.constantFrom<Plan>('ok', 'ok', 'ok', 'item fails', 'throws', 'rejects', 'too few'),
    turns: fc.nat(2),
  }),
  { maxLength: 80, size: 'max' },
);

interface Item {
  readonly id: number;
  readonly bytes: number;
}

test('each item is handed over until it succeeds or its retries are used up, and settles once, within every bound', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      options,
      plans,
      fc.boolean(),
      fc.boolean(),
      async (steps, options, plans, retries, dies) => {
        const queue = [...plans];
        const settled = new Map<number, string>();
        const succeeded = new Set<number>();
        const tries = new Map<number, number>();
        const firstTries: number[] = [];
        let running = 0;
        const settle = (id: number, how: string): void => {
          expect(settled.has(id)).toBe(false);
          settled.set(id, how);
        };
        const batcher = createBatcher<Item, number>(
          async (items) => {
            running++;
            expect(running).toBeLessThanOrEqual(options.concurrency);
            expect(items.length).toBeGreaterThan(0);
            expect(items.length).toBeLessThanOrEqual(options.maxItems);
            if (items.length > 1) {
              expect(items.reduce((sum, item) => sum + item.bytes, 0)).toBeLessThanOrEqual(options.maxBytes);
            }
            for (const { id } of items) {
              if (!tries.has(id)) firstTries.push(id);
              tries.set(id, (tries.get(id) ?? 0) + 1);
              expect(succeeded.has(id)).toBe(false);
            }
            const { plan, turns } = queue.shift() ?? { plan: 'ok', turns: 0 };
            for (let index = 0; index < turns; index++) await new Promise(setImmediate);
            running--;
            if (plan === 'throws' || plan === 'rejects') throw new Error('whole');
            if (plan === 'too few') return [];
            return items.map(({ id }) => {
              if (plan === 'item fails' && id % 2 === 0) return new Error('one');
              succeeded.add(id);
              return id;
            });
          },
          {
            ...options,
            sizeOf: (item) => item.bytes,
            onError: (_error, item) => settle(item.id, 'failed'),
            ...(retries ? { retry: { retries: 2, baseMs: 0 } } : {}),
          },
        );

        const waits: Promise<void>[] = [];
        const pushed = new Set<number>();
        const takenBack = new Set<number>();
        let nextId = 0;
        const taken: number[] = [];
        const watch = (id: number, promise: Promise<number>): void => {
          waits.push(
            promise.then(
              (result) => {
                expect(result).toBe(id);
                settle(id, 'succeeded');
              },
              (error: unknown) => settle(id, error === 'aborted' ? 'aborted' : 'failed'),
            ),
          );
        };
        for (const step of steps) {
          const { queuedCount } = batcher.stats();
          expect(queuedCount).toBeLessThanOrEqual(options.maxQueued);
          const isFull = queuedCount >= options.maxQueued;
          switch (step.kind) {
            case 'push': {
              const item = { id: nextId++, bytes: step.bytes };
              if (isFull) {
                expect(() => batcher.push(item)).toThrow(OverflowError);
              } else {
                pushed.add(item.id);
                taken.push(item.id);
                batcher.push(item);
              }
              break;
            }
            case 'add': {
              const item = { id: nextId++, bytes: step.bytes };
              if (isFull) await expect(batcher.add(item)).rejects.toThrow(OverflowError);
              else {
                taken.push(item.id);
                watch(item.id, batcher.add(item));
              }
              break;
            }
            case 'abortable': {
              if (isFull) break;
              const item = { id: nextId++, bytes: 1 };
              const controller = new AbortController();
              taken.push(item.id);
              watch(item.id, batcher.add(item, { signal: controller.signal }));
              if (!step.aborts) break;
              if (!tries.has(item.id)) takenBack.add(item.id);
              controller.abort('aborted');
              break;
            }
            case 'flush': {
              const before = [...taken];
              waits.push(
                batcher.flush().then(
                  async () => {
                    await Promise.resolve();
                    for (const id of before) expect(settled.has(id) || pushed.has(id)).toBe(true);
                    for (const id of before) if (!takenBack.has(id)) expect(tries.has(id)).toBe(true);
                  },
                  (error: unknown) => expect(error).toBeInstanceOf(ClosedError),
                ),
              );
              break;
            }
            case 'ready':
              await batcher.ready();
              expect(batcher.stats().queuedCount).toBeLessThan(Math.max(1, options.maxQueued >>> 1));
              break;
            case 'turn':
              await new Promise(setImmediate);
              break;
          }
        }
        if (dies) batcher.destroy();
        else await batcher.close();
        await Promise.all(waits);
        await new Promise(setImmediate);

        for (const id of taken) {
          const how = settled.get(id);
          if (pushed.has(id) && how === undefined) expect(succeeded.has(id)).toBe(true);
          else expect(how).toBeDefined();
          expect(tries.get(id) ?? 0).toBeLessThanOrEqual(retries ? 3 : 1);
          if (takenBack.has(id)) expect(tries.has(id)).toBe(false);
        }
        if (options.concurrency === 1) expect(firstTries).toEqual([...firstTries].sort((a, b) => a - b));
        expect(batcher.stats()).toMatchObject({ queuedCount: 0, runningCount: 0 });
      },
    ),
    { numRuns: 150 },
  );
});
