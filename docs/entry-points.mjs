// What a user can import: of each package its root, and each subpath with something that the root has not. Needs a build.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const PACKAGES = ['memory', 'cpu', 'io', 'database', 'cache', 'profile'];

/** @returns a list of { package, folder, subpath ('' is the root), types (the declarations), source } */
export async function entryPoints() {
  const found = [];
  for (const name of PACKAGES) {
    const folder = `${root}packages/${name}`;
    const { exports } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
    const known = new Set(Object.keys(await import(`${folder}/${exports['.'].default}`)));
    for (const [path, target] of Object.entries(exports)) {
      if (path === './package.json') continue;
      const names = Object.keys(await import(`${folder}/${target.default}`));
      if (path !== '.' && names.every((each) => known.has(each))) continue;
      found.push({
        package: name,
        folder,
        subpath: path.slice(2),
        types: `${folder}/${target.types.slice(2)}`,
        source: `${folder}/${target.types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts')}`,
      });
    }
  }
  return found;
}
