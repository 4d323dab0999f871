import { type Database, FoldError, QueryError, nest, sql } from '@hotpath/database';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

interface Line {
  readonly user: string;
  readonly born: Date;
  readonly region: string | null;
  readonly order: number | null;
  readonly total: string | null;
  readonly line: number | null;
  readonly item: string | null;
  readonly bio: string | null;
}

const users = nest<Line>()({
  key: 'user',
  fields: { id: 'user', born: 'born' },
  many: {
    orders: {
      key: ['region', 'order'],
      fields: { total: 'total' },
      many: { lines: { key: 'line', fields: { item: 'item' } } },
    },
  },
  one: { profile: { key: 'bio', fields: { bio: 'bio' } } },
});

/** Users by uuid, with orders by two columns, whose lines may be missing, and perhaps a profile. */
const text = `SELECT md5(u::text)::uuid AS user, timestamptz '2026-01-01Z' + u * interval '1 day' AS born,
    CASE o % 2 WHEN 0 THEN 'eu' WHEN 1 THEN 'us' END AS region, o AS order, o * 1.50 AS total,
    l AS line, 'item ' || l AS item, CASE u % 3 WHEN 0 THEN 'bio ' || repeat('é', u) END AS bio
  FROM generate_series(1, $1::int) u
    LEFT JOIN generate_series(1, 8) o ON (u + o) % 4 <> 0 AND u % 5 <> 0
    LEFT JOIN generate_series(1, 3) l ON (o + l) % 3 <> 0`;
const ORDERS: readonly string[] = [
  'ORDER BY 1, 3, 4, 6',
  'ORDER BY 1 DESC, 3 DESC, 4 DESC, 6 DESC',
  'ORDER BY 6, 4, u',
  // In order for most of the result, and then not.
  'ORDER BY u = 40, 1, 3, 4, 6',
];

describe.skipIf(postgresUrl === '')('rows folded while they come from a real Postgres', () => {
  const fresh = freshDatabase();
  let db: Database;
  let pool: pg.Pool;

  beforeAll(async () => {
    db = fresh.keep({ max: 2 });
    pool = new pg.Pool({ connectionString: fresh.url, max: 1 });
  });
  afterAll(async () => {
    await pool?.end();
  });

  test.each(ORDERS)('are what the fold of the rows gives: %s', async (order) => {
    const query = `${text} ${order}`;
    for (const count of [0, 1, 60, 60]) {
      const expected = users.fold((await pool.query<Line>(query, [count])).rows);
      expect(expected).toHaveLength(count);
      expect(await users.load(db, query, [count])).toEqual(expected);
      expect(await users.load(pool, query, [count])).toEqual(expected);
    }
  });

  test('also in a transaction, on a connection of one’s own, and of what sql made', async () => {
    const query = `${text} ORDER BY 1, 3, 4, 6`;
    const expected = users.fold((await db.query<Line>(query, [7])).rows);
    expect(await db.transaction((tx) => users.load(tx, query, [7]))).toEqual(expected);
    using connection = await db.acquire();
    expect(await users.load(connection, query, [7])).toEqual(expected);
    const numbers = nest<{ n: number }>()({ key: 'n', fields: { n: 'n' } });
    expect(await numbers.load(db, sql`SELECT ${1}::int AS n UNION ALL SELECT ${1}::int`)).toEqual([{ n: 1 }]);
  });

  test('many at once on the shared connections each get their own', async () => {
    const numbers = nest<{ a: number; b: number }>()({
      key: 'a',
      fields: { a: 'a' },
      many: { below: { key: 'b', fields: { b: 'b' } } },
    });
    const query = 'SELECT $1::int AS a, b FROM generate_series(1, $1) b';
    const loads = Array.from({ length: 50 }, (_, at) => numbers.load(db, query, [at + 1]));
    for (const [at, [root]] of (await Promise.all(loads)).entries()) {
      expect(root).toEqual({ a: at + 1, below: Array.from({ length: at + 1 }, (_, b) => ({ b: b + 1 })) });
    }
  });

  test('what is wrong rejects, and the connection is good for the next', async () => {
    const numbers = nest<{ n: number; m: number }>()({
      key: 'n',
      fields: { n: 'n' },
      one: { m: { key: 'm', fields: { m: 'm' } } },
    });
    const failures: readonly [query: string, kind: new (...args: never[]) => Error, message: string][] = [
      ['SELECT 1 AS n', FoldError, 'expected a column "m", got n'],
      ['SELECT n, 1 AS m FROM (VALUES (1), (NULL)) v(n)', FoldError, 'rows[1]: expected a key in n'],
      ['SELECT 1 AS n, m FROM (VALUES (1), (1), (2)) v(m)', FoldError, 'rows[2]: expected at most one m'],
      ['SELECT 1 / (3 - n) AS n, 1 AS m FROM generate_series(1, 3) n', QueryError, 'division by zero'],
    ];
    for (const [query, kind, message] of failures) {
      const loaded = numbers.load(db, query);
      await expect(loaded).rejects.toBeInstanceOf(kind);
      await expect(loaded).rejects.toThrow(message);
      if (kind === FoldError) await expect(numbers.load(pool, query)).rejects.toThrow(message);
      expect(await numbers.load(db, 'SELECT 1 AS n, NULL::int AS m')).toEqual([{ n: 1, m: null }]);
    }
    await expect(numbers.load({} as never, 'SELECT 1')).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_ARGUMENT_TYPE',
    });
    await expect(numbers.load(db, 1 as never)).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_ARGUMENT_TYPE',
    });
  });

  test('columns that changed under a prepared statement are folded as they are now', async () => {
    await db.query('CREATE TABLE changing (id int, name text)');
    await db.query("INSERT INTO changing VALUES (1, 'a')");
    const rows = nest<{ id: number; name: string }>()({ key: 'id', fields: { id: 'id', name: 'name' } });
    const load = (): Promise<unknown> => rows.load(db, 'SELECT * FROM changing');
    expect(await load()).toEqual([{ id: 1, name: 'a' }]);
    await db.query('ALTER TABLE changing DROP COLUMN id, ADD COLUMN id text DEFAULT $$one$$');
    expect(await load()).toEqual([{ id: 'one', name: 'a' }]);
  });
});
