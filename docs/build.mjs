// Generates the API reference of every package from its sources, then builds guide, decisions and reference as a site.
// Run it as `pnpm docs`. What it writes is not committed.

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { entryPoints } from './entry-points.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const run = (command, args) =>
  execFileSync(`${here}node_modules/.bin/${command}`, args, { cwd: here, stdio: 'inherit' });

rmSync(`${here}reference`, { recursive: true, force: true });
for (const { package: name, folder, subpath, source } of await entryPoints()) {
  run('typedoc', [
    '--plugin',
    'typedoc-plugin-markdown',
    '--tsconfig',
    `${folder}/tsconfig.json`,
    // The compiler that checks the sources is another one.
    '--skipErrorChecking',
    '--excludeInternal',
    '--name',
    subpath === '' ? `@hotpath/${name}` : `@hotpath/${name}/${subpath}`,
    '--readme',
    'none',
    '--entryFileName',
    'index',
    '--out',
    `reference/${subpath === '' ? name : `${name}-${subpath}`}`,
    '--logLevel',
    'Error',
    source,
  ]);
}
run('vitepress', ['build', '.']);
