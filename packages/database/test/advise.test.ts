import { advise, createIndexConcurrently } from '@hotpath/database/advise';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readConditions, readOrderKey } from '../dist/advise/condition.js';
import { nameOf, renderIndex } from '../dist/advise/index-definition.js';
import { accessesOf } from '../dist/advise/plan.js';
import { oneStatement, tokenize } from '../dist/advise/sql-tokens.js';

const unused = {
  query: () => {
    throw new Error('the server was asked');
  },
};

test('a connection of ours is given back, or destroyed when an abort kept it from being tidied up', async () => {
  for (const aborted of [false, true]) {
    const controller = new AbortController();
    const ends: string[] = [];
    const db = {
      ...unused,
      acquire: () => ({
        inTransaction: false,
        query: () => {
          if (aborted) controller.abort();
          return Promise.reject(new Error('refused'));
        },
        release: () => ends.push('release'),
        destroy: () => ends.push('destroy'),
      }),
    };
    await expect(advise(db, 'SELECT 1', [], { signal: controller.signal })).rejects.toThrow('refused');
    expect(ends).toEqual([aborted ? 'destroy' : 'release']);
  }
});

describe('conditions of a plan', () => {
  const kinds = (text: string): unknown[] =>
    readConditions(text).conditions.map(({ column, kind, literal }) => [column, kind, literal]);

  test.each([
    [`(users.email = 'x'::text)`, [['email', 'equal', `"email" = 'x'::text`]]],
    [`((users.name)::text = $1)`, [['name', 'equal', undefined]]],
    [`(users.mood = 'ok'::app.mood)`, [['mood', 'equal', `"mood" = 'ok'::app.mood`]]],
    [
      `(users.at = 'x'::timestamp(3) without time zone)`,
      [['at', 'equal', `"at" = 'x'::timestamp(3) without time zone`]],
    ],
    [`(users.tags = '{}'::"My type"[])`, [['tags', 'equal', `"tags" = '{}'::"My type"[]`]]],
    [`(5 < users.id)`, [['id', 'range', '"id" > 5']]],
    [
      `((users.a = 1) AND (users.b >= '2020-01-01 00:00:00'::timestamp without time zone))`,
      [
        ['a', 'equal', '"a" = 1'],
        ['b', 'range', `"b" >= '2020-01-01 00:00:00'::timestamp without time zone`],
      ],
    ],
    [`users.is_active`, [['is_active', 'equal', '"is_active"']]],
    [`(NOT users.is_active)`, [['is_active', 'equal', 'NOT "is_active"']]],
    [`(users.deleted_at IS NULL)`, [['deleted_at', 'equal', '"deleted_at" IS NULL']]],
    [`(users.deleted_at IS NOT NULL)`, [['deleted_at', 'filter', '"deleted_at" IS NOT NULL']]],
    [`(users.id = ANY ('{1,2}'::integer[]))`, [['id', 'equal', undefined]]],
    [`(users.email ~~ 'john%'::text)`, [['email', 'prefix', `"email" ~~ 'john%'::text`]]],
    [`(p."Weird ""Col" > 4)`, [['Weird "Col', 'range', '"Weird ""Col" > 4']]],
    [`(lower(users.email) = 'x'::text)`, [['email', 'equal', undefined]]],
    [`(p.user_id = (InitPlan 1).col1)`, [['user_id', 'equal', undefined]]],
    [`(users.note = ') AND (users.x = 1'::text)`, [['note', 'equal', `"note" = ') AND (users.x = 1'::text`]]],
  ])('reads %s', (text, expected) => {
    expect(kinds(text)).toEqual(expected);
  });

  test.each([
    `(users.email ~~ '%john'::text)`,
    `(users.email ~~* 'john%'::text)`,
    `(users.email ~~ $1)`,
    `((users.a = 1) OR (users.b = 2))`,
    `((users.a + 1) = 2)`,
    `(users.a = users.b)`,
    `(COALESCE(users.email, 'x'::text) = 'y'::text)`,
    `(hashed SubPlan 1)`,
    `(users.a = 'open`,
  ])('finds no use for an index in %s', (text) => {
    expect(readConditions(text)).toEqual({ conditions: [], joins: [] });
  });

  test('columns of two tables are a join', () => {
    const { joins } = readConditions('(p.user_id = u.id)');
    expect(joins).toMatchObject([
      { left: { alias: 'p', column: 'user_id' }, right: { alias: 'u', column: 'id' } },
    ]);
  });

  test('order keys keep their direction and their nulls', () => {
    expect(readOrderKey('p.title DESC NULLS LAST')).toMatchObject({
      column: 'title',
      descending: true,
      nullsFirst: false,
    });
    expect(readOrderKey('p.title DESC')).toMatchObject({ descending: true, nullsFirst: true });
    expect(readOrderKey('p.id')).toMatchObject({ column: 'id', descending: false, nullsFirst: false });
    expect(readOrderKey('(p.a + 1)')).toBeUndefined();
  });

  test('a plan gives each table with its conditions, joins and order', () => {
    const scan = (alias: string, filter?: string): object => ({
      'Node Type': 'Seq Scan',
      'Relation Name': `${alias}s`,
      Schema: 'public',
      Alias: alias,
      'Total Cost': 10,
      'Plan Rows': 5,
      ...(filter === undefined ? {} : { Filter: filter }),
    });
    const plan = {
      'Node Type': 'Sort',
      'Total Cost': 30,
      'Plan Rows': 5,
      'Sort Key': ['u.name DESC'],
      Plans: [
        {
          'Node Type': 'Hash Join',
          'Total Cost': 25,
          'Plan Rows': 5,
          'Hash Cond': '(p.user_id = u.id)',
          Plans: [scan('p'), scan('u', '(u.email = $1)')],
        },
      ],
    };
    expect(accessesOf(plan as never)).toMatchObject([
      { alias: 'p', table: 'ps', joinColumns: ['user_id'], conditions: [], order: [] },
      { alias: 'u', joinColumns: ['id'], conditions: [{ column: 'email' }], order: [{ column: 'name' }] },
    ]);
  });
});

describe('the text of a query', () => {
  test.each([
    ['SELECT 1', 0],
    ['  select $2, $1 ;; ', 2],
    [`WITH a AS (SELECT ';' AS b, $$;$$, $x$ ; $$ $x$, E'\\';', "a;b") SELECT * FROM a -- ;\n`, 0],
    ['/* ; /* ; */ ; */ VALUES (1)', 0],
    [`SELECT '$1', "$2"`, 0],
  ])('%s is one statement', (text, parameterCount) => {
    expect(oneStatement(text).parameterCount).toBe(parameterCount);
  });

  test.each([
    'SELECT 1; DROP TABLE users',
    'DROP TABLE users',
    '',
    ';',
    `SELECT '`,
    'SELECT /* 1',
    'EXPLAIN ANALYZE DELETE FROM a',
  ])('%s is refused before the server is asked', async (text) => {
    await expect(advise(unused, text)).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_ARGUMENT_RANGE' });
  });

  test('a comment inside a run of operator characters begins a comment', () => {
    expect(tokenize('a +-- b\n1', 'query').map(({ text }) => text)).toEqual(['a', '+', '1']);
  });
});

describe('an index as a statement', () => {
  test('has its keys, its condition and a name that is the same each time', () => {
    expect(renderIndex({ table: 'users', keys: ['name', 'email'] }, true)).toBe(
      'CREATE INDEX CONCURRENTLY "users_name_email_idx" ON "users" ("name", "email")',
    );
    const partial = {
      table: ['app', 'users'],
      keys: [
        { column: 'email', opclass: 'text_pattern_ops' },
        { expression: 'lower(name)', descending: true, nullsFirst: false },
      ],
      where: 'is_active',
      unique: true,
      method: 'btree',
    } as const;
    expect(renderIndex(partial, false)).toMatch(
      /^CREATE UNIQUE INDEX "users_email_expr_[0-9a-f]{8}_key" ON "app"\."users" USING "btree" \("email" "text_pattern_ops", \(lower\(name\)\) DESC NULLS LAST\) WHERE is_active$/u,
    );
    expect(nameOf(partial)).toBe(nameOf({ ...partial }));
    expect(nameOf(partial)).not.toBe(nameOf({ ...partial, where: 'NOT is_active' }));
  });

  test('has a name that the server does not cut', () => {
    const name = nameOf({ table: 'é'.repeat(60), keys: ['a'] });
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
    expect(name).toMatch(/_[0-9a-f]{8}_idx$/u);
  });

  test.each([
    [{ table: 'users', keys: [] }],
    [{ table: 'users', keys: [{}] }],
    [{ table: 'users', keys: [{ column: 'a', expression: 'b' }] }],
    [{ table: 'users', keys: [''] }],
    [{ table: 'us\0ers', keys: ['a'] }],
    [{ table: 'users', keys: ['a'], where: 'a); DROP TABLE users; --' }],
    [{ table: 'users', keys: ['a'], where: 'true; DROP TABLE users' }],
    [{ table: 'users', keys: [{ expression: 'a), (b' }] }],
    [{ table: 'users', keys: [{ expression: 'a --' }] }],
    [{ table: 'users', keys: ['a'], name: 'x'.repeat(64) }],
  ])('%j is refused before the server is asked', async (definition) => {
    await expect(createIndexConcurrently(unused, definition as never)).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_ARGUMENT_RANGE',
    });
  });

  test('names from outside stay one identifier', () => {
    const evil = 'a") ; DROP TABLE users; --';
    expect(renderIndex({ table: evil, keys: [evil], name: 'i', method: evil }, true)).toBe(
      `CREATE INDEX CONCURRENTLY "i" ON "a"") ; DROP TABLE users; --" USING "a"") ; DROP TABLE users; --" ("a"") ; DROP TABLE users; --")`,
    );
  });
});

describe('hotpath-db', () => {
  const cli = fileURLToPath(new URL('../dist/advise/cli.js', import.meta.url));
  const run = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    await promisify(execFile)(process.execPath, [cli, ...args], { env: { PATH: process.env['PATH'] } }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error) => error,
    );

  test('shows its help, with examples', async () => {
    expect(await run('--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Examples:\n  hotpath-db advise'),
    });
  });

  test('tells wrong use in a line, and exits with 2', async () => {
    const uses = [[], ['advise', '--from', 'x'], ['advise', '--query', 'x', '--top', 'y'], ['--no']];
    for (const result of await Promise.all(uses.map((use) => run(...use)))) {
      expect(result).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/^hotpath-db: .+\nhotpath-db --help/u),
      });
    }
  });

  test('keeps the password out of what it says', async () => {
    const urls = ['postgres://ada:s3cret@127.0.0.1:1/x', 'postgres://ada:s3cret@[bad/x'];
    for (const result of await Promise.all(urls.map((url) => run('audit', '--url', url)))) {
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(/^hotpath-db: .+\n$/u);
      expect(result.stderr).not.toContain('s3cret');
    }
  });
});
