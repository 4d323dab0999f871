import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { createDatabase, type FreshDatabase } from '../../dist/services/index.js';
import { inSchema, seed } from '../../dist/web-service/seed.js';
import { assembleService, type Service } from '../../dist/web-service/service.js';
import { isIndexed, PARTS, STEPS, type VariantName } from '../../dist/web-service/variants.js';

const postgresUrl = inject('postgresUrl');
const redisUrl = inject('redisUrl');
const SIZE = { users: 100, posts: 700 };
const NAMES: readonly VariantName[] = ['naive', 'optimised', ...STEPS];

interface Running {
  readonly name: VariantName;
  readonly service: Service;
  readonly origin: string;
  readonly port: number;
  readonly log: string;
}

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: unknown;
}

/** What a request is answered that `fetch` would not send. */
function statusOf(port: number, text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('error', reject);
    socket.once('data', (data) => {
      resolve(Number(data.toString('latin1', 9, 12)));
      socket.destroy();
    });
  });
}

describe.skipIf(postgresUrl === '' || redisUrl === '')('every variant of the web service', () => {
  let database: FreshDatabase;
  let folder: string;
  const running: Running[] = [];

  beforeAll(async () => {
    database = await createDatabase(postgresUrl);
    folder = mkdtempSync(join(tmpdir(), 'hotpath-web-'));
    const client = new pg.Client(database.url);
    await client.connect();
    for (const name of NAMES) {
      await seed(client, `s_${name}`, SIZE, isIndexed(name));
      const log = join(folder, `${name}.log`);
      const parts = (await PARTS[name]())({
        databaseUrl: inSchema(database.url, `s_${name}`),
        redisUrl,
        accessLog: log,
        namespace: `contract-${process.pid}-${name}`,
        warmUsers: 50,
      });
      const service = assembleService(parts);
      const port = await service.listen(0);
      running.push({ name, service, port, origin: `http://127.0.0.1:${port}`, log });
    }
    await client.end();
  });

  afterAll(async () => {
    await Promise.all(running.map(({ service }) => service.close()));
    await database?.[Symbol.asyncDispose]();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  async function ask({ origin }: Running, path: string, init?: RequestInit): Promise<Answer> {
    const response = await fetch(origin + path, init);
    const text = await response.text();
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: JSON.parse(text) as unknown,
    };
  }

  /** Asks all and expects one answer. */
  async function same(path: string, init?: RequestInit): Promise<Answer> {
    const answers = await Promise.all(running.map((each) => ask(each, path, init)));
    for (const [index, answer] of answers.entries()) {
      expect({ name: running[index]!.name, ...answer }).toEqual({
        name: running[index]!.name,
        ...answers[0]!,
      });
    }
    return answers[0]!;
  }

  const json = (method: string, body: unknown): RequestInit => ({
    method,
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

  test('a user, the posts, and pages to the last one', async () => {
    expect(await same('/users/7')).toMatchObject({
      status: 200,
      type: 'application/json; charset=utf-8',
      body: { id: 7, name: 'user 7', email: 'user7@example.com' },
    });
    const posts = await same('/users/7/posts');
    expect(posts.body).toHaveLength(7);
    const first = await same('/users');
    expect(first.body).toHaveLength(20);
    expect(await same('/users?after=0')).toEqual(first);
    const last = await same('/users?after=90');
    expect((last.body as { id: number; posts: unknown[] }[]).map(({ id }) => id)).toEqual([
      91, 92, 93, 94, 95, 96, 97, 98, 99, 100,
    ]);
    expect((await same('/users?after=2147483647')).body).toEqual([]);
    expect((await same('/users/101')).status).toBe(404);
    expect((await same('/users/101/posts')).status).toBe(404);
  });

  test('what is written is read at once, by every route', async () => {
    const made = await same('/users', json('POST', { name: 'Ada', email: 'ada@example.com' }));
    expect(made).toMatchObject({ status: 201, body: { name: 'Ada', email: 'ada@example.com' } });
    const { id } = made.body as { id: number };
    expect((await same(`/users/${id}`)).body).toEqual(made.body);
    expect((await same(`/users/${id}/posts`)).body).toEqual([]);
    for (let round = 0; round < 3; round++) {
      const user = { name: `Grace ${round}`, email: 'grace@example.com' };
      expect((await same('/users/7', json('PUT', user))).body).toEqual({ id: 7, ...user });
      expect((await same('/users/7')).body).toEqual({ id: 7, ...user });
    }
    {
      const user = { name: 'Grace 2', email: 'grace@example.com' };
      expect((await same('/users?after=6')).body).toMatchObject([
        { id: 7, ...user },
        { id: 8 },
        ...Array.from({ length: 18 }, () => ({})),
      ]);
    }
    expect((await same('/users/4711', json('PUT', { name: 'x', email: 'a@b' }))).status).toBe(404);
  });

  test('many who sign up at once each get an id of their own', async () => {
    for (const each of running) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          ask(each, '/users', json('POST', { name: `n${index}`, email: `n${index}@example.com` })),
        ),
      );
      const made = answers.map(({ body }) => body as { id: number; name: string });
      expect(new Set(made.map(({ id }) => id)).size).toBe(20);
      for (const user of made.slice(0, 5)) expect((await ask(each, `/users/${user.id}`)).body).toEqual(user);
    }
  });

  test.each([
    '0',
    '-1',
    '1.5',
    '1e3',
    '2147483648',
    '99999999999',
    'abc',
    '%00',
    "1'--",
    '1%20OR%201=1',
    '%2e%2e%2f',
    '07',
  ])('the id %s is refused', async (id) => {
    expect((await same(`/users/${id}`)).status).toBe(400);
    expect((await same(`/users/${id}/posts`)).status).toBe(400);
    expect((await same(`/users/${id}`, json('PUT', { name: 'a', email: 'a@b' }))).status).toBe(400);
    expect((await same(`/users?after=${id === '0' ? '-0' : id}`)).status).toBe(400);
  });

  test.each<[string, unknown, number]>([
    ['no JSON', '{"name":', 400],
    ['nothing', '', 400],
    ['null', null, 400],
    ['an array', [], 400],
    ['a number as a name', { name: 1, email: 'a@b' }, 400],
    ['no email', { name: 'a' }, 400],
    ['an email without @', { name: 'a', email: 'b' }, 400],
    ['a name that is empty', { name: '', email: 'a@b' }, 400],
    ['a name that is too long', { name: 'x'.repeat(201), email: 'a@b' }, 400],
    ['NUL', { name: 'a\0b', email: 'a@b' }, 400],
    ['a line break', { name: 'a\r\nSet-Cookie: b', email: 'a@b' }, 400],
    ['a member of its own', { name: 'a', email: 'a@b', id: 1 }, 400],
    ['a prototype', '{"name":"a","email":"a@b","__proto__":{"admin":true}}', 400],
    ['65 KiB', { name: 'x'.repeat(65 * 1024), email: 'a@b' }, 413],
  ])('a body that is, or has, %s is refused', async (_name, body, status) => {
    expect((await same('/users', json('POST', body))).status).toBe(status);
    expect((await same('/users/1', json('PUT', body))).status).toBe(status);
  });

  test('another content type, another method and another path are refused', async () => {
    expect(
      (await same('/users', { method: 'POST', body: 'name=a', headers: { 'content-type': 'text/plain' } }))
        .status,
    ).toBe(415);
    expect((await same('/users/1', { method: 'DELETE' })).status).toBe(404);
    expect((await same('/etc/passwd')).status).toBe(404);
    expect((await same('/users/..%2f..%2fetc%2fpasswd')).status).toBe(400);
  });

  test.each([
    "'; DROP TABLE users; --",
    `" OR ""="`,
    '$1',
    '\\',
    '{{constructor}}',
    '<script>',
    '💥',
    'Ünï cødé',
  ])('the name %s is a name', async (name) => {
    const user = { name, email: 'sql@example.com' };
    expect((await same('/users/9', json('PUT', user))).body).toEqual({ id: 9, ...user });
    expect((await same('/users/9')).body).toEqual({ id: 9, ...user });
    const made = await same('/users', json('POST', user));
    expect(made.body).toMatchObject(user);
  });

  test.each([
    "o'brien@example.com",
    "';DROP/**/TABLE/**/users;--@example.com",
    '$1@example.com',
    '\\@example.com',
  ])('the email %s is an email', async (email) => {
    const user = { name: 'sql', email };
    expect((await same('/users/9', json('PUT', user))).body).toEqual({ id: 9, ...user });
    expect((await same('/users/9')).body).toEqual({ id: 9, ...user });
  });

  test('health and metrics answer', async () => {
    expect((await same('/healthz')).body).toEqual({ status: 'ok' });
    for (const each of running) expect(await ask(each, '/metrics')).toMatchObject({ status: 200 });
  });

  test('a client that goes away in the middle of its body, or sends it a byte at a time, harms nobody', async () => {
    for (const each of running) {
      for (let left = 120; left > 0; left--) {
        const socket = connect(each.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.write(
          'POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"na',
        );
        setTimeout(() => socket.destroy(), 50);
      }
      await delay(150);
      const body = JSON.stringify({ name: 'Slow', email: 'slow@example.com' });
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const request = httpRequest(`${each.origin}/users`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'content-length': body.length },
        });
        request.on('error', reject).on('response', (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        void (async () => {
          for (const byte of body) {
            request.write(byte);
            await delay(1);
          }
          request.end();
        })();
      });
      expect(status).toBe(201);
      expect((await ask(each, '/healthz')).status).toBe(200);
    }
  });

  const POST = 'POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

  test.each<[string, string, number]>([
    ['headers of 20 KiB', `GET /users/1 HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_480)}\r\n\r\n`, 431],
    ['a line break in a header', 'GET /users/1 HTTP/1.1\r\nHost: x\r\nX-A: b\nc\r\n\r\n', 400],
    ['two lengths', `${POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`, 400],
  ])('a request with %s is refused', async (_name, text, status) => {
    for (const each of running) {
      expect({ name: each.name, status: await statusOf(each.port, text) }).toEqual({
        name: each.name,
        status,
      });
      expect((await ask(each, '/healthz')).status).toBe(200);
    }
  });

  test('every request is one line of JSON in the access log, whatever its path holds', async () => {
    for (const each of running) {
      await ask(each, '/users/%0a%7b%22status%22:200%7d');
      await vi.waitFor(() => {
        const lines = readFileSync(each.log, 'utf8').trimEnd().split('\n');
        const logged = lines.map((line) => JSON.parse(line) as { url: string; status: number });
        expect(logged.findLast(({ url }) => url.includes('%0a%7b'))).toMatchObject({ status: 400 });
      });
    }
  });
});

test.skipIf(postgresUrl === '')(
  'the indexed data have the index that the advisor finds, and no other',
  async () => {
    await using database = await createDatabase(postgresUrl);
    const client = new pg.Client(database.url);
    await client.connect();
    try {
      await seed(client, 'plain', { users: 2000, posts: 20_000 }, false);
      await seed(client, 'indexed', { users: 2000, posts: 20_000 }, true);
      const { rows } = await client.query<{ schemaname: string; indexdef: string }>(
        `SELECT schemaname, indexdef FROM pg_indexes WHERE schemaname IN ('plain', 'indexed') AND indexname !~ 'pkey$'`,
      );
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject({ schemaname: 'indexed' });
      expect(rows[0]!.indexdef).toContain('posts USING btree (user_id, id)');
    } finally {
      await client.end();
    }
  },
);
