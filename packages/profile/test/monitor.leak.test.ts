import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { monitor } from '@hotpath/profile';

declare const gc: () => void;

async function heapAfterGc(): Promise<number> {
  for (let pass = 0; pass < 2; pass++) {
    gc();
    await setImmediate();
  }
  return process.memoryUsage().heapUsed;
}

async function startAndStop(times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    using health = monitor();
    health.stats();
    if (time % 50 === 0) await setImmediate();
  }
}

test('starting and stopping monitors leaves neither memory nor timers behind', async () => {
  await startAndStop(300);
  const timers = process.getActiveResourcesInfo().length;
  const before = await heapAfterGc();
  await startAndStop(2000);
  const grown = (await heapAfterGc()) - before;
  // A monitor holds over 8 KB while it runs: a leak of one in sixteen would show. Compiled code alone has grown by 0.4 MB.
  expect(grown).toBeLessThan(1_000_000);
  expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(timers);
});

test('a monitor that runs does not grow with its reads', async () => {
  using health = monitor();
  for (let read = 0; read < 2000; read++) health.stats();
  const before = await heapAfterGc();
  for (let read = 0; read < 20_000; read++) health.stats();
  // A window holds over 500 bytes: one kept in ten reads would be 1 MB.
  expect((await heapAfterGc()) - before).toBeLessThan(1_000_000);
});

test('a forced collection is counted at once, as a major one', () => {
  using health = monitor();
  // With a listener all are watched, whatever the tests before have spent.
  health.onGcPause(() => {});
  gc();
  const { count, pauseMsTotal, pauseMsMax } = health.stats().gc.byKind.major;
  expect(count).toBeGreaterThanOrEqual(1);
  expect(pauseMsTotal).toBeGreaterThanOrEqual(pauseMsMax);
  expect(pauseMsMax).toBeGreaterThan(0);
});
