/** The guide's users table of a million rows, made once a run: one copy without indexes, and one a query with those that our advice names for it. */

import type pg from 'pg';
import type { CaseContext, Variant, VariantKind } from '../harness/case.ts';
import { openKeeper } from './users.ts';

/** A plain run's rows; a quick one's. */
export const ROW_COUNT = 1_000_000;
export const QUICK_ROW_COUNT = 250_000;
/** Of the rows, one in so many is active. */
export const ACTIVE_ONE_IN = 10_000;

/** One of the guide's queries: what it asks, and the values. */
export interface IndexedQuery {
  /** Its table's own, so that one query's index is not there when the next asks for advice. */
  readonly name: string;
  /** `table` in the place of the table's name. */
  readonly text: (table: string) => string;
  readonly values: readonly unknown[];
}

/**
 * Names repeat every 1,000 rows; an email begins with one of a hundred first names, of which `john` is one. Unlogged, as writing is
 * not what is measured.
 */
async function fill(keeper: pg.Client, table: string, count: number): Promise<void> {
  await keeper.query(`CREATE UNLOGGED TABLE ${table} (id integer PRIMARY KEY, name text NOT NULL, email text NOT NULL, is_active boolean NOT NULL) WITH (autovacuum_enabled = off);
    INSERT INTO ${table} SELECT n, 'name ' || n % 1000, CASE n / 1000 % 100 WHEN 0 THEN 'john' ELSE 'first' || n / 1000 % 100 END || '.' || n || '@example.com', n % ${ACTIVE_ONE_IN} = 0
      FROM generate_series(1, ${count}) AS n`);
  // Without it the first reads would write.
  await keeper.query(`VACUUM (ANALYZE) ${table}`);
}

async function isThere(keeper: pg.Client, table: string): Promise<boolean> {
  const { rows } = await keeper.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    table,
  ]);
  return rows[0]!.there;
}

/** One operation runs the query. Both variants through the same client, so that they differ in the index alone. */
export function indexedQuery(
  kind: VariantKind,
  advised: boolean,
  { name, text, values }: IndexedQuery,
): Variant {
  return {
    kind,
    async setup(context: CaseContext) {
      const count = context.quick ? QUICK_ROW_COUNT : ROW_COUNT;
      // Shared by the processes of a run, whose database goes with it.
      const table = advised ? `million_users_${name}` : 'million_users';
      const keeper = await openKeeper(context);
      if (!(await isThere(keeper, table))) await fill(keeper, table, count);
      await keeper.end();
      const { createDatabase } = await import('@hotpath/database');
      const db = createDatabase({ connectionString: context.postgresUrl });
      await db.warm();
      const query = text(table);
      if (advised) {
        const { advise, createIndexConcurrently } = await import('@hotpath/database/advise');
        // Once it is there, there is no more to advise.
        const { indexes } = await advise(db, query, values);
        for (const { index } of indexes) await createIndexConcurrently(db, index);
      }
      const run = async (): Promise<{ id: number }[]> => (await db.query<{ id: number }>(query, values)).rows;
      return {
        run,
        answer: async () => (await run()).toSorted((a, b) => a.id - b.id),
        close: () => db.close(),
      };
    },
  };
}
