import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type Cache, createCache, memoryTier } from '@hotpath/cache';
import { redisTier } from '@hotpath/cache/redis';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { startProxy, type FaultProxy } from '../../../benchmarks/dist/services/index.js';
import { withResolvers } from './tier-double.ts';

const url = inject('redisUrl');
const LEASE_MS = 1000;
const TTL_MS = 3000;

/** A process that reads, loads for ever or at once, and invalidates when it is told to; it says what it did. */
const PROCESS = `
import { createCache, memoryTier } from '@hotpath/cache';
import { redisTier } from '@hotpath/cache/redis';
import { Redis } from 'ioredis';
const { url, namespace, leaseMs, ttlMs, hangs } = JSON.parse(process.env.PLAN);
const client = new Redis(url);
client.on('error', () => {});
const cache = createCache({ tiers: [memoryTier(), redisTier({ client, deadlineMs: 200 })], namespace, jitter: 0 });
const users = cache.define({
  name: 'user', leaseMs, ttlMs,
  load: () => { process.send({ did: 'load' }); return hangs ? new Promise(() => {}) : 'old'; },
});
process.on('message', async (what) => {
  if (what === 'read') process.send({ did: 'read', value: await users.get('a') });
  else {
    const answer = await users.invalidate('a');
    const { queuedCount, lifeMsMax } = cache.stats().regions[1];
    process.send({ did: 'invalidate', ...answer, queuedCount, lifeMsMax });
  }
});
await cache.ready();
process.send({ did: 'start' });
`;

interface Said {
  readonly did: string;
}

describe.skipIf(url === '')('processes that die', () => {
  let namespace: string;
  let proxy: FaultProxy;
  let client: Redis;
  const caches: Cache[] = [];
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    namespace = randomUUID();
    proxy = await startProxy(url);
    client = new Redis(url);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(caches.splice(0).map((cache) => cache.close()));
    client.disconnect();
    await proxy.stop();
  });

  async function open(): Promise<Cache> {
    const tiers = [memoryTier(), redisTier({ client, deadlineMs: 5000 })];
    const cache = createCache({ tiers, namespace, jitter: 0 });
    caches.push(cache);
    expect(await cache.ready()).toBe(true);
    return cache;
  }

  async function start(hangs: boolean): Promise<ChildProcess> {
    const plan = { url: proxy.url, namespace, leaseMs: LEASE_MS, ttlMs: TTL_MS, hangs };
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROCESS], {
      cwd: new URL('..', import.meta.url),
      env: { ...process.env, PLAN: JSON.stringify(plan) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    children.push(child);
    expect(await said(child, 'start')).toEqual({ did: 'start' });
    return child;
  }

  async function said(child: ChildProcess, did: string): Promise<Said> {
    for (;;) {
      const [message] = (await once(child, 'message')) as [Said];
      if (message.did === did) return message;
    }
  }

  async function kill(child: ChildProcess): Promise<void> {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    expect(await exited).toEqual([null, 'SIGKILL']);
  }

  test('the holder of a lease is killed while it loads: when its lease ends, one of those who wait loads for all', async () => {
    const holder = await start(true);
    const loading = said(holder, 'load');
    holder.send('read');
    await loading;
    const load = vi.fn(() => Promise.resolve('loaded'));
    const others = await Promise.all(Array.from({ length: 3 }, open));
    const users = others.map((cache) => cache.define<string>({ name: 'user', leaseMs: LEASE_MS, load }));
    // From now on: to start the others took a while.
    await client.pexpire(`${namespace}:user@1:a`, LEASE_MS);
    const reads = users.flatMap((each) => Array.from({ length: 100 }, () => each.get('a')));
    await vi.waitUntil(() => others.every((cache) => cache.stats().regions[1]!.leaseWaitCount > 0));
    await kill(holder);
    expect(load).not.toHaveBeenCalled();
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['loaded']));
    expect(load).toHaveBeenCalledOnce();
  });

  test('a process dies with an invalidation that Redis was not told of: the life of the value ends it, as its stats had said', async () => {
    const doomed = await start(false);
    doomed.send('read');
    expect(await said(doomed, 'read')).toMatchObject({ value: 'old' });
    const key = `${namespace}:user@1:a`;
    await vi.waitUntil(async () => (await client.get(key))?.startsWith('V') === true);
    await proxy.refuse(true);
    proxy.cutAll();
    doomed.send('invalidate');
    const answer = await said(doomed, 'invalidate');
    expect(answer).toEqual({ did: 'invalidate', l2: 'queued', queuedCount: 1, lifeMsMax: TTL_MS });
    await kill(doomed);
    await proxy.refuse(false);
    const cache = await open();
    const users = cache.define<string>({ name: 'user', ttlMs: TTL_MS, load: () => 'new' });
    const leftMs = await client.pttl(key);
    expect(leftMs).toBeLessThanOrEqual(TTL_MS);
    // Nobody who lives knows better, until the life that was given to it is over: reading it makes it no longer.
    if (leftMs > TTL_MS / 2) expect(await users.get('a')).toBe('old');
    await vi.waitUntil(async () => (await client.exists(key)) === 0, { timeout: 2 * TTL_MS });
    await vi.waitUntil(() => users.peek('a') === undefined);
    expect(await users.get('a')).toBe('new');
  });

  const meanwhiles: [
    what: string,
    happens: (cache: Cache, until: Promise<void>) => unknown,
    leaves: RegExp,
  ][] = [
    ['nobody asked', () => undefined, /^none$/],
    [
      'another loaded',
      (cache) => cache.define<string>({ name: 'user', load: () => 'new' }).get('a'),
      /^V.*new/,
    ],
    [
      'another loads',
      (cache, until) => {
        const load = (): Promise<string> => until.then(() => 'new');
        void cache.define<string>({ name: 'user', load }).get('a');
      },
      /^L/,
    ],
    [
      'another invalidated and loaded',
      async (cache) => {
        const users = cache.define<string>({ name: 'user', load: () => 'new' });
        expect(await users.invalidate('a')).toEqual({ l2: 'done' });
        await users.get('a');
      },
      /^V.*new/,
    ],
  ];

  test.each(meanwhiles)(
    'a loader outlives its lease, and %s: what it brings late is stored nowhere',
    async (_what, happens, leaves) => {
      const [slow, other, fresh] = [await open(), await open(), await open()];
      const [gate, loading, otherGate] = [withResolvers(), withResolvers(), withResolvers()];
      let row = 'old';
      const users = slow.define<string>({
        name: 'user',
        leaseMs: 100,
        load: async () => {
          const read = row;
          if (read === 'old') {
            loading.resolve();
            await gate.promise;
          }
          return read;
        },
      });
      const reading = users.get('a');
      await loading.promise;
      const stored = async (): Promise<string> => (await client.get(`${namespace}:user@1:a`)) ?? 'none';
      await vi.waitUntil(async () => (await stored()) === 'none');
      row = 'new';
      await happens(other, otherGate.promise);
      await vi.waitUntil(async () => leaves.test(await stored()));
      const before = await stored();
      gate.resolve();
      expect(await reading).toBe('old');
      await vi.waitUntil(() => slow.stats().regions[1]!.refusedFillCount === 1);
      expect(await stored()).toBe(before);
      expect(users.peek('a')).toBeUndefined();
      otherGate.resolve();
      expect(await users.get('a')).toBe('new');
      expect(await fresh.define<string>({ name: 'user', load: () => row }).get('a')).toBe('new');
    },
  );
});
