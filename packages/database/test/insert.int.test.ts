import { type Database, type Queryable, createDatabase, insertMany, nest } from '@hotpath/database';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { freshDatabase, postgresUrl } from './fresh-database.ts';
import { ManualClock } from './manual-clock.ts';

describe.skipIf(postgresUrl === '')('batch insert on a real Postgres', () => {
  const fresh = freshDatabase();
  let db: Database;
  let pool: pg.Pool;

  beforeAll(async () => {
    db = fresh.keep({ max: 4 });
    pool = new pg.Pool({ connectionString: fresh.url, max: 2 });
  });
  afterAll(async () => {
    await pool?.end();
  });
  beforeEach(async () => {
    await db.query(
      "DROP TABLE IF EXISTS users; CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY, name text NOT NULL, email text UNIQUE CHECK (email <> 'bad'))",
    );
  });

  const users = (count: number, from = 0): { name: string; email: string }[] =>
    Array.from({ length: count }, (_, i) => ({ name: `user ${from + i}`, email: `${from + i}@example.com` }));
  const stored = async (): Promise<object[]> =>
    (await db.query('SELECT name, email FROM users ORDER BY id')).rows;
  const count = async (): Promise<number> =>
    (await db.query<{ n: number }>('SELECT count(*)::int AS n FROM users')).rows[0]!.n;

  for (const strategy of ['unnest', 'values', 'copy'] as const) {
    for (const [where, get] of [
      ['our database', () => db],
      ['a pg.Pool', () => pool],
    ] as [string, () => Queryable][]) {
      if (strategy === 'copy' && where !== 'our database') continue;
      test(`${strategy} into ${where}: every row, in order, in any number of chunks`, async () => {
        const rows = users(2_345);
        const result = await insertMany(get(), 'users', rows, { strategy, chunkRows: 1_000 });
        expect(result).toEqual({ rowCount: 2_345, chunks: strategy === 'copy' ? 1 : 3, rows: [] });
        expect(await stored()).toEqual(rows);
      });

      test(`${strategy} into ${where}: all rows or none`, async () => {
        const rows = [...users(2_000), { name: 'x', email: 'bad' }];
        await expect(insertMany(get(), 'users', rows, { strategy, chunkRows: 500 })).rejects.toMatchObject({
          code: 'ERR_HOTPATH_DATABASE_INSERT',
          insertedRows: 0,
          firstRow: 2_000,
          chunkRows: 1,
        });
        expect(await count()).toBe(0);
        expect((await get().query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }]);
      });

      test(`${strategy} into ${where}: chunk by chunk, those before the failure stay`, async () => {
        const rows = [...users(1_200), { name: 'x', email: 'bad' }];
        await expect(
          insertMany(get(), 'users', rows, { strategy, chunkRows: 500, transaction: 'chunk' }),
        ).rejects.toMatchObject({
          insertedRows: 1_000,
          ...(strategy === 'copy' ? { firstRow: 1_200, chunkRows: 1 } : { firstRow: 1_000, chunkRows: 201 }),
        });
        expect(await count()).toBe(1_000);
      });
    }

    if (strategy === 'copy') continue;

    test(`${strategy}: returning is in the order of the input`, async () => {
      const rows = users(1_500);
      const result = await insertMany<object, { id: number; email: string }>(db, 'users', rows, {
        strategy,
        chunkRows: 400,
        returning: ['id', 'email'],
      });
      expect(result.rows.map((row) => row.email)).toEqual(rows.map((row) => row.email));
      expect(result.rows.every((row, i, all) => i === 0 || row.id > all[i - 1]!.id)).toBe(true);
    });

    test(`${strategy}: conflicts are ignored, or update`, async () => {
      await insertMany(db, 'users', users(3));
      const again = [{ name: 'new', email: '1@example.com' }, ...users(2, 3)];
      const ignored = await insertMany(db, 'users', again, {
        strategy,
        onConflict: 'ignore',
        returning: ['email'],
      });
      expect(ignored).toMatchObject({
        rowCount: 2,
        rows: [{ email: '3@example.com' }, { email: '4@example.com' }],
      });
      await insertMany(db, 'users', again, {
        strategy,
        onConflict: { columns: ['email'], update: 'ignore' },
      });
      expect(await stored()).toEqual(users(5));
      expect(
        await insertMany(db, 'users', again, { strategy, onConflict: { columns: ['email'] } }),
      ).toMatchObject({ rowCount: 3 });
      expect((await stored())[1]).toEqual({ name: 'new', email: '1@example.com' });
      const twice = [...users(1), ...users(1)];
      await expect(
        insertMany(db, 'users', twice, { strategy, onConflict: { columns: ['email'] } }),
      ).rejects.toMatchObject({
        cause: expect.objectContaining({ sqlState: '21000' }) as Error,
      });
    });
  }

  test('a source that fails in the middle leaves nothing behind', async () => {
    async function* source() {
      yield* users(500);
      throw new Error('source');
    }
    await expect(insertMany(db, 'users', source(), { chunkRows: 100 })).rejects.toThrow('source');
    expect(await count()).toBe(0);
  });

  test('what a source throws when it is closed does not hide why it was', async () => {
    function* source() {
      try {
        yield { name: 'x', email: 'bad' };
        yield* users(3);
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- that is the case
        throw new Error('closing');
      }
    }
    async function* slowly() {
      yield* source();
    }
    for (const rows of [source(), slowly()]) {
      await expect(
        insertMany(db, 'users', rows, { chunkRows: 1, transaction: 'none' }),
      ).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_INSERT' });
    }
  });

  test('an abort in the middle leaves nothing behind', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const options = {
      chunkRows: 100,
      signal: controller.signal,
      onProgress: ({ chunks }: { chunks: number }) => {
        if (chunks === 3) controller.abort(reason);
      },
    };
    await expect(insertMany(db, 'users', users(1_000), options)).rejects.toBe(reason);
    expect(await count()).toBe(0);
    expect(db.metrics()).toMatchObject({ active: 0, waiting: 0 });
  });

  describe('copy', () => {
    test('is chosen for many rows, and does what INSERT does', async () => {
      const rows = users(12_000);
      expect(await insertMany(db, 'users', rows)).toEqual({ rowCount: 12_000, chunks: 1, rows: [] });
      expect(await stored()).toEqual(rows);
    });

    test('takes over after the first chunk of a source of unknown length, in the same transaction', async () => {
      const rows = users(2_500);
      const result = await insertMany(db, 'users', rows.values(), { chunkRows: 1_000 });
      expect(result).toEqual({ rowCount: 2_500, chunks: 2, rows: [] });
      expect(await stored()).toEqual(rows);
      await db.query('TRUNCATE users');
      const failing = [...rows, { name: 'x', email: 'bad' }];
      await expect(insertMany(db, 'users', failing.values(), { chunkRows: 1_000 })).rejects.toMatchObject({
        insertedRows: 0,
        firstRow: 2_500,
        chunkRows: 1,
      });
      expect(await count()).toBe(0);
    });

    test('is not chosen where it would not do the same: a view, row security, rules, an identity', async () => {
      await db.query(`CREATE VIEW seen AS SELECT name, email FROM users`);
      await db.query(`CREATE TABLE secured (a int); ALTER TABLE secured ENABLE ROW LEVEL SECURITY`);
      await db.query(
        `CREATE TABLE ruled (a int); CREATE RULE nothing AS ON INSERT TO ruled DO INSTEAD NOTHING`,
      );
      expect(await insertMany(db, 'seen', users(3_000))).toMatchObject({ rowCount: 3_000 });
      const numbers = Array.from({ length: 3_000 }, (_, a) => ({ a }));
      expect(await insertMany(db, 'secured', numbers)).toMatchObject({ rowCount: 3_000 });
      expect(await insertMany(db, 'ruled', numbers)).toMatchObject({ rowCount: 0 });
      const identities = users(3_000).map((row, id) => ({ id, ...row }));
      await expect(insertMany(db, 'users', identities)).rejects.toMatchObject({
        cause: expect.objectContaining({ sqlState: '428C9' }) as Error,
      });
      await db.query('DROP VIEW seen; DROP TABLE secured, ruled');
    });

    test('is refused where it cannot be', async () => {
      const rows = users(1);
      await expect(insertMany(pool, 'users', rows, { strategy: 'copy' })).rejects.toThrow(
        /^strategy: .* not ours/,
      );
      await expect(insertMany(db, 'users', rows, { strategy: 'copy', onConflict: 'ignore' })).rejects.toThrow(
        /^strategy: /,
      );
      await expect(insertMany(db, 'users', rows, { strategy: 'copy', returning: '*' })).rejects.toThrow(
        /^strategy: /,
      );
    });

    test('a source that throws in the middle leaves nothing behind, and the connection is fine', async () => {
      const one = createDatabase({ connectionString: fresh.url, min: 0, max: 1 });
      try {
        await one.warm();
        for (const asynchronous of [true, false]) {
          function* rows() {
            yield* users(3_000);
            throw new Error('source');
          }
          async function* slowly() {
            yield* rows();
          }
          await expect(
            insertMany(one, 'users', asynchronous ? slowly() : rows(), { strategy: 'copy' }),
          ).rejects.toThrow(/^source$/);
          expect((await one.query('SELECT count(*)::int AS n FROM users')).rows).toEqual([{ n: 0 }]);
        }
        await expect(
          insertMany(one, 'users', [{ name: 'a' }, 5 as never], { strategy: 'copy' }),
        ).rejects.toThrow(/^rows\[1\]/);
        await expect(
          insertMany(one, 'nope', users(1), { strategy: 'copy', types: { name: 'text', email: 'text' } }),
        ).rejects.toMatchObject({
          cause: expect.objectContaining({ sqlState: '42P01' }) as Error,
        });
        expect(one.metrics()).toMatchObject({ opened: 1, active: 0 });
      } finally {
        await one.close();
      }
    });

    test('an abort ends it at once, even when the source is stuck', async () => {
      const one = createDatabase({ connectionString: fresh.url, min: 0, max: 1 });
      try {
        const controller = new AbortController();
        const reason = new Error('enough');
        async function* stuck() {
          yield* users(3_000);
          controller.abort(reason);
          await new Promise(() => {});
        }
        await expect(
          insertMany(one, 'users', stuck(), { strategy: 'copy', signal: controller.signal }),
        ).rejects.toBe(reason);
        expect((await one.query('SELECT count(*)::int AS n FROM users')).rows).toEqual([{ n: 0 }]);
        expect(one.metrics().opened).toBe(1);
      } finally {
        await one.close();
      }
    });

    test('a lost connection ends it at once, even when the source is stuck', async () => {
      const one = createDatabase({ connectionString: fresh.url, min: 0, max: 1 });
      try {
        const { pid } = await one.one<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        async function* stuck() {
          yield* users(3_000);
          await db.query('SELECT pg_terminate_backend($1)', [pid]);
          await new Promise(() => {});
        }
        await expect(insertMany(one, 'users', stuck(), { strategy: 'copy' })).rejects.toMatchObject({
          cause: { code: 'ERR_HOTPATH_DATABASE_CONNECTION_LOST' },
        });
        expect(await count()).toBe(0);
      } finally {
        await one.close();
      }
    });

    test('rows are on their way before the server asks for them, and no more than the socket takes', async () => {
      // More than twice what the buffers of a socket may grow to.
      const ROWS = 60_000;
      let taken = 0;
      function* rows() {
        for (; taken < ROWS; taken++) yield { name: 'x'.repeat(500), email: `${taken}` };
      }
      await fresh.admin.query('BEGIN; LOCK TABLE users');
      let done = false;
      const inserted = insertMany(db, 'users', rows(), {
        strategy: 'copy',
        types: { name: 'text', email: 'text' },
      }).finally(() => (done = true));
      try {
        // Until the buffers are full.
        let before = -1;
        await vi.waitFor(
          () => {
            const more = taken - before;
            before = taken;
            expect([taken > 0, more]).toEqual([true, 0]);
          },
          { timeout: 20_000, interval: 200 },
        );
        expect(taken).toBeLessThan(ROWS);
        expect(done).toBe(false);
      } finally {
        await fresh.admin.query('ROLLBACK');
      }
      expect((await inserted).rowCount).toBe(ROWS);
      expect(await count()).toBe(ROWS);
    });

    test('tells its progress on the way, and stops when that throws', async () => {
      const progress: object[] = [];
      const options = {
        strategy: 'copy',
        chunkRows: 1_000,
        onProgress: (p: object) => progress.push(p),
      } as const;
      await insertMany(db, 'users', users(3_000), options);
      expect(progress.length).toBeGreaterThan(2);
      expect(progress.at(-1)).toEqual({ rows: 3_000, chunks: 1 });
      await db.query('TRUNCATE users');
      const onProgress = (): void => {
        throw new Error('stop');
      };
      await expect(insertMany(db, 'users', users(3_000), { ...options, onProgress })).rejects.toThrow(
        /^stop$/,
      );
      expect(await count()).toBe(0);
    });

    test('tells no progress once it has failed, though the source goes on', async () => {
      let goOn = (): void => {};
      const stuck = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      let over = (): void => {};
      const closed = new Promise<void>((resolve) => {
        over = resolve;
      });
      async function* source() {
        try {
          // More than a frame, which the server refuses.
          yield* Array.from({ length: 20_000 }, () => ({ n: 'x' }));
          await stuck;
          yield* Array.from({ length: 20_000 }, () => ({ n: 'x' }));
        } finally {
          over();
        }
      }
      await db.query('CREATE TABLE whole (n int)');
      const progress: object[] = [];
      const inserted = insertMany(db, 'whole', source(), {
        strategy: 'copy',
        chunkRows: 1_000,
        onProgress: (p) => progress.push(p),
      });
      await expect(inserted).rejects.toMatchObject({ cause: { sqlState: '22P02' } });
      const told = progress.length;
      goOn();
      await closed;
      await new Promise((resolve) => setImmediate(resolve));
      expect(progress).toHaveLength(told);
      await db.query('DROP TABLE whole');
    });

    test('leaves the event loop its turns', async () => {
      let turns = 0;
      const timer = setInterval(() => turns++, 1);
      await insertMany(db, 'users', users(60_000), { strategy: 'copy' });
      clearInterval(timer);
      expect(turns).toBeGreaterThan(10);
    });

    test('the server refusing a row stops the source soon', async () => {
      let taken = 0;
      function* rows() {
        yield { name: 'x', email: 'bad' };
        for (; taken < 10_000_000; taken++) yield { name: `user ${taken}`, email: `${taken}` };
      }
      await expect(insertMany(db, 'users', rows(), { strategy: 'copy' })).rejects.toMatchObject({
        firstRow: 0,
        chunkRows: 1,
      });
      expect(taken).toBeLessThan(1_000_000);
    });
  });

  test('takes part in the transaction that it is called in', async () => {
    await expect(
      db.transaction(async (tx) => {
        await insertMany(tx, 'users', users(300), { chunkRows: 100 });
        await expect(insertMany(tx, 'users', users(1, 300), { transaction: 'chunk' })).rejects.toThrow(
          /^transaction: /,
        );
        expect((await tx.query('SELECT count(*)::int AS n FROM users')).rows).toEqual([{ n: 300 }]);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await count()).toBe(0);
    using lease = await db.acquire();
    await insertMany(lease, 'users', users(300), { chunkRows: 100 });
    expect(lease.inTransaction).toBe(false);
    await lease.query('BEGIN');
    await insertMany(lease, 'users', users(300, 300), { chunkRows: 100 });
    expect(lease.inTransaction).toBe(true);
    await lease.query('ROLLBACK');
    expect(await count()).toBe(300);
  });

  test('works on a pg.Client, in its transaction or in one of its own', async () => {
    const client = new pg.Client({ connectionString: fresh.url });
    await client.connect();
    try {
      await insertMany(client, 'users', users(30), { chunkRows: 10 });
      await client.query('BEGIN');
      await insertMany(client, 'users', users(30, 30), { chunkRows: 10 });
      await client.query('ROLLBACK');
      await expect(insertMany(client, 'users', users(30), { chunkRows: 10 })).rejects.toMatchObject({
        insertedRows: 0,
      });
      expect(await count()).toBe(30);
    } finally {
      await client.end();
    }
  });

  test('a table that changes is looked up again after the failure', async () => {
    const own = fresh.open({ max: 1, clock: new ManualClock() });
    await insertMany(own, 'users', users(1));
    await db.query('ALTER TABLE users ADD age int');
    await insertMany(own, 'users', [{ name: 'a', email: 'a', age: 5 }]);
    await db.query('ALTER TABLE users ALTER age TYPE text');
    await expect(insertMany(own, 'users', [{ name: 'b', email: 'b', age: 'old' }])).rejects.toMatchObject({
      cause: expect.objectContaining({ sqlState: '22P02' }) as Error,
    });
    await insertMany(own, 'users', [{ name: 'b', email: 'b', age: 'old' }]);
    expect((await db.query('SELECT age FROM users ORDER BY id')).rows).toEqual([
      { age: null },
      { age: '5' },
      { age: 'old' },
    ]);
  });

  test('values reach a column whose type was changed as they are, not by way of the type before', async () => {
    const clock = new ManualClock();
    const own = fresh.open({ max: 1, clock });
    await own.query('DROP TABLE IF EXISTS reading; CREATE TABLE reading (value real, at timestamp)');
    const at = '2024-01-01T00:00:00+05:00';
    await insertMany(own, 'reading', [{ value: 0.5, at }]);
    await own.query(
      `ALTER TABLE reading ALTER value TYPE double precision, ALTER at TYPE timestamptz; TRUNCATE reading`,
    );
    clock.advance(10_000);
    await insertMany(own, 'reading', [{ value: 0.1, at }]);
    expect((await own.query('SELECT * FROM reading')).rows).toEqual([{ value: 0.1, at: new Date(at) }]);
    await own.query('DROP TABLE reading');
  });

  test('tables and columns that are not there are named', async () => {
    await expect(insertMany(db, 'nope', users(1))).rejects.toThrow(
      'table: expected a table that exists, got "nope"',
    );
    await expect(insertMany(db, 'users', [{ nope: 1 }])).rejects.toThrow(
      'columns: expected columns of "users" (id, name, email), got "nope"',
    );
  });

  test('an injection corpus stays data and names', async () => {
    const corpus = [
      `'; DROP TABLE users; --`,
      `"); DROP TABLE users; --`,
      `$1`,
      `{"a",NULL}`,
      `\\'; SELECT pg_sleep(10); --`,
      `Robert'); DROP TABLE students;--`,
      `' OR 1=1 --`,
      `/* */`,
      `\u0027\u2019`,
      `%s %I %L`,
      `NULL`,
      ``,
    ];
    for (const strategy of ['unnest', 'values', 'copy'] as const) {
      await db.query('TRUNCATE users');
      const rows = corpus.map((text, i) => ({ name: text, email: `${i}${text}` }));
      await insertMany(db, 'users', rows, { strategy });
      expect(await stored()).toEqual(rows);
    }
    for (const name of corpus.slice(0, -1)) {
      await db.query(`CREATE SCHEMA "${name.replaceAll('"', '""')}"`);
      await db.query(
        `CREATE TABLE "${name.replaceAll('"', '""')}"."${name.replaceAll('"', '""')}" ("${name.replaceAll('"', '""')}" text UNIQUE)`,
      );
      await insertMany(db, [name, name], [{ [name]: name }], {
        returning: [name],
        onConflict: { columns: [name], update: [name] } as never,
      });
      await insertMany(db, [name, name], [{ [name]: name }], { strategy: 'values', onConflict: 'ignore' });
      expect(
        (await db.query(`TABLE "${name.replaceAll('"', '""')}"."${name.replaceAll('"', '""')}"`)).rows,
      ).toEqual([{ [name]: name }]);
      await expect(insertMany(db, name, users(1))).rejects.toThrow(/^table: expected a table that exists/);
    }
    expect(await count()).toBe(corpus.length);
  });

  describe('every type comes back as it went in', () => {
    const text = fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .filter((s) => !s.includes('\0') && !/\p{Surrogate}/u.test(s));
    const json: fc.Arbitrary<unknown> = fc
      .jsonValue({ maxDepth: 3 })
      .filter((value) => {
        const written = JSON.stringify(value);
        return !written.includes('\\u0000') && !/\p{Surrogate}/u.test(written) && !written.includes('\\ud');
      })
      // JSON has no minus zero.
      .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    const timestamp = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T00:00:00Z'),
      noInvalidDate: true,
    });
    const types: Record<string, fc.Arbitrary<unknown>> = {
      smallint: fc.integer({ min: -32_768, max: 32_767 }),
      integer: fc.integer(),
      bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      'numeric(40,10)': fc
        .bigInt({ min: -(10n ** 29n), max: 10n ** 29n })
        .map((n) => `${n}.0123456789`.replace('-0.', '-0.')),
      real: fc
        .float({ noNaN: false, noDefaultInfinity: false })
        .map((n) => Math.fround(n))
        .filter((n) => !Object.is(n, -0)),
      'double precision': fc.double().filter((n) => !Object.is(n, -0)),
      boolean: fc.boolean(),
      text,
      'varchar(50)': text,
      'char(3)': fc.string({ minLength: 3, maxLength: 3, unit: fc.constantFrom('a', 'b', '"') }),
      bytea: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      json: json.filter((value) => value !== null),
      jsonb: json.filter((value) => value !== null),
      timestamptz: timestamp,
      uuid: fc.uuid(),
      inet: fc.ipV4(),
      'bit(3)': fc.constantFrom('101', '000'),
      int4range: fc.constantFrom('[1,5)', 'empty', '(,3)'),
      box: fc.constant('(2,2),(1,1)'),
      mood: fc.constantFrom('fine', 'so "so", \\ {x}'),
      pair: fc.constantFrom('(1,"a ""b"" , c")', '(,)'),
      positive: fc.integer({ min: 1, max: 100 }),
      tags: fc.array(fc.option(text), { maxLength: 3 }),
      'integer[]': fc.array(fc.option(fc.integer()), { maxLength: 4 }),
      'text[]': fc.oneof(
        fc.array(fc.option(text), { maxLength: 3 }),
        fc
          .integer({ min: 1, max: 3 })
          .chain((n) =>
            fc.array(fc.array(text, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 3 }),
          ),
      ),
      'jsonb[]': fc.array(fc.option(json.filter((value) => value !== null && typeof value === 'object')), {
        maxLength: 3,
      }),
      'bytea[]': fc.array(
        fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes)),
        { maxLength: 3 },
      ),
    };

    beforeAll(async () => {
      await db.query(`CREATE TYPE mood AS ENUM ('fine', 'so "so", \\ {x}'); CREATE TYPE pair AS (a int, b text);
        CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE DOMAIN tags AS text[]`);
    });

    for (const [index, [type, values]] of Object.entries(types).entries()) {
      const table = `typed_${index}`;
      test(type, async () => {
        await db.query(`CREATE TABLE ${table} (n int, v ${type})`);
        // Node's parsers where they exist; the rest is compared as text.
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.option(values), { minLength: 1, maxLength: 20 }),
            fc.constantFrom('unnest' as const, 'values' as const, 'copy' as const),
            async (column, strategy) => {
              await db.query(`TRUNCATE ${table}`);
              await insertMany(
                db,
                table,
                column.map((v, n) => ({ n, v })),
                { strategy },
              );
              const { rows } = await db.query<{ v: unknown }>(`SELECT v FROM ${table} ORDER BY n`, []);
              // The shortest text of a real is another double than the real.
              const read = rows.map(({ v }) =>
                type === 'real' && v !== null ? Math.fround(v as number) : v,
              );
              expect(read).toEqual(column);
            },
          ),
          { numRuns: 45 },
        );
      });
    }
  });

  test('types that the caller names are not looked up, and any of them works', async () => {
    await db.query(
      `CREATE TYPE named AS (a int, b text); CREATE TABLE named_types (a int[], b named, c char(3), d bit(2), e jsonb, f timestamptz)`,
    );
    const row = { a: [1, 2], b: '(1,x)', c: 'abc', d: '10', e: 'text', f: new Date(0) };
    const types = { a: 'int[]', b: 'named', c: 'char', d: 'bit', e: 'jsonb', f: 'timestamp with time zone' };
    const texts: string[] = [];
    const spy: Queryable = {
      query(text, values) {
        texts.push(text);
        return db.query(text, values);
      },
    };
    await insertMany(spy, 'named_types', [row], { types });
    expect(texts).toHaveLength(1);
    expect((await db.query('TABLE named_types', [])).rows).toEqual([row]);
  });

  test('a LEFT JOIN folds to users with their posts', async () => {
    await db.query(
      'DROP TABLE IF EXISTS posts; CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY, user_id int, title text)',
    );
    const inserted = await insertMany<object, { id: number }>(db, 'users', users(3), { returning: ['id'] });
    const [a, , c] = inserted.rows.map((row) => row.id);
    await insertMany(db, 'posts', [
      { user_id: a, title: 'one' },
      { user_id: c, title: 'two' },
      { user_id: a, title: 'three' },
    ]);
    interface Row {
      readonly id: number;
      readonly name: string;
      readonly post_id: number | null;
      readonly title: string | null;
    }
    const { rows } = await db.query<Row>(
      'SELECT u.id, u.name, p.id AS post_id, p.title FROM users u LEFT JOIN posts p ON p.user_id = u.id ORDER BY u.id, p.id',
      [],
    );
    const folded = nest<Row>()({
      key: 'id',
      fields: { name: 'name' },
      many: { posts: { key: 'post_id', fields: { title: 'title' } } },
    }).fold(rows);
    expect(folded).toEqual([
      { name: 'user 0', posts: [{ title: 'one' }, { title: 'three' }] },
      { name: 'user 1', posts: [] },
      { name: 'user 2', posts: [{ title: 'two' }] },
    ]);
  });
});
