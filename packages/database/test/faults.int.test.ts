import { type Database, type DatabaseOptions, createDatabase, insertMany } from '@hotpath/database';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import {
  type FaultProxy,
  type PostgresServer,
  startPostgres,
  startProxy,
} from '../../../benchmarks/dist/services/index.js';

/** Empty where no Postgres can be had; then there are no binaries to start one either. */
const url = inject('postgresUrl');

describe.skipIf(url === '')('a server that fails', () => {
  let server: PostgresServer;
  let proxy: FaultProxy;
  const opened: Database[] = [];

  beforeAll(async () => {
    server = await startPostgres({ durable: false });
    proxy = await startProxy(server.url);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((db) => db.close({ drainMs: 0 })));
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  function open(options: DatabaseOptions = {}): Database {
    const db = createDatabase({
      connectionString: server.url,
      min: 0,
      reconnectMinMs: 10,
      reconnectMaxMs: 100,
      ...options,
    });
    opened.push(db);
    return db;
  }
  const lost = { code: 'ERR_HOTPATH_DATABASE_CONNECTION_LOST' };
  const one = async (db: Database): Promise<unknown> => (await db.query('SELECT 1 AS a', [])).rows;

  test.each(['restart', 'kill'] as const)(
    'a %s fails what runs, and everything after it succeeds',
    async (fault) => {
      const db = open({ min: 3, max: 5 });
      await db.warm();
      // On the disk, whatever is lost with the server.
      await db.query('CREATE TABLE IF NOT EXISTS slow (a int); TRUNCATE slow');
      await db.query('CHECKPOINT');
      const lease = await db.acquire();
      const running = expect(lease.query('SELECT pg_sleep(60)')).rejects.toMatchObject(lost);
      const transaction = expect(
        db.transaction(async (tx) => {
          await tx.query('SELECT 1');
          await tx.query('SELECT pg_sleep(60)');
        }),
      ).rejects.toMatchObject(lost);
      const given = [0, 0];
      async function* endless(index: number): AsyncGenerator<{ a: number }> {
        for (;;) {
          yield { a: given[index]!++ };
          await new Promise(setImmediate);
        }
      }
      const insert = expect(insertMany(db, 'slow', endless(0), { chunkRows: 10 })).rejects.toThrow();
      const copy = expect(insertMany(db, 'slow', endless(1), { strategy: 'copy' })).rejects.toThrow();
      await vi.waitFor(() => expect(Math.min(...given)).toBeGreaterThan(100));
      if (fault === 'kill') await server.kill();
      await server.restart();
      await Promise.all([running, transaction, insert, copy]);
      lease.release();
      expect(await Promise.all([one(db), one(db), one(db)])).toEqual([[{ a: 1 }], [{ a: 1 }], [{ a: 1 }]]);
      expect((await db.query('SELECT count(*)::int AS n FROM slow')).rows).toEqual([{ n: 0 }]);
      await vi.waitFor(() => {
        expect(db.metrics()).toMatchObject({ active: 0, waiting: 0 });
        expect(db.metrics().total).toBeGreaterThanOrEqual(3);
      });
    },
  );

  test('who asks while it is down is served when it is back', async () => {
    const db = open({ min: 2 });
    await db.warm();
    await server.kill();
    await vi.waitFor(() => {
      expect(db.metrics().total).toBe(0);
    });
    const waiting = [one(db), one(db), one(db)];
    await vi.waitFor(() => {
      expect(db.metrics().connectFailures).toBeGreaterThan(2);
    });
    await server.restart();
    expect(await Promise.all(waiting)).toEqual([[{ a: 1 }], [{ a: 1 }], [{ a: 1 }]]);
  });

  test('while it is down, closing does not wait for it', async () => {
    const db = open({ min: 2 });
    const waiting = expect(one(db)).resolves.toEqual([{ a: 1 }]);
    await waiting;
    await server.kill();
    try {
      // Until it hears of the end, it lends what it has.
      await vi.waitFor(() => {
        expect(db.metrics().total).toBe(0);
      });
      const refused = expect(db.acquire()).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_CLOSED' });
      await db.close({ drainMs: 0 });
      await refused;
    } finally {
      await server.restart();
    }
  });

  test('one that hangs costs a statement its time limit, and its connection the grace', async () => {
    const db = open({ max: 2, cancelGraceMs: 100 });
    const lease = await db.acquire();
    await server.hang();
    try {
      await expect(lease.query('SELECT 1', [], { timeoutMs: 50 })).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_QUERY_TIMEOUT',
      });
      await expect(lease.query('SELECT 1')).rejects.toMatchObject(lost);
      lease.release();
      expect(db.metrics().total).toBe(0);
      await expect(db.acquire({ timeoutMs: 50 })).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_ACQUIRE_TIMEOUT',
      });
    } finally {
      await server.resume();
    }
    expect(await one(db)).toEqual([{ a: 1 }]);
  });

  test('one that hangs in the middle of a COPY, a stream and a transaction ends each, and applies none by halves', async () => {
    const db = open({ max: 3, queryTimeoutMs: 3_000, cancelGraceMs: 100 });
    const setUp = open({ max: 1 });
    await setUp.query('CREATE TABLE hung (n int)');
    let copied = 0;
    let streamed = 0;
    let begun = false;
    let hang = (): void => {};
    const hung = new Promise<void>((resolve) => {
      hang = resolve;
    });
    const endless = async function* (): AsyncGenerator<{ n: number }> {
      for (let n = 0; ; n++) {
        yield { n };
        await new Promise(setImmediate);
      }
    };
    const read = async (): Promise<void> => {
      for await (const rows of db.stream('SELECT generate_series(1, 1000000000)', [], { batchRows: 10 })) {
        streamed += rows.length;
      }
    };
    const transfer = db.transaction(async (tx) => {
      await tx.query('INSERT INTO hung VALUES (1)');
      begun = true;
      await hung;
      await tx.query('INSERT INTO hung VALUES (2)');
    });
    const copy = insertMany(db, 'hung', endless(), {
      types: { n: 'int' },
      strategy: 'copy',
      chunkRows: 10,
      onProgress: ({ rows }) => (copied = rows),
    });
    const ended = Promise.allSettled([transfer, copy, read()]);
    await vi.waitFor(() => {
      expect([begun, copied > 0, streamed > 0]).toEqual([true, true, true]);
    });
    await server.hang();
    hang();
    try {
      for (const outcome of await ended) {
        expect(outcome).toMatchObject({ status: 'rejected' });
        const { reason } = outcome as PromiseRejectedResult;
        expect((reason as { code: string }).code).toMatch(/^ERR_HOTPATH_DATABASE_/);
      }
    } finally {
      await server.resume();
    }
    expect(await one(db)).toEqual([{ a: 1 }]);
    expect(await setUp.many('SELECT n FROM hung')).toEqual([]);
  });

  test('one that hangs while a connection is being opened fails that after its time', async () => {
    const db = open({ connectTimeoutMs: 50, acquireTimeoutMs: 60_000 });
    await server.hang();
    try {
      await expect(db.warm()).resolves.toBeUndefined();
      const waiting = one(db);
      await vi.waitFor(() => {
        expect(db.metrics().connectFailures).toBeGreaterThan(0);
      });
      await server.resume();
      expect(await waiting).toEqual([{ a: 1 }]);
    } finally {
      await server.resume();
    }
  });

  test('one that hangs does not hold a close up', async () => {
    const db = open({ max: 2, cancelGraceMs: 50 });
    await Promise.all([one(db), one(db)]);
    await server.hang();
    try {
      const running = expect(db.query('SELECT 1')).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_CLOSED',
      });
      await db.close({ drainMs: 20 });
      await running;
    } finally {
      await server.resume();
    }
  });

  test('a half-open idle connection is found by its check and replaced', async () => {
    const db = open({
      connectionString: proxy.url,
      max: 1,
      checkAfterIdleMs: 0,
      checkTimeoutMs: 50,
      cancelGraceMs: 100,
    });
    expect(await one(db)).toEqual([{ a: 1 }]);
    proxy.halfOpen(true);
    proxy.halfOpen(false);
    expect(await one(db)).toEqual([{ a: 1 }]);
    expect(db.metrics()).toMatchObject({ opened: 2, closed: 1 });
  });

  test('a check that is not answered holds nobody up where there may be another connection', async () => {
    const db = open({
      connectionString: proxy.url,
      max: 2,
      checkAfterIdleMs: 0,
      checkTimeoutMs: 60_000,
      cancelGraceMs: 100,
    });
    expect(await one(db)).toEqual([{ a: 1 }]);
    proxy.halfOpen(true);
    proxy.halfOpen(false);
    expect(await one(db)).toEqual([{ a: 1 }]);
    expect(db.metrics()).toMatchObject({ opened: 2, closed: 0 });
  });

  test('connections that are cut fail what they carry, once', async () => {
    const db = open({ connectionString: proxy.url, max: 4, min: 2 });
    await db.warm();
    const running = Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => db.query(`SELECT pg_sleep(${index < 4 ? 60 : 0}), 1 AS a`)),
    );
    await vi.waitFor(() => {
      expect(db.metrics()).toMatchObject({ total: 4, waiting: 4 });
    });
    proxy.cutAll();
    const results = await running;
    expect(results.filter((result) => result.status === 'rejected')).toHaveLength(4);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(lost);
  });

  test('cut after any number of bytes, every promise settles and nothing is half applied', async () => {
    const setUp = open();
    await setUp.query('CREATE TABLE transfers (n int, side text)');
    const db = open({ connectionString: proxy.url, max: 1, acquireTimeoutMs: 5_000 });
    const acknowledged: number[] = [];
    // The steps are odd, so that cuts fall between messages, into their headers and into their bodies.
    for (let n = 0; n < 80; n++) {
      expect(await one(db)).toEqual([{ a: 1 }]);
      const direction = n % 2 === 0 ? 'toServer' : 'toClient';
      proxy.closeAfterBytes(1 + n * 13, direction);
      await db
        .transaction(async (tx) => {
          await tx.query('INSERT INTO transfers VALUES ($1, $2)', [n, 'from']);
          await insertMany(tx, 'transfers', [{ n, side: 'to' }]);
        })
        .then(
          () => acknowledged.push(n),
          () => {},
        );
      proxy.closeAfterBytes(Number.POSITIVE_INFINITY, direction);
    }
    const { rows } = await setUp.query<{ n: number; sides: number }>(
      'SELECT n, count(DISTINCT side)::int AS sides FROM transfers GROUP BY n HAVING count(*) <> 2 OR count(DISTINCT side) <> 2',
    );
    expect(rows).toEqual([]);
    const stored = await setUp.query<{ n: number }>('SELECT DISTINCT n FROM transfers');
    expect(acknowledged.filter((n) => !stored.rows.some((row) => row.n === n))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(0);
  });
});
