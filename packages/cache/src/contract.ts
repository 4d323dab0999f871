import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { EncodeError } from './errors.ts';
import type { LeaseAnswer, RegionOptions, Tier, TierEntry, TierRegion, TierWrite } from './tier.ts';

/** Options of {@link tierContract}. */
export interface TierContractOptions {
  /** Makes the tier under test; called once for each check. Stores may be shared between calls. */
  readonly create: () => Tier | Promise<Tier>;
  /**
   * Lets at least that many ms pass for the tier; waits for real by default. Give it when the clock below is yours.
   */
  readonly advance?: (ms: number) => void | Promise<void>;
  /** The clock handed to regions; the system's by default. */
  readonly now?: () => number;
}

/** One check of the contract. */
export interface TierCheck {
  /** The behaviour it checks. */
  readonly name: string;
  /** Rejects with an `AssertionError` when the tier does not behave so. */
  run(): Promise<void>;
}

/** What a check works with: regions of one tier, empty, under names that no other check has. */
interface Bench {
  readonly region: (name?: string) => TierRegion;
  readonly advance: (ms: number) => Promise<void>;
  readonly now: () => number;
  /** An entry that lives for `ttlMs`, a minute by default. */
  readonly write: (key: string, value: unknown, ttlMs?: number) => TierWrite;
}

const LONG_MS = 60_000;
const SHORT_MS = 50;

async function valueOf(region: TierRegion, key: string): Promise<unknown> {
  const [entry] = await region.getMany([key]);
  ok(entry !== undefined, `expected an entry under ${JSON.stringify(key)}`);
  return entry.value;
}

async function missing(region: TierRegion, key: string): Promise<void> {
  deepStrictEqual(await region.getMany([key]), [undefined]);
}

const CHECKS: readonly [name: string, run: (bench: Bench) => Promise<void>][] = [
  [
    'what was set is read back, in the order asked for, with holes where nothing is',
    async ({ region, write }) => {
      const store = region();
      await store.setMany([write('a', { n: 1 }), write('b', [1, 'two', null])]);
      const entries = await store.getMany(['b', 'nothing', 'a', 'b']);
      deepStrictEqual(
        entries.map((entry) => entry?.value),
        [[1, 'two', null], undefined, { n: 1 }, [1, 'two', null]],
      );
    },
  ],
  [
    'null and falsy values are values, and a known absence is an entry',
    async ({ region, write }) => {
      const store = region();
      const values = [null, 0, '', false, undefined];
      await store.setMany(values.map((value, index) => write(`k${index}`, value)));
      const entries = await store.getMany(values.map((_, index) => `k${index}`));
      for (const [index, entry] of entries.entries()) {
        ok(entry !== undefined, `expected an entry for ${String(values[index])}`);
        strictEqual(entry.value, values[index]);
      }
    },
  ],
  [
    'an entry tells when it expires, and lives for no more than it was given',
    async ({ region, advance, now, write }) => {
      const store = region();
      await store.setMany([write('a', 1, 10_000), write('eternal', 1, Infinity)]);
      await advance(20);
      const [a, eternal] = (await store.getMany(['a', 'eternal'])) as TierEntry[];
      const leftMs = a!.expiresAt - now();
      ok(leftMs > 0 && leftMs <= 10_000, `expected 0 to 10000 ms, got ${leftMs}`);
      strictEqual(eternal!.expiresAt, Infinity);
    },
  ],
  [
    'an expired entry is gone',
    async ({ region, advance, write }) => {
      const store = region();
      await store.setMany([write('short', 1, SHORT_MS), write('long', 2)]);
      await advance(SHORT_MS + 20);
      await missing(store, 'short');
      strictEqual(await valueOf(store, 'long'), 2);
    },
  ],
  [
    'a second set replaces value and life, and the last of two in one call wins',
    async ({ region, advance, write }) => {
      const store = region();
      await store.setMany([write('a', 1, SHORT_MS)]);
      await store.setMany([write('a', 2), write('a', 3)]);
      await advance(SHORT_MS + 20);
      strictEqual(await valueOf(store, 'a'), 3);
    },
  ],
  [
    'deleting takes the keys named and no other, and those that are not there are no error',
    async ({ region, write }) => {
      const store = region();
      await store.setMany([write('a', 1), write('b', 2)]);
      await store.deleteMany(['a', 'nothing']);
      await missing(store, 'a');
      strictEqual(await valueOf(store, 'b'), 2);
    },
  ],
  [
    'regions do not see each other, and clearing one leaves the other',
    async ({ region, write }) => {
      const one = region('one');
      const other = region('one.more');
      await one.setMany([write('a', 1), write('b', 1)]);
      await other.setMany([write('a', 2)]);
      strictEqual(await valueOf(one, 'a'), 1);
      await one.clear();
      await missing(one, 'a');
      await missing(one, 'b');
      strictEqual(await valueOf(other, 'a'), 2);
    },
  ],
  [
    'empty keys, long keys, and every well-formed character keep apart',
    async ({ region, write }) => {
      const store = region();
      const keys = [
        '',
        ' ',
        '*',
        'a%',
        'a_',
        'a\\',
        "a'",
        '{a}',
        'é',
        'e\u0301',
        '😀',
        '\uFFFD',
        '\n',
        'x'.repeat(512),
      ];
      await store.setMany(keys.map((key, index) => write(key, index)));
      const entries = await store.getMany(keys);
      deepStrictEqual(
        entries.map((entry) => entry?.value),
        keys.map((_, index) => index),
      );
    },
  ],
  [
    'empty calls do nothing',
    async ({ region }) => {
      const store = region();
      deepStrictEqual(await store.getMany([]), []);
      await store.setMany([]);
      await store.deleteMany([]);
    },
  ],
];

const OUTSIDE_CHECKS: readonly [name: string, run: (bench: Bench) => Promise<void>][] = [
  [
    'a value that cannot be encoded rejects with EncodeError, and nothing of the call is written',
    async ({ region, write }) => {
      const store = region();
      if (store.lease === undefined) return;
      await rejects(store.setMany([write('good', 1), write('bad', () => 1)]), EncodeError);
      await missing(store, 'good');
    },
  ],
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
    'clearing a prefix takes what begins with it, and leaves most of the rest',
    async ({ region, write }) => {
      const store = region();
      await store.setMany([write('eu:1', 1), write('eu:2', 2), write('us:1', 3)]);
      await store.clear('eu:');
      await missing(store, 'eu:1');
      await missing(store, 'eu:2');
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

let runCount = 0;

/**
 * The checks that every tier has to pass, for any test runner. Those about leases pass a tier that has none.
 *
 * @example
 * ```ts
 * for (const check of tierContract({ create: () => myTier() })) test(check.name, () => check.run());
 * ```
 */
export function tierContract(options: TierContractOptions): readonly TierCheck[] {
  const clock = { now: options.now ?? Date.now };
  return [...CHECKS, ...OUTSIDE_CHECKS].map(([name, check]) => ({
    name,
    run: async () => {
      const tier = await options.create();
      const namespace = `contract-${process.pid}-${Date.now().toString(36)}-${runCount++}`;
      await check({
        region: (region = 'keys') => {
          const opening: RegionOptions = {
            name: region,
            namespace,
            origin: 'contract',
            prefix: `${namespace}:${region}:`,
            clock,
          };
          return tier.open(opening);
        },
        now: () => clock.now(),
        write: (key, value, ttlMs = LONG_MS) => {
          const expiresAt = clock.now() + ttlMs;
          return { key, value, expiresAt, freshUntil: expiresAt };
        },
        advance: async (ms) => {
          await (options.advance ?? sleep)(ms);
        },
      });
    },
  }));
}
