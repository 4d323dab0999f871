import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { isExecutable, which } from './executable.ts';
import { withHome, leaveHome, type Home } from './server.ts';
import type { RunResult } from './watchdog-protocol.ts';

const PACKAGE = 'redis-server';
const BINARY = 'usr/bin/redis-server';
const VERSION_TIMEOUT_MS = 10_000;
/** A machine without a network finds out at once as a rule; a firewall that swallows all makes apt wait this long. */
const UPDATE_TIMEOUT_MS = 60_000;
const DOWNLOAD_TIMEOUT_MS = 120_000;
const UNPACK_TIMEOUT_MS = 30_000;

/** Redis from Debian's archive, or why it cannot be had. */
export type DebianRedis =
  | {
      readonly ok: true;
      readonly command: string;
      readonly env: Readonly<Record<string, string>>;
      readonly source: string;
    }
  | { readonly ok: false; readonly reason: string };

/** Folders below `root` that hold shared libraries. */
function libraryFolders(root: string): string[] {
  const folders: string[] = [];
  for (const top of ['usr/lib', 'lib']) {
    const base = join(root, top);
    if (!existsSync(base)) continue;
    for (const folder of [base, ...readdirSync(base).map((name) => join(base, name))]) {
      try {
        if (readdirSync(folder).some((name) => name.includes('.so'))) folders.push(folder);
      } catch {
        // a file
      }
    }
  }
  return folders;
}

/** `debian-12-x64`: packages of one release may not run on another, and a home may be shared. */
function releaseName(): string {
  let text = '';
  try {
    text = readFileSync('/etc/os-release', 'utf8');
  } catch {
    // unknown, but apt-get is there
  }
  const field = (name: string): string =>
    new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(text)?.[1] ?? 'unknown';
  return `${field('ID')}-${field('VERSION_ID')}-${process.arch}`;
}

/** Everything apt writes goes below `work`; only its list of sources and of installed packages is the system's. */
function aptOptions(work: string): string[] {
  const settings = {
    'Dir::State': join(work, 'state'),
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(work, 'cache'),
    'Dir::Log': join(work, 'log'),
    // The download's own user could not enter our folder, and the locks are those of the system's folders.
    'APT::Sandbox::User': '',
    'Debug::NoLocking': '1',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '10',
    'Acquire::https::Timeout': '10',
  };
  return ['-q', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

function environment(): Record<string, string> {
  const passed = ['PATH', 'http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
  const env: Record<string, string> = { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  for (const name of passed) if (process.env[name] !== undefined) env[name] = process.env[name];
  return env;
}

function run(home: Home, timeoutMs: number, command: string, ...args: string[]): Promise<RunResult> {
  return home.watchdog.request({
    op: 'run',
    timeoutMs,
    spec: { command, args, env: environment(), cwd: home.folder },
  });
}

/** Uses what is in `root` if it runs. */
async function tryRoot(home: Home, root: string): Promise<DebianRedis> {
  const command = join(root, BINARY);
  if (!isExecutable(command)) return { ok: false, reason: `${command} is not there` };
  const env = { LD_LIBRARY_PATH: libraryFolders(root).join(':') };
  const { code, stderr } = await home.watchdog.request({
    op: 'run',
    timeoutMs: VERSION_TIMEOUT_MS,
    spec: { command, args: ['--version'], env, cwd: home.folder },
  });
  if (code !== 0) return { ok: false, reason: `${command} does not run: ${stderr.trim()}` };
  return { ok: true, command, env, source: `Debian’s package, unpacked in ${root}` };
}

/** Fetches the package and those that it needs and this system lacks, and unpacks them into `root`. */
async function fetchInto(home: Home, root: string): Promise<string | undefined> {
  const work = home.folder;
  for (const folder of ['state', 'lists/partial', 'cache/archives/partial', 'log'])
    mkdirSync(join(work, folder), { recursive: true });
  const options = aptOptions(work);
  // One dead source of several makes the update fail; whether the rest suffices shows in the download.
  const update = await run(home, UPDATE_TIMEOUT_MS, 'apt-get', ...options, 'update');
  const install = ['install', '-y', '--download-only', '--no-install-recommends', PACKAGE];
  const download = await run(home, DOWNLOAD_TIMEOUT_MS, 'apt-get', ...options, ...install);
  if (download.code !== 0)
    return `apt-get cannot fetch ${PACKAGE}: ${complaint(update.stderr) ?? complaint(download.stderr) ?? 'no reason given'}`;
  const archives = join(work, 'cache/archives');
  const packages = readdirSync(archives).filter((name) => name.endsWith('.deb'));
  if (packages.length === 0)
    return `apt-get fetched nothing: ${PACKAGE} seems to be installed, yet is not on the PATH`;
  for (const name of packages) {
    const { code, stderr } = await run(home, UNPACK_TIMEOUT_MS, 'dpkg-deb', '-x', join(archives, name), root);
    if (code !== 0) return `dpkg-deb cannot unpack ${name}: ${lastLine(stderr)}`;
  }
  return undefined;
}

/** The first thing that apt-get warns of: what follows follows from it. */
function complaint(stderr: string): string | undefined {
  const lines = stderr.split('\n').map((line) => line.trim());
  return lines.find((line) => /^[WE]: /.test(line))?.slice('W: '.length) ?? (lastLine(stderr) || undefined);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/**
 * Puts a finished tree in its place in one step. Of two runs that do so at once the first wins and the second uses
 * what it finds; a broken tree in the place is moved out of the way, to be removed with the work folder.
 */
async function publish(home: Home, fresh: string, place: string): Promise<DebianRedis> {
  for (let attempt = 1; ; attempt++) {
    try {
      renameSync(fresh, place);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
    const found = await tryRoot(home, place);
    if (found.ok || attempt === 2 || !existsSync(fresh)) return found;
    try {
      renameSync(place, join(home.folder, 'broken'));
    } catch {
      // somebody else moved it first
    }
  }
}

/** One download a process, however many servers start at once. */
let finding: Promise<DebianRedis> | undefined;

/**
 * Redis from Debian's (or Ubuntu's) archive without root: fetched and unpacked once, some 4 s, into the cache folder,
 * where every later run finds it. Touches nothing of the system's package management.
 */
export async function findDebianRedis(): Promise<DebianRedis> {
  finding ??= find().catch((error: unknown) => ({
    ok: false,
    reason: `Debian’s cannot be unpacked: ${String(error)}`,
  }));
  const found = await finding;
  if (!found.ok || !existsSync(found.command)) finding = undefined;
  return found.ok && finding === undefined ? await findDebianRedis() : found;
}

/** Folders of runs whose watchdog was killed before it could remove them; whoever still works is younger. */
function sweepAbandoned(cache: string): void {
  const DAY_MS = 24 * 60 * 60 * 1000;
  for (const name of readdirSync(cache).filter((name) => name.startsWith('hotpath-'))) {
    const path = join(cache, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > DAY_MS) rmSync(path, { recursive: true, force: true });
  }
}

async function find(): Promise<DebianRedis> {
  if (which('apt-get') === undefined || which('dpkg-deb') === undefined)
    return { ok: false, reason: 'there is no apt-get here to fetch Debian’s with' };
  const cache = cacheFolder();
  if (cache === undefined)
    return {
      ok: false,
      reason: 'there is no folder to keep Debian’s in: neither the home nor the temporary one',
    };
  const place = join(cache, `redis-${releaseName()}`);
  sweepAbandoned(cache);
  // In the cache folder, so that the last step is a rename within one file system.
  return await withHome({ parent: cache }, async (home) => {
    let found = await tryRoot(home, place);
    if (!found.ok) {
      const fresh = join(home.folder, 'root');
      const failure = await fetchInto(home, fresh);
      found = failure === undefined ? await tryRoot(home, fresh) : { ok: false, reason: failure };
      if (found.ok) found = await publish(home, fresh, place);
    }
    await leaveHome(home.watchdog, home.folder);
    return found;
  });
}
