import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Placement } from '../../dist/harness/placement.js';
import { startPostgres, startRedis } from '../../dist/services/index.js';
import { canPin, pin } from '../../dist/services/pinning.js';
import { postgresMissing } from '../services/availability.ts';

const coresOf = (pid: number): string =>
  /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]!;

let measuring: ReturnType<typeof spawn>;

beforeEach(async () => {
  measuring = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(measuring, 'spawn');
});

afterEach(() => {
  measuring.kill();
});

const all = `0-${availableParallelism() - 1}`;

test.skipIf(!canPin()).each([
  ['apart', '1'],
  ['one core', '0'],
] as const)('servers and processes of a case are put %s, and let go', async (placement, core) => {
  await using redis = await startRedis();
  const urls = { postgresUrl: '', redisUrl: redis.url };
  {
    using placed = await Placement.open({ placement, needs: ['redis'] }, urls);
    expect(placed.note).toBeUndefined();
    expect(coresOf(redis.pid)).toBe(core);
    placed.place(measuring.pid!);
    expect(coresOf(measuring.pid!)).toBe('0');
  }
  expect(coresOf(redis.pid)).toBe(all);
});

test.skipIf(!canPin()).each(['apart', 'one core'] as const)(
  'a server that was on one core, put %s, goes back to that one',
  async (placement) => {
    await using redis = await startRedis();
    pin(redis.pid, '1');
    {
      using placed = await Placement.open(
        { placement, needs: ['redis'] },
        { postgresUrl: '', redisUrl: redis.url },
      );
      expect(placed.note).toBeUndefined();
    }
    expect(coresOf(redis.pid)).toBe('1');
  },
);

test.skipIf(!canPin() || (await postgresMissing()) !== '')(
  'a server that may not be asked for its process is told of, and the others go back',
  async () => {
    await using postgres = await startPostgres({ durable: false });
    await using redis = await startRedis({ config: ['user blind on >secret ~* +@all -info'] });
    using placed = await Placement.open(
      { placement: 'apart', needs: ['postgres', 'redis'] },
      { postgresUrl: postgres.url, redisUrl: redis.url.replace('//', '//blind:secret@') },
    );
    expect(placed.note).toBe('its redis is none that could be pinned to a core');
    expect([coresOf(postgres.pid), coresOf(redis.pid)]).toEqual([all, all]);
    placed.place(measuring.pid!);
    expect(coresOf(measuring.pid!)).toBe(all);
  },
);

test.skipIf(!canPin())('a case that asks for no place leaves everything where it is', async () => {
  await using redis = await startRedis();
  using placed = await Placement.open({ needs: ['redis'] }, { postgresUrl: '', redisUrl: redis.url });
  expect(coresOf(redis.pid)).toBe(all);
  placed.place(measuring.pid!);
  expect(coresOf(measuring.pid!)).toBe(all);
});
