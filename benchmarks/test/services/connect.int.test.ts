import { readdirSync, rmSync } from 'node:fs';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  connectServices,
  describeMissing,
  ServiceUnreachableError,
  startPostgres,
  startProxy,
  startRedis,
} from '../../dist/services/index.js';
import { withPostgres } from '../../dist/services/postgres-client.js';
import { withRedis } from '../../dist/services/redis-client.js';
import { postgresMissing, redisMissing } from './availability.ts';
import { markedFolder } from './leftovers.ts';

const missing = (await postgresMissing()) + (await redisMissing());
const SECRET = 'hunter2%2F!';

beforeEach(() => {
  vi.stubEnv('DATABASE_URL', '');
  vi.stubEnv('REDIS_URL', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** The error of a program that needs both, given these URLs. */
async function failure(urls: Readonly<Record<string, string>>): Promise<ServiceUnreachableError> {
  for (const [name, url] of Object.entries(urls)) vi.stubEnv(name, url);
  const needs = { postgres: 'DATABASE_URL' in urls, redis: 'REDIS_URL' in urls };
  const error: unknown = await connectServices(needs).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ServiceUnreachableError);
  return error as ServiceUnreachableError;
}

function expectNoSecret(error: Error): void {
  const everything = inspect(error, { depth: 10, showHidden: true });
  expect(everything).not.toContain('hunter2');
}

/** A port of this machine where nobody listens. */
async function deadPort(): Promise<number> {
  const proxy = await startProxy({ port: 1 });
  await proxy.stop();
  return proxy.port;
}

describe('a URL that was given', () => {
  test.each([
    ['DATABASE_URL', 'postgres'],
    ['REDIS_URL', 'redis'],
  ])('%s where nobody listens: an error with host and cause, without the password', async (name, scheme) => {
    const port = await deadPort();
    const error = await failure({ [name]: `${scheme}://me:${SECRET}@127.0.0.1:${port}/0` });
    expect(error).toMatchObject({
      code: 'ERR_HOTPATH_BENCHMARKS_SERVICE_UNREACHABLE',
      host: `127.0.0.1:${port}`,
      variable: name,
      cause: { code: 'ECONNREFUSED' },
    });
    expect(error.message).toContain(`127.0.0.1:${port}: connect ECONNREFUSED`);
    expectNoSecret(error);
  });

  test.each([
    ['DATABASE_URL', 'postgres'],
    ['REDIS_URL', 'redis'],
  ])('%s whose host does not exist is named', async (name, scheme) => {
    const error = await failure({ [name]: `${scheme}://me:${SECRET}@no-such-host.invalid/0` });
    expect(error.message).toMatch(/no-such-host\.invalid:(5432|6379): getaddrinfo (ENOTFOUND|EAI_AGAIN)/);
    expectNoSecret(error);
  });

  test.each([
    ['DATABASE_URL', 'postgres'],
    ['REDIS_URL', 'redis'],
  ])(
    '%s where a host accepts and never answers fails within 10 s',
    { timeout: 30_000 },
    async (name, scheme) => {
      await using silent = await startProxy({ port: 1 });
      silent.halfOpen(true);
      const from = performance.now();
      const error = await failure({ [name]: `${scheme}://me:${SECRET}@127.0.0.1:${silent.port}/0` });
      expect(performance.now() - from).toBeLessThan(10_000);
      expect(error.message).toContain(`127.0.0.1:${silent.port}`);
      expectNoSecret(error);
    },
  );

  test.each([
    ['DATABASE_URL', `postgres://me:${SECRET}@host:notaport/x`],
    ['DATABASE_URL', `mysql://me:${SECRET}@host/x`],
    ['REDIS_URL', `http://me:${SECRET}@host/x`],
    ['REDIS_URL', `//me:${SECRET}@host`],
  ])('%s that is none is refused without being repeated (%#)', async (name, url) => {
    const error = await failure({ [name]: url });
    expect(error.message).toMatch(/valid URL|expected a URL that starts with/);
    expectNoSecret(error);
  });
});

describe.skipIf(missing !== '')('with servers', () => {
  test('a wrong password is told apart, and not repeated', async () => {
    await using postgres = await startPostgres({ durable: false });
    await using redis = await startRedis({ config: ['requirepass right'] });
    const wrong = (url: string): string => Object.assign(new URL(url), { password: SECRET }).href;
    const database = await failure({ DATABASE_URL: wrong(postgres.url) });
    expect(database.message).toMatch(/password authentication failed/);
    expectNoSecret(database);
    vi.stubEnv('DATABASE_URL', '');
    const cache = await failure({ REDIS_URL: wrong(redis.url) });
    expect(cache.message).toMatch(/WRONGPASS|invalid/);
    expectNoSecret(cache);
  });

  test('given URLs are used, described without password, and their servers outlive stop', async () => {
    await using postgres = await startPostgres({ durable: false });
    await using redis = await startRedis({ config: ['requirepass right'] });
    vi.stubEnv('DATABASE_URL', postgres.url);
    vi.stubEnv('REDIS_URL', redis.url);
    const services = await connectServices({ postgres: true, redis: true });
    expect(services.missing).toEqual([]);
    expect(services.postgres?.url).toBe(postgres.url);
    expect(services.postgres?.description).toBe(
      `Postgres ${postgres.version} (DATABASE_URL at 127.0.0.1:${postgres.port}), fsync=off, synchronous_commit=off, full_page_writes=off, shared_buffers=${postgres.settings['shared_buffers']}`,
    );
    expect(services.redis?.description).toMatch(
      /\(REDIS_URL at 127\.0\.0\.1:\d+\), maxmemory=0, maxmemory-policy=noeviction, appendonly=no, save=""$/,
    );
    expect(services.redis?.description).not.toContain('right');
    await services.stop();
    expect(await withRedis(redis.url, (client) => client.ping())).toBe('PONG');
  });

  test('an unreachable URL stops what was started beside it, and starts nothing in its place', async () => {
    const temporary = markedFolder();
    vi.stubEnv('TMPDIR', temporary);
    try {
      vi.stubEnv('DATABASE_URL', `postgres://me:${SECRET}@127.0.0.1:${await deadPort()}/x`);
      await expect(connectServices({ postgres: true, redis: true })).rejects.toThrow(ServiceUnreachableError);
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      rmSync(temporary, { recursive: true });
    }
  });

  test('starts what is needed and no more, durable by default, and stops it once', async () => {
    const services = await connectServices({ postgres: true, redis: false });
    expect(services.redis).toBeUndefined();
    expect(services.postgres?.description).toContain('fsync=on, synchronous_commit=on');
    const url = services.postgres?.url ?? '';
    await withPostgres(url, (client) => client.query('SELECT 1'));
    await Promise.all([services.stop(), services.stop()]);
    await expect(withPostgres(url, (client) => client.query('SELECT 1'))).rejects.toThrow(/ECONNREFUSED/);
  });

  test('a temporary folder that cannot be written leaves the service out', async () => {
    vi.stubEnv('TMPDIR', '/proc');
    await using services = await connectServices({ postgres: false, redis: true });
    expect(services.missing).toHaveLength(1);
    expect(services.missing[0]?.reason).toMatch(/^E[A-Z]+: .*mkdtemp '\/proc\/hotpath-/);
    expect(services.missing[0]?.remedy).toContain('TMPDIR');
  });

  test('what cannot be had is reported with its remedy, and the rest is there', async () => {
    vi.stubEnv('REDIS_SERVER_BIN', '/nonexistent');
    await using services = await connectServices({ postgres: true, redis: true, durable: false });
    expect(services.postgres?.url).toMatch(/^postgres:/);
    expect(services.redis).toBeUndefined();
    expect(services.missing).toMatchObject([
      { service: 'redis', reason: expect.stringContaining('/nonexistent') as string },
    ]);
    expect(describeMissing(services.missing[0]!)).toMatch(/^Redis is left out: .*\n.*REDIS_URL/);
  });
});
