/**
 * Many misses of one key at once. "Processes" are caches with a connection each that share a Redis and nothing else; their
 * loads are counted together.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Case, CaseContext, Findings, Operation, Variant, VariantKind } from '../harness/case.ts';

const PROCESSES = 3;
const MISSES = 1000;
const LOAD_MS = 20;
/** Of the loader that throws: a peer that calls it once a read, one after the other, would take a minute. */
const FAILING_MISSES = 100;

/** One process's way to read through. */
interface Reader {
  readonly get: (key: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

type Load = (key: string) => Promise<unknown>;
type OpenReader = (context: CaseContext, load: Load) => Promise<Reader>;

const byHand: OpenReader = async ({ redisUrl, uniqueName }, load) => {
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl);
  return {
    async get(key) {
      const name = `${uniqueName}:${key}`;
      const found = await client.get(name);
      if (found !== null) return JSON.parse(found) as unknown;
      const value = await load(key);
      await client.set(name, JSON.stringify(value), 'PX', 60_000);
      return value;
    },
    close() {
      client.disconnect();
      return Promise.resolve();
    },
  };
};

const ours: OpenReader = async ({ redisUrl, uniqueName }, load) => {
  const { createCache, memoryTier } = await import('@hotpath/cache');
  const { redisTier } = await import('@hotpath/cache/redis');
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl);
  const cache = createCache({
    tiers: [memoryTier(), redisTier({ client, deadlineMs: 2000 })],
    namespace: uniqueName,
  });
  await cache.ready();
  const rows = cache.define<unknown>({ name: 'row', load });
  return {
    get: (key) => rows.get(key),
    async close() {
      await cache.close();
      client.disconnect();
    },
  };
};

const bentocache: OpenReader = async ({ redisUrl, uniqueName }, load) => {
  const { BentoCache, bentostore } = await import('bentocache');
  const { memoryDriver } = await import('bentocache/drivers/memory');
  const { redisDriver } = await import('bentocache/drivers/redis');
  const { Redis } = await import('ioredis');
  const bento = new BentoCache({
    default: 'two',
    prefix: uniqueName,
    stores: {
      two: bentostore()
        .useL1Layer(memoryDriver({ maxItems: 10_000 }))
        .useL2Layer(redisDriver({ connection: new Redis(redisUrl) })),
    },
  });
  return {
    get: (key) => bento.getOrSet({ key, ttl: '1m', factory: () => load(key) }),
    close: () => bento.disconnectAll(),
  };
};

const dedupe: OpenReader = async ({ redisUrl, uniqueName }, load) => {
  const { createCache } = await import('async-cache-dedupe');
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl);
  const name = `${uniqueName}-row`;
  const cache = createCache({ ttl: 60, storage: { type: 'redis', options: { client } } }).define(name, load);
  return {
    get: (key) => cache[name]!(key),
    close() {
      client.disconnect();
      return Promise.resolve();
    },
  };
};

function missesAtOnce(kind: VariantKind, open: OpenReader): Variant {
  return {
    kind,
    async setup(context): Promise<Operation> {
      let loadCount = 0;
      /** Only the first process of a variant is asked for its answer. */
      let answerCount = 0;
      const load = async (key: string): Promise<unknown> => {
        loadCount++;
        await sleep(LOAD_MS);
        return { key };
      };
      const readers = await Promise.all(Array.from({ length: PROCESSES }, () => open(context, load)));
      return {
        async run() {
          await Promise.all(
            readers.flatMap((reader) => Array.from({ length: MISSES }, () => reader.get('hot'))),
          );
        },
        answer: () => {
          answerCount++;
          return readers[0]!.get('another');
        },
        findings: (): Findings => ({
          measurements: [{ metric: 'count', unit: 'loads', value: loadCount - answerCount, better: 'less' }],
        }),
        close: async () => {
          await Promise.all(readers.map((reader) => reader.close()));
        },
      };
    },
  };
}

function failingLoader(kind: VariantKind, open: OpenReader): Variant {
  return {
    kind,
    async setup(context): Promise<Operation> {
      let callCount = 0;
      let errorCount = 0;
      let tookMs = 0;
      /** What the first load took: timers are late, the more so on a busy machine. */
      let loadMs: number | undefined;
      const reader = await open(context, async () => {
        callCount++;
        const startedAt = performance.now();
        await sleep(LOAD_MS);
        loadMs ??= performance.now() - startedAt;
        throw new Error('the database is gone');
      });
      return {
        async run() {
          const startedAt = performance.now();
          const outcomes = await Promise.allSettled(
            Array.from({ length: FAILING_MISSES }, () => reader.get('hot')),
          );
          tookMs = performance.now() - startedAt;
          errorCount = outcomes.filter(({ status }) => status === 'rejected').length;
        },
        answer: () => true,
        findings: (): Findings => ({
          measurements: [
            { metric: 'count', unit: 'calls of the loader', value: callCount, better: 'less' },
            {
              metric: 'time',
              unit: 'ns until all were answered, beyond the load',
              value: Math.max(0, tookMs - (loadMs ?? 0)) * 1e6,
              better: 'less',
            },
            { metric: 'count', unit: 'readers who got the error', value: errorCount, better: 'more' },
          ],
        }),
        close: () => reader.close(),
      };
    },
  };
}

/** One miss after the other, each of a key that nobody has had. */
function miss(kind: VariantKind, open: OpenReader): Variant {
  return {
    kind,
    async setup(context): Promise<Operation> {
      const reader = await open(context, (key) => Promise.resolve({ key }));
      let next = 0;
      return {
        run: () => reader.get(`cold:${next++}`),
        answer: () => reader.get('answer'),
        close: () => reader.close(),
      };
    },
  };
}

const cases: readonly Case[] = [
  {
    id: 'K1',
    case: 'misses of one key in 3 processes',
    package: 'cache',
    tier: 'peers',
    params: { processes: PROCESSES, missesEach: MISSES, loadMs: LOAD_MS },
    guide: null,
    needs: ['redis'],
    async: true,
    experiment: true,
    settings: 'on this machine; caches in one process, with a connection each',
    variants: {
      naive: missesAtOnce('naive', byHand),
      ours: missesAtOnce('ours', ours),
      bentocache: missesAtOnce('peer', bentocache),
      'async-cache-dedupe': missesAtOnce('peer', dedupe),
    },
  },
  {
    id: 'K1',
    case: 'misses whose loader throws',
    package: 'cache',
    tier: 'peers',
    params: { misses: FAILING_MISSES, loadMs: LOAD_MS },
    guide: null,
    needs: ['redis'],
    async: true,
    experiment: true,
    settings: 'on this machine',
    variants: {
      naive: failingLoader('naive', byHand),
      ours: failingLoader('ours', ours),
      bentocache: failingLoader('peer', bentocache),
      'async-cache-dedupe': failingLoader('peer', dedupe),
    },
  },
  {
    id: 'K1',
    case: 'miss',
    package: 'cache',
    tier: 'peers',
    params: { inFlight: 1 },
    guide: null,
    needs: ['redis'],
    async: true,
    settings: 'on this machine; the loader answers at once; by hand is GET and SET',
    limit:
      'A lease is one more script on the server; in return one process loads, and no stale value is stored.',
    variants: {
      ours: miss('ours', ours),
      naive: miss('naive', byHand),
      bentocache: miss('peer', bentocache),
      'async-cache-dedupe': miss('peer', dedupe),
    },
  },
];

export default cases;
