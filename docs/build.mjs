// Generates the API reference of every package from its sources, then builds guide, decisions and reference as a site.
// Run it as `pnpm docs`. What it writes is not committed.

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const run = (command, args) =>
  execFileSync(`${here}node_modules/.bin/${command}`, args, { cwd: here, stdio: 'inherit' });

rmSync(`${here}reference`, { recursive: true, force: true });
for (const name of ['memory', 'cpu', 'io', 'database', 'cache', 'profile']) {
  run('typedoc', [
    '--plugin',
    'typedoc-plugin-markdown',
    '--tsconfig',
    `../packages/${name}/tsconfig.json`,
    // The compiler that checks the sources is another one.
    '--skipErrorChecking',
    '--readme',
    'none',
    '--entryFileName',
    'index',
    '--out',
    `reference/${name}`,
    '--logLevel',
    'Error',
    `../packages/${name}/src/index.ts`,
  ]);
}
run('vitepress', ['build', '.']);
