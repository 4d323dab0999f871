import { type Database, type DatabaseOptions, createDatabase, insertMany, nest } from '@hotpath/database';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import {
  type FreshDatabase,
  createDatabase as createFreshDatabase,
} from '../../../benchmarks/dist/services/index.js';

const url = inject('postgresUrl');

describe.skipIf(url === '')('on a pg whose internals are not as expected', () => {
  let fresh: FreshDatabase;
  let admin: pg.Client;
  let db: Database;
  const warnings: { readonly code?: string; readonly message: string }[] = [];
  const onWarning = (warning: Error): void => {
    warnings.push(warning);
  };
  const internals = pg.Connection.prototype as unknown as Record<string, unknown>;
  const missing = ['cancel', 'sendCopyFail', 'requestSsl'];
  const taken = missing.map((name) => internals[name]);
  const opened: Database[] = [];

  beforeAll(async () => {
    fresh = await createFreshDatabase(url);
    admin = new pg.Client({ connectionString: fresh.url });
    await admin.connect();
    await admin.query('CREATE TABLE item (id integer PRIMARY KEY, name text, at timestamptz)');
    process.on('warning', onWarning);
    for (const name of missing) delete internals[name];
    db = open({ max: 3 });
  });
  afterEach(async () => {
    await admin.query('TRUNCATE item');
  });
  afterAll(async () => {
    missing.forEach((name, index) => {
      internals[name] = taken[index];
    });
    process.off('warning', onWarning);
    await Promise.all(opened.map((one) => one.close({ drainMs: 0 })));
    await admin?.end();
    await fresh?.drop();
  });
  function open(options: DatabaseOptions): Database {
    const made = createDatabase({ connectionString: fresh.url, min: 0, ...options });
    opened.push(made);
    return made;
  }

  test('it is told once, and visible in the metrics', async () => {
    open({});
    await new Promise((resolve) => setImmediate(resolve));
    const told = warnings.filter(({ code }) => code === 'HOTPATH_DATABASE_PLAIN');
    expect(told).toHaveLength(1);
    for (const name of missing) expect(told[0]!.message).toContain(`Connection.prototype.${name}`);
    expect(db.metrics().plain).toBe(true);
  });

  test('reads at once each get their own answer, without a lane', async () => {
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, n) =>
        db.query<{ n: number }>('SELECT $1::int AS n, now() AS at, NULL AS nothing', [n]),
      ),
    );
    answers.forEach(({ rows, rowCount, command }, n) => {
      expect(rows).toEqual([{ n, at: expect.any(Date), nothing: null }]);
      expect({ rowCount, command }).toEqual({ rowCount: 1, command: 'SELECT' });
    });
    expect(db.metrics()).toMatchObject({ lanes: 0, waiting: 0 });
    expect(db.metrics().opened).toBeLessThanOrEqual(3);
  });

  test('values go as they do otherwise', async () => {
    const at = new Date('2024-02-29T12:34:56.789Z');
    const { rows } = await db.query(
      'SELECT $1::timestamptz AS at, $2::jsonb AS doc, $3::int[] AS list, $4::bytea AS bytes, $5::int8 AS big, $6::bool AS yes, $7::text AS none',
      [at, { a: [1] }, [1, 2], new Uint8Array([1, 2]), 2n ** 40n, true, undefined],
    );
    expect(rows).toEqual([
      {
        at,
        doc: { a: [1] },
        list: [1, 2],
        bytes: Buffer.from([1, 2]),
        big: '1099511627776',
        yes: true,
        none: null,
      },
    ]);
    await expect(db.query('SELECT $1::text', [() => 1])).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_ARGUMENT_TYPE',
    });
    await expect(db.query('SELECT 1; SELECT 2', [])).rejects.toMatchObject({ sqlState: '42601' });
    expect((await db.query('SELECT 1 AS a; SELECT 2 AS b')).rows).toEqual([{ b: 2 }]);
  });

  test('errors are the same, and the connection goes on', async () => {
    const one = open({ max: 1, types: { getTypeParser: () => (text) => text.repeat(2) } });
    expect((await one.query('SELECT $1::int AS n', [4])).rows).toEqual([{ n: '44' }]);
    await expect(one.query('SELECT 1 / $1::int', [0])).rejects.toMatchObject({ sqlState: '22012' });
    await expect(one.query('BEGIN')).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_OPEN_TRANSACTION',
    });
    const hidden = await one.acquire();
    await hidden.query('BEGIN; SELECT 1/0').catch(() => {});
    await expect(hidden.query('COMMIT; SELECT 1')).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_ROLLED_BACK',
    });
    hidden.release();
    const parserFails = open({
      max: 1,
      types: {
        getTypeParser: () => () => {
          throw new Error('no');
        },
      },
    });
    await expect(parserFails.query('SELECT 1 AS n', [])).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_DECODE',
    });
    await one.query(`SET work_mem = '1MB'`);
    await one.query('SELECT 1');
    expect(one.metrics()).toMatchObject({ opened: 1, closed: 0, rollbacks: 1, resets: 1 });
  });

  test('COPY FROM STDIN without a source fails instead of waiting for ever', async () => {
    const one = open({ max: 1 });
    internals['sendCopyFail'] = taken[missing.indexOf('sendCopyFail')];
    try {
      const refused = { sqlState: '57014' };
      await expect(one.query('COPY item FROM STDIN', undefined, { timeoutMs: 2_000 })).rejects.toMatchObject(
        refused,
      );
      await expect(one.query('COPY item FROM STDIN', [], { timeoutMs: 2_000 })).rejects.toMatchObject(
        refused,
      );
    } finally {
      delete internals['sendCopyFail'];
    }
    expect(one.metrics()).toMatchObject({ opened: 1, closed: 0 });
  });

  test('a cancel ends the statement on the server and keeps the connection', async () => {
    const one = open({ max: 1 });
    const { rows } = await one.query('SELECT pg_backend_pid() AS pid');
    await expect(one.query('SELECT pg_sleep($1)', [60], { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_QUERY_TIMEOUT',
    });
    expect((await one.query('SELECT pg_backend_pid() AS pid')).rows).toEqual(rows);
  });

  test('transactions, streams and inserts of many rows work', async () => {
    const rows = Array.from({ length: 5_000 }, (_, id) => ({ id, name: `n ${id}`, at: new Date(id) }));
    expect((await insertMany(db, 'item', rows)).rowCount).toBe(5_000);
    await expect(
      db.transaction(async (tx) => {
        await tx.query('DELETE FROM item WHERE id > $1', [10]);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    const seen: unknown[] = [];
    for await (const batch of db.stream('SELECT id, name, at FROM item ORDER BY id', [])) seen.push(...batch);
    expect(seen).toEqual(rows);
    const items = nest<{ id: number }>()({ key: 'id', fields: { id: 'id' } });
    expect(await items.load(db, 'SELECT id FROM item ORDER BY id')).toHaveLength(5_000);
  });

  test('a killed connection fails what was on it, and the next statement succeeds', async () => {
    const one = open({ max: 1 });
    const { rows } = await one.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const slept = expect(one.query('SELECT pg_sleep($1)', [60])).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_CONNECTION_LOST',
    });
    await vi.waitFor(async () => {
      const { rowCount } = await admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%pg_sleep%'`,
        [rows[0]!.pid],
      );
      expect(rowCount).toBe(1);
    });
    await slept;
    expect((await one.query('SELECT $1::int AS n', [1])).rows).toEqual([{ n: 1 }]);
  });
});
