/**
 * D2: rows into users(name, email). The naive variant is the guide's: one prepared INSERT a row, each its own transaction, on one
 * connection. `pg` is what is written by hand instead: INSERTs of 1000 rows, in a transaction. All are durable when they resolve.
 */

import type { Case, Variant } from '../harness/case.ts';
import { type OpenUserWriter, insertUsers } from './inserts.ts';

async function rowByRow(): Promise<OpenUserWriter> {
  const { default: pg } = await import('pg');
  return async (url, table) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const text = `INSERT INTO ${table} (name, email) VALUES ($1, $2)`;
    return {
      async write(users) {
        for (const user of users) {
          await client.query({ name: 'insert_user', text, values: [user.name, user.email] });
        }
      },
      close: () => client.end(),
    };
  };
}

function ours(strategy: 'auto' | 'unnest' | 'copy' | 'values') {
  return async (): Promise<OpenUserWriter> => {
    const { createDatabase, insertMany } = await import('@hotpath/database');
    return async (url, table) => {
      const db = createDatabase({ connectionString: url });
      await db.warm();
      return {
        async write(users) {
          await insertMany(db, table, users, { strategy });
        },
        close: () => db.close(),
      };
    };
  };
}

function batches(count: number): Record<string, Variant> {
  return {
    ours: insertUsers('ours', count, ours('auto')),
    'ours:unnest': insertUsers('ours', count, ours('unnest')),
    'ours:copy': insertUsers('ours', count, ours('copy')),
    'ours:values': insertUsers('ours', count, ours('values')),
    pg: insertUsers('peer', count, async () => (await import('./peers/pg.ts')).openPgBatches()),
    postgres: insertUsers('peer', count, async () =>
      (await import('./peers/postgres.ts')).openPostgresBatches(),
    ),
  };
}

const SETTINGS = 'fsync and synchronous_commit on, as Postgres ships; the server on this machine';

const cases: readonly Case[] = [
  {
    id: 'D2',
    case: '1000 rows',
    package: 'database',
    tier: 'guide',
    params: { rows: 1_000, columns: 2 },
    guide: { text: '30 s → 300 ms (100×)', ratio: 100, basis: 'ratio' },
    needs: ['postgres'],
    async: true,
    settings: SETTINGS,
    limit:
      'Row by row costs a round trip and a commit each. Without a network between, and on a disk that flushes in well under a millisecond, both are cheap; the guide’s 30 ms a row contain them.',
    variants: { naive: insertUsers('naive', 1_000, rowByRow), ...batches(1_000) },
  },
  {
    id: 'D2',
    case: '10K rows',
    package: 'database',
    tier: 'peers',
    params: { rows: 10_000, columns: 2 },
    guide: null,
    needs: ['postgres'],
    async: true,
    settings: SETTINGS,
    variants: batches(10_000),
  },
];

export default cases;
