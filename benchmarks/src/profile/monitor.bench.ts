/**
 * B4: what a monitor costs a service that is busy: parsing and serializing JSON, some 50 µs at a time, and back to the
 * event loop in between. The naive variant is the same work unwatched, so the ratio is the share of speed that is kept:
 * 1.00 is free, 0.99 costs 1 %.
 */

import type { Case, Operation } from '../harness/case.ts';

const USERS = 40;
const TURNS = 20;

interface Work {
  turn(): number;
}

function work(seed: number): Work {
  const users = Array.from({ length: USERS }, (_, id) => ({
    id,
    name: `user ${(id * 7919 + seed) % 1000}`,
    email: `user${id}@example.com`,
    tags: ['a', 'b', 'c'],
  }));
  const text = JSON.stringify(users);
  return { turn: () => JSON.stringify(JSON.parse(text)).length };
}

/** Turns of the event loop, each with its share of work: timers and observers get their time in between. */
async function turns(busy: Work): Promise<number> {
  let sum = 0;
  for (let left = TURNS; left > 0; left--) {
    sum += busy.turn();
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
  return sum;
}

async function watched(seed: number): Promise<Operation> {
  const { monitor } = await import('@hotpath/profile');
  const busy = work(seed);
  const health = monitor({ windowMs: 1000 });
  return {
    run: () => turns(busy),
    answer: () => turns(busy),
    close: () => {
      health.stop();
    },
  };
}

function unwatched(seed: number): Operation {
  const busy = work(seed);
  return { run: () => turns(busy), answer: () => turns(busy) };
}

const cases: readonly Case[] = [
  {
    id: 'B4',
    case: 'monitor on a busy loop',
    package: 'profile',
    tier: 'guide',
    params: { users: USERS, turnsPerOperation: TURNS, windowMs: 1000, resolutionMs: 20 },
    guide: null,
    async: true,
    variants: {
      naive: { kind: 'naive', setup: ({ seed }) => unwatched(seed) },
      ours: { kind: 'ours', setup: ({ seed }) => watched(seed) },
    },
  },
];

export default cases;
