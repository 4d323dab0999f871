import { type Database, IndexBuildError, QueryError, createDatabase } from '@hotpath/database';
import { type IndexAdvice, advise, audit, createIndexConcurrently } from '@hotpath/database/advise';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { ADVISED_TABLES, expectAdvice } from './advised-queries.ts';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

describe.skipIf(postgresUrl === '')('index advice on a real Postgres', () => {
  const fresh = freshDatabase();
  let db: Database;

  beforeAll(async () => {
    db = fresh.keep({ queryTimeoutMs: 5_000 });
    // Not within the time limit: a busy machine takes its time to fill them.
    await fresh.admin.query(ADVISED_TABLES);
  });

  const indexNames = async (): Promise<string[]> => {
    const { rows } = await db.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
      WHERE t.relname IN ('users', 'posts') AND NOT i.indisprimary ORDER BY 1`,
    );
    return rows.map(({ name }) => name);
  };

  test.each(['none', 'transaction'] as const)(
    'finds single, composite and partial indexes (verified by %s)',
    async (verify) => {
      await expectAdvice(db, verify);
      expect(await indexNames()).toEqual([]);
    },
  );

  test('a value is no literal: the same text with a parameter gets no partial index', async () => {
    const query = 'SELECT * FROM users WHERE status = $1 ORDER BY created_at DESC LIMIT 5';
    const { indexes } = await advise(db, query, ['pending'], { verify: 'transaction' });
    expect(indexes.length).toBeGreaterThan(0);
    for (const { index } of indexes) expect(index.where).toBeUndefined();
  });

  test('a JOIN gets the index of its foreign key, and each gain is of that index alone', async () => {
    const query = 'SELECT * FROM users u JOIN posts p ON p.user_id = u.id WHERE u.email = $1';
    const { indexes } = await advise(db, query, ['x'], { verify: 'transaction', minGain: 1 });
    expect(indexes.map(({ index }) => index.keys)).toEqual(expect.arrayContaining([['user_id'], ['email']]));
    expect(new Set(indexes.map(({ gain }) => gain)).size).toBe(2);
  });

  test('no advice where none is due', async () => {
    for (const query of [
      'SELECT * FROM users WHERE id = 5',
      'SELECT count(*) FROM posts',
      'SELECT * FROM small WHERE id = 1',
      'SELECT 1',
    ]) {
      expect((await advise(db, query, [], { verify: 'none' })).indexes).toEqual([]);
    }
  });

  test('works through a pg.Pool and a pg.Client, and leaves them clean', async () => {
    const pool = new pg.Pool({ connectionString: fresh.url, max: 1 });
    const client = new pg.Client({ connectionString: fresh.url });
    await client.connect();
    for (const each of [pool, client]) {
      const { indexes } = await advise(each, 'SELECT * FROM users WHERE email = $1', ['x'], {
        verify: 'transaction',
      });
      expect(indexes).toHaveLength(1);
      await expect(advise(each, 'SELECT nothing FROM users', [], { verify: 'none' })).rejects.toMatchObject({
        code: '42703',
      });
      expect((await each.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '0' }]);
    }
    expect(pool.totalCount - pool.idleCount).toBe(0);
    await client.end();
    await pool.end();
  });

  test('an explained query is not executed, and a lock that is not to be had ends a trial', async () => {
    await advise(db, 'DELETE FROM posts WHERE "we""ird" > $1', [0], { verify: 'none' });
    expect((await db.query('SELECT count(*)::int AS n FROM posts')).rows).toEqual([{ n: 40_000 }]);
    await db.transaction(async (tx) => {
      await tx.query('LOCK TABLE users IN ROW EXCLUSIVE MODE');
      const trial = advise(db, 'SELECT * FROM users WHERE email = $1', ['x'], {
        verify: 'transaction',
        lockTimeoutMs: 50,
      });
      await expect(trial).rejects.toMatchObject({ sqlState: '55P03' });
    });
    const twice = db.transaction((tx) =>
      advise(tx as never, 'SELECT * FROM users WHERE email = $1', ['x'], { verify: 'transaction' }),
    );
    await expect(twice).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_ARGUMENT_TYPE' });
  });

  test('what it advises makes the plan use it, and then it advises no more', async () => {
    const query = 'SELECT * FROM users WHERE email = $1';
    const { indexes, cost } = await advise(db, query, ['x']);
    const made = await createIndexConcurrently(db, (indexes[0] as IndexAdvice).index);
    expect(made).toEqual({
      schema: 'public',
      name: 'users_email_idx',
      created: true,
      attempts: 1,
      droppedInvalid: 0,
    });
    await db.query('ANALYZE users');
    const after = await advise(db, query, ['x']);
    expect(after.indexes).toEqual([]);
    expect(after.cost).toBeLessThan(cost / 10);
    await db.query('DROP INDEX users_email_idx');
  });

  test('the audit finds what is missing, broken, doubled and of no use', async () => {
    await db.query('CREATE INDEX a_name ON users (name); CREATE INDEX b_name ON users (name, status)');
    await db.query("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'a_name'::regclass");
    const kinds = async (): Promise<string[]> =>
      (await audit(db))
        .filter(({ kind }) => kind !== 'sequential-scans')
        .map(({ kind, table, indexName }) => `${kind} ${table[1]} ${indexName ?? ''}`);
    expect(await kinds()).toEqual([
      'missing-foreign-key-index posts ',
      'invalid-index users a_name',
      'unused-index users b_name',
    ]);
    await db.query("UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'a_name'::regclass");
    expect(await kinds()).toEqual([
      'missing-foreign-key-index posts ',
      'duplicate-index users a_name',
      'unused-index users b_name',
    ]);
    const [missing] = await audit(db);
    await createIndexConcurrently(db, missing!.index!);
    expect(await kinds()).not.toContain('missing-foreign-key-index posts ');
    expect(await audit(db, { schema: 'nowhere' })).toEqual([]);
    await db.query('DROP INDEX a_name, b_name, posts_user_id_idx');
  });

  test('the command prints a table, JSON, and exits with 3 when asked to', async () => {
    const cli = fileURLToPath(new URL('../dist/advise/cli.js', import.meta.url));
    const run = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
      await promisify(execFile)(process.execPath, [cli, ...args, '--url', fresh.url]).then(
        ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
        (error) => error,
      );
    const query = 'SELECT * FROM users WHERE email = $1';
    const [table, json, auditing, counted, refused] = await Promise.all([
      run('advise', '--query', query),
      run('advise', '--query', query, '--json', '--check', '--verify', 'transaction'),
      run('audit'),
      run('advise', '--from', 'pg_stat_statements'),
      run('advise', '--query', 'SELECT nothing FROM users'),
    ]);
    expect(table).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('CREATE INDEX CONCURRENTLY "users_email_idx"'),
    });
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({
      explained: 1,
      indexes: [{ verified: 'transaction', statements: [{ query }] }],
    });
    expect(auditing).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('missing-foreign-key-index  public.posts'),
    });
    expect(counted).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('expected the extension pg_stat_statements'),
    });
    expect(refused).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('column "nothing" does not exist'),
    });
  });
});

describe.skipIf(postgresUrl === '')('an index built concurrently on a real Postgres', () => {
  const fresh = freshDatabase();
  let db: Database;
  let other: pg.Client;

  beforeAll(async () => {
    db = createDatabase({ connectionString: fresh.url, min: 0 });
    other = new pg.Client({ connectionString: fresh.url });
    await other.connect();
    await db.query(
      'CREATE TABLE items (id int, code text, "od""d" int); INSERT INTO items SELECT n, n, n FROM generate_series(1, 1000) AS n',
    );
  });
  afterEach(async () => {
    await other.query('ROLLBACK');
    await db.query('DROP INDEX IF EXISTS items_code_idx, items_code_key');
  });
  afterAll(async () => {
    await other?.end();
    await db?.close({ drainMs: 0 });
  });

  const state = async (): Promise<unknown[]> =>
    (
      await db.query(
        "SELECT indexrelid::regclass::text AS name, indisvalid AS valid FROM pg_index WHERE indrelid = 'items'::regclass",
      )
    ).rows;
  /** A transaction that a concurrent build has to wait for. */
  const hold = async (): Promise<void> => {
    await other.query('BEGIN');
    await other.query("UPDATE items SET code = 'x' WHERE id = 1");
  };
  const definition = { table: 'items', keys: ['code'] };

  test('a build that fails for a lock is dropped and tried again', async () => {
    await hold();
    const building = createIndexConcurrently(db, definition, {
      lockTimeoutMs: 60,
      retries: 50,
      retryMinMs: 10,
    });
    await vi.waitFor(async () => {
      expect(await state()).toEqual([{ name: 'items_code_idx', valid: false }]);
    });
    // Longer than the fewest attempts to drop the invalid index take.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await other.query('ROLLBACK');
    const result = await building;
    expect(result).toMatchObject({ created: true });
    expect(result.attempts).toBeGreaterThan(1);
    expect(await state()).toEqual([{ name: 'items_code_idx', valid: true }]);
  });

  test('a lock that is never to be had is a typed error, and nothing is left', async () => {
    await hold();
    const error = await createIndexConcurrently(db, definition, {
      lockTimeoutMs: 30,
      retries: 1,
      retryMinMs: 1,
    }).catch((error) => error);
    // The drop waits for the same transaction, so the invalid index may have to stay; it says so.
    expect(error).toBeInstanceOf(IndexBuildError);
    expect(error).toMatchObject({ reason: 'locked', index: 'items_code_idx' });
    expect(error.cause).toBeInstanceOf(QueryError);
    expect((await state()).length).toBe(error.invalidIndexLeft ? 1 : 0);
    await other.query('ROLLBACK');
    const again = await createIndexConcurrently(db, definition);
    expect(again).toMatchObject({ created: true, droppedInvalid: error.invalidIndexLeft ? 1 : 0 });
    expect(await state()).toEqual([{ name: 'items_code_idx', valid: true }]);
  });

  test('a refused build leaves nothing and is not tried again', async () => {
    await db.query("INSERT INTO items VALUES (0, '1')");
    const building = createIndexConcurrently(db, { ...definition, unique: true });
    await expect(building).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_INDEX_BUILD',
      reason: 'refused',
      attempts: 1,
      invalidIndexLeft: false,
      cause: { sqlState: '23505' },
    });
    expect(await state()).toEqual([]);
    await db.query('DELETE FROM items WHERE id = 0');
  });

  test('an aborted build is stopped and dropped, through our pool and pg.Pool', async () => {
    const pool = new pg.Pool({ connectionString: fresh.url, max: 2 });
    for (const each of [db, pool]) {
      await hold();
      const controller = new AbortController();
      const building = createIndexConcurrently(each, definition, { signal: controller.signal });
      await vi.waitFor(async () => {
        expect(await state()).toHaveLength(1);
      });
      controller.abort(new Error('enough'));
      const failure = building.catch((error) => error);
      // The drop has to wait for the transaction as well.
      await vi.waitFor(async () => {
        const dropping =
          "query LIKE 'DROP INDEX CONCURRENTLY%' AND state = 'active' AND datname = current_database()";
        expect(await db.query(`SELECT pid FROM pg_stat_activity WHERE ${dropping}`)).toMatchObject({
          rowCount: 1,
        });
      });
      await other.query('ROLLBACK');
      expect((await failure).message).toBe('enough');
      expect(await state()).toEqual([]);
    }
    await pool.end();
  });

  test('made twice it is made once; another index of the name is left alone', async () => {
    const partial = {
      table: 'items',
      keys: [{ column: 'code', opclass: 'text_pattern_ops', descending: true }],
      where: '"od""d" > 5',
      name: 'Items "partial"',
    };
    expect(await createIndexConcurrently(db, partial)).toMatchObject({ created: true });
    expect(await createIndexConcurrently(db, partial)).toMatchObject({ created: false, attempts: 0 });
    for (const wrong of [
      { ...partial, where: '"od""d" > 6' },
      { ...partial, keys: ['id'] },
      { ...partial, name: 'items' },
    ]) {
      await expect(createIndexConcurrently(db, wrong)).rejects.toMatchObject({ reason: 'name-taken' });
    }
    await db.query('DROP INDEX "Items ""partial"""');
  });

  test('a caller’s own client keeps its settings, and a transaction is refused', async () => {
    await other.query("SET lock_timeout = '7s'");
    await createIndexConcurrently(other, definition);
    expect((await other.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '7s' }]);
    await other.query('RESET lock_timeout');
    await other.query('BEGIN');
    await expect(createIndexConcurrently(other, definition)).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_ARGUMENT_TYPE',
    });
  });

  test('a connection that is lost is told, with the index that may be left', async () => {
    await hold();
    const building = createIndexConcurrently(db, definition).catch((error) => error);
    await vi.waitFor(async () => {
      expect(await state()).toHaveLength(1);
    });
    await other.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND pid <> pg_backend_pid()",
    );
    expect(await building).toMatchObject({ reason: 'interrupted', invalidIndexLeft: true });
    await other.query('ROLLBACK');
    expect(await createIndexConcurrently(db, definition)).toMatchObject({ created: true, droppedInvalid: 1 });
  });
});
