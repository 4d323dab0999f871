/** Load on purpose: a process on every core that never rests. */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface BusyCores extends AsyncDisposable {
  /** Loops that run: fewer than were asked for when one could not be started, or has ended since. */
  running(): number;
}

/**
 * Starts as many busy loops as there are cores; what disposes of the result ends them.
 *
 * @param guard told of each, to end it when this process is killed.
 */
export function occupyCores(
  execPath: string,
  cores: number,
  guard: (child: ChildProcess) => void,
): BusyCores {
  const loops = Array.from({ length: cores }, () => {
    const loop = spawn(execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
    guard(loop);
    // One that cannot be started has ended.
    return { loop, ended: once(loop, 'exit').catch(() => {}) };
  });
  return {
    running: () =>
      loops.filter(({ loop }) => loop.pid !== undefined && loop.exitCode === null && loop.signalCode === null)
        .length,
    async [Symbol.asyncDispose]() {
      for (const { loop } of loops) loop.kill('SIGKILL');
      await Promise.all(loops.map(({ ended }) => ended));
    },
  };
}
