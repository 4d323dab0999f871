// Extracts every code block of the READMEs and the guide, compiles it against the packages as built, and runs those JavaScript
// programs that need no service. Run it as `pnpm docs:check`, after a build.
//
// A block is a whole module: it imports or declares every name that it uses. One that shows a line out of its surroundings says so
// in its info string (```ts fragment) and is counted, not compiled.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
// Inside benchmarks, where every package of the suite and every client is installed.
const scratch = join(root, 'benchmarks/dist/examples');

const files = [
  'README.md',
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`),
  ...readdirSync(join(root, 'docs/guide')).map((name) => `docs/guide/${name}`),
];
const BLOCK = /^ *```(ts|typescript|js|javascript|mjs|mts)\b(.*)\n([\s\S]*?)^ *```/gm;

rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });
const whole = [];
let fragments = 0;
for (const file of files) {
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, tag, info, code] of text.matchAll(BLOCK)) {
    if (info.trim() === 'fragment') {
      fragments++;
      continue;
    }
    const language = /^m?ts|^typescript/.test(tag) ? 'ts' : 'js';
    const line = text.slice(0, text.indexOf(code)).split('\n').length;
    const name = `${file.replace(/[/.]/g, '_')}_${line}.${language === 'ts' ? 'mts' : 'mjs'}`;
    writeFileSync(join(scratch, name), `${code}\nexport {};\n`);
    whole.push({ file, line, name, language });
  }
}
writeFileSync(
  join(scratch, 'tsconfig.json'),
  JSON.stringify({
    compilerOptions: {
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      types: ['node'],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
    },
    include: ['*.mts'],
  }),
);

const failures = [];
const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', scratch, '--pretty', 'false'], {
  cwd: scratch,
  encoding: 'utf8',
});
for (const message of stdout.split('\n')) {
  if (!/^\S+\.mts\(/.test(message)) continue;
  const { file, line } = whole.find(({ name }) => message.startsWith(name)) ?? { file: message, line: 0 };
  failures.push(`${file}, block at line ${line}: ${message.replace(/^.*?: /, '')}`);
}
let ran = 0;
for (const { file, line, name, language } of whole) {
  if (language !== 'js') continue;
  const { status, stderr } = spawnSync(process.execPath, [name], {
    cwd: scratch,
    encoding: 'utf8',
    timeout: 60_000,
  });
  ran++;
  if (status !== 0)
    failures.push(`${file}, block at line ${line}: ended with ${status}: ${stderr.slice(0, 500)}`);
}
rmSync(scratch, { recursive: true, force: true });
console.log(
  `${whole.length} blocks compiled, ${ran} of them run, ${fragments} fragments left alone, ${failures.length} failures`,
);
for (const failure of failures) console.error(`FAIL  ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
