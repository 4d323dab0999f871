/**
 * I6: a limit on the calls active at once. What is measured is the limiting: each call only waits for a resolved
 * promise. Unlimited `Promise.all` is the naive way, and costs memory instead.
 */

import type { Case, Operation, Variant } from '../harness/case.ts';

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
      'naive:Promise.all': mapping('naive', async () => (items, mapper) => Promise.all(items.map(mapper))),
      'naive:one after another': mapping('naive', async () => async (items, mapper) => {
        const results: number[] = [];
        for (const item of items) results.push(await mapper(item));
        return results;
      }),
      ours: mapping('ours', async () => {
        const { map } = await import('@hotpath/io');
        return (items, mapper) => map(items, mapper, { concurrency: CONCURRENCY });
      }),
      'p-map': mapping('peer', async () => {
        const { default: pMap } = await import('p-map');
        return (items, mapper) => pMap(items, mapper, { concurrency: CONCURRENCY });
      }),
      'p-limit': mapping('peer', async () => {
        const { default: pLimit } = await import('p-limit');
        return (items, mapper) => {
          const limit = pLimit(CONCURRENCY);
          return Promise.all(items.map((item) => limit(mapper, item)));
        };
      }),
    },
  },
];

export default cases;
