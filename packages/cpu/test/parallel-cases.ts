/** What the tests of parallel maps share. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { TaskModule } from '@hotpath/cpu';

import { crunch } from './parallel-tasks.ts';

export const numbers = (name: string): TaskModule & { readonly module: URL } => ({
  module: new URL('./tasks/numbers.mjs', import.meta.url),
  export: name,
});

export const failing = (name: string): TaskModule => ({
  module: new URL('./tasks/failing.mjs', import.meta.url),
  export: name,
});

/** Long enough that threads are used: about 20 ms of one thread. */
export const LONG = 4000;
export const items: number[] = Array.from({ length: LONG }, (_, i) => i - 1000);
export const expected: number[] = items.map(crunch);

/** What a program prints that runs in a process of its own, in the package's folder. */
export function run(flags: string[], program: string): string {
  return execFileSync(process.execPath, [...flags, '--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    timeout: 30_000,
  }).trim();
}
