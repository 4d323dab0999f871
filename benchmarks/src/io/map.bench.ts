/**
 * I6: a limit on the calls active at once. What is measured is the limiting: each call only waits for a resolved
 * promise. Unlimited `Promise.all` is the naive way, and costs memory instead.
 */

import type { Case, Findings, Operation, Variant } from '../harness/case.ts';

const ITEMS = 10_000;
const CONCURRENCY = 16;

type MapAll = (
  items: readonly number[],
  mapper: (item: number) => Promise<number>,
) => Promise<readonly number[]>;

const RESOLVED = Promise.resolve();

async function work(item: number): Promise<number> {
  await RESOLVED;
  return item * 2;
}

function mapping(kind: Variant['kind'], load: () => Promise<MapAll>): Variant {
  return {
    kind,
    async setup(): Promise<Operation> {
      const mapAll = await load();
      const items = Array.from({ length: ITEMS }, (_, index) => index);
      const run = (): Promise<readonly number[]> => mapAll(items, work);
      return { run, answer: run };
    },
  };
}

const MANY_ITEMS = 1_000_000;
const QUICK_MANY_ITEMS = MANY_ITEMS / 5;
const SAMPLE_EVERY = 1000;

/** What the limiting holds while a million calls go through: resident memory, looked at now and then. */
function holding(kind: Variant['kind'], load: () => Promise<MapAll>): Variant {
  return {
    kind,
    async setup({ quick }): Promise<Operation> {
      const mapAll = await load();
      const items = Array.from({ length: quick ? QUICK_MANY_ITEMS : MANY_ITEMS }, (_, index) => index);
      const startBytes = process.memoryUsage().rss;
      let peakBytes = 0;
      const sample = (): void =>
        void (peakBytes = Math.max(peakBytes, process.memoryUsage().rss - startBytes));
      const run = async (): Promise<number> => {
        const results = await mapAll(items, (item) => {
          if (item % SAMPLE_EVERY === 0) sample();
          return work(item);
        });
        sample();
        return results.reduce((sum, result) => sum + result, 0);
      };
      return {
        run,
        answer: run,
        findings: (): Findings => ({
          measurements: [
            { metric: 'bytes', unit: 'peak MB over the start', value: peakBytes / 1e6, better: 'less' },
            {
              metric: 'bytes',
              unit: 'bytes/item at the peak',
              value: peakBytes / items.length,
              better: 'less',
            },
          ],
        }),
      };
    },
  };
}

const promiseAll = async (): Promise<MapAll> => (items, mapper) => Promise.all(items.map(mapper));

const oursAt16 = async (): Promise<MapAll> => {
  const { map } = await import('@hotpath/io');
  return (items, mapper) => map(items, mapper, { concurrency: CONCURRENCY });
};

const pMapAt16 = async (): Promise<MapAll> => {
  const { default: pMap } = await import('p-map');
  return (items, mapper) => pMap(items, mapper, { concurrency: CONCURRENCY });
};

const pLimitAt16 = async (): Promise<MapAll> => {
  const { default: pLimit } = await import('p-limit');
  return (items, mapper) => {
    const limit = pLimit(CONCURRENCY);
    return Promise.all(items.map((item) => limit(mapper, item)));
  };
};

const cases: readonly Case[] = [
  {
    id: 'I6',
    case: 'map 10K at concurrency 16',
    package: 'io',
    tier: 'guide',
    params: { items: ITEMS, concurrency: CONCURRENCY },
    guide: null,
    async: true,
    variants: {
      'naive:Promise.all': mapping('naive', promiseAll),
      'naive:one after another': mapping('naive', async () => async (items, mapper) => {
        const results: number[] = [];
        for (const item of items) results.push(await mapper(item));
        return results;
      }),
      ours: mapping('ours', oursAt16),
      'p-map': mapping('peer', pMapAt16),
      'p-limit': mapping('peer', pLimitAt16),
    },
  },
  {
    id: 'I6',
    case: 'memory of a million calls',
    package: 'io',
    tier: 'guide',
    params: { items: MANY_ITEMS, concurrency: CONCURRENCY },
    quickParams: { items: QUICK_MANY_ITEMS },
    guide: null,
    async: true,
    experiment: true,
    variants: {
      'naive:Promise.all': holding('naive', promiseAll),
      ours: holding('ours', oursAt16),
      'p-map': holding('peer', pMapAt16),
      'p-limit': holding('peer', pLimitAt16),
    },
  },
];

export default cases;
