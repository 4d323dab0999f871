import { createDatabase, type DatabaseOptions, insertMany } from '@hotpath/database';
import { describe, expect, test } from 'vitest';
import { backoffMs } from '../dist/pool/backoff.js';
import { clientConfig } from '../dist/pool/connect.js';
import { resolveOptions } from '../dist/pool/options.js';

const clock = { now: () => 0, setTimeout: () => 0, clearTimeout: () => {} };

test('the defaults are the guide’s', () => {
  expect(resolveOptions({}, clock)).toMatchObject({
    max: 20,
    min: 5,
    acquireTimeoutMs: 30_000,
    idleTimeoutMs: 600_000,
    maxLifetimeMs: 1_800_000,
    queryTimeoutMs: 0,
    statementCacheSize: 100,
  });
});

test('min follows a smaller max', () => {
  expect(resolveOptions({ max: 2 }, clock).min).toBe(2);
});

describe('wrong options are refused by name', () => {
  const type = 'ERR_HOTPATH_DATABASE_ARGUMENT_TYPE';
  const value = 'ERR_HOTPATH_DATABASE_ARGUMENT_RANGE';
  const cases: [object, string, RegExp][] = [
    [{ max: '20' }, type, /^max: expected a number, got a value of type string$/],
    [{ max: 0 }, value, /^max: expected 1 to 10000, got 0$/],
    [{ max: 1.5 }, value, /^max: expected an integer, got 1.5$/],
    [{ max: Number.NaN }, value, /^max: .* got NaN$/],
    [{ max: 3, min: 4 }, value, /^min: expected 0 to 3, got 4$/],
    [{ acquireTimeoutMs: 0 }, value, /^acquireTimeoutMs/],
    [{ idleTimeoutMs: 2 ** 31 }, value, /^idleTimeoutMs/],
    [{ lifetimeJitter: 1.1 }, value, /^lifetimeJitter/],
    [{ reconnectMinMs: 100, reconnectMaxMs: 50 }, value, /^reconnectMaxMs: expected 100/],
    [{ port: 0 }, value, /^port/],
    [{ host: 1 }, type, /^host/],
    [{ password: 1 }, type, /^password: expected a string or a function, got 1$/],
    [{ ssl: 'yes' }, type, /^ssl/],
    [{ types: {} }, type, /^types/],
    [{ clock: {} }, type, /^clock/],
    [{ clock: { now: Date.now, setTimeout } }, type, /^clock/],
    [{ random: 1 }, type, /^random/],
    [{ poolSize: 3 }, type, /^options.poolSize: expected no such option/],
  ];
  for (const [options, code, message] of cases) {
    test(JSON.stringify(options), () => {
      expect(() => createDatabase(options as DatabaseOptions)).toThrow(
        expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
      );
    });
  }
  test('no object at all', () => {
    expect(() => createDatabase(null as never)).toThrow(TypeError);
  });
});

test('what a connection string says wins, what it leaves open the other options say', () => {
  const password = (): string => 's3cret';
  const config = clientConfig({
    connectionString: 'postgres://ada@db?application_name=shop',
    user: 'alan',
    password,
    port: 5433,
    database: 'shop',
    applicationName: 'other',
  });
  expect(config).toMatchObject({
    user: 'ada',
    host: 'db',
    password,
    port: 5433,
    database: 'shop',
    application_name: 'shop',
  });
});

test('a connection string that cannot be parsed is refused without its password', () => {
  let caught: unknown;
  try {
    createDatabase({ connectionString: 'postgres://user:s3cret@[bad/db' });
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(TypeError);
  expect(JSON.stringify([String(caught), caught, (caught as Error).stack])).not.toContain('s3cret');
  expect((caught as Error).cause).toBeUndefined();
});

test('what a call brings is refused when it cannot be, and nothing is opened', async () => {
  const db = createDatabase({ host: '127.0.0.1', port: 1 });
  const type = { name: 'ArgumentTypeError', code: 'ERR_HOTPATH_DATABASE_ARGUMENT_TYPE' };
  for (const signal of [5, 'now', {}, null] as never[]) {
    await expect(db.query('SELECT 1', [], { signal })).rejects.toMatchObject(type);
    await expect(db.acquire({ signal })).rejects.toMatchObject(type);
    await expect(db.transaction(async () => {}, { signal })).rejects.toMatchObject(type);
    await expect(insertMany(db, 'users', [{ a: 1 }], { signal })).rejects.toMatchObject(type);
    expect(() => db.stream('SELECT 1', [], { signal })).toThrow(expect.objectContaining(type) as Error);
  }
  for (const options of [null, 5, 'fast'] as never[]) {
    await expect(db.query('SELECT 1', [], options)).rejects.toMatchObject(type);
    await expect(db.acquire(options)).rejects.toMatchObject(type);
    await expect(db.transaction(async () => {}, options)).rejects.toMatchObject(type);
    await expect(db.health(options)).rejects.toMatchObject(type);
    await expect(db.close(options)).rejects.toMatchObject(type);
  }
  expect(db.metrics()).toMatchObject({ connecting: 0, waiting: 0, connectFailures: 0 });
  await db.close();
});

test('making a database opens nothing, and it can be closed at once', async () => {
  const db = createDatabase({ host: '127.0.0.1', port: 1 });
  expect(db.metrics()).toMatchObject({ total: 0, connecting: 0, waiting: 0 });
  await db.close();
  await db.close();
  await expect(db.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_CLOSED' });
  await expect(db.acquire()).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_CLOSED' });
  await expect(db.warm()).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_CLOSED' });
});

test('the pause between attempts doubles up to its limit, less up to half', () => {
  const most = (failures: number): number => backoffMs(failures, 50, 5_000, () => 0);
  expect([1, 2, 3, 7, 8, 1_000].map(most)).toEqual([50, 100, 200, 3_200, 5_000, 5_000]);
  expect(backoffMs(3, 50, 5_000, () => 0.999_999)).toBeCloseTo(100);
});
