// Packs every public package as it would be published and holds the tarball against what users meet:
// publint (manifest), are-the-types-wrong (types), an install in an empty project, an import and a require of it and of
// each of its subpaths, with the optional peers that some of them adapt to.
// Run it as `pnpm pack:check`, which puts the pinned pnpm on the path.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'hotpath-pack-'));
const bin = (name) => join(root, 'node_modules/.bin', name);
let failures = 0;

/** Runs a check; its output is shown only when it fails. */
function check(label, command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (status === 0) {
    console.log(`ok    ${label}`);
    return;
  }
  failures++;
  console.log(`FAIL  ${label}\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
}

/** What needs no other program. */
function expect(label, holds) {
  if (!holds) failures++;
  console.log(`${holds ? 'ok   ' : 'FAIL '} ${label}`);
}

/** KiB that each package's tarball may have, so that a stray file or a fat dependency shows. Raise one on purpose only. */
const PACKED_KIB_MAX = { memory: 400, cpu: 300, io: 250, database: 350, cache: 300, profile: 250 };
const FILES_NEEDED = [
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'package.json',
  'dist/index.js',
  'dist/index.d.ts',
];

/** `require` of an ES module works without a flag from Node 20.19 on. */
const usage = (name) => ({
  import: [
    '--input-type=module',
    '-e',
    `const it = await import('${name}'); if (Object.keys(it).length === 0) process.exit(1)`,
  ],
  require: ['-e', `if (Object.keys(require('${name}')).length === 0) process.exit(1)`],
});

/** `.` and every subpath, as users write them. */
const specifiersOf = (name, exports) =>
  Object.keys(exports)
    .filter((key) => key !== './package.json')
    .map((key) => name + key.slice(1));

try {
  const tarballs = {};
  const specifiers = [];
  const peers = {};
  const packages = readdirSync(join(root, 'packages'));
  for (const directory of packages) {
    const cwd = join(root, 'packages', directory);
    const manifest = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
    const { name, version } = manifest;
    specifiers.push(...specifiersOf(name, manifest.exports));
    Object.assign(peers, manifest.peerDependencies);
    execFileSync('pnpm', ['pack', '--pack-destination', scratch], { cwd, stdio: 'ignore' });
    const tarball = join(scratch, `${name.slice(1).replace('/', '-')}-${version}.tgz`);
    tarballs[name] = tarball;
    const packedKib = Math.ceil(statSync(tarball).size / 1024);
    expect(
      `${name} takes ${packedKib} KiB of ${PACKED_KIB_MAX[directory]}`,
      packedKib <= PACKED_KIB_MAX[directory],
    );
    const packed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).split('\n');
    const missing = FILES_NEEDED.filter((file) => !packed.includes(`package/${file}`));
    expect(
      `${name} has its licence, manual and entry${missing.map((file) => `, but no ${file}`).join('')}`,
      missing.length === 0,
    );
    const { access, provenance } = manifest.publishConfig ?? {};
    expect(`${name} is published for all, with its provenance`, access === 'public' && provenance === true);
    check(`publint ${name}`, bin('publint'), ['run', '--strict', tarball]);
    check(`attw ${name}`, bin('attw'), ['--profile', 'esm-only', tarball]);
  }

  // One empty project with all tarballs: each package then finds its siblings there and not in a registry.
  const project = join(scratch, 'project');
  mkdirSync(project);
  const dependencies = Object.fromEntries(
    Object.entries(tarballs).map(([name, path]) => [name, `file:${path}`]),
  );
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({
      name: 'consumer',
      private: true,
      dependencies: { ...peers, ...dependencies },
      overrides: dependencies,
    }),
  );
  check('npm install of the tarballs', 'npm', ['install', '--no-audit', '--no-fund', '--omit=dev'], {
    cwd: project,
  });
  for (const name of specifiers) {
    for (const [kind, args] of Object.entries(usage(name)))
      check(`${kind} ${name}`, process.execPath, args, { cwd: project });
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;
