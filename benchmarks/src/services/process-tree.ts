import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly zombie: boolean;
}

/** Reads `/proc/<pid>/stat`: `pid (name, which may hold anything) state ppid …`. */
function linuxRow(pid: string): ProcessRow | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // ended meanwhile
  }
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid: Number(pid), parent: Number(parent), zombie: state === 'Z' || state === 'X' };
}

/** `/proc` on Linux, where `ps` is often not installed; `ps` elsewhere. */
function processTable(): ProcessRow[] {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(linuxRow)
      .filter((row) => row !== undefined);
  }
  const listing = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' });
  return listing
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, state]) => ({
      pid: Number(pid),
      parent: Number(parent),
      zombie: state?.startsWith('Z') ?? false,
    }));
}

/** All processes below `pid`, parents before their children; a process group would miss those that call setsid. */
export function descendants(pid: number): number[] {
  const table = processTable();
  const found = [pid];
  for (const parent of found) {
    for (const row of table) if (row.parent === parent && !row.zombie) found.push(row.pid);
  }
  return found.slice(1);
}

/** Sends a signal; false when the process is gone already. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** True while the process runs; one that ended but was not reaped yet does not count. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform === 'linux') return linuxRow(String(pid))?.zombie === false;
  return !(processTable().find((row) => row.pid === pid)?.zombie ?? true);
}

/**
 * Stops (SIGSTOP) a process and everything below it, and returns them all. The parent first, so that it starts no
 * more children; then the children, again and again until no unknown one turns up.
 */
export function freezeTree(pid: number): number[] {
  const frozen = new Set<number>();
  for (let fresh: number[] = [pid]; fresh.length > 0;) {
    for (const member of fresh) {
      signal(member, 'SIGSTOP');
      frozen.add(member);
    }
    fresh = descendants(pid).filter((member) => !frozen.has(member));
  }
  return [...frozen];
}

/** Lets a frozen tree run on, children first, so that the parent finds them answering. */
export function thawTree(pid: number): void {
  for (const member of [...descendants(pid).reverse(), pid]) signal(member, 'SIGCONT');
}

/** Kills (SIGKILL) a process and everything below it at one moment, as a crash of the machine would; returns them. */
export function killTree(pid: number): number[] {
  const members = freezeTree(pid);
  for (const member of members) signal(member, 'SIGKILL');
  return members;
}
