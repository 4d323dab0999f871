import { type Database, createDatabase } from '@hotpath/database';
import { advise } from '@hotpath/database/advise';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import {
  type PostgresOptions,
  type PostgresServer,
  ServiceMissingError,
  startPostgres,
} from '../../../benchmarks/dist/services/index.js';
import { ADVISED_TABLES, expectAdvice } from './advised-queries.ts';

/** Empty where no Postgres can be had; then there are no binaries to start one either. */
const url = inject('postgresUrl');

/** A server of the test's own, with the extension in a schema of its own; or the test is skipped, and says why. */
async function withExtension(
  extension: string,
  settings: NonNullable<PostgresOptions['settings']>,
  skip: (reason: string) => never,
  f: (db: Database, url: string) => Promise<void>,
): Promise<void> {
  let server: PostgresServer;
  try {
    server = await startPostgres({ durable: false, settings, extensions: [extension] });
  } catch (error) {
    if (error instanceof ServiceMissingError) skip(error.message);
    throw error;
  }
  try {
    await using db = createDatabase({ connectionString: server.url, min: 0 });
    await db.query(
      `CREATE SCHEMA "ex""tra"; CREATE EXTENSION ${extension} SCHEMA "ex""tra"; ${ADVISED_TABLES}`,
    );
    await f(db, server.url);
  } finally {
    await server.stop();
  }
}

describe.skipIf(url === '')('index advice with extensions of the server', () => {
  test('the command advises on what pg_stat_statements has counted', async ({ skip }) => {
    const settings = { shared_preload_libraries: 'pg_stat_statements' };
    await withExtension('pg_stat_statements', settings, skip, async (db, url) => {
      await db.query('SELECT "ex""tra".pg_stat_statements_reset()');
      for (let n = 0; n < 5; n++) {
        await db.query('SELECT id FROM users WHERE email = $1', [`${n}@example.com`]);
        await db.query(`SELECT "we""ird" FROM posts WHERE user_id = ${n}`);
      }
      await db.query('SELECT id FROM users WHERE id = $1', [1]);
      // Without its constant this is a syntax error.
      await db.query("SELECT count(*) FROM users WHERE created_at < now() - interval '1 day'");
      await db.query('CREATE TABLE other (id int)');

      const cli = fileURLToPath(new URL('../dist/advise/cli.js', import.meta.url));
      const run = async (...args: string[]): Promise<string> => {
        const all = [cli, 'advise', '--url', url, '--from', 'pg_stat_statements', ...args];
        return (await promisify(execFile)(process.execPath, all)).stdout;
      };
      const workload = JSON.parse(await run('--json', '--min-rows', '1000'));
      const served = Object.fromEntries(
        workload.indexes.map(
          ({ index, statements }: { index: { keys: string[] }; statements: unknown[] }) => [
            index.keys.join(),
            statements,
          ],
        ),
      );
      expect(served).toEqual({
        email: [expect.objectContaining({ query: 'SELECT id FROM users WHERE email = $1', calls: 5 })],
        user_id: [
          expect.objectContaining({ query: 'SELECT "we""ird" FROM posts WHERE user_id = $1', calls: 5 }),
        ],
      });
      for (const index of workload.indexes) expect(index.sparedMs).toBeGreaterThan(0);
      expect(workload.skipped).toEqual([
        {
          query: 'SELECT count(*) FROM users WHERE created_at < now() - interval $1',
          reason: expect.stringContaining('syntax error'),
        },
      ]);

      const table = await run();
      expect(table).toContain('CREATE INDEX CONCURRENTLY "users_email_idx"');
      expect(table).toContain('CREATE INDEX CONCURRENTLY "posts_user_id_idx"');
    });
  });

  test('hypopg verifies advice, and leaves no index', async ({ skip }) => {
    await withExtension('hypopg', {}, skip, async (db) => {
      await expectAdvice(db, 'hypopg');
      // Where it is installed it is the default, on anybody's connection.
      using connection = await db.acquire();
      const both = 'SELECT * FROM users u JOIN posts p ON p.user_id = u.id WHERE u.email = $1';
      const { indexes } = await advise(connection, both, ['x'], { minGain: 1 });
      expect(new Set(indexes.map(({ index }) => index.keys[0]))).toEqual(new Set(['email', 'user_id']));
      for (const { verified } of indexes) expect(verified).toBe('hypopg');
      const left = await connection.query('SELECT count(*)::int AS n FROM "ex""tra".hypopg_list_indexes');
      expect(left.rows).toEqual([{ n: 0 }]);
    });
  });
});
