import type { Redis } from 'ioredis';

/** What decides how a Redis behaves, and so is printed beside every measurement. */
const SETTINGS_THAT_MATTER = ['maxmemory', 'maxmemory-policy', 'appendonly', 'appendfsync', 'save'];

/** What a server tells about itself. */
export interface RedisFacts {
  /** `redis` or `valkey`. */
  readonly product: string;
  readonly version: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** So long a connection or an answer may take. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Connects once, without retries, hands the client to `use` and closes the connection, also when that fails. */
export async function withRedis<T>(url: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const { Redis } = await import('ioredis');
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: ANSWER_TIMEOUT_MS,
    commandTimeout: ANSWER_TIMEOUT_MS,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
  });
  // connect() rejects with "Connection is closed." and tells the reason to this listener alone.
  let reason: Error | undefined;
  client.on('error', (error: Error) => {
    reason ??= error;
  });
  try {
    await client.connect();
    return await use(client);
  } catch (error) {
    throw reason ?? error;
  } finally {
    client.disconnect();
  }
}

/** Reads a `field:value` list as INFO and CLUSTER INFO give it. */
export function parseInfo(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
}

/** Asks the server for its version and settings; a hosted server that keeps CONFIG to itself gives none. */
export async function readRedis(url: string): Promise<RedisFacts> {
  return await withRedis(url, async (client) => {
    const info = parseInfo(await client.info('server'));
    const settings: Record<string, string> = {};
    try {
      for (const name of SETTINGS_THAT_MATTER) {
        const [, value] = await client.config('GET', name);
        if (value !== undefined) settings[name] = value;
      }
    } catch {
      // CONFIG is renamed or forbidden
    }
    const product = info['valkey_version'] === undefined ? 'redis' : 'valkey';
    return { product, version: info['valkey_version'] ?? info['redis_version'] ?? 'unknown', settings };
  });
}
