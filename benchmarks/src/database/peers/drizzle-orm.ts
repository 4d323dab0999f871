import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import pg from 'pg';
import type { OpenUserWriter } from '../inserts.ts';

const CHUNK_ROWS = 1_000;

/** Its insert of several values, 1000 rows a statement, in a transaction. */
export function openDrizzleBatches(): OpenUserWriter {
  return async (url, table) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const db = drizzle(client);
    const users_ = pgTable(table, {
      id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
      name: text('name').notNull(),
      email: text('email').notNull(),
    });
    return {
      async write(users) {
        await db.transaction(async (tx) => {
          for (let from = 0; from < users.length; from += CHUNK_ROWS) {
            await tx.insert(users_).values(users.slice(from, from + CHUNK_ROWS));
          }
        });
      },
      close: () => client.end(),
    };
  };
}
