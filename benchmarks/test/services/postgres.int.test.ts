import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import {
  createDatabase,
  ServiceOptionError,
  ServiceStartError,
  ServiceStoppedError,
  startPostgres,
  type PostgresServer,
} from '../../dist/services/index.js';
import { postgresMissing } from './availability.ts';
import { markedFolder } from './leftovers.ts';

const missing = await postgresMissing();

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** A client whose connection may break. */
async function sturdyClient(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  return client;
}

describe.skipIf(missing !== '')('a Postgres of one’s own', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres({ durable: false, settings: { work_mem: '8MB' } });
  });
  afterAll(async () => {
    await server.stop();
  });

  test('answers at its URL, and tells its version and settings as it sees them', async () => {
    expect(await query(server.url, 'SHOW server_version')).toEqual([
      { server_version: expect.stringContaining(server.version) as string },
    ]);
    expect(server.settings).toMatchObject({
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      work_mem: '8MB',
      shared_buffers: expect.stringMatching(/\d+MB/) as string,
    });
  });

  test('refuses whoever does not know the password', async () => {
    const url = new URL(server.url);
    url.password = 'guess';
    await expect(query(url.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
  });

  test('restart keeps port and data', async () => {
    const { port, pid } = server;
    await query(server.url, 'CREATE TABLE kept (n int)');
    await query(server.url, 'INSERT INTO kept VALUES (1)');
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await query(server.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
  });

  test('kill breaks open connections at once, restart recovers what was committed', async () => {
    await query(server.url, 'CREATE TABLE recovered (n int)');
    const client = await sturdyClient(server.url);
    const ended = new Promise<void>((resolve) => {
      client.once('end', resolve);
    });
    await client.query('SET synchronous_commit = on');
    await client.query('INSERT INTO recovered VALUES (7)');
    await server.kill();
    await ended;
    expect(server.state).toBe('killed');
    await expect(query(server.url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
    await expect(server.hang()).rejects.toThrow(ServiceStoppedError);
    await server.restart();
    expect(await query(server.url, 'SELECT n FROM recovered')).toEqual([{ n: 7 }]);
  });

  test('kill ends a query that never looks up, and the server can be restarted at once', async () => {
    const client = await sturdyClient(server.url);
    const endless = client.query("DO 'BEGIN LOOP NULL; END LOOP; END'");
    endless.catch(() => {});
    await vi.waitFor(async () => {
      const active = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'";
      expect(await query(server.url, active)).toHaveLength(1);
    }, 20_000);
    await server.kill();
    await expect(endless).rejects.toThrow(/terminated|ECONNRESET/);
    await server.restart();
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('a server that hangs answers nothing, on old connections too, and goes on where it was', async () => {
    const client = await sturdyClient(server.url);
    await server.hang();
    let answered = false;
    const answer = client.query('SELECT 42 AS answer').finally(() => {
      answered = true;
    });
    await new Promise((resolve) => {
      setTimeout(resolve, 150);
    });
    expect(answered).toBe(false);
    await server.resume();
    expect((await answer).rows).toEqual([{ answer: 42 }]);
    await client.end();
  });

  test('a fresh database is empty, its own, and gone afterwards', async () => {
    const [one, two] = await Promise.all([createDatabase(server.url), createDatabase(server.url)]);
    await query(one.url, 'CREATE TABLE only_here (n int)');
    expect(await query(two.url, "SELECT to_regclass('only_here') AS found")).toEqual([{ found: null }]);
    const lingering = await sturdyClient(one.url);
    await Promise.all([one.drop(), two.drop()]);
    await lingering.end();
    const names = await query(server.url, 'SELECT datname FROM pg_database');
    expect(names.map((row) => (row as { datname: string }).datname)).not.toContain(one.name);
    await one.drop(); // a second time does nothing
  });
});

describe.skipIf(missing !== '')('the life of a Postgres', () => {
  test('is durable unless told otherwise', async () => {
    await using server = await startPostgres();
    expect(server.settings).toMatchObject({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
    });
  });

  test('several at once do not collide', async () => {
    const servers = await Promise.all([1, 2, 3].map(() => startPostgres({ durable: false })));
    try {
      expect(new Set(servers.map(({ port }) => port)).size).toBe(3);
      const answers = await Promise.all(servers.map(({ url }) => query(url, 'SHOW port')));
      expect(answers).toEqual(servers.map(({ port }) => [{ port: String(port) }]));
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });

  test('stop ends a server that hangs and has clients, twice is once, and nothing works afterwards', async () => {
    const server = await startPostgres({ durable: false });
    const client = await sturdyClient(server.url);
    await server.hang();
    await Promise.all([server.stop(), server.stop()]);
    await client.end();
    expect(server.state).toBe('stopped');
    for (const call of ['kill', 'hang', 'resume', 'restart'] as const)
      await expect(server[call]()).rejects.toThrow(ServiceStoppedError);
  });

  test('stopping a killed server takes its files and its shared memory back', async () => {
    const temporary = markedFolder();
    vi.stubEnv('TMPDIR', temporary);
    try {
      const server = await startPostgres({ durable: false });
      const maps = process.platform === 'linux' ? readFileSync(`/proc/${server.pid}/maps`, 'utf8') : '';
      const segments = new Set(maps.match(/\/dev\/shm\/\S+/g));
      const keys = [...maps.matchAll(/ (\d+) +\/SYSV/g)].map(([, id]) => id);
      await server.kill();
      await server.stop();
      expect(readdirSync(temporary)).toEqual([]);
      expect([...segments].filter((segment) => existsSync(segment))).toEqual([]);
      if (process.platform === 'linux') {
        expect(keys.length).toBeGreaterThan(0);
        const present = readFileSync('/proc/sysvipc/shm', 'utf8').split('\n');
        const ids = present.map((line) => line.trim().split(/\s+/)[1]);
        expect(ids.filter((id) => keys.includes(id))).toEqual([]);
      }
    } finally {
      vi.unstubAllEnvs();
      rmSync(temporary, { recursive: true });
    }
  });

  test('a setting that Postgres refuses gives its log, and leaves no files', async () => {
    const temporary = markedFolder();
    vi.stubEnv('TMPDIR', temporary);
    try {
      const start = startPostgres({ settings: { shared_buffers: 'many' } });
      await expect(start).rejects.toThrow(ServiceStartError);
      await expect(start).rejects.toThrow(/invalid value for parameter "shared_buffers"/);
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      rmSync(temporary, { recursive: true });
    }
  });

  test('a setting whose name is none is refused before anything starts', async () => {
    await expect(startPostgres({ settings: { 'fsync=off -c x': 1 } })).rejects.toThrow(ServiceOptionError);
  });
});

test.skipIf(inject('postgresUrl') === '')('the run’s own Postgres answers at the injected URL', async () => {
  expect(await query(inject('postgresUrl'), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});
