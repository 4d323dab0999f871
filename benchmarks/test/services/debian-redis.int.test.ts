import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, type TestContext } from 'vitest';
import { which } from '../../dist/services/executable.js';

const FIXTURE = fileURLToPath(new URL('./fixtures/debian-redis.mjs', import.meta.url));
const noApt = which('apt-get') === undefined || which('dpkg-deb') === undefined;
const run = promisify(execFile);

interface Found {
  readonly ok: boolean;
  readonly reason?: string;
  readonly command: string;
  readonly version: string;
}

let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'debian-redis-test-'));
  chmodSync(cache, 0o755);
});
afterEach(() => {
  rmSync(cache, { recursive: true, force: true });
});

/** In a process of its own; skips the test where the archive cannot be reached. */
async function find(context: TestContext, env: Readonly<Record<string, string>>): Promise<Found> {
  const { stdout } = await run(process.execPath, [FIXTURE], { env: { ...process.env, ...env } });
  const found = JSON.parse(stdout) as Found;
  if (found.reason?.includes('apt-get cannot fetch') === true) context.skip(found.reason);
  expect(found).toMatchObject({ ok: true });
  return found;
}

test.skipIf(noApt)('two first runs at once share one tree, and a later run finds it', async (context) => {
  const env = { XDG_CACHE_HOME: cache };
  const both = await Promise.all([find(context, env), find(context, env)]);
  expect(both[0].version).toMatch(/^Redis server v=\d/);
  expect(both[1]).toEqual(both[0]);
  const [tree, ...others] = readdirSync(join(cache, 'hotpath'));
  expect(others).toEqual([]); // no work folder is left
  const { mtimeMs } = statSync(join(cache, 'hotpath', tree!));
  expect(await find(context, env)).toEqual(both[0]);
  expect(statSync(join(cache, 'hotpath', tree!)).mtimeMs).toBe(mtimeMs);
});

test.skipIf(noApt)('a tree that does not run is replaced', async (context) => {
  const env = { XDG_CACHE_HOME: cache };
  const { command } = await find(context, env);
  rmSync(command); // a link to the binary of redis-tools
  writeFileSync(command, 'broken', { mode: 0o755 });
  expect((await find(context, env)).version).toMatch(/^Redis server/);
  expect(readdirSync(join(cache, 'hotpath'))).toHaveLength(1);
});

test.skipIf(noApt)(
  'where the home cannot be written, the temporary folder keeps the tree',
  async (context) => {
    const home = join(cache, 'file, not a folder');
    writeFileSync(home, '');
    const temporary = join(cache, 'tmp');
    mkdirSync(temporary);
    const found = await find(context, { HOME: home, XDG_CACHE_HOME: join(home, 'x'), TMPDIR: temporary });
    expect(found.command.startsWith(temporary)).toBe(true);
    expect(found.version).toMatch(/^Redis server/);
  },
);

test('without apt-get the reason says so', async () => {
  const { stdout } = await run(process.execPath, [FIXTURE], { env: { ...process.env, PATH: cache } });
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    reason: expect.stringContaining('apt-get') as string,
  });
});
