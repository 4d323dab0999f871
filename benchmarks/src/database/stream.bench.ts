/**
 * One million rows of five columns, read without holding them: batches of 1,000 rows everywhere, each row looked at once. The naive
 * variant asks `pg` for all of them at once, and so holds them. A hundredth of the rows in a quick run.
 */

import type { Case, Variant, VariantKind } from '../harness/case.ts';
import { openKeeper } from './users.ts';

export interface StreamedRow {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly active: boolean;
  readonly score: number;
}

/** What is made of the rows: every variant must have seen the same. */
export class Tally {
  rows = 0;
  ids = 0;
  characters = 0;
  active = 0;

  add(row: StreamedRow): void {
    this.rows++;
    this.ids += row.id;
    this.characters += row.name.length + row.email.length;
    if (row.active) this.active++;
  }

  get seen(): readonly number[] {
    return [this.rows, this.ids, this.characters, this.active];
  }
}

export interface RowReader {
  read(): Promise<Tally>;
  close(): Promise<void>;
}

export type OpenRowReader = (url: string, text: string) => Promise<RowReader>;

export const BATCH_ROWS = 1_000;
const ROWS = 1_000_000;
const QUICK_ROWS = 10_000;

async function allAtOnce(): Promise<OpenRowReader> {
  const { default: pg } = await import('pg');
  return async (url, text) => {
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    return {
      async read() {
        const tally = new Tally();
        for (const row of (await pool.query<StreamedRow>(text)).rows) tally.add(row);
        return tally;
      },
      close: () => pool.end(),
    };
  };
}

/** `rows` reads them one by one instead of in batches. */
async function ours(rows: boolean): Promise<OpenRowReader> {
  const { createDatabase } = await import('@hotpath/database');
  return async (url, text) => {
    const db = createDatabase({ connectionString: url, min: 1 });
    await db.warm();
    return {
      async read() {
        const tally = new Tally();
        const stream = db.stream<StreamedRow>(text, [], { batchRows: BATCH_ROWS });
        if (rows) for await (const row of stream.rows()) tally.add(row);
        else for await (const batch of stream) for (const row of batch) tally.add(row);
        return tally;
      },
      close: () => db.close(),
    };
  };
}

function stream(kind: VariantKind, load: () => Promise<OpenRowReader>): Variant {
  return {
    kind,
    async setup(context) {
      const open = await load();
      const keeper = await openKeeper(context);
      const table = `streamed_${context.uniqueName}`;
      const count = context.quick ? QUICK_ROWS : ROWS;
      await keeper.query(
        `CREATE UNLOGGED TABLE ${table} WITH (autovacuum_enabled = off) AS
          SELECT n::int AS id, 'user ' || n AS name, 'user' || n || '@example.com' AS email, n % 3 = 0 AS active, n * 0.5::float8 AS score
          FROM generate_series(1, $1::int) n`,
        [count],
      );
      const reader = await open(context.postgresUrl, `SELECT id, name, email, active, score FROM ${table}`);
      return {
        run: () => reader.read(),
        answer: async () => (await reader.read()).seen,
        async close() {
          await reader.close();
          await keeper.query(`DROP TABLE ${table}`);
          await keeper.end();
        },
      };
    },
  };
}

const cases: readonly Case[] = [
  {
    id: 'D1',
    case: 'stream 1e6 rows',
    package: 'database',
    tier: 'peers',
    params: { columns: 5, batchRows: BATCH_ROWS },
    quickParams: { rows: QUICK_ROWS },
    guide: null,
    needs: ['postgres'],
    async: true,
    settings: 'the server on this machine',
    variants: {
      naive: stream('naive', allAtOnce),
      ours: stream('ours', () => ours(false)),
      'ours:row by row': stream('ours', () => ours(true)),
      'pg-query-stream': stream('peer', async () =>
        (await import('./peers/pg-query-stream.ts')).openQueryStream(),
      ),
      postgres: stream('peer', async () => (await import('./peers/postgres.ts')).openPostgresCursor()),
    },
  },
];

export default cases;
