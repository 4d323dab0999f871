// Generates the API reference of every package from its sources, then builds guide, decisions and reference as a site.
// Run it as `pnpm docs`. What it writes is not committed.

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { entryPoints } from './entry-points.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const run = (command, args) =>
  execFileSync(`${here}node_modules/.bin/${command}`, args, { cwd: here, stdio: 'inherit' });

/** The sources of each package: of its root, and of subpaths with names of their own. */
const sources = new Map();
for (const { package: name, source } of await entryPoints()) {
  sources.set(name, [...(sources.get(name) ?? []), source]);
}

rmSync(`${here}reference`, { recursive: true, force: true });
for (const [name, entries] of sources) {
  run('typedoc', [
    '--plugin',
    'typedoc-plugin-markdown',
    '--tsconfig',
    `../packages/${name}/tsconfig.json`,
    // The compiler that checks the sources is another one.
    '--skipErrorChecking',
    '--excludeInternal',
    '--name',
    `@hotpath/${name}`,
    '--readme',
    'none',
    '--entryFileName',
    'index',
    '--out',
    `reference/${name}`,
    '--logLevel',
    'Error',
    ...entries,
  ]);
}
run('vitepress', ['build', '.']);
