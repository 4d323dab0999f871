import pg from 'pg';
import type { OpenUserWriter } from '../inserts.ts';

/** The same rows made on the server: no client, no wire, no parsing. */
export function openGenerateSeries(seed: number): OpenUserWriter {
  return async (url, table) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return {
      async write(users) {
        await client.query(
          `INSERT INTO ${table} (name, email) SELECT 'user ' || n || ' of ${seed}', 'user' || n || '.${seed}@example.com' FROM generate_series(0, ${users.length - 1}) AS n`,
        );
      },
      close: () => client.end(),
    };
  };
}
