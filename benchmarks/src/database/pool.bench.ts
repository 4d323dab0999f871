/**
 * D1: 1000 point queries. The guide's loop sends one after the other, so all variants do, and a second case has 20 in flight
 * in all of them. The naive variant connects for each query; the others have their pool open and warm beforehand.
 */

import type { Case, Variant } from '../harness/case.ts';
import { type OpenPointReader, QUERY_COUNT, pointQueries, pointQuery } from './point-queries.ts';

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

function variants(inFlight: number): Record<string, Variant> {
  return {
    naive: pointQueries('naive', inFlight, connectEachTime),
    ours: pointQueries('ours', inFlight, ours),
    pg: pointQueries('peer', inFlight, async () => (await import('./peers/pg.ts')).openPgPool(MIN, MAX)),
    postgres: pointQueries('peer', inFlight, async () =>
      (await import('./peers/postgres.ts')).openPostgresPool(inFlight === 1 ? MAX : 4),
    ),
  };
}

const cases: readonly Case[] = [
  {
    id: 'D1',
    case: `${QUERY_COUNT} queries`,
    package: 'database',
    tier: 'guide',
    params: { queries: QUERY_COUNT, inFlight: 1, max: MAX, min: MIN },
    guide: { text: '50 s → 2 s (25×)', ratio: 25, basis: 'ratio' },
    needs: ['postgres'],
    async: true,
    settings:
      'one query after the other; the server on this machine; pg and ours with prepared statements; 50 of the 1000 answers compared',
    variants: variants(1),
  },
  {
    id: 'D1',
    case: `${QUERY_COUNT} queries, 20 in flight`,
    package: 'database',
    tier: 'peers',
    params: { queries: QUERY_COUNT, inFlight: 20, max: MAX, min: MIN },
    guide: null,
    needs: ['postgres'],
    async: true,
    settings: '20 queries in flight; postgres with 4 connections, its best here; the server on this machine',
    variants: variants(20),
  },
];

export default cases;
