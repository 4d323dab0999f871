import pg from 'pg';
import type { OpenUserWriter } from '../inserts.ts';
import { type OpenPointReader, pointQuery } from '../point-queries.ts';

/** node-postgres with its own pool, warmed, and a named statement: the best it offers by itself. */
export function openPgPool(min: number, max: number): OpenPointReader {
  return async (url, table) => {
    const pool = new pg.Pool({ connectionString: url, min, max });
    await Promise.all(Array.from({ length: min }, () => pool.query('SELECT pg_sleep(0.05)')));
    const text = pointQuery(table);
    return {
      async read(id) {
        const { rows } = await pool.query<{ email: string }>({ name: 'point', text, values: [id] });
        return rows[0]!.email;
      },
      close: () => pool.end(),
    };
  };
}

const CHUNK_ROWS = 1_000;

/** INSERTs of 1000 rows with a placeholder a value, in one transaction: the guide's best, by hand. */
export function openPgBatches(): OpenUserWriter {
  return async (url, table) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return {
      async write(users) {
        await client.query('BEGIN');
        for (let from = 0; from < users.length; from += CHUNK_ROWS) {
          const chunk = users.slice(from, from + CHUNK_ROWS);
          const places = chunk.map((_, index) => `($${index * 2 + 1}, $${index * 2 + 2})`);
          await client.query(
            `INSERT INTO ${table} (name, email) VALUES ${places.join(', ')}`,
            chunk.flatMap((user) => [user.name, user.email]),
          );
        }
        await client.query('COMMIT');
      },
      close: () => client.end(),
    };
  };
}

/** Its pool, for statements of any text. */
export function openQueryable(url: string): {
  query(text: string, values: unknown[]): Promise<unknown>;
  close(): Promise<void>;
} {
  const pool = new pg.Pool({ connectionString: url, max: 20 });
  return { query: (text, values) => pool.query(text, values), close: () => pool.end() };
}
