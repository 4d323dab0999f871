/** One process of a history: reads and writes at random until it is told to stop, and reports all that it saw. */

import { setTimeout as sleep } from 'node:timers/promises';
import { random } from '../trace.ts';
import {
  type FromWorker,
  nowMs,
  type ReadRecord,
  type ToWorker,
  type WorkerPlan,
  type WriteRecord,
} from './protocol.ts';

const REPORT_MS = 50;
const READ_PAUSE_MS = 1;

/** A cache of row versions. */
interface Rows {
  readonly read: (key: number) => Promise<number>;
  /** After a write. @returns whether the invalidation holds for all processes. */
  readonly invalidate: (key: number, version: number) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

type Ask = (kind: 'load' | 'loadPrimary' | 'write', key: number) => Promise<number>;

async function openOurs({ redisUrl, namespace, mode }: WorkerPlan, ask: Ask): Promise<Rows> {
  const { createCache, memoryTier } = await import('@hotpath/cache');
  const { redisTier } = await import('@hotpath/cache/redis');
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl);
  client.on('error', () => {
    // Faults are what this is about.
  });
  const cache = createCache({
    tiers: [memoryTier(), redisTier({ client })],
    namespace,
    disconnectedTtlMs: 0,
  });
  const rows = cache.define<number, number>({
    name: 'row',
    // A replica may be behind what nobody could say: the primary is not.
    load: (key, { unverified }) => ask(unverified ? 'loadPrimary' : 'load', key),
    ttlMs: 60_000,
    leaseMs: 300,
    ...(mode === 'versioned' ? { strategy: 'versioned', versionOf: (version: number) => version } : {}),
  });
  await cache.ready();
  return {
    read: async (key) => (await rows.get(key)) ?? 0,
    async invalidate(key, version) {
      const of = mode === 'versioned' ? { version } : {};
      return (await rows.invalidate(key, { ...of, confirm: 'all' })).l2 === 'done';
    },
    async close() {
      await cache.close();
      client.disconnect();
    },
  };
}

async function openNaive({ redisUrl, namespace }: WorkerPlan, ask: Ask): Promise<Rows> {
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl, { commandTimeout: 50, maxRetriesPerRequest: 0 });
  client.on('error', () => {
    // As above; each command has its own.
  });
  const nameOf = (key: number): string => `${namespace}:naive:${key}`;
  return {
    async read(key) {
      const found = await client.get(nameOf(key)).catch(() => null);
      if (found !== null) return Number(found);
      const version = await ask('load', key);
      await client.set(nameOf(key), version, 'PX', 60_000).catch(() => null);
      return version;
    },
    invalidate: (key) =>
      client.del(nameOf(key)).then(
        () => true,
        () => false,
      ),
    close() {
      client.disconnect();
      return Promise.resolve();
    },
  };
}

async function main(plan: WorkerPlan): Promise<void> {
  const next = random(plan.seed);
  const send = (message: FromWorker): void => {
    if (process.connected) process.send!(message);
  };
  const answers = new Map<number, (version: number) => void>();
  let callCount = 0;
  const state = { isStopped: false };
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') {
      state.isStopped = true;
      return;
    }
    answers.get(message.call)?.(message.version);
    answers.delete(message.call);
  });
  const ask: Ask = (kind, key) =>
    new Promise((resolve) => {
      const call = callCount++;
      answers.set(call, resolve);
      send({ kind, call, key });
    });

  let reads: ReadRecord[] = [];
  let writes: WriteRecord[] = [];
  const report = (): void => {
    if (reads.length + writes.length > 0) send({ kind: 'records', reads, writes });
    reads = [];
    writes = [];
  };
  const rows = await (plan.mode === 'naive' ? openNaive : openOurs)(plan, ask);
  send({ kind: 'ready' });
  const reporting = setInterval(report, REPORT_MS);

  const keyNow = (): number => Math.floor(next() * plan.keyCount);
  const reader = async (): Promise<void> => {
    while (!state.isStopped) {
      const key = keyNow();
      const beganAt = nowMs();
      reads.push([beganAt, key, await rows.read(key)]);
      if (next() < 0.5) await sleep(READ_PAUSE_MS);
    }
  };
  const writer = async (): Promise<void> => {
    while (!state.isStopped) {
      await sleep(next() * 2 * plan.writeEveryMs);
      const key = keyNow();
      const version = await ask('write', key);
      const isForAll = await rows.invalidate(key, version);
      writes.push([nowMs(), key, version, isForAll]);
    }
  };
  await Promise.all([writer(), ...Array.from({ length: plan.readerCount }, reader)]);
  clearInterval(reporting);
  await rows.close();
  report();
  process.disconnect();
}

await main(JSON.parse(process.argv[2]!) as WorkerPlan);
