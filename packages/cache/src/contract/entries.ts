import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { EncodeError } from '../errors.ts';
import type { TierEntry } from '../tier.ts';
import { type Check, missing, SHORT_MS, valueOf } from './bench.ts';

/** What every tier does with entries. */
export const ENTRY_CHECKS: readonly Check[] = [
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
    'clearing a prefix takes what begins with it, and leaves most of the rest',
    async ({ region, write }) => {
      const store = region();
      await store.setMany([write('eu:1', 1), write('eu:2', 2), write('us:1', 3)]);
      await store.clear('eu:');
      await missing(store, 'eu:1');
      await missing(store, 'eu:2');
    },
  ],
];
