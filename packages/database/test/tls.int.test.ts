import { createDatabase, sql } from '@hotpath/database';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../benchmarks/dist/services/index.js';
import { selfSigned } from './certificate.ts';

/** Empty where no Postgres can be had; then there are no binaries to start one either. */
const url = inject('postgresUrl');

describe.skipIf(url === '')('over TLS', () => {
  const { certificate, key } = selfSigned();
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres({ durable: false });
    const admin = new pg.Client({ connectionString: server.url });
    await admin.connect();
    // By the server itself, whose the files must be, and nobody else's.
    for (const [file, text] of [
      ['server.crt', certificate],
      ['server.key', key],
    ] as const) {
      await admin.query(`COPY (SELECT unnest(string_to_array('${text.trim()}', E'\\n')))
        TO PROGRAM 'umask 077; cat > ${file}'`);
    }
    await admin.query('ALTER SYSTEM SET ssl = on');
    await admin.query('SELECT pg_reload_conf()');
    await vi.waitFor(async () => {
      expect((await admin.query('SHOW ssl')).rows).toEqual([{ ssl: 'on' }]);
    });
    await admin.end();
  });
  afterAll(async () => {
    await server?.stop();
  });

  test('statements, large results, streams and cancels are as without', async () => {
    await using db = createDatabase({
      connectionString: server.url,
      ssl: { ca: certificate },
      min: 1,
      max: 2,
    });
    const used = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
    expect(await db.one(used)).toEqual({ ssl: true });
    expect(await db.one(used, [])).toEqual({ ssl: true });
    const { rows } = await db.query<{ n: number; t: string }>(
      `SELECT n, repeat('x', n % 1000) AS t FROM generate_series(1, 5000) n`,
      [],
    );
    expect(rows.every(({ n, t }, index) => n === index + 1 && t.length === n % 1_000)).toBe(true);
    let sum = 0;
    for await (const batch of db.stream(sql<{ n: number }>`SELECT n FROM generate_series(1, 5000) n`)) {
      for (const { n } of batch) sum += n;
    }
    expect(sum).toBe(12_502_500);
    await expect(db.query('SELECT pg_sleep(60)', [], { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_QUERY_TIMEOUT',
    });
    expect(await db.one(used, [])).toEqual({ ssl: true });
  });

  test('a certificate that nobody vouches for is refused, without a word about the password', async () => {
    await using db = createDatabase({ connectionString: server.url, ssl: true, min: 0 });
    const error: unknown = await db.query('SELECT 1').catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'ERR_HOTPATH_DATABASE_CONNECT' });
    expect(String((error as Error).stack)).not.toContain(new URL(server.url).password);
  });
});
