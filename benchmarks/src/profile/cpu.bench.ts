/**
 * B2: what a CPU profile costs the code that it looks at, parsing and serializing JSON. The naive variant is the same
 * work unwatched, so the ratio is the share of speed that is kept: 1.00 is free, 0.97 costs 3 %.
 */

import type { Case, Operation } from '../harness/case.ts';

const USERS = 40;
const TIMES = 20;
const INTERVAL_US = 1000;
const HOUR_MS = 3_600_000;

function unwatched(seed: number): Operation {
  const users = Array.from({ length: USERS }, (_, id) => ({
    id,
    name: `user ${(id * 7919 + seed) % 1000}`,
    tags: ['a', 'b', 'c'],
  }));
  const text = JSON.stringify(users);
  const run = (): number => {
    let sum = 0;
    for (let left = TIMES; left > 0; left--) sum += JSON.stringify(JSON.parse(text)).length;
    return sum;
  };
  return { run, answer: run };
}

async function watched(seed: number): Promise<Operation> {
  const { cpu } = await import('@hotpath/profile');
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const profile = cpu(() => ended, { intervalUs: INTERVAL_US, timeoutMs: HOUR_MS, sourceMaps: false });
  return {
    ...unwatched(seed),
    close: async () => {
      end();
      await profile;
    },
  };
}

const cases: readonly Case[] = [
  {
    id: 'B2',
    case: 'CPU profile of a busy loop',
    package: 'profile',
    tier: 'guide',
    params: { users: USERS, timesPerOperation: TIMES, intervalUs: INTERVAL_US },
    guide: null,
    async: false,
    variants: {
      naive: { kind: 'naive', setup: ({ seed }) => unwatched(seed) },
      ours: { kind: 'ours', setup: ({ seed }) => watched(seed) },
    },
  },
];

export default cases;
