/**
 * D1: 1000 point queries. The guide's loop sends one after the other, so all variants do. The naive variant connects for each
 * query; the others have their pool open and warm beforehand. Further cases have 20 and 100 in flight, without the naive variant:
 * a hundred at once that connect for each query meet the server's limit of connections, as one that was closed is not gone there
 * yet when the next is opened. And 100 statements that the server refuses, which cost pg's pool a connection each.
 */

import type { Case, Variant } from '../harness/case.ts';
import {
  type OpenPointReader,
  QUERY_COUNT,
  QUICK_QUERY_COUNT,
  VERIFIED_COUNT,
  pgbenchQueries,
  pointQueries,
  pointQuery,
} from './point-queries.ts';

/** The guide's pool. */
const MAX = 20;
const MIN = 5;

async function connectEachTime(): Promise<OpenPointReader> {
  const { default: pg } = await import('pg');
  return async (url, table) => {
    const text = pointQuery(table);
    return {
      async read(id) {
        const client = new pg.Client({ connectionString: url });
        await client.connect();
        try {
          const { rows } = await client.query<{ email: string }>(text, [id]);
          return rows[0]!.email;
        } finally {
          await client.end();
        }
      },
      close: async () => {},
    };
  };
}

async function ours(): Promise<OpenPointReader> {
  const { createDatabase } = await import('@hotpath/database');
  return async (url, table) => {
    const db = createDatabase({ connectionString: url, max: MAX, min: MIN });
    await db.warm();
    const text = pointQuery(table);
    return {
      async read(id) {
        const { rows } = await db.query<{ email: string }>(text, [id]);
        return rows[0]!.email;
      },
      close: () => db.close(),
    };
  };
}

/** With pools; `quickCount` queries in a quick run. */
function pooled(inFlight: number, quickCount: number): Record<string, Variant> {
  return {
    ours: pointQueries('ours', inFlight, quickCount, ours),
    pg: pointQueries('peer', inFlight, quickCount, async () =>
      (await import('./peers/pg.ts')).openPgPool(MIN, MAX),
    ),
    postgres: pointQueries('peer', inFlight, quickCount, async () =>
      (await import('./peers/postgres.ts')).openPostgresPool(inFlight === 1 ? MAX : 4),
    ),
    'floor:pgbench': pgbenchQueries(inFlight, quickCount),
  };
}

const REFUSED_COUNT = 100;

interface Refuser {
  query(text: string, values: unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

/** One operation sends statements that fail, and counts the failures. */
function refused(kind: Variant['kind'], load: () => Promise<(url: string) => Refuser>): Variant {
  return {
    kind,
    async setup(context) {
      const db = (await load())(context.postgresUrl);
      const run = async (): Promise<number> => {
        let failures = 0;
        for (let index = 0; index < REFUSED_COUNT; index++) {
          await db
            .query('SELECT 1 / $1::int AS n', [0])
            .catch((error: { code?: string; sqlState?: string }) => {
              if ((error.sqlState ?? error.code) === '22012') failures++;
            });
        }
        return failures;
      };
      return { run, answer: run, close: () => db.close() };
    },
  };
}

const cases: readonly Case[] = [
  {
    id: 'D1',
    case: `${QUERY_COUNT} queries`,
    package: 'database',
    tier: 'guide',
    params: { queries: QUERY_COUNT, inFlight: 1, max: MAX, min: MIN },
    quickParams: { queries: QUICK_QUERY_COUNT },
    guide: { text: '50 s → 2 s (25×)', ratio: 25, basis: 'ratio' },
    needs: ['postgres'],
    async: true,
    settings: `one query after the other; the server on this machine; pg and ours with prepared statements; ${VERIFIED_COUNT} answers compared`,
    variants: {
      naive: pointQueries('naive', 1, QUICK_QUERY_COUNT, connectEachTime),
      ...pooled(1, QUICK_QUERY_COUNT),
    },
  },
  ...[20, 100].map((inFlight): Case => ({
    id: 'D1',
    case: `${QUERY_COUNT} queries, ${inFlight} in flight`,
    package: 'database',
    tier: 'peers',
    params: { queries: QUERY_COUNT, inFlight, max: MAX, min: MIN },
    guide: null,
    needs: ['postgres'],
    async: true,
    settings: `${inFlight} queries in flight; postgres with 4 connections, its best here; pgbench with -M prepared, in pipelines, each on its connection; the server on this machine`,
    variants: pooled(inFlight, QUERY_COUNT),
  })),
  {
    id: 'D1',
    case: `${REFUSED_COUNT} refused statements`,
    package: 'database',
    tier: 'peers',
    params: { statements: REFUSED_COUNT },
    guide: null,
    needs: ['postgres'],
    async: true,
    settings: 'a division by zero, one statement after the other; the server on this machine',
    variants: {
      ours: refused('ours', async () => {
        const { createDatabase } = await import('@hotpath/database');
        return (url) => createDatabase({ connectionString: url });
      }),
      pg: refused('peer', async () => (await import('./peers/pg.ts')).openQueryable),
      postgres: refused('peer', async () => (await import('./peers/postgres.ts')).openQueryable),
    },
  },
];

export default cases;
