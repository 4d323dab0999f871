/**
 * Many misses of one key at once. Where the loader answers, "processes" are caches with a connection each that share a
 * Redis and nothing else; where it throws they are processes. Their loads are counted together.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Case, Findings, Measurement, Operation, Variant, VariantKind } from '../harness/case.ts';
import type { FailingRound } from './stampede/failing-loads.ts';
import { onThisMachine, throughServer } from './read-users.ts';
import { bentocache, byHand, dedupe, type OpenReader, ours, type Way } from './stampede/readers.ts';

const PROCESSES = 3;
const MISSES = 1000;
/** Of those whose loader throws. */
const QUICK_MISSES = MISSES / 10;
const LOAD_MS = 20;
/** How long rounds of misses whose loader throws are made. */
const ROUNDS_MS = { quick: 150, plain: 600 };

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

/** Rounds of misses in real processes, for about {@link ROUNDS_MS} milliseconds, at least one. */
function failingLoader(kind: VariantKind, way: Way): Variant {
  return {
    kind,
    async setup({ redisUrl, uniqueName, quick }): Promise<Operation> {
      const { FailingLoads } = await import('./stampede/failing-loads.ts');
      const processes = await FailingLoads.open({ redisUrl, uniqueName, way, processCount: PROCESSES });
      const rounds: FailingRound[] = [];
      const missCount = quick ? QUICK_MISSES : MISSES;
      return {
        async run() {
          await processes.round(1, LOAD_MS);
          const endsAt = performance.now() + (quick ? ROUNDS_MS.quick : ROUNDS_MS.plain);
          do rounds.push(await processes.round(missCount, LOAD_MS));
          while (performance.now() < endsAt);
        },
        answer: () => true,
        findings: (): Findings => ({
          measurements: rounds.flatMap(({ callCount, lateMs, errorCount }): Measurement[] => [
            { metric: 'count', unit: 'calls of the loader', value: callCount, better: 'less' },
            {
              metric: 'time',
              unit: 'ns until all were answered, after the loader first threw',
              value: lateMs * 1e6,
              better: 'less',
            },
            {
              metric: 'rate',
              unit: 'errors/read',
              value: errorCount / (PROCESSES * missCount),
              better: 'more',
            },
          ]),
        }),
        close: () => processes.close(),
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
    params: { processes: PROCESSES, missesEach: MISSES, loadMs: LOAD_MS },
    quickParams: { missesEach: QUICK_MISSES },
    guide: null,
    needs: ['redis'],
    async: true,
    experiment: true,
    processes: 1,
    settings: 'on this machine; a process for each cache',
    variants: {
      naive: failingLoader('naive', 'naive'),
      ours: failingLoader('ours', 'ours'),
      bentocache: failingLoader('peer', 'bentocache'),
      'async-cache-dedupe': failingLoader('peer', 'async-cache-dedupe'),
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
    settings: `${onThisMachine(1)}; the loader answers at once; by hand is GET and SET, the floor is what a lease takes by hand`,
    ...throughServer(1),
    limit:
      'A lease takes SET NX where GET is by hand, and a script where SET is, but nobody waits for the script: the floor shows that by hand. On one core the script takes its time all the same. What is above the floor is JavaScript, of which a miss passes more than anything else; memory keeps the value as well. In return one process loads, and no stale value is stored.',
    variants: {
      ours: miss('ours', ours),
      naive: miss('naive', byHand),
      bentocache: miss('peer', bentocache),
      'async-cache-dedupe': miss('peer', dedupe),
      'floor:lease by hand': miss('floor', async (context, load) => {
        const { openLeaseByHand } = await import('./peers/lease-by-hand.ts');
        return openLeaseByHand(context, load);
      }),
    },
  },
];

export default cases;
