/**
 * D2: rows into users(name, email). The naive variant is the guide's: one prepared INSERT a row, each its own transaction, on one
 * connection. `pg` is what is written by hand instead: INSERTs of 1000 rows, in a transaction. All are durable when they resolve.
 */

import type { Case, Variant } from '../harness/case.ts';
import { type OpenUserWriter, type RowCounts, insertUsers } from './inserts.ts';
import { psqlMissing } from './peers/psql.ts';

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

/** The same, committed before it is on the disk. */
function notDurable(load: () => Promise<OpenUserWriter>): () => Promise<OpenUserWriter> {
  return async () => {
    const open = await load();
    return (url, table) => {
      const address = new URL(url);
      address.searchParams.set('options', '-c synchronous_commit=off');
      return open(address.href, table);
    };
  };
}

/** What is written with pg and postgres.js by hand, and others who send arrays; bounded by rows made on the server. */
function nearest(count: RowCounts): Record<string, Variant> {
  return {
    pg: insertUsers('peer', count, async () => (await import('./peers/pg.ts')).openPgBatches()),
    postgres: insertUsers('peer', count, async () =>
      (await import('./peers/postgres.ts')).openPostgresBatches(),
    ),
    slonik: insertUsers('peer', count, async () => (await import('./peers/slonik.ts')).openSlonikUnnest()),
    '@databases/pg-bulk': insertUsers('peer', count, async () =>
      (await import('./peers/pg-bulk.ts')).openPgBulk(),
    ),
    'floor:generate_series': insertUsers('floor', count, async ({ seed }) =>
      (await import('./peers/generate-series.ts')).openGenerateSeries(seed),
    ),
  };
}

function all(count: RowCounts): Record<string, Variant> {
  return {
    ours: insertUsers('ours', count, ours('auto')),
    'ours:unnest': insertUsers('ours', count, ours('unnest')),
    'ours:values': insertUsers('ours', count, ours('values')),
    ...nearest(count),
    'pg-copy-streams': insertUsers('peer', count, async () =>
      (await import('./peers/pg-copy-streams.ts')).openCopyStreams('rows'),
    ),
    'pg-copy-streams:frames': insertUsers('peer', count, async () =>
      (await import('./peers/pg-copy-streams.ts')).openCopyStreams('frames'),
    ),
    knex: insertUsers('peer', count, async () => (await import('./peers/knex.ts')).openKnexBatches()),
    'pg-promise': insertUsers('peer', count, async () =>
      (await import('./peers/pg-promise.ts')).openPgPromiseBatches(),
    ),
    'drizzle-orm': insertUsers('peer', count, async () =>
      (await import('./peers/drizzle-orm.ts')).openDrizzleBatches(),
    ),
    'floor:psql copy': insertUsers(
      'floor',
      count,
      async ({ scratch }) => {
        const { openPsqlCopy } = await import('./peers/psql.ts');
        return openPsqlCopy(scratch);
      },
      psqlMissing,
    ),
  };
}

const THOUSAND: RowCounts = { rows: 1_000, quickRows: 1_000 };
/** In a quick run as few as still go by COPY. */
const TEN_THOUSAND: RowCounts = { rows: 10_000, quickRows: 4_000 };
const HUNDRED_THOUSAND: RowCounts = { rows: 100_000, quickRows: 10_000 };

/** Those that write by COPY and those that people have: the other ways are compared at a tenth of the rows. */
function most(count: RowCounts): Record<string, Variant> {
  const names = [
    'ours',
    'pg-copy-streams',
    'knex',
    'pg-promise',
    'drizzle-orm',
    'floor:generate_series',
    'floor:psql copy',
  ];
  const variants = all(count);
  return Object.fromEntries(names.map((name) => [name, variants[name]!]));
}

const SETTINGS = 'fsync and synchronous_commit on, as Postgres ships; the server on this machine';

function large(name: string, count: RowCounts, variants: (count: RowCounts) => Case['variants']): Case {
  return {
    id: 'D2',
    case: name,
    package: 'database',
    tier: 'peers',
    params: { rows: count.rows, columns: 2 },
    quickParams: { rows: count.quickRows },
    guide: null,
    needs: ['postgres'],
    async: true,
    settings: `${SETTINGS}; pg-copy-streams is given a row a chunk, and with :frames 64 KiB a chunk`,
    variants: variants(count),
  };
}

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
      'Row by row costs a round trip and a commit each. Without a network between, and on a disk that flushes in well under a millisecond, both are cheap; the guide’s 30 ms a row contain them. What is left of ours is the server’s work on the rows: floor:generate_series, which makes them there, is bound by the same.',
    variants: {
      naive: insertUsers('naive', THOUSAND, rowByRow),
      ours: insertUsers('ours', THOUSAND, ours('auto')),
      'ours:copy': insertUsers('ours', THOUSAND, ours('copy')),
      ...nearest(THOUSAND),
    },
  },
  {
    id: 'D2',
    case: '1000 rows, synchronous_commit off',
    package: 'database',
    tier: 'peers',
    params: { rows: 1_000, columns: 2 },
    guide: null,
    needs: ['postgres'],
    async: true,
    settings: 'synchronous_commit off in all variants: a commit does not wait for the disk',
    variants: {
      naive: insertUsers('naive', THOUSAND, notDurable(rowByRow)),
      ours: insertUsers('ours', THOUSAND, notDurable(ours('auto'))),
    },
  },
  large('10K rows', TEN_THOUSAND, all),
  large('100K rows', HUNDRED_THOUSAND, most),
];

export default cases;
