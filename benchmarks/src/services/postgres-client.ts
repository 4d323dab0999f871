import type { Client } from 'pg';
import { ServiceRefusedError } from './errors.ts';

/** What decides how fast a Postgres may be, and so is printed beside every measurement. */
const SETTINGS_THAT_MATTER = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'shared_buffers',
  'max_connections',
];

/** What a server tells about itself. */
export interface PostgresFacts {
  readonly version: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** So long a connection or an answer may take, unless told otherwise. */
const ANSWER_TIMEOUT_MS = 10_000;
/** A busy server copies the template of a new database only after its next checkpoint. */
const CREATE_TIMEOUT_MS = 60_000;

/** Connects, hands the client to `use` and closes the connection, also when that fails. */
export async function withPostgres<T>(
  url: string,
  use: (client: Client) => Promise<T>,
  timeoutMs: number = ANSWER_TIMEOUT_MS,
): Promise<T> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // An idle connection that breaks reports it here; whoever waits for an answer is told as well.
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Asks the server for its version and settings. */
export async function readPostgres(
  url: string,
  alsoSettings: readonly string[] = [],
): Promise<PostgresFacts> {
  return await withPostgres(url, async (client) => {
    const names = ['server_version', ...new Set([...SETTINGS_THAT_MATTER, ...alsoSettings])];
    const columns = names.map((_, index) => `current_setting($${index + 1}, true) AS v${index}`);
    const { rows } = await client.query<Record<string, string | null>>(`SELECT ${columns.join(', ')}`, names);
    const [version = '', ...values] = names.map((_, index) => rows[0]?.[`v${index}`] ?? '');
    const settings = Object.fromEntries(names.slice(1).map((name, index) => [name, values[index] ?? '']));
    // Debian adds its package: `15.13 (Debian 15.13-0+deb12u1)`.
    return { version: version.split(' ', 1)[0] ?? version, settings };
  });
}

/** A database of one's own, see {@link createDatabase}. */
export interface FreshDatabase extends AsyncDisposable {
  readonly name: string;
  /** The server's URL with this database. */
  readonly url: string;
  /** Drops the database and throws out who is still connected. */
  drop(): Promise<void>;
}

let databases = 0;

/**
 * Creates an empty database on a server, so that test files which share the server cannot meet. Takes some 50 ms.
 *
 * @param url - Of the server, with a user who may create databases.
 * @throws ServiceRefusedError if it cannot be created, with the server's reason.
 *
 * @example
 * await using database = await createDatabase(inject('postgresUrl'));
 * const pool = createPool({ url: database.url });
 */
export async function createDatabase(url: string): Promise<FreshDatabase> {
  const name = `hotpath_${process.pid}_${Date.now().toString(36)}_${databases++}`;
  const own = new URL(url);
  try {
    await withPostgres(url, (client) => client.query(`CREATE DATABASE ${name}`), CREATE_TIMEOUT_MS);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new ServiceRefusedError(`Postgres at ${own.host}: no database of our own can be created: ${why}`, {
      cause,
    });
  }
  own.pathname = `/${name}`;
  const drop = async (): Promise<void> => {
    await withPostgres(
      url,
      (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
      CREATE_TIMEOUT_MS,
    );
  };
  return { name, url: own.href, drop, [Symbol.asyncDispose]: drop };
}
