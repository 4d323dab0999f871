import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import {
  createDatabase,
  startProxy,
  type FaultProxy,
  type FreshDatabase,
} from '../../dist/services/index.js';
import { inSchema, seed } from '../../dist/web-service/seed.js';
import { assembleService, type Limits, type Service } from '../../dist/web-service/service.js';
import { isIndexed, PARTS } from '../../dist/web-service/variants.js';

const postgresUrl = inject('postgresUrl');
const redisUrl = inject('redisUrl');
/** Short, for clients who mean to miss them. */
const LIMITS: Limits = { requestMs: 600, stalledMs: 500, drainMs: 300 };
/** Longer than a test, for what is to end by another limit. */
const LONG_MS = 300_000;
/** More than the buffers of two sockets take. */
const BIG_POST_BYTES = 8 * 2 ** 20;
const DRIBBLE_MS = 20;

const POST = 'POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
const HALF_A_BODY = `${POST}Content-Length: 1000\r\n\r\n{"na`;
/** What a client sends, at once and again every moment. */
const SLOW_CLIENTS: readonly [what: string, head: string, again: string][] = [
  ['nothing', '', ''],
  ['half a header', 'GET /users/2 HTTP/1.1\r\nHost: x\r\nX-', ''],
  ['a header a moment', 'GET /users/2 HTTP/1.1\r\nHost: x\r\n', 'X-A: b\r\n'],
  ['half a body', HALF_A_BODY, ''],
  ['a byte of its body a moment', HALF_A_BODY, 'x'],
  ['a chunk of its body a moment', `${POST}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
];
const CHUNK = `4000\r\n${'x'.repeat(0x4000)}\r\n`;

/** A client that says what it likes, when it likes. */
class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  answer = '';

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {}).on('data', (data) => (this.answer += data.toString('latin1')));
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => {
        resolve();
      });
    });
  }

  get status(): number {
    return Number(this.answer.slice(9, 12));
  }

  /** Now, and again until the connection ends. */
  async repeat(text: string): Promise<void> {
    const timer = setInterval(() => this.socket.writable && this.socket.write(text), DRIBBLE_MS);
    await this.closed;
    clearInterval(timer);
  }
}

describe.skipIf(postgresUrl === '' || redisUrl === '').each(['naive', 'optimised'] as const)(
  'the %s service',
  (variant) => {
    let database: FreshDatabase;
    let proxy: FaultProxy;
    let folder: string;
    let services = 0;

    beforeAll(async () => {
      database = await createDatabase(postgresUrl);
      proxy = await startProxy(database.url);
      folder = mkdtempSync(join(tmpdir(), 'hotpath-hostile-'));
      const client = new pg.Client(database.url);
      await client.connect();
      await seed(client, 'hostile', { users: 100, posts: 100 }, isIndexed(variant));
      await client.query(`UPDATE hostile.posts SET body = repeat('x', $1) WHERE user_id = 1`, [
        BIG_POST_BYTES,
      ]);
      await client.end();
    });

    afterAll(async () => {
      await proxy?.stop();
      await database?.[Symbol.asyncDispose]();
      if (folder !== undefined) rmSync(folder, { recursive: true });
    });

    /** @param group those of one have their keys in Redis in common, as processes of one service do */
    async function start(
      limits: Partial<Limits>,
      group: string = `alone-${services}`,
    ): Promise<Service & AsyncDisposable & { port: number }> {
      const makeParts = await PARTS[variant]();
      const index = services++;
      const parts = makeParts({
        databaseUrl: inSchema(proxy.url, 'hostile'),
        redisUrl,
        accessLog: join(folder, `${index}.log`),
        namespace: `hostile-${process.pid}-${variant}-${group}`,
        warmUsers: 0,
      });
      const service = assembleService(parts, limits);
      const port = await service.listen(0);
      return {
        app: service.app,
        port,
        listen: (...args) => service.listen(...args),
        close: () => service.close(),
        [Symbol.asyncDispose]: () => service.close(),
      };
    }

    const statusOf = async (port: number, path: string): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      await response.arrayBuffer();
      return response.status;
    };

    /** Blocks of the pool that are out; the naive service has none. */
    const leased = async (port: number): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      const { buffers } = (await response.json()) as { buffers?: { leasedCount: number } };
      return buffers?.leasedCount ?? 0;
    };

    test('a client that is slow to send is held for its time and no longer', async () => {
      await using service = await start({ ...LIMITS, stalledMs: LONG_MS });
      const statuses = SLOW_CLIENTS.map(async ([what, head, again]) => {
        const client = new RawClient(service.port);
        client.socket.write(head);
        await client.repeat(again);
        return `${what}: ${client.status}`;
      });
      expect(await Promise.all(statuses)).toEqual(SLOW_CLIENTS.map(([what]) => `${what}: 408`));
      await vi.waitFor(async () => {
        expect(await leased(service.port)).toBe(0);
      });
      expect(await statusOf(service.port, '/users/2')).toBe(200);
    });

    test('a client that does not read its answers is cut, and nobody waits for it', async () => {
      await using service = await start({ ...LIMITS, requestMs: LONG_MS });
      const client = new RawClient(service.port);
      client.socket.pause();
      client.socket.write('GET /users/1/posts HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3));
      const connections = (): Promise<number> =>
        new Promise((resolve, reject) => {
          service.app.server.getConnections((error, count) => {
            if (error === null) resolve(count);
            else reject(error);
          });
        });
      await vi.waitFor(async () => {
        expect(await connections()).toBe(1);
      });
      // By no connection of its own, so that the only one is the one that is to go.
      expect(await service.app.inject('/users/2')).toMatchObject({ statusCode: 200 });
      await vi.waitFor(async () => {
        expect(await connections()).toBe(0);
      });
      client.socket.destroy();
    });

    test('a body without a length and without an end is refused as soon as it is too large', async () => {
      await using service = await start({ requestMs: LONG_MS, stalledMs: LONG_MS });
      const client = new RawClient(service.port);
      client.socket.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
      await client.repeat(CHUNK);
      // More came in while the service closed, so a reset may have overtaken its answer.
      expect([413, 0]).toContain(client.status);
      expect(await leased(service.port)).toBe(0);
      expect(await statusOf(service.port, '/users/2')).toBe(200);
    });

    test.each([
      ['its body', HALF_A_BODY],
      ['its headers', 'GET /users/2 HTTP/1.1\r\n'],
    ])('a client that dawdles with %s does not keep a service from closing', async (_name, text) => {
      const service = await start({ requestMs: LONG_MS, stalledMs: LONG_MS, drainMs: LIMITS.drainMs });
      const client = new RawClient(service.port);
      client.socket.write(text);
      // Both came to the same process, this one before: it is there when the answer is.
      expect(await statusOf(service.port, '/users/2')).toBe(200);
      await service.close();
      await client.closed;
    });

    test('while Postgres is away requests for it are answered 503, and afterwards as before', async () => {
      await using service = await start({}, 'away');
      await using other = await start({}, 'away');
      expect(await statusOf(service.port, '/users/2')).toBe(200);
      await proxy.refuse(true);
      proxy.cutAll();
      // One loads for both; the other hears from it that it could not.
      const paths = ['/users/3', '/users/4/posts', '/users?after=50', '/healthz'];
      const asked = [service, other].flatMap(({ port }) => paths.map((path) => statusOf(port, path)));
      expect(await Promise.all(asked)).toEqual(asked.map(() => 503));
      await proxy.refuse(false);
      await vi.waitFor(async () => {
        expect(await statusOf(service.port, '/healthz')).toBe(200);
      });
      expect(await statusOf(service.port, '/users/3')).toBe(200);
    });
  },
);
