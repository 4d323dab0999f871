import { FoldError, nest } from '@hotpath/database';
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { compile } from '../dist/join/compile.js';
import { interpret } from '../dist/join/interpret.js';
import { type NestSpec, planNest } from '../dist/join/spec.js';

interface UserPost {
  readonly id: number;
  readonly name: string;
  readonly post_id: number | null;
  readonly title: string | null;
}

const spec = {
  key: 'id',
  fields: { id: 'id', name: 'name' },
  many: { posts: { key: 'post_id', fields: { id: 'post_id', title: 'title' } } },
} as const;

const row = (id: number, post: number | null): UserPost => ({
  id,
  name: `user ${id}`,
  post_id: post,
  title: post === null ? null : `post ${post}`,
});

test('users come with their posts, and without any they have an empty list', () => {
  const users = nest<UserPost>()(spec);
  expect(users.fold([row(1, 10), row(1, 11), row(2, null), row(3, 12)])).toEqual([
    {
      id: 1,
      name: 'user 1',
      posts: [
        { id: 10, title: 'post 10' },
        { id: 11, title: 'post 11' },
      ],
    },
    { id: 2, name: 'user 2', posts: [] },
    { id: 3, name: 'user 3', posts: [{ id: 12, title: 'post 12' }] },
  ]);
  expect(users.fold([])).toEqual([]);
});

test('rows in any order give the same objects, in the order of their first row', () => {
  const users = nest<UserPost>()(spec);
  expect(users.fold([row(2, 20), row(1, 11), row(2, 21), row(1, 10), row(2, 20)])).toEqual([
    {
      id: 2,
      name: 'user 2',
      posts: [
        { id: 20, title: 'post 20' },
        { id: 21, title: 'post 21' },
      ],
    },
    {
      id: 1,
      name: 'user 1',
      posts: [
        { id: 11, title: 'post 11' },
        { id: 10, title: 'post 10' },
      ],
    },
  ]);
});

/** Both ways to fold, the compiled one with its own two passes. */
function both(spec: NestSpec<never>, rows: readonly object[]): unknown {
  const plan = planNest(spec);
  const [compiled, interpreted] = [compile(plan)!, interpret(plan)].map((fold) => {
    try {
      return { value: fold(rows) };
    } catch (error) {
      expect(error).toBeInstanceOf(FoldError);
      return { error: (error as Error).message };
    }
  });
  expect(compiled).toEqual(interpreted);
  return compiled!.value ?? compiled!.error;
}
const any = (value: object): NestSpec<never> => value as NestSpec<never>;

describe('keys', () => {
  test('of the root may not be NULL in any of their columns, however the rows are ordered', () => {
    const pair = any({ key: ['a', 'b'], fields: { a: 'a' } });
    expect(
      both(pair, [
        { a: 1, b: 1 },
        { a: 2, b: null },
      ]),
    ).toBe('rows[1]: expected a key in a, b, got NULL');
    expect(
      both(pair, [
        { a: 1, b: 1 },
        { a: null, b: 2 },
      ]),
    ).toBe('rows[1]: expected a key in a, b, got NULL');
  });

  test('of several columns do not run into each other', () => {
    const pairs = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['a,1', 'b'],
      ['a', '1,b'],
      ['a', 'bc'],
    ];
    const rows = pairs.map(([a, b]) => ({ a, b }));
    const result = both(any({ key: ['a', 'b'], fields: { a: 'a', b: 'b' } }), rows);
    expect(result).toEqual(rows.slice(0, 4));
  });

  test('of several columns in order, the second one starting anew', () => {
    const rows = [1, 1, 2, 2].map((a, i) => ({ a, b: i % 2, c: i }));
    expect(both(any({ key: ['a', 'b'], fields: { c: 'c' } }), rows)).toEqual([
      { c: 0 },
      { c: 1 },
      { c: 2 },
      { c: 3 },
    ]);
  });

  test('1 and "1", null and "null", are different', () => {
    const rows = [{ a: 1 }, { a: '1' }, { a: true }, { a: 'true' }, { a: 1n }];
    expect(both(any({ key: 'a', fields: { a: 'a' } }), rows)).toEqual(rows);
    expect(both(any({ key: ['a', 'a'], fields: { a: 'a' } }), rows)).toEqual(rows);
  });

  test('that are dates or bytes are compared by what they hold', () => {
    for (const make of [() => new Date(5), () => Buffer.from([1, 255])]) {
      const rows = [
        { a: make(), b: 1 },
        { a: make(), b: 2 },
      ];
      const spec = any({ key: 'a', fields: {}, many: { bs: { key: 'b', fields: { b: 'b' } } } });
      expect(both(spec, rows)).toEqual([{ bs: [{ b: 1 }, { b: 2 }] }]);
    }
  });

  test('that are other objects are refused', () => {
    expect(both(any({ key: 'a', fields: {} }), [{ a: {} }])).toMatch(/expected a primitive, a Date or bytes/);
  });

  test('bigint columns, which come as text, count as ordered; negative ones and words are right too', () => {
    for (const keys of [
      ['8', '9', '10', '100'],
      ['100', '10', '9'],
      ['-3', '-2', '1', '-3'],
      ['b', 'a', 'c', 'b'],
      ['9', '10', '9'],
      ['', 'a', ''],
    ]) {
      const rows = keys.map((a) => ({ a }));
      expect(both(any({ key: 'a', fields: { a: 'a' } }), rows)).toEqual(
        [...new Set(keys)].map((a) => ({ a })),
      );
    }
  });

  test('NaN is one key', () => {
    const rows = [{ a: Number.NaN }, { a: 1 }, { a: Number.NaN }];
    expect(both(any({ key: 'a', fields: { a: 'a' } }), rows)).toEqual([{ a: Number.NaN }, { a: 1 }]);
  });

  test('a root without a key is an error that names the row', () => {
    const spec = any({ key: 'a', fields: {} });
    expect(both(spec, [{ a: 1 }, { a: null }])).toBe('rows[1]: expected a key in a, got NULL');
    expect(both(spec, [{ a: undefined }])).toBe('rows[0]: expected a key in a, got NULL');
    expect(both(any({ key: ['a', 'b'], fields: {} }), [{ a: 1, b: null }])).toMatch(/^rows\[0\]/);
  });

  test('a child with half a key is none', () => {
    const spec = any({ key: 'a', fields: {}, many: { cs: { key: ['b', 'c'], fields: { b: 'b' } } } });
    const rows = [
      { a: 1, b: 1, c: null },
      { a: 1, b: 1, c: 2 },
    ];
    expect(both(spec, rows)).toEqual([{ cs: [{ b: 1 }] }]);
  });
});

test('one is an object or null, and a second one is an error', () => {
  const spec = any({
    key: 'a',
    fields: { a: 'a' },
    one: { profile: { key: 'p', fields: { p: 'p' }, many: { tags: { key: 't', fields: { t: 't' } } } } },
  });
  expect(
    both(spec, [
      { a: 1, p: null, t: 9 },
      { a: 2, p: 5, t: 1 },
      { a: 2, p: 5, t: 2 },
    ]),
  ).toEqual([
    { a: 1, profile: null },
    { a: 2, profile: { p: 5, tags: [{ t: 1 }, { t: 2 }] } },
  ]);
  const second = [
    { a: 1, p: 1, t: null },
    { a: 1, p: 2, t: null },
  ];
  expect(both(spec, second)).toBe('rows[1]: expected at most one profile, got a second; use many');
});

test('lists side by side keep each object once, though the JOIN multiplies them', () => {
  const spec = any({
    key: 'a',
    fields: { a: 'a' },
    many: { ps: { key: 'p', fields: { p: 'p' } }, ts: { key: 't', fields: { t: 't' } } },
  });
  const rows = [1, 2].flatMap((p) => Array.from({ length: 40 }, (_, t) => ({ a: 1, p, t })));
  expect(both(spec, rows)).toEqual([
    { a: 1, ps: [{ p: 1 }, { p: 2 }], ts: Array.from({ length: 40 }, (_, t) => ({ t })) },
  ]);
});

test('members and columns may have any name', () => {
  const wild = '"]};throw 1;//\u2028';
  const rows = [
    Object.fromEntries([
      ['__proto__', 1],
      [wild, 2],
      ['constructor', 3],
    ]),
  ];
  const spec = any({
    key: '__proto__',
    fields: Object.fromEntries([
      ['__proto__', wild],
      ['toString', '__proto__'],
      [wild, 'constructor'],
    ]),
    many: { [`${wild}s`]: { key: wild, fields: { [wild]: wild } } },
  });
  const [made] = both(spec, rows) as [object];
  expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
  expect(Object.entries(made)).toEqual([
    ['__proto__', 2],
    ['toString', 1],
    [wild, 3],
    [`${wild}s`, [{ [wild]: 2 }]],
  ]);
  const single = any({
    key: 'a',
    fields: {},
    one: Object.fromEntries([['__proto__', { key: 'a', fields: { a: 'a' } }]]),
  });
  const [parent] = both(single, [{ a: 1 }, { a: 1 }]) as [object];
  expect(Object.getOwnPropertyDescriptor(parent, '__proto__')?.value).toEqual({ a: 1 });
});

test('a missing column is an error that names what there is', () => {
  const users = nest<UserPost>()(spec);
  expect(() => users.fold([{ id: 1, name: 'a' } as never])).toThrow(
    expect.objectContaining({
      code: 'ERR_HOTPATH_DATABASE_FOLD',
      message: 'rows: expected a column "post_id", got id, name',
    }),
  );
  expect(() => users.fold('rows' as never)).toThrow(TypeError);
  expect(() => users.fold([null as never])).toThrow(TypeError);
});

test('specs that cannot be are refused', () => {
  const make = (spec: unknown) => () => nest<UserPost>()(spec as NestSpec<UserPost>);
  expect(make(null)).toThrow(/^spec: expected an object/);
  expect(make({ fields: {} })).toThrow(/^spec\.key/);
  expect(make({ key: [], fields: {} })).toThrow(RangeError);
  expect(make({ key: [1], fields: {} })).toThrow(/^spec\.key: expected names of columns/);
  expect(make({ key: 'id' })).toThrow(/^spec\.fields/);
  expect(make({ key: 'id', fields: { a: 1 } })).toThrow(/^spec\.fields\.a/);
  expect(make({ key: 'id', fields: { a: 'id' }, many: { a: spec } })).toThrow(/"a" twice/);
  expect(make({ key: 'id', fields: {}, many: { a: { key: 'id' } } })).toThrow(/^spec\.a\.fields/);
  const loop: Record<string, unknown> = { key: 'id', fields: {} };
  loop['many'] = { loop };
  expect(make(loop)).toThrow(/at most 32 levels/);
});

test('where code may not be made of strings, rows are folded and decoded all the same', () => {
  const script = `
    import { nest } from '@hotpath/database';
    import { compile } from ${JSON.stringify(new URL('../dist/pool/decode.js', import.meta.url).href)};
    let refused = false;
    try { new Function('return 1')(); } catch { refused = true; }
    const users = nest()(${JSON.stringify(spec)});
    const folded = users.fold(${JSON.stringify([row(1, 10), row(2, null)])});
    console.log(JSON.stringify({ refused, folded, decoder: compile(['a'], [undefined]) ?? null }));
  `;
  const output = execFileSync(
    process.execPath,
    ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script],
    { cwd: import.meta.dirname, encoding: 'utf8' },
  );
  expect(JSON.parse(output)).toEqual({
    refused: true,
    folded: [
      { id: 1, name: 'user 1', posts: [{ id: 10, title: 'post 10' }] },
      { id: 2, name: 'user 2', posts: [] },
    ],
    decoder: null,
  });
});
