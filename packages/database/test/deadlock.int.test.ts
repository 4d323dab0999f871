import { describe, expect, test } from 'vitest';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

describe.skipIf(postgresUrl === '')('transactions that wait for each other on a real Postgres', () => {
  const fresh = freshDatabase();

  test.each([0, 5])(
    'one is ended by the server (40P01), and run again when it may be (%i times)',
    async (retries) => {
      const db = fresh.open({ max: 2 });
      await db.query(
        'DROP TABLE IF EXISTS pair; CREATE TABLE pair (id int PRIMARY KEY, n int); INSERT INTO pair VALUES (1, 0), (2, 0)',
      );
      let locked = 0;
      let bothLocked!: () => void;
      const both = new Promise<void>((resolve) => {
        bothLocked = resolve;
      });
      const cross = (first: number, second: number): Promise<void> =>
        db.transaction(
          async (tx) => {
            await tx.query("SET LOCAL deadlock_timeout = '10ms'");
            await tx.query('UPDATE pair SET n = n + 1 WHERE id = $1', [first]);
            if (++locked === 2) bothLocked();
            await both;
            await tx.query('UPDATE pair SET n = n + 1 WHERE id = $1', [second]);
          },
          { retries },
        );
      const outcomes = await Promise.allSettled([cross(1, 2), cross(2, 1)]);
      const failed = outcomes.filter(({ status }) => status === 'rejected');
      if (retries === 0) expect(failed).toMatchObject([{ reason: { sqlState: '40P01' } }]);
      else expect(failed).toEqual([]);
      const n = 2 - failed.length;
      expect(await db.many('SELECT n FROM pair ORDER BY id')).toEqual([{ n }, { n }]);
    },
  );
});
