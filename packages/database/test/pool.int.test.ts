import { type Database, type LeasedConnection, createDatabase } from '@hotpath/database';
import diagnostics from 'node:diagnostics_channel';
import { describe, expect, test, vi } from 'vitest';
import { ManualClock } from './manual-clock.ts';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

describe.skipIf(postgresUrl === '')('the pool on a real Postgres', () => {
  const fresh = freshDatabase();
  const { open } = fresh;

  const pidOf = async (db: { query: Database['query'] }): Promise<number> =>
    (await db.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid;
  const kill = async (pid: number): Promise<void> => {
    await fresh.admin.query('SELECT pg_terminate_backend($1)', [pid]);
  };
  const sleeping = async (): Promise<number> => {
    const { rows } = await fresh.admin.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()`,
    );
    return rows[0].n;
  };

  describe('queries', () => {
    test('give typed rows, counts, commands and fields', async () => {
      const db = open();
      expect(
        await db.query('SELECT $1::int AS n, $2::text AS t, null AS z, $3::bytea AS b', [
          1,
          'é',
          Buffer.from([0, 255]),
        ]),
      ).toEqual({
        rows: [{ n: 1, t: 'é', z: null, b: Buffer.from([0, 255]) }],
        rowCount: 1,
        command: 'SELECT',
        fields: [
          { name: 'n', dataTypeID: 23 },
          { name: 't', dataTypeID: 25 },
          { name: 'z', dataTypeID: 25 },
          { name: 'b', dataTypeID: 17 },
        ],
      });
      await db.query('CREATE TABLE counted (a int)');
      for (let i = 0; i < 2; i++) {
        const inserted = await db.query('INSERT INTO counted SELECT generate_series(1, $1)', [5]);
        expect(inserted).toEqual({ rows: [], rowCount: 5, command: 'INSERT', fields: [] });
      }
      expect(await db.query('DROP TABLE counted')).toMatchObject({ rowCount: 0, command: 'DROP TABLE' });
      expect(await db.query('')).toMatchObject({ rows: [], rowCount: 0, command: '' });
    });

    test('without values may be several statements, the last of which answers', async () => {
      const db = open();
      expect((await db.query('SELECT 1 AS a; SELECT 2 AS b')).rows).toEqual([{ b: 2 }]);
      for (const [last, command] of [
        ['CREATE TEMP TABLE last_one ()', 'CREATE TABLE'],
        ['SELECT 1 AS b INTO TEMP last_two', 'SELECT'],
      ]) {
        expect(await db.query(`SELECT 1 AS a; ${last}`)).toMatchObject({ rows: [], fields: [], command });
      }
    });

    test('a column may be called __proto__, and values of every length come through', async () => {
      const db = open();
      const long = 'ü'.repeat(200_000);
      for (let i = 0; i < 3; i++) {
        const { rows } = await db.query(`SELECT $1::text AS "__proto__", 1 AS a`, [long]);
        expect(Object.entries(rows[0]!)).toEqual([
          ['__proto__', long],
          ['a', 1],
        ]);
      }
    });

    test('a statement that the server refuses leaves the connection in the pool', async () => {
      const db = open({ max: 1 });
      const pid = await pidOf(db);
      await expect(db.query('SELECT 1/0')).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_QUERY',
        sqlState: '22012',
      });
      await expect(db.query('SELECT $1::int', ['s3cret'])).rejects.toMatchObject({
        message: 'invalid input syntax for type integer: "…" (SQLSTATE 22P02)',
        cause: expect.objectContaining({ code: '22P02' }) as Error,
      });
      await expect(db.query('SELEC', [])).rejects.toMatchObject({ sqlState: '42601', position: 1 });
      expect(await pidOf(db)).toBe(pid);
    });

    test('COPY FROM STDIN without a source fails instead of waiting for ever', async () => {
      const db = open({ max: 1 });
      await db.query('CREATE TABLE copied (a int)');
      const pid = await pidOf(db);
      const refused = { sqlState: '57014' };
      const text = 'COPY copied FROM STDIN';
      await expect(db.query(text)).rejects.toMatchObject(refused);
      await expect(db.query(text, [])).rejects.toMatchObject(refused);
      await expect(db.query(text, [], { prepare: false })).rejects.toMatchObject(refused);
      await expect(db.stream(text).rows().next()).rejects.toMatchObject(refused);
      expect(await pidOf(db)).toBe(pid);
      await db.query('DROP TABLE copied');
    });

    test('a parser that throws fails its query alone', async () => {
      const db = open({
        max: 1,
        types: {
          getTypeParser: (oid) =>
            oid === 23
              ? () => {
                  throw new Error('no ints');
                }
              : (text) => text,
        },
      });
      await expect(db.query('SELECT 1 AS a FROM generate_series(1, 3)')).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_DECODE',
        cause: expect.objectContaining({ message: 'no ints' }) as Error,
      });
      expect((await db.query(`SELECT 'x' AS a`)).rows).toEqual([{ a: 'x' }]);
    });

    test('wrong arguments reject', async () => {
      const db = open();
      await expect(db.query(1 as never)).rejects.toThrow(/^text: expected a string/);
      await expect(db.query('SELECT 1', 'x' as never)).rejects.toThrow(/^values: expected an array/);
      await expect(db.query('SELECT 1\0; DROP TABLE a')).rejects.toThrow(/NUL/);
      await expect(db.query('SELECT 1\0', [])).rejects.toThrow(/NUL/);
      await expect(db.query('SELECT 1', [], { timeoutMs: -1 })).rejects.toThrow(RangeError);
      await expect(db.query('SELECT $1::text', ['\0'])).rejects.toMatchObject({ sqlState: '22021' });
    });
  });

  describe('prepared statements', () => {
    const prepared = async (db: Database): Promise<string[]> =>
      (
        await db.query<{ statement: string }>('SELECT statement FROM pg_prepared_statements ORDER BY 1')
      ).rows.map((row) => row.statement);

    test('are made on the first use with values, and only then', async () => {
      const db = open({ max: 1 });
      for (let i = 0; i < 3; i++) await db.query('SELECT $1::int', [i]);
      await db.query('SELECT 2');
      await db.query('SELECT $1::text', ['a'], { prepare: false });
      expect(await prepared(db)).toEqual(['SELECT $1::int']);
    });

    test('are closed on the server when the cache is full', async () => {
      const db = open({ max: 1, statementCacheSize: 2 });
      for (const n of [1, 2, 3, 1, 4]) await db.query(`SELECT ${n} + $1::int`, [n]);
      expect(await prepared(db)).toEqual(['SELECT 1 + $1::int', 'SELECT 4 + $1::int']);
      await db.query('SELECT 5', []);
      expect(await prepared(db)).toEqual(['SELECT 4 + $1::int', 'SELECT 5']);
    });

    test('none are made with a cache of 0', async () => {
      const db = open({ max: 1, statementCacheSize: 0 });
      expect((await db.query('SELECT $1::int AS a', [1])).rows).toEqual([{ a: 1 }]);
      expect(await prepared(db)).toEqual([]);
    });

    test('survive a change of the table (0A000)', async () => {
      const db = open({ max: 3 });
      await db.query('CREATE TABLE healed (a int); INSERT INTO healed VALUES (1)');
      const all = (): Promise<unknown[]> =>
        Promise.all(Array.from({ length: 9 }, async () => (await db.query('SELECT * FROM healed', [])).rows));
      for (const [ddl, row] of [
        ['', { a: 1 }],
        ['ALTER TABLE healed ADD b text', { a: 1, b: null }],
        ['ALTER TABLE healed RENAME a TO c', { c: 1, b: null }],
        ['ALTER TABLE healed ALTER c TYPE text', { c: '1', b: null }],
      ] as const) {
        await db.query(ddl);
        expect(await all()).toEqual(Array.from({ length: 9 }, () => [row]));
      }
      await db.query('DROP TABLE healed');
      await expect(db.query('SELECT * FROM healed', [])).rejects.toMatchObject({ sqlState: '42P01' });
    });

    test('survive being dropped behind our back (26000)', async () => {
      const db = open({ max: 1 });
      await db.query('SELECT $1::int AS a', [1]);
      await db.query(`CREATE PROCEDURE lose() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$`);
      for (const sql of ['DEALLOCATE ALL', 'DISCARD ALL', 'CALL lose()']) {
        await db.query(sql);
        expect((await db.query('SELECT $1::int AS a', [2])).rows, sql).toEqual([{ a: 2 }]);
      }
    });

    test('that do not parse are parsed again the next time', async () => {
      const db = open({ max: 1 });
      await expect(db.query('SELECT * FROM later WHERE a = $1', [1])).rejects.toMatchObject({
        sqlState: '42P01',
      });
      await db.query('CREATE TABLE later (a int)');
      expect((await db.query('SELECT * FROM later WHERE a = $1', [1])).rows).toEqual([]);
      await db.query('DROP TABLE later');
    });

    test('a stale one inside a transaction fails it, and the next transaction is right', async () => {
      const db = open({ max: 1 });
      await db.query('CREATE TABLE stale (a int)');
      await db.query('SELECT * FROM stale', []);
      await fresh.admin.query('ALTER TABLE stale ADD b int');
      const read = (): Promise<unknown> =>
        db.transaction(async (tx) => (await tx.query('SELECT * FROM stale', [])).fields.length);
      await expect(read()).rejects.toMatchObject({ sqlState: '0A000' });
      expect(await read()).toBe(2);
      await db.query('DROP TABLE stale');
    });
  });

  describe('limits', () => {
    test('never more than max, however many ask, and all are served', async () => {
      const db = open({ max: 3 });
      const pids = await Promise.all(
        Array.from(
          { length: 60 },
          async () =>
            (await db.query<{ pid: number }>('SELECT pg_backend_pid() AS pid, pg_sleep(0.001)')).rows[0]!.pid,
        ),
      );
      expect(new Set(pids).size).toBeLessThanOrEqual(3);
      expect(db.metrics()).toMatchObject({ max: 3, idle: db.metrics().total, active: 0, waiting: 0 });
      expect(db.metrics().total).toBeLessThanOrEqual(3);
    });

    test('warm opens min, and a connection that is killed is replaced', async () => {
      const db = open({ min: 3, max: 5 });
      await db.warm();
      expect(db.metrics()).toMatchObject({ total: 3, idle: 3 });
      await db.warm();
      expect(db.metrics().opened).toBe(3);
      await kill(await pidOf(db));
      await vi.waitFor(() => {
        expect(db.metrics()).toMatchObject({ total: 3, idle: 3, opened: 4, closed: 1 });
      });
    });

    test('the first use warms, too', async () => {
      const db = open({ min: 4 });
      await db.query('SELECT 1');
      await vi.waitFor(() => {
        expect(db.metrics().total).toBe(4);
      });
    });

    test('waiters are served in order, and statements do not overtake leases', async () => {
      const db = open({ max: 1 });
      const first = await db.acquire();
      const order: number[] = [];
      const waiting = Array.from({ length: 20 }, async (_, i) => {
        if (i % 2 === 0) {
          const lease = await db.acquire();
          order.push(i);
          lease.release();
        } else {
          await db.query('SELECT 1');
          order.push(i);
        }
      });
      expect(db.metrics()).toMatchObject({ waiting: 20, active: 1 });
      first.release();
      await Promise.all(waiting);
      expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
    });

    test('who waits too long gets an error with a code, and the place is free again', async () => {
      const clock = new ManualClock();
      const db = open({ max: 1, acquireTimeoutMs: 1_000, clock });
      const lease = await db.acquire();
      const query = expect(db.query('SELECT 1')).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_ACQUIRE_TIMEOUT',
        message: expect.stringMatching(
          /^no connection within 1000 ms: 1 of 1 in use, 2 callers waiting; held longest, 1000 ms, at /,
        ) as string,
      });
      const acquire = expect(db.acquire({ timeoutMs: 2_000 })).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_ACQUIRE_TIMEOUT',
      });
      clock.advance(1_000);
      await query;
      clock.advance(1_000);
      await acquire;
      expect(db.metrics()).toMatchObject({ waiting: 0, acquireTimeouts: 2 });
      lease.release();
      expect((await db.query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }]);
      expect(clock.pending).toBeLessThanOrEqual(1);
    });

    test('a full queue refuses the next one at once', async () => {
      const db = open({ max: 1, maxWaiters: 2 });
      const lease = await db.acquire();
      const waiting = [db.query('SELECT 1'), db.acquire()] as const;
      await expect(db.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_QUEUE_FULL' });
      lease.release();
      await waiting[0];
      (await waiting[1]).release();
    });

    test('idle connections beyond min are closed after their time, and old ones when they are free', async () => {
      const clock = new ManualClock();
      const db = open({
        min: 1,
        max: 3,
        idleTimeoutMs: 1_000,
        maxLifetimeMs: 100_000,
        lifetimeJitter: 0,
        checkAfterIdleMs: 1e9,
        clock,
      });
      const leases = await Promise.all([db.acquire(), db.acquire(), db.acquire()]);
      for (const lease of leases) lease.release();
      clock.advance(999);
      expect(db.metrics().total).toBe(3);
      clock.advance(1);
      expect(db.metrics().total).toBe(1);
      const young = await pidOf(db);
      const held = await db.acquire();
      clock.advance(200_000);
      expect(await pidOf(held)).toBe(young);
      held.release();
      await vi.waitFor(() => {
        expect(db.metrics()).toMatchObject({ total: 1, closed: 3 });
      });
      expect(await pidOf(db)).not.toBe(young);
    });

    test('asked once in a while, it opens nothing further, and closes what is beyond min', async () => {
      const clock = new ManualClock();
      const db = open({ min: 1, max: 5, idleTimeoutMs: 100_000, checkAfterIdleMs: 30_000, clock });
      const leases = await Promise.all([db.acquire(), db.acquire(), db.acquire()]);
      for (const lease of leases) lease.release();
      for (let times = 0; times < 5; times++) {
        clock.advance(40_000);
        await db.query('SELECT 1');
      }
      expect(db.metrics()).toMatchObject({ opened: 3, connecting: 0, total: 1, idle: 1 });
    });

    test('lifetimes differ by their jitter', async () => {
      const clock = new ManualClock();
      const shares = [0, 0.5, 0.999];
      const db = open({
        max: 3,
        maxLifetimeMs: 1_000,
        lifetimeJitter: 0.5,
        idleTimeoutMs: 1e6,
        clock,
        random: () => shares.shift() ?? 0,
      });
      const leases = await Promise.all([db.acquire(), db.acquire(), db.acquire()]);
      for (const lease of leases) lease.release();
      const total: number[] = [];
      for (let i = 0; i < 10; i++) {
        clock.advance(100);
        total.push(db.metrics().total);
      }
      expect(total).toEqual([3, 3, 3, 3, 3, 2, 2, 1, 1, 0]);
    });
  });

  describe('leases', () => {
    test('cannot be used or released after their release', async () => {
      const db = open({ max: 1 });
      const lease = await db.acquire();
      lease.release();
      const released = { code: 'ERR_HOTPATH_DATABASE_RELEASED' };
      await expect(lease.query('SELECT 1')).rejects.toMatchObject(released);
      expect(() => lease.release()).toThrow(expect.objectContaining(released));
      expect(() => lease.destroy()).toThrow(expect.objectContaining(released));
      lease[Symbol.dispose]();
      expect(db.metrics()).toMatchObject({ total: 1, idle: 1 });
    });

    test('are released by using', async () => {
      const db = open({ max: 1 });
      {
        using lease = await db.acquire();
        expect(await pidOf(lease)).toBe(lease.processId);
        expect(db.metrics().active).toBe(1);
      }
      expect(db.metrics().idle).toBe(1);
    });

    test('run their statements in order, also when nobody awaits them', async () => {
      const db = open({ max: 1 });
      const lease = await db.acquire();
      const results = [1, 2, 3].map((n) => lease.query<{ n: number }>('SELECT $1::int AS n', [n]));
      const failing = expect(lease.query('SELECT 1/0')).rejects.toMatchObject({ sqlState: '22012' });
      lease.release();
      expect((await Promise.all(results)).map((result) => result.rows[0]!.n)).toEqual([1, 2, 3]);
      await failing;
      expect((await db.query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }]);
    });

    test.each(['SELECT 1', 'SELECT 1/0'])(
      'an open transaction is rolled back on release (%s)',
      async (sql) => {
        const db = open({ max: 1 });
        await db.query('CREATE TABLE IF NOT EXISTS left_open (a int)');
        const lease = await db.acquire();
        await lease.query('BEGIN');
        expect(lease.inTransaction).toBe(true);
        await lease.query('INSERT INTO left_open VALUES (1)');
        await lease.query(sql).catch(() => {});
        lease.release();
        expect((await db.query('SELECT count(*)::int AS n FROM left_open')).rows).toEqual([{ n: 0 }]);
        expect(await pidOf(db)).toBe(lease.processId);
        expect(db.metrics().rollbacks).toBe(1);
        await db.query('DROP TABLE left_open');
      },
    );

    test.each([
      ['SET statement_timeout = 12345', 'SHOW statement_timeout', '0'],
      [`SELECT set_config('statement_timeout', '12345', false)`, 'SHOW statement_timeout', '0'],
      [
        'SELECT pg_advisory_lock(42)',
        `SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`,
        '0',
      ],
      ['LISTEN something', 'SELECT count(*)::text FROM pg_listening_channels()', '0'],
      ['SET LOCAL jit = on; SET statement_timeout = 12345', 'SHOW statement_timeout', '0'],
      ['DO $$ BEGIN SET statement_timeout = 12345; END $$', 'SHOW statement_timeout', '0'],
      ...[
        'TEMP TABLE mine (a int)',
        'OR REPLACE TEMP VIEW mine AS SELECT 1',
        'TABLE pg_temp.mine (a int)',
      ].map((made) => [`CREATE ${made}`, `SELECT count(*)::text FROM pg_class WHERE relname = 'mine'`, '0']),
      ['DECLARE mine CURSOR WITH HOLD FOR SELECT 1', 'SELECT count(*)::text FROM pg_cursors', '0'],
      [
        'PREPARE mine AS SELECT 1',
        `SELECT count(*)::text FROM pg_prepared_statements WHERE name = 'mine'`,
        '0',
      ],
    ] as [string, string, string][])(
      'what a user does to the session is undone: %s',
      async (change, look, expected) => {
        const db = open({ max: 1 });
        await db.query('SELECT $1::int', [1]);
        {
          using lease = await db.acquire();
          await lease.query(change);
        }
        expect(Object.values((await db.query(look)).rows[0]!)).toEqual([expected]);
        expect((await db.query('SELECT $1::int AS a', [1])).rows).toEqual([{ a: 1 }]);
        expect(db.metrics()).toMatchObject({ resets: 1, opened: 1 });
      },
    );

    test('destroying one closes it', async () => {
      const db = open({ max: 1 });
      const lease = await db.acquire();
      const pending = expect(lease.query('SELECT pg_sleep(60)')).rejects.toThrow(/destroyed by its holder/);
      lease.destroy();
      await pending;
      expect(await pidOf(db)).not.toBe(lease.processId);
      await vi.waitFor(async () => {
        expect(await sleeping()).toBe(0);
      });
    });

    test('a killed one fails its statements, and an idle killed one is no uncaught error', async () => {
      const db = open({ max: 2 });
      const lease = await db.acquire();
      const running = expect(lease.query('SELECT pg_sleep(60)')).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_CONNECTION_LOST',
        cause: expect.objectContaining({ code: '57P01' }) as Error,
      });
      const queued = expect(lease.query('SELECT 1')).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_CONNECTION_LOST',
      });
      await vi.waitFor(async () => {
        expect(await sleeping()).toBe(1);
      });
      await kill(lease.processId);
      await running;
      await queued;
      await expect(lease.query('SELECT 1')).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_CONNECTION_LOST',
      });
      lease.release();
      const idle = await pidOf(db);
      await kill(idle);
      await vi.waitFor(() => {
        expect(db.metrics().total).toBe(0);
      });
      expect(await pidOf(db)).not.toBe(idle);
    });
  });

  describe('cancelling', () => {
    test('aborting a statement rejects at once and ends it on the server', async () => {
      const db = open({ max: 1 });
      const controller = new AbortController();
      const pid = await pidOf(db);
      const query = db.query('SELECT pg_sleep(60)', [], { signal: controller.signal });
      await vi.waitFor(async () => {
        expect(await sleeping()).toBe(1);
      });
      const reason = new Error('enough');
      controller.abort(reason);
      await expect(query).rejects.toBe(reason);
      expect(await pidOf(db)).toBe(pid);
      expect(await sleeping()).toBe(0);
    });

    test('aborting before the server has begun ends the statement all the same', async () => {
      const db = open({ max: 4 });
      await Promise.all([1, 2, 3, 4].map(async () => await db.query('SELECT pg_sleep(0.01)')));
      for (let i = 0; i < 20; i++) {
        const controller = new AbortController();
        const queries = [1, 2, 3, 4].map(
          async () => await db.query('SELECT pg_sleep(60)', [], { signal: controller.signal }),
        );
        controller.abort();
        for (const result of await Promise.allSettled(queries)) expect(result.status).toBe('rejected');
        await vi.waitFor(() => {
          expect(db.metrics()).toMatchObject({ idle: 4, opened: 4 });
        });
      }
      expect(await sleeping()).toBe(0);
    });

    test('aborting one that waits for a connection takes it out of the queue', async () => {
      const db = open({ max: 1 });
      const lease = await db.acquire();
      const controller = new AbortController();
      const { signal } = controller;
      const waiting = [db.query('SELECT 1', [], { signal }), db.acquire({ signal })];
      const queued = lease.query('SELECT 2', [], { signal });
      expect(db.metrics().waiting).toBe(2);
      controller.abort();
      for (const one of [...waiting, queued]) await expect(one).rejects.toBe(signal.reason);
      expect(db.metrics().waiting).toBe(0);
      lease.release();
      for (const one of [db.query('SELECT 1', [], { signal }), db.acquire({ signal })]) {
        await expect(one).rejects.toBe(signal.reason);
      }
      expect((await db.query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }]);
    });

    test('a time limit cancels, one statement or all of a database', async () => {
      const db = open({ max: 1, queryTimeoutMs: 50 });
      const pid = await pidOf(db);
      const timeout = { code: 'ERR_HOTPATH_DATABASE_QUERY_TIMEOUT' };
      await expect(db.query('SELECT pg_sleep(60)')).rejects.toMatchObject({
        ...timeout,
        message: 'the statement took longer than 50 ms',
      });
      await expect(db.query('SELECT pg_sleep(60)', [], { timeoutMs: 20 })).rejects.toMatchObject(timeout);
      await db.query('SELECT pg_sleep(0.1)', [], { timeoutMs: 0 });
      expect(await pidOf(db)).toBe(pid);
    });

    test('a cancel that comes late never hits the next statement', async () => {
      const db = open({ max: 1 });
      await db.warm();
      for (let i = 0; i < 60; i++) {
        const controller = new AbortController();
        const first = db.query('SELECT 1', [], { signal: controller.signal });
        // Somewhere between sending and the answer.
        if (i % 2 === 0) setImmediate(() => controller.abort());
        else controller.abort();
        const second = db.query(`SELECT 2 AS a, pg_sleep(0.002)`);
        await first.catch(() => {});
        expect((await second).rows[0]).toMatchObject({ a: 2 });
      }
      expect(db.metrics().opened).toBe(1);
    });

    test('listeners are gone from the signal when the statement is done', async () => {
      const db = open({ max: 1 });
      const { signal } = new AbortController();
      const added = vi.spyOn(signal, 'addEventListener');
      const removed = vi.spyOn(signal, 'removeEventListener');
      await db.query('SELECT 1', [], { signal });
      await expect(db.query('SELECT 1/0', [], { signal })).rejects.toThrow();
      (await db.acquire({ signal })).release();
      await db.transaction(async (tx) => await tx.query('SELECT 1'), { signal });
      expect(added.mock.calls.length).toBeGreaterThan(0);
      expect(removed.mock.calls.length).toBeGreaterThanOrEqual(added.mock.calls.length);
    });
  });

  describe('transactions', () => {
    const setUp = async (db: Database): Promise<void> => {
      await db.query(
        'DROP TABLE IF EXISTS accounts; CREATE TABLE accounts (id int PRIMARY KEY, balance int CHECK (balance >= 0) DEFERRABLE); INSERT INTO accounts VALUES (1, 100), (2, 0)'.replace(
          ' DEFERRABLE',
          '',
        ),
      );
    };
    const balances = async (db: Database): Promise<number[]> =>
      (await db.query<{ balance: number }>('SELECT balance FROM accounts ORDER BY id')).rows.map(
        (row) => row.balance,
      );

    test('commit what the function did, and give its result', async () => {
      const db = open({ max: 1 });
      await setUp(db);
      const result = await db.transaction(async (tx) => {
        await tx.query('UPDATE accounts SET balance = balance - $1 WHERE id = $2', [10, 1]);
        await tx.query('UPDATE accounts SET balance = balance + $1 WHERE id = $2', [10, 2]);
        return 'done';
      });
      expect(result).toBe('done');
      expect(await balances(db)).toEqual([90, 10]);
    });

    test('roll back when it throws, before the caller hears of it, and are over then', async () => {
      const db = open({ max: 2 });
      await setUp(db);
      const failure = new Error('no');
      let kept: { query: Database['query'] } | undefined;
      await expect(
        db.transaction(async (tx) => {
          kept = tx;
          await tx.query('UPDATE accounts SET balance = 0');
          throw failure;
        }),
      ).rejects.toBe(failure);
      expect(
        (await fresh.admin.query('SELECT balance FROM accounts WHERE id = 1 FOR UPDATE NOWAIT')).rows,
      ).toEqual([{ balance: 100 }]);
      await expect(kept!.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_RELEASED' });
      expect(db.metrics().rollbacks).toBe(0);
    });

    test('reject when a hidden failure made COMMIT roll back', async () => {
      const db = open({ max: 1 });
      await setUp(db);
      await expect(
        db.transaction(async (tx) => {
          await tx.query('UPDATE accounts SET balance = 1');
          await tx.query('SELECT 1/0').catch(() => {});
        }),
      ).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_ROLLED_BACK' });
      expect(await balances(db)).toEqual([100, 0]);
      const lease = await db.acquire();
      await lease.query('BEGIN');
      await lease.query('SELECT 1/0').catch(() => {});
      await expect(lease.query('COMMIT')).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_ROLLED_BACK' });
      await lease.query('BEGIN');
      await lease.query('SELECT 1/0').catch(() => {});
      await expect(lease.query('COMMIT; SELECT 1')).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_ROLLED_BACK',
      });
      await expect(lease.query('BEGIN; SELECT 1; ROLLBACK; SELECT 1')).resolves.toMatchObject({
        command: 'SELECT',
      });
      await lease.query('BEGIN');
      await expect(lease.query('ROLLBACK')).resolves.toMatchObject({ command: 'ROLLBACK' });
      lease.release();
    });

    test('have the modes that were asked for', async () => {
      const db = open({ max: 1 });
      const show = await db.transaction(
        async (tx) =>
          (
            await tx.query(
              `SELECT current_setting('transaction_isolation') AS i, current_setting('transaction_read_only') AS r, current_setting('transaction_deferrable') AS d`,
            )
          ).rows[0],
        { isolation: 'serializable', readOnly: true, deferrable: true },
      );
      expect(show).toEqual({ i: 'serializable', r: 'on', d: 'on' });
      await expect(
        db.transaction(async (tx) => await tx.query('CREATE TABLE x (a int)'), { readOnly: true }),
      ).rejects.toMatchObject({ sqlState: '25006' });
      for (const options of [{ isolation: 'x; DROP TABLE accounts' }, { readOnly: 'no' }, { retries: -1 }]) {
        await expect(db.transaction(async () => {}, options as never)).rejects.toThrow(
          /^(isolation|readOnly|retries)/,
        );
      }
      expect(db.metrics().rollbacks).toBe(0);
    });

    test('are run again after a serialization failure, as often as allowed', async () => {
      const db = open({ max: 8 });
      await setUp(db);
      const increment = (retries: number): Promise<unknown> =>
        db.transaction(
          async (tx) => {
            const { rows } = await tx.query<{ balance: number }>('SELECT balance FROM accounts WHERE id = 2');
            await tx.query('UPDATE accounts SET balance = $1 WHERE id = 2', [rows[0]!.balance + 1]);
          },
          { isolation: 'serializable', retries },
        );
      await Promise.all(Array.from({ length: 16 }, () => increment(1_000)));
      expect(await balances(db)).toEqual([100, 16]);
      let attempts = 0;
      await expect(
        db.transaction(
          async (tx) => {
            attempts++;
            await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$`);
          },
          { retries: 2 },
        ),
      ).rejects.toMatchObject({ sqlState: '40001' });
      expect(attempts).toBe(3);
    });

    test('an abort cancels the statement under way and rolls back', async () => {
      const db = open({ max: 1 });
      await setUp(db);
      const controller = new AbortController();
      const running = db.transaction(
        async (tx) => {
          await tx.query('UPDATE accounts SET balance = 1');
          setImmediate(() => controller.abort(new Error('enough')));
          await tx.query('SELECT pg_sleep(60)');
        },
        { signal: controller.signal },
      );
      await expect(running).rejects.toThrow('enough');
      expect(await balances(db)).toEqual([100, 0]);
      expect(db.metrics().opened).toBe(1);
    });

    test('what is no signal is refused within one that has a signal, too', async () => {
      const db = open({ max: 1 });
      const { signal } = new AbortController();
      for (const wrong of [5, {}, null] as never[]) {
        const refused = db.transaction((tx) => tx.query('SELECT 1', [], { signal: wrong }), { signal });
        await expect(refused).rejects.toMatchObject({
          code: 'ERR_HOTPATH_DATABASE_ARGUMENT_TYPE',
        });
      }
    });

    test('a BEGIN sent to the pool is refused, and nobody else is caught in it', async () => {
      const db = open({ max: 1 });
      await setUp(db);
      await expect(db.query('BEGIN')).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_OPEN_TRANSACTION',
      });
      await db.query('UPDATE accounts SET balance = 7 WHERE id = 1');
      expect(await balances(db)).toEqual([7, 0]);
    });
  });

  describe('closing', () => {
    test('serves those who wait, refuses others, and leaves no connection', async () => {
      const db = createDatabase({ connectionString: fresh.url, max: 1, min: 0, applicationName: 'closing' });
      const lease = await db.acquire();
      const waiting = db.query('SELECT 1 AS a');
      const closed = db.close();
      await expect(db.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_CLOSED' });
      lease.release();
      expect((await waiting).rows).toEqual([{ a: 1 }]);
      await closed;
      expect(db.metrics()).toMatchObject({ total: 0, waiting: 0, connecting: 0 });
      await vi.waitFor(async () => {
        const { rows } = await fresh.admin.query(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'closing'`,
        );
        expect(rows).toEqual([{ n: 0 }]);
      });
    });

    test('settles everyone when the time to drain is over, leaked leases too', async () => {
      const clock = new ManualClock();
      const db = open({ max: 1, clock });
      const leaked: LeasedConnection = await db.acquire();
      const running = leaked.query('SELECT pg_sleep(60)');
      const waiting = db.acquire();
      // A cancel that came before the server had begun would be repeated, by a clock that stands still here.
      await vi.waitFor(async () => {
        expect(await sleeping()).toBe(1);
      });
      const closed = db.close({ drainMs: 500 });
      clock.advance(500);
      for (const one of [running, waiting]) {
        await expect(one).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_CLOSED' });
      }
      await closed;
      await expect(leaked.query('SELECT 1')).rejects.toThrow();
      leaked.release();
      await db.close();
    });

    test('at once cuts what is being opened', async () => {
      const db = open({ min: 5 });
      const query = expect(db.query('SELECT 1')).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_CLOSED',
      });
      await db.close({ drainMs: 0 });
      await query;
      expect(db.metrics()).toMatchObject({ total: 0, connecting: 0 });
    });

    test('await using closes', async () => {
      let kept: Database;
      {
        await using db = createDatabase({ connectionString: fresh.url, min: 0 });
        await db.query('SELECT 1');
        kept = db;
      }
      expect(kept.metrics().total).toBe(0);
    });
  });

  describe('failing to connect', () => {
    test('for a lasting reason fails those who wait at once, without the password', async () => {
      const bad = new URL(fresh.url);
      bad.pathname = '/no_such_database';
      bad.password = 's3cret';
      const db = open({ connectionString: bad.href, min: 2 });
      const error = await db.query('SELECT 1').then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error).toMatchObject({ code: 'ERR_HOTPATH_DATABASE_CONNECT' });
      await expect(db.warm()).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_CONNECT' });
      await expect(db.acquire()).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_CONNECT' });
      expect(JSON.stringify([String(error), error, (error as Error).stack])).not.toContain('s3cret');
    });

    test('for a passing reason is tried again with growing pauses until the wait is over', async () => {
      const clock = new ManualClock();
      const pauses: number[] = [];
      const onFailure = (message: unknown): void => {
        pauses.push((message as { retryInMs: number }).retryInMs);
        clock.advance((message as { retryInMs: number }).retryInMs);
      };
      diagnostics.subscribe('hotpath:database:connect-failure', onFailure);
      const db = createDatabase({
        host: '127.0.0.1',
        port: 1,
        min: 0,
        reconnectMinMs: 100,
        reconnectMaxMs: 1_000,
        acquireTimeoutMs: 5_000,
        clock,
        random: () => 0,
      });
      try {
        await expect(db.query('SELECT 1')).rejects.toMatchObject({
          code: 'ERR_HOTPATH_DATABASE_ACQUIRE_TIMEOUT',
          message: expect.stringContaining('ECONNREFUSED') as string,
          cause: expect.objectContaining({ code: 'ERR_HOTPATH_DATABASE_CONNECT' }) as Error,
        });
        expect(pauses.slice(0, 6)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
      } finally {
        diagnostics.unsubscribe('hotpath:database:connect-failure', onFailure);
        await db.close({ drainMs: 0 });
      }
    });

    test('a password may come from a function, once a connection', async () => {
      const { username, hostname, port, pathname, password } = new URL(fresh.url);
      let asked = 0;
      const db = createDatabase({
        host: hostname,
        port: Number(port),
        user: decodeURIComponent(username),
        database: pathname.slice(1),
        password: async () => {
          asked++;
          return decodeURIComponent(password);
        },
        min: 2,
        max: 2,
      });
      await db.warm();
      await db.query('SELECT 1');
      await db.close();
      expect(asked).toBeLessThanOrEqual(2);
    });
  });
});
