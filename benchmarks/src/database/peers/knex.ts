import knex from 'knex';
import type { OpenUserWriter } from '../inserts.ts';

/** Its batchInsert: 1000 rows a statement, in a transaction. */
export function openKnexBatches(): OpenUserWriter {
  return async (url, table) => {
    const db = knex({ client: 'pg', connection: url, pool: { min: 1, max: 1 } });
    return {
      async write(users) {
        await db.batchInsert(table, [...users], 1_000);
      },
      close: () => db.destroy(),
    };
  };
}
