import postgres from 'postgres';
import type { OpenUserWriter } from '../inserts.ts';
import type { OpenPointReader } from '../point-queries.ts';
import { BATCH_ROWS, type OpenRowReader, type StreamedRow, Tally } from '../stream.bench.ts';

/** postgres.js prepares and pipelines by itself; few connections suit it best. */
export function openPostgresPool(max: number): OpenPointReader {
  return async (url, table) => {
    const sql = postgres(url, { max });
    await Promise.all(Array.from({ length: Math.min(max, 5) }, () => sql`SELECT pg_sleep(0.05)`));
    const name = sql(table);
    return {
      async read(id) {
        const rows = await sql<{ email: string }[]>`SELECT id, name, email FROM ${name} WHERE id = ${id}`;
        return rows[0]!.email;
      },
      close: () => sql.end(),
    };
  };
}

const CHUNK_ROWS = 1_000;

/** Its rows helper, 1000 at a time in one transaction. */
export function openPostgresBatches(): OpenUserWriter {
  return async (url, table) => {
    const sql = postgres(url, { max: 1 });
    return {
      async write(users) {
        await sql.begin(async (sql) => {
          for (let from = 0; from < users.length; from += CHUNK_ROWS) {
            const chunk = users.slice(from, from + CHUNK_ROWS);
            await sql`INSERT INTO ${sql(table)} ${sql(chunk, 'name', 'email')}`;
          }
        });
      },
      close: () => sql.end(),
    };
  };
}

/** For statements of any text. */
export function openQueryable(url: string): {
  query(text: string, values: unknown[]): Promise<unknown>;
  close(): Promise<void>;
} {
  const sql = postgres(url, { max: 4 });
  return { query: (text, values) => sql.unsafe(text, values as never), close: () => sql.end() };
}

/** Its cursor, which gives batches. */
export function openPostgresCursor(): OpenRowReader {
  return async (url, text) => {
    const sql = postgres(url, { max: 1 });
    return {
      async read() {
        const tally = new Tally();
        for await (const batch of sql.unsafe<StreamedRow[]>(text, [], { prepare: true }).cursor(BATCH_ROWS)) {
          for (const row of batch) tally.add(row);
        }
        return tally;
      },
      close: () => sql.end(),
    };
  };
}
