import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, watch } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startRedis, WatchdogError } from '../../dist/services/index.js';
import { descendants } from '../../dist/services/process-tree.js';
import { postgresMissing, redisMissing } from './availability.ts';
import { leftovers, markedFolder, processesIn } from './leftovers.ts';

const PARENT = fileURLToPath(new URL('./fixtures/parent.mjs', import.meta.url));
const missing = (await postgresMissing()) + (await redisMissing());

let folder: string;
const parents: ChildProcess[] = [];

beforeEach(() => {
  folder = markedFolder();
});

afterEach(() => {
  for (const parent of parents.splice(0)) parent.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function start(how: string): ChildProcess {
  const env = { ...process.env, TMPDIR: folder };
  const parent = fork(PARENT, [how], { env, execArgv: [], stdio: 'ignore' });
  parents.push(parent);
  return parent;
}

async function nothingIsLeft(): Promise<void> {
  await vi.waitFor(
    () => {
      expect(leftovers(folder)).toEqual([]);
    },
    { timeout: 20_000, interval: 50 },
  );
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
  test.skipIf(missing)(`a parent ended by ${signal} leaves no server and no folder`, async () => {
    const parent = start('wait');
    await once(parent, 'message');
    expect(processesIn(folder).filter((line) => /postgres|redis/.test(line)).length).toBeGreaterThan(2);
    parent.kill(signal);
    expect(await once(parent, 'exit')).toEqual([null, signal]);
    await nothingIsLeft();
  });
}

for (const [how, code] of [
  ['exit', 0],
  ['throw', 1],
  ['forget', 0],
] as const) {
  test.skipIf(missing)(`a parent that ends by "${how}" leaves no server and no folder`, async () => {
    const parent = start(how);
    expect(await once(parent, 'exit')).toEqual([code, null]);
    await nothingIsLeft();
  });
}

for (const state of ['hang', 'kill'] as const) {
  test.skipIf(missing)(`servers left by SIGKILL of the parent after ${state}() are cleaned up`, async () => {
    const parent = start(state);
    await once(parent, 'message');
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await nothingIsLeft();
  });
}

test.skipIf(missing)(
  'a watchdog that is killed itself takes the servers with it, and the parent hears of it',
  async () => {
    vi.stubEnv('TMPDIR', folder);
    const server = await startRedis();
    const watchdog = descendants(process.pid).find((pid) => descendants(pid).includes(server.pid));
    process.kill(watchdog!, 'SIGKILL');
    await vi.waitFor(
      () => {
        expect(processesIn(folder)).toEqual([]);
      },
      { timeout: 20_000, interval: 50 },
    );
    await expect(server.restart()).rejects.toThrow(WatchdogError);
    await expect(server.stop()).rejects.toThrow(WatchdogError);
    await using next = await startRedis(); // another watchdog
    expect(next.state).toBe('running');
    vi.unstubAllEnvs();
  },
);

test('a measuring process in an endless loop goes with a parent that is killed', async () => {
  const guarding = fileURLToPath(new URL('./fixtures/guarding.mjs', import.meta.url));
  const parent = fork(guarding, { env: { ...process.env, TMPDIR: folder }, execArgv: [], stdio: 'ignore' });
  parents.push(parent);
  await once(parent, 'message');
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await nothingIsLeft();
});

test.skipIf(missing)('a parent killed while its servers start leaves nothing', async () => {
  const started = new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      watcher.close();
      resolve();
    });
  });
  const parent = start('wait');
  await started;
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await nothingIsLeft();
});
