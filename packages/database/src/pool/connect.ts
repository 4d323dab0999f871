import type { Socket } from 'node:net';
import { parse } from 'pg-connection-string';
import { ConnectError } from '../errors.ts';
import type { ConnectOptions, ResolvedOptions } from './options.ts';
import { type PgClient, PgClientClass } from './pg-internals.ts';
import { plainSocket } from './plain.ts';
import { reusingSocket } from './reusing-socket.ts';

/** Time between keep-alive probes on a silent connection. */
const KEEP_ALIVE_MS = 30_000;

/**
 * Connects, by `pg`: it knows TLS and every way to prove who we are. When the server is ready, `use` takes the client over, before
 * anything else can happen to it.
 *
 * @throws {ConnectError} when that fails, takes longer than `connectTimeoutMs` or is aborted.
 */
export function connect<Taken>(
  options: ResolvedOptions,
  signal: AbortSignal,
  use: (client: PgClient, socket: Socket) => Taken,
): Promise<Taken> {
  return new Promise((resolve, reject) => {
    const { clock } = options;
    const own = options.plain ? plainSocket() : undefined;
    const reusing = reusingSocket();
    const client = new PgClientClass({
      ...clientConfig(options.connect),
      ...(own?.config ?? { stream: reusing.stream }),
    });
    let settled = false;
    const settle = (): void => {
      settled = true;
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (cause: unknown): void => {
      if (settled) return;
      settle();
      (own?.socket ?? client.connection.stream).destroy();
      reject(new ConnectError(addressOf(client), cause));
    };
    const onAbort = (): void => {
      fail(signal.reason);
    };
    signal.addEventListener('abort', onAbort);
    const timer = clock.setTimeout(() => {
      fail(new ConnectTimeout(options.connectTimeoutMs));
    }, options.connectTimeoutMs);
    // Also keeps an error after this from being thrown by the emitter.
    client.on('error', fail);
    client.connect((error) => {
      if (error) {
        fail(error);
        return;
      }
      if (settled) return;
      settle();
      resolve(use(client, own?.socket ?? client.connection.stream));
      reusing.reuse();
    });
  });
}

class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(timeoutMs: number) {
    super(`no connection within ${timeoutMs} ms`);
  }
}

/**
 * Options of `pg` for a client to the same server.
 *
 * The connection string is not left to `pg`: what it does not say comes out as an empty text or null, which `pg` takes for said, and a
 * password that is given beside it would be lost.
 */
export function clientConfig(options: ConnectOptions): object {
  const config: Record<string, unknown> = {
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
  for (const name of ['host', 'port', 'user', 'password', 'database', 'ssl'] as const) {
    if (options[name] !== undefined) config[name] = options[name];
  }
  if (options.applicationName !== undefined) config['application_name'] = options.applicationName;
  if (options.connectionString !== undefined) {
    for (const [name, value] of Object.entries(parse(options.connectionString))) {
      if (value !== undefined && value !== null && value !== '') config[name] = value;
    }
  }
  return config;
}

/** Host and port, which is all of the address that a message may show. */
function addressOf(client: PgClient): string {
  return client.host.startsWith('/')
    ? `${client.host}/.s.PGSQL.${client.port}`
    : `${client.host}:${client.port}`;
}
