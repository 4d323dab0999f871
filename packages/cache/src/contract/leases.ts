import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { LeaseAnswer, TierRegion, TierWrite } from '../tier.ts';
import { type Check, LONG_MS, missing, SHORT_MS, valueOf } from './bench.ts';

/** What a tier does that has leases, or versions; one that has none passes. */
export const LEASE_CHECKS: readonly Check[] = [
  [
    'one lease a key: the first asks and gets, the second is told that it is held',
    async ({ region }) => {
      const { lease } = region();
      if (lease === undefined) return;
      strictEqual((await lease.acquire('a', LONG_MS)).kind, 'granted');
      strictEqual((await lease.acquire('a', LONG_MS)).kind, 'held');
      strictEqual((await lease.acquire('b', LONG_MS)).kind, 'granted');
    },
  ],
  [
    'a leased key has no value, until it is filled',
    async ({ region, now, write }) => {
      const store = region();
      const { lease } = store;
      if (lease === undefined) return;
      const answer = await lease.acquire('a', LONG_MS);
      ok(answer.kind === 'granted');
      await missing(store, 'a');
      strictEqual(await lease.fill(write('a', 7), answer.token), true);
      strictEqual(await valueOf(store, 'a'), 7);
      const second = await lease.acquire('a', LONG_MS);
      ok(second.kind === 'hit', `expected a hit, got ${second.kind}`);
      strictEqual(second.entry.value, 7);
      const leftMs = second.entry.expiresAt - now();
      ok(leftMs > 0 && leftMs <= LONG_MS, `expected 0 to ${LONG_MS} ms, got ${leftMs}`);
    },
  ],
  [
    'a known absence can be filled and is a hit',
    async ({ region, write }) => {
      const { lease } = region();
      if (lease === undefined) return;
      const answer = await lease.acquire('a', LONG_MS);
      ok(answer.kind === 'granted');
      strictEqual(await lease.fill(write('a', undefined), answer.token), true);
      const second = await lease.acquire('a', LONG_MS);
      ok(second.kind === 'hit' && second.entry.value === undefined);
    },
  ],
  [
    'deleting, writing or clearing ends the lease: what was loaded before is refused',
    async ({ region, write }) => {
      const changes: ((store: TierRegion) => Promise<void>)[] = [
        (store) => store.deleteMany(['a']),
        (store) => store.setMany([write('a', 'new')]),
        (store) => store.clear(),
      ];
      for (const [index, change] of changes.entries()) {
        const store = region(`change${index}`);
        if (store.lease === undefined) return;
        const answer = await store.lease.acquire('a', LONG_MS);
        ok(answer.kind === 'granted');
        await change(store);
        strictEqual(await store.lease.fill(write('a', 'old'), answer.token), false);
        const [entry] = await store.getMany(['a']);
        ok(entry?.value !== 'old');
      }
    },
  ],
  [
    'a lease given back is free, but only for who held it',
    async ({ region }) => {
      const { lease } = region();
      if (lease === undefined) return;
      const answer = await lease.acquire('a', LONG_MS);
      ok(answer.kind === 'granted');
      await lease.release('a', 'somebody else');
      strictEqual((await lease.acquire('a', LONG_MS)).kind, 'held');
      await lease.release('a', answer.token);
      strictEqual((await lease.acquire('a', LONG_MS)).kind, 'granted');
    },
  ],
  [
    'where a failed load can be told: who has waited hears why, who has not gets the lease, and what is under it stays',
    async ({ region, now, write }) => {
      const store = region();
      const { lease } = store;
      if (lease?.fail === undefined) return;
      const stale = { value: 'stale', freshUntil: now() - 1, expiresAt: now() + LONG_MS };
      await store.setMany([{ key: 'over', ...stale }]);
      for (const key of ['alone', 'over']) {
        const first = await lease.acquire(key, LONG_MS, Infinity);
        ok(first.kind === 'granted');
        await lease.fail(key, 'somebody else', 'd2h5');
        strictEqual((await lease.acquire(key, LONG_MS, Infinity, true)).kind, 'held');
        await lease.fail(key, first.token, 'd2h5');
        deepStrictEqual(await lease.acquire(key, LONG_MS, Infinity, true), {
          kind: 'failed',
          failure: 'd2h5',
        });
        const [entry] = await store.getMany([key]);
        strictEqual(entry?.value, key === 'over' ? 'stale' : undefined);
        const next = await lease.acquire(key, LONG_MS, Infinity);
        ok(next.kind === 'granted', `expected granted, got ${next.kind}`);
        strictEqual(await lease.fill(write(key, 'fresh'), first.token), false);
        strictEqual(await lease.fill(write(key, 'fresh'), next.token), true);
        strictEqual(await valueOf(store, key), 'fresh');
      }
    },
  ],
  [
    'where a read can take the lease: an entry of any age is a hit, and what is missing is granted once',
    async ({ region, now }) => {
      const store = region();
      const { lease } = store;
      if (lease?.readOrAcquire === undefined) return;
      const stale = { value: 'stale', freshUntil: now() - 1, expiresAt: now() + LONG_MS };
      await store.setMany([{ key: 'a', ...stale }]);
      for (const [what, before] of [
        ['by itself', () => Promise.resolve()],
        ['under a lease', () => lease.acquire('a', LONG_MS, Infinity)],
      ] as const) {
        await before();
        const read: LeaseAnswer = await lease.readOrAcquire('a', LONG_MS);
        ok(read.kind === 'hit', `${what}: expected hit, got ${read.kind}`);
        strictEqual(read.entry.value, 'stale');
      }
      const missed = await lease.readOrAcquire('b', LONG_MS);
      ok(missed.kind === 'granted', `expected granted, got ${missed.kind}`);
      strictEqual((await lease.readOrAcquire('b', LONG_MS)).kind, 'held');
      strictEqual((await lease.acquire('b', LONG_MS)).kind, 'held');
      await lease.release('b', missed.token);
      strictEqual((await lease.readOrAcquire('b', LONG_MS)).kind, 'granted');
    },
  ],
  [
    'a lease over a value that is no longer fresh leaves it readable until it is filled or given back',
    async ({ region, now, write }) => {
      const store = region();
      const { lease } = store;
      if (lease === undefined) return;
      const stale = { value: 'stale', freshUntil: now() - 1, expiresAt: now() + LONG_MS, stamp: 'a.b' };
      await store.setMany([{ key: 'a', ...stale }]);
      const [read] = await store.getMany(['a']);
      ok(read !== undefined && read.freshUntil <= now() && read.expiresAt > now());
      strictEqual(read.stamp, 'a.b');
      strictEqual((await lease.acquire('a', LONG_MS, now() - 60_000)).kind, 'hit');
      const first = await lease.acquire('a', LONG_MS, now() + 1000);
      ok(first.kind === 'granted', `expected granted, got ${first.kind}`);
      strictEqual((await lease.acquire('a', LONG_MS, now() + 1000)).kind, 'held');
      strictEqual(await valueOf(store, 'a'), 'stale');
      await lease.release('a', first.token);
      strictEqual(await valueOf(store, 'a'), 'stale');
      const second = await lease.acquire('a', LONG_MS, Infinity);
      ok(second.kind === 'granted', `expected granted, got ${second.kind}`);
      strictEqual(await lease.fill(write('a', 'fresh'), second.token), true);
      strictEqual(await valueOf(store, 'a'), 'fresh');
    },
  ],
  [
    'a lease can be had over a value that never expires, by who takes nothing for fresh',
    async ({ region, now, write }) => {
      const store = region();
      const { lease } = store;
      if (lease === undefined) return;
      await store.setMany([write('a', 'eternal', Infinity)]);
      strictEqual((await lease.acquire('a', LONG_MS, now() + LONG_MS)).kind, 'hit');
      strictEqual((await lease.acquire('a', LONG_MS, Infinity)).kind, 'granted');
      strictEqual(await valueOf(store, 'a'), 'eternal');
    },
  ],
  [
    'deleting ends a lease over a value as well',
    async ({ region, now, write }) => {
      const store = region();
      const { lease } = store;
      if (lease === undefined) return;
      await store.setMany([write('a', 'old')]);
      const answer = await lease.acquire('a', LONG_MS, now() + 2 * LONG_MS);
      ok(answer.kind === 'granted', `expected granted, got ${answer.kind}`);
      await store.deleteMany(['a']);
      strictEqual(await lease.fill(write('a', 'late'), answer.token), false);
      await missing(store, 'a');
    },
  ],
  [
    'where there are versions, the higher one wins, and a tombstone keeps the lower ones out',
    async ({ region, now, write }) => {
      const store = region();
      const { versions, lease } = store;
      if (versions === undefined) return;
      const versioned = (value: string, version: number): TierWrite => ({ ...write('a', value), version });
      strictEqual(await versions.set(write('a', 'two'), 2), true);
      strictEqual(await versions.set(write('a', 'one'), 1), false);
      strictEqual(await valueOf(store, 'a'), 'two');
      strictEqual(await versions.bury('a', 3, now() + LONG_MS), true);
      await missing(store, 'a');
      strictEqual(await versions.set(write('a', 'two'), 2), false);
      const answer = await lease?.acquire('a', LONG_MS);
      if (answer === undefined) return;
      ok(answer.kind === 'granted');
      strictEqual(answer.minVersion, 3);
      strictEqual(await lease!.fill(versioned('two', 2), answer.token), false);
      const next = await lease!.acquire('a', LONG_MS);
      ok(next.kind === 'granted', `expected granted, got ${next.kind}`);
      strictEqual(await lease!.fill(versioned('three', 3), next.token), true);
      strictEqual(await valueOf(store, 'a'), 'three');
    },
  ],
  [
    'a lease lapses, and its late holder is refused',
    async ({ region, advance, write }) => {
      const { lease } = region();
      if (lease === undefined) return;
      const late = await lease.acquire('a', SHORT_MS);
      ok(late.kind === 'granted');
      await advance(SHORT_MS + 20);
      const next = await lease.acquire('a', LONG_MS);
      ok(next.kind === 'granted', `expected granted, got ${next.kind}`);
      strictEqual(await lease.fill(write('a', 'late'), late.token), false);
      strictEqual(await lease.fill(write('a', 'next'), next.token), true);
    },
  ],
];
