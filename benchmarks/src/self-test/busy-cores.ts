/** Load on purpose: a process on every core that never rests. */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Starts as many busy loops as there are cores; what disposes of the result ends them.
 *
 * @param guard told of each, to end it when this process is killed.
 */
export function occupyCores(
  execPath: string,
  cores: number,
  guard: (child: ChildProcess) => void,
): AsyncDisposable {
  const loops = Array.from({ length: cores }, () => {
    const loop = spawn(execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
    guard(loop);
    return { loop, ended: once(loop, 'exit') };
  });
  return {
    async [Symbol.asyncDispose]() {
      for (const { loop } of loops) loop.kill('SIGKILL');
      await Promise.all(loops.map(({ ended }) => ended));
    },
  };
}
