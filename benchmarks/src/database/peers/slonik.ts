import { createPool, sql } from 'slonik';
import type { OpenUserWriter } from '../inserts.ts';

/** Its unnest: one statement for all rows. */
export function openSlonikUnnest(): OpenUserWriter {
  return async (url, table) => {
    const pool = await createPool(url, { maximumPoolSize: 1 });
    return {
      async write(users) {
        const rows = users.map(({ name, email }) => [name, email]);
        await pool.query(
          sql.unsafe`INSERT INTO ${sql.identifier([table])} (name, email) SELECT * FROM ${sql.unnest(rows, ['text', 'text'])}`,
        );
      },
      close: () => pool.end(),
    };
  };
}
