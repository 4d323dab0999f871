/** Processes on cores of their own, or on one, where the system lets us. */

import { spawnSync } from 'node:child_process';
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

/** Every core that this process may use. */
export function allCores(): string {
  return `0-${availableParallelism() - 1}`;
}
