import dns from 'node:dns';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

describe.skipIf(postgresUrl === '')('where the server is, and who connects', () => {
  const fresh = freshDatabase({ max: 1 });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('what a connection string leaves open, the other options say', async () => {
    const url = new URL(fresh.url);
    const password = decodeURIComponent(url.password);
    url.password = '';
    for (const given of [password, async () => password]) {
      const db = fresh.open({ connectionString: url.href, password: given });
      expect(await db.one('SELECT 1 AS a')).toEqual({ a: 1 });
    }
    const { hostname, port, username, pathname } = url;
    const db = fresh.open({
      connectionString: `postgres://${pathname}`,
      host: hostname,
      port: Number(port),
      user: decodeURIComponent(username),
      password,
    });
    expect(await db.one('SELECT current_database()::text AS name')).toEqual({ name: pathname.slice(1) });
  });

  test('a cancel goes to the server that the connection went to, though its name leads elsewhere by then', async () => {
    const url = new URL(fresh.url);
    let address = url.hostname;
    vi.spyOn(dns, 'lookup').mockImplementation(((
      _name: string,
      options: dns.LookupOptions,
      done: (error: null, found: string | dns.LookupAddress[], family?: number) => void,
    ) => {
      const found = address;
      process.nextTick(() => {
        if (options.all === true) done(null, [{ address: found, family: 4 }]);
        else done(null, found, 4);
      });
    }) as never);
    url.hostname = 'replica.test';
    const db = fresh.open({ connectionString: url.href });
    using lease = await db.acquire();
    // Nobody listens there.
    address = '127.0.0.2';
    await expect(lease.query('SELECT pg_sleep(60)', [], { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_QUERY_TIMEOUT',
    });
    expect(await lease.one('SELECT 1 AS a')).toEqual({ a: 1 });
  });
});
