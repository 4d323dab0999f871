import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { FailingLoads } from '../dist/cache/stampede/failing-loads.js';

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
