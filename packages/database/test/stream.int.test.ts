import { type Database, sql } from '@hotpath/database';
import { describe, expect, test, vi } from 'vitest';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

describe.skipIf(postgresUrl === '')('streams on a real Postgres', () => {
  const { open } = freshDatabase({ max: 2 });

  interface Numbered {
    n: number;
  }
  const numbers = (count: number) =>
    sql<Numbered>`SELECT n, 'row ' || n AS t FROM generate_series(1, ${count}::int) n`;
  async function sizes(batches: AsyncIterable<unknown[]>): Promise<number[]> {
    const result: number[] = [];
    for await (const rows of batches) result.push(rows.length);
    return result;
  }
  /** The only connection is back, out of any transaction and without a portal. */
  async function expectClean(db: Database): Promise<void> {
    await vi.waitFor(() => {
      expect(db.metrics()).toMatchObject({ active: 0, waiting: 0 });
    });
    using lease = await db.acquire();
    expect(lease.inTransaction).toBe(false);
    expect(await lease.many('SELECT name FROM pg_cursors')).toEqual([]);
  }

  test('give every row once and in order, in batches of the size asked for', async () => {
    const db = open({ max: 1 });
    for (const [count, batchRows, expected] of [
      [0, 10, []],
      [1, 10, [1]],
      [10, 10, [10]],
      [25, 10, [10, 10, 5]],
      [30, 10, [10, 10, 10]],
      [3, 1, [1, 1, 1]],
      [2_500, undefined, [1_000, 1_000, 500]],
    ] as const) {
      expect(await sizes(db.stream(numbers(count), { batchRows }))).toEqual(expected);
    }
    const seen: unknown[] = [];
    for await (const row of db.stream(numbers(25), { batchRows: 10 }).rows()) seen.push(row);
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => ({ n: i + 1, t: `row ${i + 1}` })));
    await expectClean(db);
  });

  test('give every value as a query does, whichever form it came in', async () => {
    const values = `SELECT * FROM (VALUES
        (1::int2, 1::int4, 1::int8, 1::oid, 1.5::float4, 1.5::float8, true, 'é'::text, 1.5::numeric, '2020-01-01'::timestamptz, '{1,NULL}'::int[], '{"a":1}'::jsonb, '\\x00ff'::bytea),
        (-32768, -2147483648, -9223372036854775808, 4294967295, 0.1, -1.7976931348623157e308, false, '', 'NaN', 'infinity', '{}', 'null', ''),
        (32767, 2147483647, 9223372036854775807, 0, 'NaN', 5e-324, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        (NULL, NULL, NULL, NULL, '-Infinity', '-Infinity', NULL, 'a', 0, '4713-01-01 BC', '{{1},{2}}', '[]', 'x'),
        (-1, -1, -1, 2147483648, -0.0, '-0', true, 'a', 0, 'now', NULL, '1', 'x'),
        (256, 65536, 65536, 65536, 0, 'NaN', true, 'a', 0, 'now', NULL, '1', 'x')
      ) v (a, b, c, d, e, f, g, h, i, j, k, l, m), generate_series(1, 40)`;
    const texts = { getTypeParser: (oid: number) => (text: string) => `${oid} ${text}` };
    for (const types of [undefined, texts]) {
      const db = open({ max: 1, ...(types ? { types } : {}) });
      await db.transaction(
        async (tx) => {
          const expected = await tx.many(values, []);
          const seen: unknown[] = [];
          for await (const rows of tx.stream(values, [], { batchRows: 70 })) seen.push(...rows);
          expect(seen).toEqual(expected);
        },
        { readOnly: true },
      );
      // `now` is another in another transaction.
      const fixed = values.replaceAll("'now'", "'2020-02-02'");
      const expected = await db.many(fixed, []);
      const seen: unknown[] = [];
      for await (const rows of db.stream(fixed, [], { batchRows: 70 })) seen.push(...rows);
      expect(seen).toEqual(expected);
    }
  });

  test('two loops at once do not mix, nor does a parameter with a table that changed', async () => {
    const db = open();
    await db.query('CREATE TABLE shifting (a int, b text)');
    await db.query(`INSERT INTO shifting SELECT n, 'b' FROM generate_series(1, 5) n`);
    const stream = db.stream('SELECT * FROM shifting WHERE a <= $1::int ORDER BY 1', [4], { batchRows: 2 });
    const expected = [1, 2, 3, 4].map((a) => ({ a, b: 'b' }));
    const collect = async (): Promise<unknown[]> => {
      const seen: unknown[] = [];
      for await (const rows of stream) seen.push(...rows);
      return seen;
    };
    expect(await Promise.all([collect(), collect()])).toEqual([expected, expected]);
    await db.query('ALTER TABLE shifting ALTER a TYPE float8, ADD c bool DEFAULT true');
    expect(await collect()).toEqual(expected.map((row) => ({ ...row, c: true })));
  });

  test('run anew for each loop', async () => {
    const db = open({ max: 1 });
    const stream = db.stream('SELECT * FROM generate_series(1, $1::int)', [5], { batchRows: 2 });
    expect([await sizes(stream), await sizes(stream)]).toEqual([
      [2, 2, 1],
      [2, 2, 1],
    ]);
  });

  test('take statements without rows, and those that write, once', async () => {
    const db = open({ max: 1 });
    expect(await sizes(db.stream('CREATE TABLE written (a int)'))).toEqual([]);
    expect(await sizes(db.stream('INSERT INTO written VALUES (1)'))).toEqual([]);
    const returned = db.stream('INSERT INTO written SELECT generate_series(2, 9) RETURNING a', [], {
      batchRows: 3,
    });
    expect(await sizes(returned)).toEqual([3, 3, 2]);
    expect(await sizes(db.stream(''))).toEqual([]);
    expect(await sizes(db.stream('EXPLAIN SELECT 1', undefined, { batchRows: 1 }))).toEqual([1]);
    expect(await db.one('SELECT count(*)::int AS n FROM written')).toEqual({ n: 9 });
    await expectClean(db);
  });

  test('left early, close the portal, commit and give the connection back', async () => {
    const db = open({ max: 1 });
    await db.query('CREATE TABLE touched (a int)');
    for await (const rows of db.stream('INSERT INTO touched SELECT generate_series(1, 9) RETURNING a', [], {
      batchRows: 2,
    })) {
      expect(rows).toHaveLength(2);
      break;
    }
    await expectClean(db);
    expect(await db.one('SELECT count(*)::int AS n FROM touched')).toEqual({ n: 9 });
    const failure = new Error('mine');
    const loop = async (): Promise<void> => {
      for await (const rows of db.stream(numbers(1e6)).rows()) if (rows.n === 1_500) throw failure;
    };
    await expect(loop()).rejects.toBe(failure);
    await expectClean(db);
  });

  test('ask for no more than two batches ahead of a loop that is slow', async () => {
    const db = open();
    await db.query('CREATE SEQUENCE progress');
    const stream = db.stream(`SELECT nextval('progress') FROM generate_series(1, 1000)`, [], {
      batchRows: 10,
    });
    const progress = async (): Promise<number> =>
      Number((await db.one<{ last_value: string }>('SELECT last_value FROM progress')).last_value);
    let batches = 0;
    for await (const rows of stream) {
      expect(rows).toHaveLength(10);
      if (++batches === 3) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        expect(await progress()).toBeLessThanOrEqual(50);
      }
    }
    expect(batches).toBe(100);
  });

  test('an error of the server ends the loop with its type, and nothing else', async () => {
    const db = open({ max: 1 });
    const failing = db.stream('SELECT 10 / (5 - n) FROM generate_series(1, 100) n', [], { batchRows: 2 });
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const rows of failing) seen.push(rows.length);
      })(),
    ).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_QUERY', sqlState: '22012' });
    expect(seen).toEqual([2, 2]);
    await expect(sizes(db.stream('SELEC'))).rejects.toMatchObject({ sqlState: '42601' });
    await expect(sizes(db.stream('SELECT 1; SELECT 2'))).rejects.toMatchObject({ sqlState: '42601' });
    await expectClean(db);
  });

  test('aborted, cancel on the server, end the loop with the reason, and give the connection back', async () => {
    const db = open({ max: 1 });
    const reason = new Error('enough');
    const before = new AbortController();
    before.abort(reason);
    await expect(sizes(db.stream(numbers(5), { signal: before.signal }))).rejects.toBe(reason);
    const during = new AbortController();
    setTimeout(() => {
      during.abort(reason);
    }, 30);
    const slow = db.stream('SELECT pg_sleep(0.01) FROM generate_series(1, 1000)', [], {
      batchRows: 1_000,
      signal: during.signal,
    });
    await expect(sizes(slow)).rejects.toBe(reason);
    await expectClean(db);
    const between = new AbortController();
    let batches = 0;
    const loop = async (): Promise<void> => {
      for await (const rows of db.stream(numbers(100_000), { signal: between.signal })) {
        if (rows.length > 0 && ++batches === 2) between.abort(reason);
      }
    };
    await expect(loop()).rejects.toBe(reason);
    expect(batches).toBe(2);
    await expectClean(db);
  });

  test('aborted between two batches within a transaction, close the portal and leave the transaction as it was', async () => {
    const db = open({ max: 1 });
    const reason = new Error('enough');
    const controller = new AbortController();
    await db.transaction(async (tx) => {
      const loop = async (): Promise<void> => {
        for await (const rows of tx.stream(numbers(25), { batchRows: 10, signal: controller.signal })) {
          expect(rows).toHaveLength(10);
          // By then the batch ahead has come, too.
          await tx.query('SELECT 1');
          controller.abort(reason);
        }
      };
      await expect(loop()).rejects.toBe(reason);
      expect(await tx.many('SELECT name FROM pg_cursors')).toEqual([]);
    });
  });

  test('cut off by a kill or by close, reject and hold nothing up', async () => {
    const db = open();
    const loop = async (stop: () => Promise<unknown>): Promise<void> => {
      let stopped = false;
      for await (const rows of db.stream(
        'SELECT n, pg_backend_pid() AS pid FROM generate_series(1, 100000) n',
      )) {
        if (stopped) continue;
        stopped = true;
        await stop();
        expect(rows).toHaveLength(1_000);
      }
    };
    const killAll = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 100000)%' AND pid <> pg_backend_pid()`;
    await expect(loop(() => db.query(killAll))).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_CONNECTION_LOST',
    });
    const other = open({ max: 1 });
    await expect(
      (async () => {
        for await (const rows of other.stream(numbers(1e5)))
          if (rows.length > 0) void other.close({ drainMs: 0 });
      })(),
    ).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_CLOSED' });
    await other.close();
  });

  test('in a transaction leave room for its other statements, also from within the loop', async () => {
    const db = open({ max: 1 });
    await db.query('CREATE TABLE copied (n int)');
    await db.transaction(async (tx) => {
      for await (const rows of tx.stream(numbers(25), { batchRows: 10 })) {
        await tx.query(sql`INSERT INTO copied SELECT unnest(${rows.map(({ n }) => n)}::int[])`);
        for await (const row of tx.stream(numbers(3), { batchRows: 1 }).rows()) if (row.n === 2) break;
      }
      expect(await tx.many('SELECT name FROM pg_cursors')).toEqual([]);
      expect(await tx.one('SELECT count(*)::int AS n FROM copied')).toEqual({ n: 25 });
    });
    let kept: AsyncIterable<unknown[]> | undefined;
    await db.transaction(async (tx) => {
      kept = tx.stream(numbers(1));
    });
    await expect(sizes(kept!)).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_RELEASED' });
    await expectClean(db);
  });

  test('wrong arguments throw at once', () => {
    const db = open();
    expect(() => db.stream(1 as never)).toThrow(TypeError);
    expect(() => db.stream('SELECT 1', 'x' as never)).toThrow(TypeError);
    expect(() => db.stream('SELECT 1', [], { batchRows: 0 })).toThrow(RangeError);
    expect(() => db.stream('SELECT 1', [], { rows: 1 } as never)).toThrow(TypeError);
    expect(() => db.stream('SELECT 1\0')).toThrow(RangeError);
    expect(() => db.stream(sql`SELECT 1`, [] as never)).toThrow(TypeError);
  });
});
