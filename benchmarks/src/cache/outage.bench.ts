/** What an outage of Redis costs: cold reads while it does not answer, deletions made in a partition, and, without one, how soon others hear. */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type {
  Case,
  CaseContext,
  Findings,
  Measurement,
  Operation,
  Variant,
  VariantKind,
} from '../harness/case.ts';

const LOAD_MS = 5;
const DEADLINE_MS = 50;
const COLD_READS = 50;
const QUICK_COLD_READS = 10;
const KEYS = 50;
/** How long a partition may take to heal, in ms. */
const HEALING_MS = 5000;
const QUICK_HEALING_MS = 2000;

/** Of `share` of the times, given in ms, none took longer. */
function timeAt(times: readonly number[], share: number, unit: string): Measurement {
  const sorted = times.toSorted((a, b) => a - b);
  return {
    metric: 'time',
    unit,
    value: (sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 1e6,
    better: 'less',
  };
}

/** A way to read through Redis at `url`, and to delete. */
interface Store {
  readonly get: (key: string) => Promise<unknown>;
  readonly remove: (key: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

type OpenStore = (url: string, namespace: string, load: (key: string) => Promise<unknown>) => Promise<Store>;

const ours: OpenStore = async (url, namespace, load) => {
  const { createCache, memoryTier } = await import('@hotpath/cache');
  const { redisTier } = await import('@hotpath/cache/redis');
  const { Redis } = await import('ioredis');
  const client = new Redis(url);
  client.on('error', () => {
    // It is cut on purpose.
  });
  const cache = createCache({
    tiers: [memoryTier(), redisTier({ client, deadlineMs: DEADLINE_MS })],
    namespace,
  });
  await cache.ready();
  const rows = cache.define<unknown>({ name: 'row', load });
  return {
    get: (key) => rows.get(key),
    remove: (key) => rows.invalidate(key),
    async close() {
      await cache.close();
      client.disconnect();
    },
  };
};

/** With a time limit, and the loader when there is no answer. */
const byHand: OpenStore = async (url, namespace, load) => {
  const { Redis } = await import('ioredis');
  const client = new Redis(url, { commandTimeout: DEADLINE_MS, maxRetriesPerRequest: 0 });
  client.on('error', () => {
    // As above.
  });
  const nameOf = (key: string): string => `${namespace}:${key}`;
  return {
    async get(key) {
      const found = await client.get(nameOf(key)).catch(() => null);
      if (found !== null) return JSON.parse(found) as unknown;
      const value = await load(key);
      await client.set(nameOf(key), JSON.stringify(value), 'PX', 60_000).catch(() => null);
      return value;
    },
    remove: (key) => client.del(nameOf(key)).catch(() => 0),
    close() {
      client.disconnect();
      return Promise.resolve();
    },
  };
};

function hung(kind: VariantKind, open: OpenStore): Variant {
  return {
    kind,
    async setup(context: CaseContext): Promise<Operation> {
      const { startProxy } = await import('../services/index.ts');
      const proxy = await startProxy(context.redisUrl);
      /** What the latest load took: timers are late, the more so on a busy machine. */
      let loadMs = 0;
      const store = await open(proxy.url, context.uniqueName, async (key) => {
        const startedAt = performance.now();
        await sleep(LOAD_MS);
        loadMs = performance.now() - startedAt;
        return { key };
      });
      await store.get('before');
      const readCount = context.quick ? QUICK_COLD_READS : COLD_READS;
      const times: number[] = [];
      return {
        async run() {
          proxy.halfOpen(true);
          for (let read = 0; read < readCount; read++) {
            const startedAt = performance.now();
            loadMs = 0;
            await store.get(`cold:${read}`);
            times.push(performance.now() - startedAt - loadMs);
          }
        },
        answer: () => true,
        findings: () => ({
          measurements: [
            timeAt(times, 0.5, 'ns p50 of a cold read, beyond its load'),
            timeAt(times, 1, 'ns at most of a cold read, beyond its load'),
          ],
        }),
        async close() {
          await store.close();
          await proxy.stop();
        },
      };
    },
  };
}

function partition(kind: VariantKind, open: OpenStore): Variant {
  return {
    kind,
    async setup(context: CaseContext): Promise<Operation> {
      const { startProxy } = await import('../services/index.ts');
      const proxy = await startProxy(context.redisUrl);
      let row = 1;
      const load = (): Promise<unknown> => Promise.resolve(row);
      const [cut, whole] = [
        await open(proxy.url, context.uniqueName, load),
        await open(context.redisUrl, context.uniqueName, load),
      ];
      const keys = Array.from({ length: KEYS }, (_, key) => `${key}`);
      const healingMs = context.quick ? QUICK_HEALING_MS : HEALING_MS;
      let staleCount = KEYS;
      return {
        async run() {
          for (const key of keys) await Promise.all([cut.get(key), whole.get(key)]);
          await proxy.refuse(true);
          proxy.cutAll();
          row++;
          await Promise.all(keys.map((key) => cut.remove(key)));
          await proxy.refuse(false);
          const healedAt = performance.now();
          while (staleCount > 0 && performance.now() - healedAt < healingMs) {
            await sleep(50);
            const seen = await Promise.all(keys.map((key) => whole.get(key)));
            staleCount = seen.filter((value) => value !== row).length;
          }
        },
        answer: () => true,
        findings: (): Findings => ({
          measurements: [{ metric: 'count', unit: 'deletes lost', value: staleCount, better: 'less' }],
        }),
        async close() {
          await Promise.all([cut.close(), whole.close()]);
          await proxy.stop();
        },
      };
    },
  };
}

/** A process that has keys in memory, and one that changes them. */
interface Pair {
  readonly keep: (key: string) => Promise<unknown>;
  readonly has: (key: string) => boolean;
  readonly invalidate: (key: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

async function ourPair({ redisUrl, uniqueName }: CaseContext): Promise<Pair> {
  const { createCache, memoryTier } = await import('@hotpath/cache');
  const { redisTier } = await import('@hotpath/cache/redis');
  const { Redis } = await import('ioredis');
  const clients = [new Redis(redisUrl), new Redis(redisUrl)];
  const caches = clients.map((client) =>
    createCache({ tiers: [memoryTier(), redisTier({ client })], namespace: uniqueName }),
  );
  await Promise.all(caches.map((cache) => cache.ready()));
  const [here, there] = caches.map((cache) => cache.define<string>({ name: 'row', load: (key) => key }));
  return {
    keep: (key) => there!.get(key),
    has: (key) => there!.peek(key) !== undefined,
    invalidate: (key) => here!.invalidate(key),
    async close() {
      await Promise.all(caches.map((cache) => cache.close()));
      for (const client of clients) client.disconnect();
    },
  };
}

async function plainPair({ redisUrl, uniqueName }: CaseContext): Promise<Pair> {
  const { Redis } = await import('ioredis');
  const [client, subscriber] = [new Redis(redisUrl), new Redis(redisUrl)];
  const memory = new Map<string, string>();
  subscriber.on('message', (_channel, key) => {
    memory.delete(key);
  });
  await subscriber.subscribe(`${uniqueName}:gone`);
  return {
    keep: (key) => Promise.resolve(memory.set(key, key)),
    has: (key) => memory.has(key),
    async invalidate(key) {
      await client.pipeline().del(`${uniqueName}:${key}`).publish(`${uniqueName}:gone`, key).exec();
    },
    close() {
      client.disconnect();
      subscriber.disconnect();
      return Promise.resolve();
    },
  };
}

/** How long after an invalidation had returned the other still had the key. */
function propagation(kind: VariantKind, open: (context: CaseContext) => Promise<Pair>): Variant {
  return {
    kind,
    async setup(context: CaseContext): Promise<Operation> {
      const pair = await open(context);
      const rounds = context.quick ? 200 : 2000;
      const times: number[] = [];
      return {
        async run() {
          for (let round = 0; round < rounds; round++) {
            await pair.keep('key');
            await pair.invalidate('key');
            const returnedAt = performance.now();
            while (pair.has('key')) await nextTurn();
            times.push(performance.now() - returnedAt);
          }
        },
        answer: () => true,
        findings: () => ({ measurements: [timeAt(times, 0.99, 'ns p99 until the other has forgotten')] }),
        close: pair.close,
      };
    },
  };
}

const cases: readonly Case[] = [
  {
    id: 'K1',
    case: 'cold reads while Redis hangs',
    package: 'cache',
    tier: 'guide',
    params: { reads: COLD_READS, loadMs: LOAD_MS, deadlineMs: DEADLINE_MS },
    quickParams: { reads: QUICK_COLD_READS },
    guide: null,
    needs: ['redis'],
    async: true,
    experiment: true,
    settings:
      'on this machine; a proxy swallows all that goes to Redis; by hand a command is given up after the deadline; what the load took, a little more than it was to take, is subtracted',
    variants: { naive: hung('naive', byHand), ours: hung('ours', ours) },
  },
  {
    id: 'K3',
    case: 'deletes made in a partition',
    package: 'cache',
    tier: 'guide',
    params: { keys: KEYS, healingMs: HEALING_MS },
    quickParams: { healingMs: QUICK_HEALING_MS },
    fixedMs: { quick: QUICK_HEALING_MS + 1000, plain: HEALING_MS + 1000 },
    guide: null,
    needs: ['redis'],
    async: true,
    experiment: true,
    processes: 1,
    settings: 'on this machine; counted when all are gone, or healingMs after the partition has healed',
    variants: { naive: partition('naive', byHand), ours: partition('ours', ours) },
  },
  {
    id: 'K3',
    case: 'propagation',
    package: 'cache',
    tier: 'guide',
    params: { processes: 2 },
    guide: null,
    needs: ['redis'],
    async: true,
    experiment: true,
    settings:
      'on this machine; both sides in one process, with connections of their own; the floor drops the key from a Map',
    variants: {
      ours: propagation('ours', ourPair),
      'floor:DEL and PUBLISH': propagation('floor', plainPair),
    },
  },
];

export default cases;
