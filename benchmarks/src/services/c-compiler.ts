import { spawnSync } from 'node:child_process';

/** Why no C can be compiled here, or `undefined`. Asks the compiler for its version. */
export function compilerMissing(): string | undefined {
  const { status } = spawnSync('cc', ['--version'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'there is no C compiler (cc) on the PATH';
}
