import databases, { sql } from '@databases/pg';
import { bulkInsert } from '@databases/pg-bulk';
import type { OpenUserWriter } from '../inserts.ts';

/** One statement for all rows, of an array a column. */
export function openPgBulk(): OpenUserWriter {
  return async (url, table) => {
    const database = databases.default({ connectionString: url, poolSize: 1 });
    return {
      async write(users) {
        await bulkInsert({
          database,
          tableName: table,
          columnTypes: { name: sql`TEXT`, email: sql`TEXT` },
          columnsToInsert: ['name', 'email'],
          records: users,
        });
      },
      close: () => database.dispose(),
    };
  };
}
