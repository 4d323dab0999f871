import { type Database } from '@hotpath/database';
import pg from 'pg';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

/** Cancel requests that are sent; the full proof takes 10,000. */
const CANCELS = Number(process.env['HOTPATH_LATE_CANCELS'] ?? 300);

/** Rows that the statement counts which is cancelled: about as long as a cancel request takes to arrive. */
const ROWS = 2_000;

describe.skipIf(postgresUrl === '')('cancels at the moment of completion, on a real Postgres', () => {
  const fresh = freshDatabase();
  let db: Database;

  beforeAll(async () => {
    db = fresh.keep({ min: 4, max: 4 });
    await db.warm();
  });

  /** Median time of the statement that is cancelled, in milliseconds. */
  async function usualTime(): Promise<number> {
    const times: number[] = [];
    for (let round = 0; round < 21; round++) {
      const start = performance.now();
      await db.query('SELECT count(*) FROM generate_series(1, $1::int)', [ROWS]);
      times.push(performance.now() - start);
    }
    return times.toSorted((a, b) => a - b)[10]!;
  }

  test(
    `${CANCELS} of them hit no neighbour`,
    async () => {
      let usualMs = await usualTime();
      const sent = vi.spyOn(pg.Connection.prototype as unknown as { cancel(): void }, 'cancel');
      let rounds = 0;
      let served = 0;
      const hits: unknown[] = [];

      const serve = async (neighbour: Promise<{ rows: { n: number }[] }>, n: number): Promise<void> => {
        try {
          const { rows } = await neighbour;
          if (rows[0]?.n === n) served++;
          else hits.push(rows);
        } catch (error) {
          hits.push(error);
        }
      };
      const oneAfterAnother = async (): Promise<void> => {
        while (sent.mock.calls.length < CANCELS) {
          const n = rounds++;
          const lease = await db.acquire();
          const controller = new AbortController();
          const text = 'SELECT count(*) FROM generate_series(1, $1::int)';
          const cancelled = lease
            .query(text, [ROWS], { signal: controller.signal })
            .catch((error: unknown) => error);
          // Spread evenly from half to one and a half of the usual time.
          const until = performance.now() + usualMs * (0.5 + ((n * 0.618_034) % 1));
          // A timer is too coarse for this.
          while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
          controller.abort();
          // Right behind it on the same connection, and then whoever gets the connection next.
          const behind = serve(lease.query('SELECT $1::int AS n, pg_sleep(0.001)', [n]), n);
          lease.release();
          const [outcome] = await Promise.all([
            cancelled,
            behind,
            serve(db.query('SELECT $1::int AS n', [n]), n),
          ]);
          // The machine may have been busier when it was measured, or may be by now.
          usualMs *= outcome instanceof Error ? 1.02 : 0.98;
        }
      };
      try {
        await Promise.all([oneAfterAnother(), oneAfterAnother(), oneAfterAnother()]);
      } finally {
        sent.mockRestore();
      }
      expect(hits).toEqual([]);
      expect(served).toBe(rounds * 2);
      // No connection was thrown away to be on the safe side.
      expect(db.metrics()).toMatchObject({ opened: 4, closed: 0 });
    },
    60_000 + CANCELS * 100,
  );
});
