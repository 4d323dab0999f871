import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Placement } from '../../dist/harness/placement.js';
import { startRedis } from '../../dist/services/index.js';
import { canPin } from '../../dist/services/pinning.js';

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

test.skipIf(!canPin())('a case that asks for no place leaves everything where it is', async () => {
  await using redis = await startRedis();
  using placed = await Placement.open({ needs: ['redis'] }, { postgresUrl: '', redisUrl: redis.url });
  expect(coresOf(redis.pid)).toBe(all);
  placed.place(measuring.pid!);
  expect(coresOf(measuring.pid!)).toBe(all);
});
