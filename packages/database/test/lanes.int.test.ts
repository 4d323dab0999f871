import { type Database } from '@hotpath/database';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type FaultProxy, startProxy } from '../../../benchmarks/dist/services/index.js';
import { ManualClock } from './manual-clock.ts';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

describe.skipIf(postgresUrl === '')('lanes on a real Postgres', () => {
  const fresh = freshDatabase();
  const { open } = fresh;

  beforeAll(async () => {
    await fresh.admin.query(
      `CREATE TABLE item (id integer PRIMARY KEY, name text); INSERT INTO item SELECT n, 'item ' || n FROM generate_series(1, 1000) n;
       CREATE PROCEDURE lose() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$;
       CREATE FUNCTION slow(seconds float8) RETURNS integer LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(seconds); RETURN 1; END'`,
    );
  });

  const name = async (db: Database, id: number): Promise<unknown> =>
    (await db.query('SELECT name FROM item WHERE id = $1', [id])).rows;

  test('many reads at once go over as many lanes as there may be', async () => {
    const db = open({ lanes: 2, max: 2 });
    // None is answered before both lanes are open: else the first could answer all while the second connects.
    await fresh.admin.query('BEGIN; LOCK TABLE item');
    const ids = Array.from({ length: 200 }, (_, index) => index + 1);
    const answers = Promise.all(ids.map((id) => name(db, id)));
    try {
      await vi.waitFor(() => expect(db.metrics()).toMatchObject({ opened: 2, lanes: 2 }));
    } finally {
      await fresh.admin.query('ROLLBACK');
    }
    expect(await answers).toEqual(ids.map((id) => [{ name: `item ${id}` }]));
    expect(db.metrics().opened).toBe(2);
    await vi.waitFor(() => {
      expect(db.metrics()).toMatchObject({ lanes: 0, active: 0, waiting: 0 });
    });
  });

  test('more reads than the lanes hold get each its own answer, over no more lanes and connections than allowed', async () => {
    const db = open({ lanes: 2, max: 4 });
    const ids = Array.from({ length: 1_000 }, (_, index) => index + 1);
    let lanesMost = 0;
    let totalMost = 0;
    const answers = await Promise.all(
      ids.map(async (id) => {
        const rows = await name(db, id);
        const { lanes, total } = db.metrics();
        lanesMost = Math.max(lanesMost, lanes);
        totalMost = Math.max(totalMost, total);
        return rows;
      }),
    );
    expect(answers).toEqual(ids.map((id) => [{ name: `item ${id}` }]));
    expect(lanesMost).toBeLessThanOrEqual(2);
    expect(totalMost).toBeLessThanOrEqual(4);
  });

  test('one that fails takes none of its neighbours with it', async () => {
    const db = open({ max: 1 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, (_, index) =>
        db.query<{ n: number }>('SELECT 10 / $1::int AS n', [index % 3]),
      ),
    );
    outcomes.forEach((outcome, index) => {
      if (index % 3 === 0)
        expect(outcome).toMatchObject({ status: 'rejected', reason: { sqlState: '22012' } });
      else expect(outcome).toMatchObject({ value: { rows: [{ n: index % 3 === 1 ? 10 : 5 }] } });
    });
  });

  /** Reads at once, over a lane that has prepared the text; `at` is the same in one transaction of the server's. */
  async function readTogether(
    db: Database,
    divisors: readonly number[],
  ): Promise<PromiseSettledResult<Divided>[]> {
    return Promise.allSettled(
      divisors.map((divisor) => db.one<Divided>('SELECT 10 / $1::int AS n, now()::text AS at', [divisor])),
    );
  }
  interface Divided {
    readonly n: number;
    readonly at: string;
  }
  const transactions = (outcomes: readonly PromiseSettledResult<Divided>[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled')
        counts.set(outcome.value.at, (counts.get(outcome.value.at) ?? 0) + 1);
    }
    return counts;
  };

  test('reads of one text share a Sync, until one of them fails; that one fails alone', async () => {
    // On a clock that stands still nothing takes long.
    const db = open({ max: 1, clock: new ManualClock() });
    await readTogether(db, [1]);
    const twos = new Array<number>(10).fill(2);
    // Each at most twice as large as the one before.
    for (const most of [2, 4, 8, 10]) {
      expect(Math.max(...transactions(await readTogether(db, twos)).values())).toBe(most);
    }

    const outcomes = await readTogether(db, [...twos.slice(5), 0, ...twos.slice(5)]);
    outcomes.forEach((outcome, index) => {
      if (index === 5) expect(outcome).toMatchObject({ reason: { sqlState: '22012' } });
      else expect(outcome).toMatchObject({ value: { n: 5 } });
    });
    const apart = await readTogether(db, twos);
    for (const counts of [transactions(outcomes), transactions(apart)])
      for (const count of counts.values()) expect(count).toBe(1);
    expect(db.metrics()).toMatchObject({ opened: 1, closed: 0 });
  });

  describe.each([0, 5, 15])('%i ms away, each way', (latencyMs) => {
    let far: FaultProxy;
    beforeAll(async () => {
      far = await startProxy(fresh.url, { latencyMs });
    });
    afterAll(async () => {
      await far.stop();
    });

    test('reads of one text share a Sync', async () => {
      const db = open({ connectionString: far.url, max: 1 });
      // On a busy machine one burst may take long; the next ones count.
      await vi.waitFor(
        async () => {
          const shared = await readTogether(db, [2, 2, 2]);
          expect(Math.max(...transactions(shared).values())).toBe(3);
        },
        { timeout: 20_000, interval: 1 },
      );
    });

    test('they do so beside calls of the text on a connection that is no lane', async () => {
      const db = open({ connectionString: far.url, max: 2, lanes: 1 });
      using lease = await db.acquire();
      await vi.waitFor(
        async () => {
          // The same text: see readTogether.
          await lease.query('SELECT 10 / $1::int AS n, now()::text AS at', [2]);
          const shared = await readTogether(db, [2, 2, 2]);
          expect(Math.max(...transactions(shared).values())).toBe(3);
        },
        { timeout: 20_000, interval: 1 },
      );
    });

    test('those that take the server long do not', async () => {
      const db = open({ connectionString: far.url, max: 1 });
      const count = (): Promise<Divided> =>
        db.one('SELECT count(*)::int AS n, now()::text AS at FROM generate_series(1, $1::int)', [500_000]);
      for (let burst = 0; burst < 3; burst++) {
        const apart = await Promise.allSettled(Array.from({ length: 4 }, count));
        expect(transactions(apart).size).toBe(4);
      }
    });
  });

  test('a lane far away is not taken for one behind a slow statement', async () => {
    const far = await startProxy(fresh.url, { latencyMs: 100 });
    try {
      // On a busy machine the second may come late; but not each time.
      await vi.waitFor(
        async () => {
          const db = open({ connectionString: far.url, lanes: 1, max: 2 });
          await name(db, 1);
          const first = name(db, 2);
          await new Promise((resolve) => setTimeout(resolve, 50));
          const second = name(db, 3);
          expect(db.metrics()).toMatchObject({ total: 1, connecting: 0, waiting: 0 });
          await Promise.all([first, second]);
        },
        { timeout: 20_000, interval: 1 },
      );
    } finally {
      await far.stop();
    }
  });

  test('a read that a limit of the server’s ends fails alone, its neighbours are executed again', async () => {
    const db = open({ max: 1 });
    const count = (n: number): Promise<unknown> =>
      db.query<{ n: string }>('SELECT count(*) AS n FROM generate_series(1, $1::bigint)', [n]);
    await fresh.admin.query(`ALTER DATABASE ${fresh.admin.database!} SET statement_timeout = 300`);
    try {
      await count(1);
      const outcomes = await Promise.allSettled([10, 20, 10_000_000_000, 30].map(count));
      expect(outcomes).toMatchObject([
        { value: { rows: [{ n: '10' }] } },
        { value: { rows: [{ n: '20' }] } },
        { reason: { sqlState: '57014' } },
        { value: { rows: [{ n: '30' }] } },
      ]);
    } finally {
      await fresh.admin.query(`ALTER DATABASE ${fresh.admin.database!} RESET statement_timeout`);
    }
  });

  test('what is closed for another that goes out before it is parsed again, not joined', async () => {
    const db = open({ max: 1, statementCacheSize: 3 });
    const ask = (n: number, value: string): Promise<unknown> => db.query(`SELECT $1::text AS a${n}`, [value]);
    await ask(0, 'x');
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.all([
        ...[1, 2, 3, 4].map((n) => ask(10 * round + n, 'x')),
        ask(0, 'y'.repeat(5_000)),
        ask(0, 'z'),
        ask(0, 'z'),
      ]);
      expect(outcomes.slice(-2)).toMatchObject([{ rows: [{ a0: 'z' }] }, { rows: [{ a0: 'z' }] }]);
    }
  });

  test('what a read does on the side is done once, though its neighbours fail', async () => {
    const db = open({ max: 1 });
    await fresh.admin.query(
      `CREATE TABLE noted (n integer);
       CREATE FUNCTION note(n integer) RETURNS integer LANGUAGE sql AS 'INSERT INTO noted VALUES (n + 0 / n) RETURNING n'`,
    );
    const note = (n: number): Promise<unknown> => db.query('SELECT note($1)', [n]);
    await note(1_000);
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 60 }, (_, n) => note(n % 10 === 0 ? 0 : n)),
      readTogether(db, [0, 1, 0, 2]),
    ]);
    const noted = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' && n < 60 ? [n] : []));
    expect(noted).toHaveLength(54);
    const { rows } = await fresh.admin.query<{ n: number }>('SELECT n FROM noted WHERE n < 1000 ORDER BY n');
    expect(rows.map(({ n }) => n)).toEqual(noted);
  });

  test('statements that do not parse fail alone, also when many wait for the same preparation', async () => {
    const db = open({ max: 1 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, (_, index) =>
        index % 2 === 0 ? db.query('SELECT nothing FROM item WHERE id = $1', [1]) : name(db, index),
      ),
    );
    outcomes.forEach((outcome, index) => {
      if (index % 2 === 0) expect(outcome).toMatchObject({ reason: { sqlState: '42703' } });
      else expect(outcome).toMatchObject({ value: [{ name: `item ${index}` }] });
    });
  });

  test('a change of the table, or a lost preparation, in the middle is healed for all of them', async () => {
    const db = open({ max: 1 });
    await fresh.admin.query(
      'CREATE TABLE changing (id integer, v integer); INSERT INTO changing VALUES (1, 7)',
    );
    const read = (): Promise<unknown> =>
      db.query('SELECT * FROM changing WHERE id = $1', [1]).then(({ rows }) => rows[0]);
    await Promise.all(Array.from({ length: 20 }, read));
    await fresh.admin.query('ALTER TABLE changing ADD COLUMN w text');
    const after = await Promise.all(Array.from({ length: 20 }, read));
    for (const row of after) expect(row).toEqual({ id: 1, v: 7, w: null });
    await db.query('DEALLOCATE ALL');
    await db.query('CALL lose()');
    expect(await Promise.all(Array.from({ length: 20 }, read))).toEqual(after);
  });

  test('more texts than the cache holds are closed while others are in flight', async () => {
    const db = open({ max: 1, statementCacheSize: 3 });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        db.query<{ n: number }>(`SELECT $1::int + ${index % 7} AS n`, [index]),
      ),
    );
    expect(answers.map(({ rows }) => rows[0]!.n)).toEqual(answers.map((_, index) => index + (index % 7)));
  });

  test('what begins a transaction or changes the session is never on a lane', async () => {
    const db = open({ lanes: 1 });
    await db.warm();
    const seen = await Promise.allSettled([
      ...Array.from({ length: 50 }, (_, index) => name(db, index + 1)),
      db.query('BEGIN', []),
      db.query('BEGIN'),
      db.query(`SET work_mem = '1MB'`, []),
      db.query(`SELECT set_config('work_mem', $1, false)`, ['2MB']),
      ...Array.from({ length: 50 }, () => db.query(`SELECT current_setting('work_mem') AS w, $1::int`, [1])),
    ]);
    expect(seen[50]).toMatchObject({ reason: { code: 'ERR_HOTPATH_DATABASE_OPEN_TRANSACTION' } });
    expect(seen[51]).toMatchObject({ reason: { code: 'ERR_HOTPATH_DATABASE_OPEN_TRANSACTION' } });
    const { rows } = await fresh.admin.query('SHOW work_mem');
    for (const outcome of seen.slice(54)) {
      expect(outcome).toMatchObject({ value: { rows: [{ w: rows[0].work_mem }] } });
    }
  });

  test('a lane behind a slow statement is left alone', async () => {
    const db = open({ lanes: 1, min: 3 });
    await db.warm();
    let slow = false;
    const slept = db.query('SELECT slow($1)', [1]).then(() => {
      slow = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await name(db, 5)).toEqual([{ name: 'item 5' }]);
    expect(slow).toBe(false);
    await slept;
  });

  test('statements with a signal are on a connection of their own, and their cancel hits nobody', async () => {
    const db = open({ lanes: 1, max: 3 });
    const reads = Array.from({ length: 300 }, (_, index) => name(db, index + 1));
    const controller = new AbortController();
    const slow = db.query('SELECT slow($1)', [5], { signal: controller.signal });
    setTimeout(() => {
      controller.abort(new Error('enough'));
    }, 20);
    await expect(slow).rejects.toThrow('enough');
    expect(await Promise.all(reads)).toHaveLength(300);
  });

  test('a lease is not kept waiting by reads that never stop', async () => {
    const db = open({ max: 1 });
    const run = { stop: false };
    const reader = async (): Promise<void> => {
      while (!run.stop) await name(db, 1);
    };
    const readers = Array.from({ length: 10 }, reader);
    const lease = await db.acquire();
    run.stop = true;
    lease.release();
    await Promise.all(readers);
  });

  test('a killed lane fails what was in flight, all of it once, and the next read succeeds', async () => {
    const db = open({ lanes: 1, max: 1 });
    const { rows } = await db.query<{ pid: number }>('SELECT pg_backend_pid() AS pid, $1::int AS one', [1]);
    const outcomes = Promise.allSettled([
      db.query('SELECT slow($1)', [5]),
      ...Array.from({ length: 20 }, () => name(db, 1)),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await fresh.admin.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid]);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ reason: { code: 'ERR_HOTPATH_DATABASE_CONNECTION_LOST' } });
    }
    expect(await name(db, 9)).toEqual([{ name: 'item 9' }]);
  });

  test('closing at once settles everything in flight', async () => {
    const db = open({ lanes: 2 });
    await db.warm();
    const outcomes = Promise.allSettled([
      db.query('SELECT slow($1)', [5]),
      ...Array.from({ length: 200 }, () => name(db, 1)),
    ]);
    await db.close({ drainMs: 0 });
    expect(await outcomes).toHaveLength(201);
  });

  test('closing at once leaves none of them running on the server', async () => {
    const db = open({ max: 1 });
    await db.query('SELECT 1', []);
    const endless = ['a', 'b', 'c'].map((name) =>
      db.query(
        `SELECT count(*) AS endless_${name} FROM generate_series(1, 100000) a, generate_series(1, 1000000) b`,
        [],
      ),
    );
    const running = async (found: string): Promise<unknown[]> => {
      const { rows } = await fresh.admin.query(
        `SELECT ${found} FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%endless\\_%' AND pid <> pg_backend_pid()`,
      );
      return rows;
    };
    await vi.waitFor(async () => {
      expect(await running('pid')).toHaveLength(1);
    });
    const outcomes = Promise.allSettled(endless);
    await db.close({ drainMs: 0 });
    try {
      expect(new Set((await outcomes).map(({ status }) => status))).toEqual(new Set(['rejected']));
      await vi.waitFor(async () => {
        expect(await running('query')).toEqual([]);
      });
    } finally {
      await running('pg_terminate_backend(pid)');
    }
  });

  test('closing serves everything in flight when there is time', async () => {
    const db = open({ lanes: 2 });
    const answers = Promise.all(Array.from({ length: 500 }, () => name(db, 1)));
    await db.close();
    expect(await answers).toHaveLength(500);
  });
});
