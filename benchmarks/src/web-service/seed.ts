/** The data: users and their posts, in a schema with indexes and in one without. */

import { advise, createIndexConcurrently } from '@hotpath/database/advise';
import type pg from 'pg';
import type { Size } from './size.ts';

/** Coprime to the number of users, so that the popular ones are spread over the table. */
const SPREAD = 7919;

/** SQLSTATE; only a superuser or a member of pg_checkpoint may ask for one. */
const INSUFFICIENT_PRIVILEGE = '42501';

/** The user who is asked for `rank`-th most often, from 1 to `users`. */
export function userOfRank(rank: number, users: number): number {
  return ((rank * SPREAD) % users) + 1;
}

/** The same server, with the tables of `schema`. */
export function inSchema(url: string, schema: string): string {
  const parsed = new URL(url);
  parsed.searchParams.set('options', `-c search_path=${schema}`);
  return parsed.href;
}

/**
 * Makes `users` and `posts` in a schema of their own. Without autovacuum, which would start in the middle of whichever
 * window comes after enough writes.
 */
export async function seed(client: pg.Client, schema: string, size: Size, indexed: boolean): Promise<void> {
  const quiet = 'WITH (autovacuum_enabled = off)';
  await client.query(`CREATE SCHEMA ${schema}`);
  await client.query(`SET search_path = ${schema}`);
  await client.query(
    `CREATE TABLE users (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, email text NOT NULL, views integer NOT NULL DEFAULT 0) ${quiet}`,
  );
  await client.query(
    `CREATE TABLE posts (id integer PRIMARY KEY, user_id integer NOT NULL, title text NOT NULL, body text NOT NULL) ${quiet}`,
  );
  await client.query(
    `INSERT INTO users (name, email) SELECT 'user ' || n, 'user' || n || '@example.com' FROM generate_series(1, $1::int) AS n`,
    [size.users],
  );
  // What a service counts from yesterday's requests: the most popular have the most.
  await client.query(
    `UPDATE users SET views = $1::int / rank FROM generate_series(1, $1::int) AS rank
      WHERE id = (rank::bigint * ${SPREAD} % $1::int) + 1`,
    [size.users],
  );
  await client.query(
    `INSERT INTO posts SELECT n, (n::bigint * ${SPREAD} % $2::int) + 1, 'title ' || n, repeat('body ', 5) || n
      FROM generate_series(1, $1::int) AS n`,
    [size.posts, size.users],
  );
  await client.query('VACUUM ANALYZE users');
  await client.query('VACUUM ANALYZE posts');
  if (indexed) await addAdvisedIndexes(client);
  await client.query('RESET search_path');
  await checkpoint(client);
}

/** Writes the data out now; else the server spreads that over the next minutes, which are those that are measured. */
async function checkpoint(client: pg.Client): Promise<void> {
  try {
    await client.query('CHECKPOINT');
  } catch (error) {
    if ((error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE) throw error;
  }
}

/** The service's only statement that reads by something else than a primary key while it serves. */
const SLOW_STATEMENT = 'SELECT id, title, body FROM posts WHERE user_id = $1 ORDER BY id';

/** The indexes that our advisor finds missing. Small tables need none, and get none. */
async function addAdvisedIndexes(client: pg.Client): Promise<void> {
  const { indexes } = await advise(client, SLOW_STATEMENT, [1]);
  for (const { index } of indexes) await createIndexConcurrently(client, index);
}
