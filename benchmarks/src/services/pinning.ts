/** Processes on cores of their own, or on one, where the system lets us. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Whether processes can be pinned: Linux with `taskset`, and a core to spare. */
export function canPin(): boolean {
  return availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0;
}

/** Moves a process with its threads, and the children that it will have, to these cores. @returns whether it could. */
export function pin(pid: number, cores: string): boolean {
  return spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)]).status === 0;
}

/** As {@link pin}, of the first thread alone and those that it starts from now on: V8's helpers stay where they are. */
export function pinMainThread(pid: number, cores: string): boolean {
  return spawnSync('taskset', ['-c', '-p', cores, String(pid)]).status === 0;
}

/** As {@link pin}, for a while. @returns what puts the process back where it was; nothing when it could not be moved. */
export function pinForNow(pid: number, cores: string): (() => void) | undefined {
  const before = coresOf(pid);
  if (before === undefined || !pin(pid, cores)) return undefined;
  return () => {
    pin(pid, before);
  };
}

/** Those that a process may use, `0-1` or `0,2-3`; of its first thread. */
function coresOf(pid: number): string | undefined {
  try {
    return /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    // It has ended.
    return undefined;
  }
}
