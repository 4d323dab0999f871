import { type Database, type LeasedConnection, type Transaction, sql } from '@hotpath/database';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

describe.skipIf(postgresUrl === '')('statements made by sql on a real Postgres', () => {
  const fresh = freshDatabase();
  let db: Database;

  beforeAll(async () => {
    db = fresh.keep();
    await db.query(
      `CREATE TABLE victim (id int PRIMARY KEY, name text, tags text[], data jsonb);
       INSERT INTO victim SELECT n, 'name ' || n FROM generate_series(1, 5) n`,
    );
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
});
