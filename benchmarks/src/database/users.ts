import type pg from 'pg';
import type { CaseContext } from '../harness/case.ts';

/** A user as the guide has them. */
export interface NewUser {
  readonly name: string;
  readonly email: string;
}

/** Row number `index` of a seeded table. */
export function newUser(seed: number, index: number): NewUser {
  return { name: `user ${index} of ${seed}`, email: `user${index}.${seed}@example.com` };
}

export function newUsers(seed: number, count: number): NewUser[] {
  return Array.from({ length: count }, (_, index) => newUser(seed, index));
}

/** A connection beside those under measurement, which makes the tables and removes them. */
export async function openKeeper(context: CaseContext): Promise<pg.Client> {
  const { default: pg } = await import('pg');
  const keeper = new pg.Client({ connectionString: context.postgresUrl });
  await keeper.connect();
  return keeper;
}

/**
 * Columns of the guide's users table. Without autovacuum, which would start whenever a variant has written enough and be
 * measured in whichever ran then.
 */
export const USERS_COLUMNS =
  '(id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, email text NOT NULL) WITH (autovacuum_enabled = off)';

/** Fills a users table from the server's side. */
export async function fillUsers(
  keeper: pg.Client,
  table: string,
  seed: number,
  count: number,
): Promise<void> {
  const users = newUsers(seed, count);
  await keeper.query(
    `INSERT INTO ${table} (name, email) SELECT * FROM unnest($1::text[], $2::text[]) AS u (name, email)`,
    [users.map((user) => user.name), users.map((user) => user.email)],
  );
  await keeper.query(`ANALYZE ${table}`);
}
