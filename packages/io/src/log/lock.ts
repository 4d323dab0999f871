import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { LogLockedError } from '../errors.ts';

/** Who holds a log. `started` tells a process from a later one that was given the same pid. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly started: string;
}

/** Stale locks that may have to be moved away before ours fits: one, and others that raced with us. */
const MAX_ATTEMPTS = 5;

/**
 * A file beside the log with the pid of its writer. It catches the common mistake of two writers; it is no defence
 * against processes that ignore it, or that see neither each other's pids nor host.
 *
 * The file comes into being whole, by a hard link, so that nobody reads half of it. A lock whose process is gone is
 * moved away by a rename, which one of several contenders wins.
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
    await writeFile(draft, content, { flag: 'wx' });
    try {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        try {
          await link(draft, path);
          return new LogLock(path, content);
        } catch (error) {
          if (codeOf(error) !== 'EEXIST') throw error;
        }
        await removeIfStale(path, logPath);
      }
      throw new LogLockedError(logPath, undefined);
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** Removes the file, if it is still ours. */
  async release(): Promise<void> {
    if ((await readIfThere(this.#path)) === this.#content) await rm(this.#path, { force: true });
  }
}

async function removeIfStale(path: string, logPath: string): Promise<void> {
  const content = await readIfThere(path);
  if (content === undefined) return;
  const holder = parse(content);
  if (holder !== undefined && (await isAlive(holder))) throw new LogLockedError(logPath, holder.pid);
  const aside = `${path}.${process.pid}.${randomUUID()}.stale`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    // Somebody was faster, and what was moved is the new lock: it goes back.
    if ((await readIfThere(aside)) !== content) await link(aside, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    await unlink(aside);
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
