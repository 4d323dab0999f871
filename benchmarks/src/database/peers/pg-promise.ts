import pgPromise from 'pg-promise';
import type { OpenUserWriter } from '../inserts.ts';

const CHUNK_ROWS = 1_000;

/** Its ColumnSet, 1000 rows a statement, in a transaction. */
export function openPgPromiseBatches(): OpenUserWriter {
  return async (url, table) => {
    const pgp = pgPromise({ noWarnings: true });
    const db = pgp({ connectionString: url, max: 1 });
    const columns = new pgp.helpers.ColumnSet(['name', 'email'], { table });
    return {
      async write(users) {
        await db.tx(async (tx) => {
          for (let from = 0; from < users.length; from += CHUNK_ROWS) {
            await tx.none(pgp.helpers.insert(users.slice(from, from + CHUNK_ROWS), columns));
          }
        });
      },
      close: () => db.$pool.end(),
    };
  };
}
