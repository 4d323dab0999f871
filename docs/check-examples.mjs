// Extracts every code block of the READMEs and the guide, compiles it against the packages as built, and runs it to its end,
// against a real Postgres and Redis. Run it as `pnpm docs:check`, after a build.
//
// A block is a whole module: it imports or declares every name that it uses. What a reader has (a table `users`, a file
// `app.log`) is made here. The info string tells exceptions: ```ts fragment shows a line out of its surroundings and is left
// alone; ```ts compile needs what only a reader has (another host, a terminal) and is not run.

import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
// Inside benchmarks, where every package of the suite and every client is installed.
const scratch = join(root, 'benchmarks/dist/examples');
const fixtures = join(root, 'docs/fixtures');
const RUN_TIMEOUT_MS = 60_000;

const BLOCK = /^ *```(ts|typescript|js|javascript|mjs|mts)\b(.*)\n([\s\S]*?)^ *```/gm;
const EXCEPTIONS = ['fragment', 'compile'];

function blocksOf(file) {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(BLOCK)].map(([, tag, info, code]) => {
    const extension = /^m?ts|^typescript/.test(tag) ? 'mts' : 'mjs';
    const line = text.slice(0, text.indexOf(code)).split('\n').length;
    const name = `${file.replace(/[/.]/g, '_')}_${line}`;
    return { where: `${file}, block at line ${line}`, name, extension, code, exception: info.trim() };
  });
}

/** Writes the blocks and compiles them beside themselves. */
function compile(blocks) {
  for (const { name, extension, code } of blocks)
    writeFileSync(join(scratch, `${name}.${extension}`), `${code}\nexport {};\n`);
  writeFileSync(
    join(scratch, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable'],
        module: 'nodenext',
        types: ['node'],
        strict: true,
        skipLibCheck: true,
        // Node 20 loads no TypeScript.
        noEmitOnError: false,
      },
      include: ['*.mts'],
    }),
  );
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', scratch, '--pretty', 'false'], {
    cwd: scratch,
    encoding: 'utf8',
  });
  return stdout.split('\n').flatMap((message) => {
    if (!/^\S+\.mts\(/.test(message)) return [];
    const block = blocks.find(({ name }) => message.startsWith(`${name}.`));
    return [`${block?.where ?? message}: ${message.replace(/^.*?: /, '')}`];
  });
}

/** Runs a compiled block in a folder of its own, as a program that ends when its last line has. */
function run({ name, where }, env) {
  const folder = join(scratch, `run-${name}`);
  cpSync(fixtures, folder, { recursive: true });
  const ended = `import('../${name}.mjs').then(() => process.exit(0))`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', ended], {
    cwd: folder,
    env: { ...process.env, ...env },
    timeout: RUN_TIMEOUT_MS,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  return new Promise((resolve) => {
    child.once('close', (status, signal) => {
      resolve(status === 0 ? [] : [`${where}: ended with ${status ?? signal}: ${said.slice(0, 600)}`]);
    });
  });
}

/** @returns the environment that leads to them, for those who name a URL and for those who name nothing. */
async function makeTables(url) {
  const { default: pg } = await import(createRequire(join(root, 'benchmarks/package.json')).resolve('pg'));
  const client = new pg.Client(url);
  await client.connect();
  await client.query(readFileSync(join(fixtures, 'tables.sql'), 'utf8'));
  await client.end();
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    DATABASE_URL: url,
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: pathname.slice(1),
  };
}

async function runAll(blocks) {
  const { connectServices, createDatabase, describeMissing } =
    await import('../benchmarks/dist/services/index.js');
  const services = await connectServices({ postgres: true, redis: true, durable: false });
  try {
    if (services.missing.length > 0) {
      console.error(describeMissing(services.missing));
      return ['the examples need both services'];
    }
    const database = await createDatabase(services.postgres.url);
    const env = { ...(await makeTables(database.url)), REDIS_URL: services.redis.url };
    const queue = blocks.values();
    const failures = [];
    const workers = Array.from({ length: availableParallelism() }, async () => {
      for (const block of queue) failures.push(...(await run(block, env)));
    });
    await Promise.all(workers);
    return failures;
  } finally {
    await services.stop();
  }
}

const files = [
  'README.md',
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`),
  ...readdirSync(join(root, 'docs/guide')).map((name) => `docs/guide/${name}`),
];
const all = files.flatMap(blocksOf);
const whole = all.filter(({ exception }) => exception !== 'fragment');
const runnable = whole.filter(({ exception }) => exception === '');

rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });
// What a block names relative to itself.
cpSync(fixtures, scratch, { recursive: true });
const failures = all.flatMap(({ exception, where }) =>
  exception === '' || EXCEPTIONS.includes(exception) ? [] : [`${where}: unknown info string ${exception}`],
);
failures.push(...compile(whole));
if (failures.length === 0) failures.push(...(await runAll(runnable)));
rmSync(scratch, { recursive: true, force: true });

const counts = [
  `${whole.length} blocks compiled`,
  `${runnable.length} of them run`,
  `${all.length - whole.length} fragments left alone`,
  `${failures.length} failures`,
];
console.log(counts.join(', '));
for (const failure of failures) console.error(`FAIL  ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
