/**
 * K3: stale reads under the same writes. Two caches that share one Redis read twenty rows while one of them writes them;
 * loads take up to 8 ms. A read is stale when it began after a write, and its invalidation, had returned, and answers
 * with an older row. Without a level in memory, so that it is the strategies that are compared and not their messages.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type {
  Case,
  CaseContext,
  Findings,
  Measurement,
  Operation,
  Variant,
  VariantKind,
} from '../harness/case.ts';
import type { HistoryMode } from './history/protocol.ts';
import type { HistoryReport } from './history/run.ts';
import { createRandom } from '../workloads/random.ts';

const ROWS = 20;
const WRITES = 200;
const READERS = 16;
const LOAD_MS_MAX = 8;
/** How long a history gets: both at least. */
interface HistoryLength {
  readonly reads: number;
  readonly durationMs: number;
}
const WHOLE: HistoryLength = { reads: 100_000, durationMs: 10_000 };
/** Of a plain run. */
const SHORT: HistoryLength = { reads: 5000, durationMs: 1000 };
const QUICK: HistoryLength = { reads: 2000, durationMs: 400 };
/**
 * So long after an invalidation said `done`, an undisturbed process has heard of it. In a process that stood still for half as
 * long, or behind a proxy that did, it is the machine that is late: such moments are neither checked nor timed.
 */
const BOUND_MS = 5;
const STRATEGIES = ['lease', 'versioned', 'writeThrough', 'delayedDoubleDelete', 'ttl'] as const;

interface Row {
  readonly version: number;
}

/** A cache in front of `database`, whose loads take a while after they have read. */
interface Rows {
  readonly read: (reader: number, id: string) => Promise<Row | undefined>;
  readonly write: (id: string, row: Row) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

type OpenRows = (
  context: CaseContext,
  database: Map<string, Row>,
  load: (id: string) => Promise<Row | undefined>,
) => Promise<Rows>;

function experiment(kind: VariantKind, open: OpenRows): Variant {
  return {
    kind,
    async setup(context: CaseContext): Promise<Operation> {
      const next = createRandom(context.seed);
      const database = new Map<string, Row>();
      const ids = Array.from({ length: ROWS }, (_, id) => `${id}`);
      for (const id of ids) database.set(id, { version: 1 });
      const rows = await open(context, database, async (id) => {
        const row = database.get(id);
        await sleep(1 + Math.floor(next() * LOAD_MS_MAX));
        return row;
      });
      let readCount = 0;
      let staleCount = 0;
      return {
        async run() {
          const acknowledged = new Map<string, number>();
          const state = { writing: true };
          const reader = async (index: number): Promise<void> => {
            while (state.writing) {
              const id = ids[Math.floor(next() * ROWS)]!;
              const oldest = acknowledged.get(id) ?? 1;
              const row = await rows.read(index, id);
              readCount++;
              if ((row?.version ?? 0) < oldest) staleCount++;
              await sleep(1);
            }
          };
          const readers = Array.from({ length: READERS }, (_, index) => reader(index));
          for (let write = 0; write < WRITES; write++) {
            const id = ids[Math.floor(next() * ROWS)]!;
            const row = { version: database.get(id)!.version + 1 };
            await rows.write(id, row);
            acknowledged.set(id, row.version);
            await sleep(2);
          }
          state.writing = false;
          await Promise.all(readers);
        },
        answer: () => true,
        findings: (): Findings => ({
          measurements: [
            {
              metric: 'count',
              unit: 'stale reads/1000 reads',
              value: (1000 * staleCount) / readCount,
              better: 'less',
            },
            { metric: 'count', unit: 'stale reads', value: staleCount, better: 'less' },
          ],
        }),
        close: rows.close,
      };
    },
  };
}

/** As one does by hand: read, else load and set; delete after each write. */
const byHand: OpenRows = async (context, database, load) => {
  const { Redis } = await import('ioredis');
  const client = new Redis(context.redisUrl);
  const prefix = `${context.uniqueName}:`;
  return {
    async read(_reader, id) {
      const text = await client.get(prefix + id);
      if (text !== null) return JSON.parse(text) as Row;
      const row = await load(id);
      await client.set(prefix + id, JSON.stringify(row), 'PX', 60_000);
      return row;
    },
    async write(id, row) {
      database.set(id, row);
      await client.del(prefix + id);
    },
    async close() {
      await client.del(Array.from({ length: ROWS }, (_, id) => `${prefix}${id}`));
      client.disconnect();
    },
  };
};

function ours(strategy: (typeof STRATEGIES)[number]): OpenRows {
  return async (context, database, load) => {
    const { createCache } = await import('@hotpath/cache');
    const { redisTier } = await import('@hotpath/cache/redis');
    const { Redis } = await import('ioredis');
    const client = new Redis(context.redisUrl);
    const caches = [0, 1].map(() =>
      createCache({
        tiers: [redisTier({ client, deadlineMs: 2000 })],
        namespace: `${context.uniqueName}-${strategy}`,
      }),
    );
    await Promise.all(caches.map((cache) => cache.ready()));
    const rows = caches.map((cache) =>
      cache.define<Row>({
        name: 'row',
        ttlMs: 60_000,
        load,
        strategy,
        ...(strategy === 'versioned' ? { versionOf: (row: Row) => row.version } : {}),
        persist: (id, row) => {
          database.set(id, row);
          return Promise.resolve();
        },
      }),
    );
    return {
      read: (reader, id) => rows[reader % 2]!.get(id),
      write: (id, row) => rows[0]!.write(id, row),
      async close() {
        await caches[0]!.clear();
        await Promise.all(caches.map((cache) => cache.close()));
        client.disconnect();
      },
    };
  };
}

/** Three processes and the faults between them and Redis; every read checked. */
function history(kind: VariantKind, mode: HistoryMode, length: HistoryLength): Variant {
  return {
    kind,
    async setup(context: CaseContext): Promise<Operation> {
      const { History } = await import('./history/run.ts');
      const { reads, durationMs } = context.quick ? QUICK : length;
      let report: HistoryReport | undefined;
      return {
        async run() {
          report = await new History({
            redisUrl: context.redisUrl,
            namespace: context.uniqueName,
            seed: context.seed,
            mode,
            readCountMin: reads,
            durationMs,
            boundMs: BOUND_MS,
          }).run();
        },
        answer: () => true,
        findings: (): Findings => {
          if (report === undefined) return {};
          const { stale, readCount, heardAfterMs } = report;
          const measurements: Measurement[] = [
            {
              metric: 'count',
              unit: 'stale reads/1000 reads',
              value: (1000 * stale.length) / readCount,
              better: 'less',
            },
            { metric: 'count', unit: 'stale reads', value: stale.length, better: 'less' },
          ];
          if (mode === 'told') {
            measurements.push({
              metric: 'time',
              unit: 'ns p99 from done until another process heard of it',
              value: 1e6 * (heardAfterMs[Math.floor(0.99 * heardAfterMs.length)] ?? 0),
              better: 'less',
            });
          }
          return { measurements };
        },
      };
    },
  };
}

/** `plainMs` is what it takes in a plain run. */
function historyCase(name: string, tier: Case['tier'], length: HistoryLength, plainMs: number): Case {
  return {
    id: 'K3',
    case: name,
    package: 'cache',
    tier,
    params: { processes: 3, rows: 20, reads: length.reads, loadMsMax: LOAD_MS_MAX, boundMs: BOUND_MS },
    quickParams: { reads: QUICK.reads },
    fixedMs: { quick: 8500, plain: plainMs },
    guide: null,
    needs: ['redis'],
    async: true,
    experiment: true,
    processes: 1,
    settings:
      'on this machine; connections cut, refused, half-open and slow, processes paused and killed; the naive way gives up a command after 50 ms; versioned loads from a replica 50 ms behind, and from the primary when it cannot know the version; told confirms nothing, and is checked 5 ms after done in undisturbed processes, which no fault touches and whose loop, like that of the proxy, never stood still for 2.5 ms, and after the capped life of 100 ms in those cut off',
    variants: {
      naive: history('naive', 'naive', length),
      ours: history('ours', 'ours', length),
      'ours:versioned': history('ours', 'versioned', length),
      'ours:told': history('ours', 'told', length),
    },
  };
}

const cases: readonly Case[] = [
  {
    id: 'K3',
    case: 'stale reads',
    package: 'cache',
    tier: 'guide',
    params: { rows: ROWS, writes: WRITES, readers: READERS, loadMsMax: LOAD_MS_MAX, ttlMs: 60_000 },
    guide: null,
    needs: ['redis'],
    async: true,
    experiment: true,
    settings: 'on this machine; the naive way reads, else loads and sets, and deletes after each write',
    variants: {
      naive: experiment('naive', byHand),
      ours: experiment('ours', ours('lease')),
      'ours:versioned': experiment('ours', ours('versioned')),
      'ours:writeThrough': experiment('ours', ours('writeThrough')),
      'ours:delayedDoubleDelete': experiment('ours', ours('delayedDoubleDelete')),
      'ours:ttl': experiment('ours', ours('ttl')),
    },
  },
  historyCase('stale reads of 3 processes with faults', 'guide', SHORT, 10_000),
  historyCase('stale reads of 3 processes with faults, at length', 'all', WHOLE, 60_000),
];

export default cases;
