import {
  type Database,
  type LeasedConnection,
  type Queryable,
  type Transaction,
  createDatabase,
  insertMany,
  loader,
  sql,
} from '@hotpath/database';
import type pg from 'pg';
import { expectTypeOf, test } from 'vitest';

declare const db: Database;
declare const pool: pg.Pool;
declare const client: pg.Client;

test('a queryable is ours, pg’s, or anything alike', () => {
  expectTypeOf<Database>().toExtend<Queryable>();
  expectTypeOf<LeasedConnection>().toExtend<Queryable>();
  expectTypeOf<Transaction>().toExtend<Queryable>();
  expectTypeOf<pg.Pool>().toExtend<Queryable>();
  expectTypeOf<pg.Client>().toExtend<Queryable>();
  expectTypeOf<pg.PoolClient>().toExtend<Queryable>();
});

test('rows have the type that was named', async () => {
  const { rows } = await db.query<{ id: number }>('SELECT 1');
  expectTypeOf(rows).toEqualTypeOf<{ id: number }[]>();
  const untyped = await db.query('SELECT 1');
  expectTypeOf(untyped.rows).toEqualTypeOf<Record<string, unknown>[]>();
  expectTypeOf(await db.transaction(async () => 5)).toEqualTypeOf<number>();
});

test('a statement made by sql carries the type of its rows', async () => {
  interface User {
    id: number;
  }
  const query = sql<User>`SELECT 1`;
  for (const session of [db, {} as Transaction, {} as LeasedConnection]) {
    expectTypeOf((await session.query(query)).rows).toEqualTypeOf<User[]>();
    expectTypeOf(await session.one(query, { timeoutMs: 5 })).toEqualTypeOf<User>();
    expectTypeOf(await session.maybeOne(query)).toEqualTypeOf<User | null>();
    expectTypeOf(await session.many(sql<User>`SELECT ${1}`)).toEqualTypeOf<User[]>();
    expectTypeOf(await session.one<User>('SELECT $1', [1])).toEqualTypeOf<User>();
    expectTypeOf(await session.one(sql`SELECT 1`)).toEqualTypeOf<Record<string, unknown>>();
  }
  expectTypeOf(sql.join([query, 1], sql<User>` UNION `).values).toEqualTypeOf<unknown[]>();
  await pool.query(query);
  // @ts-expect-error the values are in the template
  await db.query(query, [1]);
  // @ts-expect-error made by nobody
  await db.query({ text: 'SELECT 1', values: [] });
  // @ts-expect-error a separator is SQL
  sql.join([1], ', ');
});

test('a stream’s batches and a loader’s results have the types of their rows', async () => {
  interface Post {
    id: number;
    user_id: number | null;
    title: string;
  }
  for (const session of [db, {} as Transaction]) {
    for await (const rows of session.stream(sql<Post>`SELECT 1`)) expectTypeOf(rows).toEqualTypeOf<Post[]>();
    for await (const row of session.stream<Post>('SELECT 1').rows()) expectTypeOf(row).toEqualTypeOf<Post>();
  }
  const byId = loader<Post>()(pool, { table: 'posts', key: 'id', columns: ['title'] });
  expectTypeOf(await byId.load(1)).toEqualTypeOf<Pick<Post, 'title'> | null>();
  const byUser = loader<Post>()(db, { table: 'posts', key: 'user_id', many: true });
  expectTypeOf(await byUser.loadMany([1, null])).toEqualTypeOf<Post[][]>();
  const byBoth = loader<Post>()(db, { table: 'posts', key: ['user_id', 'title'] });
  expectTypeOf(await byBoth.load([1, 'a'])).toEqualTypeOf<Post | null>();
  // @ts-expect-error a key of another type
  await byId.load('a');
  // @ts-expect-error no such column
  loader<Post>()(db, { table: 'posts', key: 'nope' });
});

test('columns of an insert are those of the rows', async () => {
  const rows = [{ name: 'a', email: 'b' }];
  await insertMany(pool, 'users', rows, { columns: ['name'], types: { email: 'text' } });
  await insertMany(client, ['public', 'users'], rows.values());
  const result = await insertMany<{ name: string }, { id: number }>(db, 'users', rows, { returning: ['id'] });
  expectTypeOf(result.rows).toEqualTypeOf<{ id: number }[]>();
  // @ts-expect-error no such column
  await insertMany(db, 'users', rows, { columns: ['nope'] });
  // @ts-expect-error no such strategy
  await insertMany(db, 'users', rows, { strategy: 'fast' });
});

test('options are checked', () => {
  createDatabase({ max: 3, ssl: { ca: 'x' }, password: async () => 'x' });
  // @ts-expect-error no such option
  createDatabase({ poolSize: 3 });
});
