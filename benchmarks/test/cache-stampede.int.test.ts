import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import type { WorkerPlan } from '../dist/cache/history/protocol.js';
import { FailingLoads } from '../dist/cache/stampede/failing-loads.js';
import type { ReaderPlan } from '../dist/cache/stampede/protocol.js';

const PROCESSES = 3;
const MISSES = 1000;

test.skipIf(inject('redisUrl') === '')(
  'a loader that throws is called once for all processes, and all who wait get its error',
  async () => {
    const processes = await FailingLoads.open({
      redisUrl: inject('redisUrl'),
      uniqueName: randomUUID(),
      way: 'ours',
      processCount: PROCESSES,
    });
    try {
      for (let round = 0; round < 5; round++) {
        const { callCount, errorCount, lateMs } = await processes.round(MISSES, 1);
        console.log(`a loader that throws: the last answer ${lateMs.toFixed(1)} ms after it`);
        expect({ callCount, errorCount }).toEqual({ callCount: 1, errorCount: PROCESSES * MISSES });
      }
    } finally {
      await processes.close();
    }
  },
);

const READER: ReaderPlan = { redisUrl: inject('redisUrl'), uniqueName: randomUUID(), way: 'ours' };
const WORKER: WorkerPlan = {
  redisUrl: inject('redisUrl'),
  namespace: randomUUID(),
  seed: 1,
  mode: 'ours',
  keyCount: 4,
  readerCount: 1,
  writeEveryMs: 10,
  capMs: 100,
  stallMs: 100,
  dropOneIn: 0,
  throwAtRead: 0,
};

test.skipIf(inject('redisUrl') === '').each([
  ['stampede/reader-process.js', READER],
  ['history/worker.js', WORKER],
])('%s ends when the process that started it is gone', async (script, plan) => {
  const child = fork(fileURLToPath(new URL(`../dist/cache/${script}`, import.meta.url)), [
    JSON.stringify(plan),
  ]);
  try {
    await once(child, 'message');
    // What the system does to the channel of a process that is killed.
    child.disconnect();
    await once(child, 'exit');
  } finally {
    child.kill('SIGKILL');
  }
});
