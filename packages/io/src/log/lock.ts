import { createHash, randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { LogLockedError } from '../errors.ts';

/** Who holds a log. `started` tells a process from a later one that was given the same pid. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly started: string;
}

/** How often a lock may go or change hands under our eyes before we call it held. */
const MAX_ATTEMPTS = 5;

/**
 * A file beside the log with the pid of its writer. It catches the common mistake of two writers; it is no defence
 * against processes that ignore it, or that see neither each other's pids nor host.
 *
 * The file comes into being whole, by a hard link, so that nobody reads half of it. A lock whose process is gone is
 * replaced only by who holds the claim on it: a lock of its own, named for the content of the stale one. Renaming
 * without it lets a slow contender move a fresh lock away. A claim whose process is gone is taken over the same way.
 */
export class LogLock {
  readonly #path: string;
  readonly #content: string;

  private constructor(path: string, content: string) {
    this.#path = path;
    this.#content = content;
  }

  /** @throws {LogLockedError} a process that lives holds it */
  static async acquire(logPath: string): Promise<LogLock> {
    const path = `${logPath}.lock`;
    const holder: Holder = { pid: process.pid, host: hostname(), started: await startOf(process.pid) };
    const content = `${JSON.stringify({ ...holder, id: randomUUID() })}\n`;
    const draft = `${path}.${process.pid}.${randomUUID()}`;
    try {
      await writeFile(draft, content, { flag: 'wx' });
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        try {
          await link(draft, path);
          return new LogLock(path, content);
        } catch (error) {
          if (codeOf(error) !== 'EEXIST') throw error;
        }
        if (await replaceIfStale(path, draft, logPath)) return new LogLock(path, content);
      }
      throw new LogLockedError(logPath, undefined);
    } finally {
      // The lock, or the first error, is the one to tell.
      await rm(draft, { force: true }).catch(() => {});
    }
  }

  /** Removes the file, if it is still ours. */
  async release(): Promise<void> {
    if ((await readIfThere(this.#path)) === this.#content) await rm(this.#path, { force: true });
  }
}

/**
 * Puts `draft` in the place of a lock whose process is gone; false when the lock went or changed meanwhile.
 *
 * @throws {LogLockedError} a process that lives holds the lock, or is about to
 */
async function replaceIfStale(path: string, draft: string, logPath: string): Promise<boolean> {
  const content = await readIfThere(path);
  if (content === undefined) return false;
  const holder = parse(content);
  if (holder !== undefined && (await isAlive(holder))) throw new LogLockedError(logPath, holder.pid);
  const claim = await claimOn(path, content, logPath);
  try {
    // Who held the claim before us may have replaced it already.
    if ((await readIfThere(path)) !== content) return false;
    await rename(draft, path);
    return true;
  } finally {
    await claim.release();
  }
}

async function claimOn(path: string, content: string, logPath: string): Promise<LogLock> {
  const name = createHash('sha256').update(content).digest('hex').slice(0, 16);
  try {
    return await LogLock.acquire(`${path}.${name}`);
  } catch (error) {
    throw error instanceof LogLockedError ? new LogLockedError(logPath, error.pid) : error;
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  // Of another host nothing can be known, so its lock stands.
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives and is somebody else's.
    if (codeOf(error) !== 'EPERM') return false;
  }
  return (await startOf(holder.pid)) === holder.started;
}

/** When a process started, as Linux tells it: the boot and the ticks since; empty where there is no such thing. */
async function startOf(pid: number): Promise<string> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  const boot = await readIfThere('/proc/sys/kernel/random/boot_id');
  if (stat === undefined || boot === undefined) return '';
  // Field 22; the second, the name, may hold spaces and ends at the last parenthesis.
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return `${boot.trim()}/${ticks}`;
}

function parse(content: string): Holder | undefined {
  try {
    const { pid, host, started } = JSON.parse(content) as Partial<Holder>;
    if (Number.isInteger(pid) && pid! > 0 && typeof host === 'string' && typeof started === 'string') {
      return { pid: pid!, host, started };
    }
  } catch {
    // Not ours, or cut short by a power failure: nobody who lives wrote it.
  }
  return undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
