import {
  type Database,
  type LeasedConnection,
  type Transaction,
  createDatabase,
  insertMany,
  sql,
} from '@hotpath/database';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  type FreshDatabase,
  createDatabase as createFreshDatabase,
} from '../../../benchmarks/dist/services/index.js';
import { HOSTILE_TEXTS } from './hostile.ts';

const url = inject('postgresUrl');

describe.skipIf(url === '')('statements made by sql on a real Postgres', () => {
  let fresh: FreshDatabase;
  let db: Database;

  beforeAll(async () => {
    fresh = await createFreshDatabase(url);
    db = createDatabase({ connectionString: fresh.url, min: 0 });
    await db.query(
      `CREATE TABLE victim (id int PRIMARY KEY, name text, tags text[], data jsonb);
       INSERT INTO victim SELECT n, 'name ' || n FROM generate_series(1, 5) n`,
    );
  });
  afterAll(async () => {
    await db?.close();
    await fresh?.drop();
  });

  /** The same on a database, a connection and a transaction. */
  async function everywhere(
    use: (session: Database | LeasedConnection | Transaction) => Promise<void>,
  ): Promise<void> {
    await use(db);
    using lease = await db.acquire();
    await use(lease);
    await db.transaction(use);
  }

  test('run on databases, connections and transactions', async () => {
    await everywhere(async (session) => {
      const where = sql`id = ANY(${[2, 3]})`;
      const query = sql<{ id: number }>`SELECT id FROM ${sql.ident('victim')} WHERE ${where} ORDER BY id`;
      expect(await session.query(query)).toMatchObject({ rows: [{ id: 2 }, { id: 3 }], rowCount: 2 });
      expect(await session.many(query, { timeoutMs: 5_000 })).toEqual([{ id: 2 }, { id: 3 }]);
      expect(await session.many('SELECT 1 AS a WHERE $1', [false])).toEqual([]);
      expect(await session.one(sql`SELECT name FROM victim WHERE id = ${1}`)).toEqual({ name: 'name 1' });
      expect(await session.one('SELECT 1 AS a')).toEqual({ a: 1 });
      expect(await session.maybeOne(sql`SELECT name FROM victim WHERE id = ${99}`)).toBeNull();
      expect(await session.maybeOne('SELECT 1 AS a', [])).toEqual({ a: 1 });
    });
  });

  test('one and maybeOne say when there is none or another', async () => {
    await everywhere(async (session) => {
      const none = sql`SELECT 1 WHERE false`;
      await expect(session.one(none)).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_NO_ROW' });
      const two = sql`SELECT generate_series(1, ${2}::int)`;
      const tooMany = { code: 'ERR_HOTPATH_DATABASE_TOO_MANY_ROWS', rowCount: 2 };
      await expect(session.one(two)).rejects.toMatchObject(tooMany);
      await expect(session.maybeOne(two)).rejects.toMatchObject(tooMany);
    });
  });

  test('reject what is neither a text nor made by sql, and values beside sql', async () => {
    await everywhere(async (session) => {
      for (const query of [{ text: 'SELECT 1', values: [] }, null, undefined, ['SELECT 1']]) {
        await expect(session.query(query as never)).rejects.toThrow(TypeError);
        await expect(session.one(query as never)).rejects.toThrow(TypeError);
      }
      await expect(session.query(sql`SELECT 1`, [] as never)).rejects.toThrow(TypeError);
    });
  });

  test('are prepared once for a template', async () => {
    using lease = await db.acquire();
    for (let n = 0; n < 3; n++) await lease.query(sql`SELECT ${n}::int AS only_here`);
    const { count } = await lease.one<{ count: string }>(
      `SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%only_here%' AND statement NOT LIKE '%count%'`,
    );
    expect(count).toBe('1');
  });

  test('a pool of pg takes them', async () => {
    const pool = new pg.Pool({ connectionString: fresh.url, max: 1 });
    const { rows } = await pool.query(
      sql`SELECT ${'a'}::text AS a, ${sql.ident('id')} FROM victim WHERE id = ${1}`,
    );
    expect(rows).toEqual([{ a: 'a', id: 1 }]);
    await pool.end();
  });

  describe('hostile texts', () => {
    test('come back as they went, as values', async () => {
      for (const text of HOSTILE_TEXTS) {
        const row = await db.one(
          sql`SELECT ${text}::text AS a, ${[text, text]}::text[] AS b, ${{ [text]: text }}::jsonb AS c, ${text}::text = ANY(${[text]}) AS d`,
        );
        expect(row).toEqual({ a: text, b: [text, text], c: { [text]: text }, d: true });
        expect(await db.one('SELECT $1::text AS a', [text])).toEqual({ a: text });
      }
    });

    test('stay one name', async () => {
      for (const text of HOSTILE_TEXTS) {
        expect(Object.keys(await db.one(sql`SELECT 1 AS ${sql.ident(text)}`))).toEqual([text]);
        await expect(db.query(sql`SELECT * FROM ${sql.ident(text)}`)).rejects.toMatchObject({
          sqlState: '42P01',
        });
      }
    });

    test('are stored as they are by every way to insert, and name no table, column or type', async () => {
      const rows = HOSTILE_TEXTS.map((name, id) => ({
        id: id + 100,
        name,
        tags: [name],
        data: { [name]: name },
      }));
      for (const strategy of ['unnest', 'values', 'copy'] as const) {
        await insertMany(db, 'victim', rows, { strategy });
        const stored = await db.many('SELECT id, name, tags, data FROM victim WHERE id >= 100 ORDER BY id');
        expect(stored).toEqual(rows);
        await db.query('DELETE FROM victim WHERE id >= 100');
      }
      for (const text of HOSTILE_TEXTS) {
        const one = [{ id: 1 }];
        await expect(insertMany(db, text, one)).rejects.toThrow();
        await expect(insertMany(db, ['public', text], one)).rejects.toThrow();
        await expect(insertMany(db, [text, 'victim'], one)).rejects.toThrow();
        await expect(insertMany(db, 'victim', [{ [text]: 1 }])).rejects.toThrow();
        await expect(insertMany(db, 'victim', one, { types: { id: text } })).rejects.toThrow();
        await expect(insertMany(db, 'victim', one, { returning: [text] })).rejects.toThrow();
        await expect(
          insertMany(db, 'victim', one, { onConflict: { columns: [text as 'id'] } }),
        ).rejects.toThrow();
        await expect(
          insertMany(db, 'victim', [{ id: 1, name: 'a' }], {
            onConflict: { columns: ['id'], update: [text as 'id'] },
          }),
        ).rejects.toThrow();
        const options = { isolation: text as never };
        await expect(db.transaction(async () => {}, options)).rejects.toThrow(RangeError);
      }
    });

    test('as the name of the program are only that', async () => {
      for (const text of HOSTILE_TEXTS.slice(0, 6)) {
        const named = createDatabase({ connectionString: fresh.url, applicationName: text, min: 0 });
        expect(await named.one('SELECT current_setting($1) AS a', ['application_name'])).toEqual({ a: text });
        await named.close();
      }
    });

    test('have touched nothing', async () => {
      expect(await db.one('SELECT count(*)::int AS n, min(name) AS name FROM victim')).toEqual({
        n: 5,
        name: 'name 1',
      });
    });
  });
});
