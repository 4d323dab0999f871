/**
 * B4: what a monitor costs a service that is busy: parsing and serializing JSON, some 50 µs at a time, and back to the
 * event loop in between.
 *
 * A cost below one percent drowns in what two processes differ by, so each process compares with itself: blocks of the
 * same turns without, with, with and without a monitor, over and over; a measurement is the processor's time of the outer
 * two over that of the inner two. 1.00 is free, 0.99 costs 1 %. The naive variant does the same and never starts a
 * monitor: what it differs from 1.00 by is what the method cannot tell.
 */

import type { Case, CaseContext, Findings, Operation, VariantKind } from '../harness/case.ts';

const USERS = 40;
const BLOCK_MS = 100;
/** Longer than a block: the end of a window, some tens of microseconds, is not in the figure. */
const WINDOW_MS = 1000;
/** Share of a block's turns that pass before it is timed: a monitor is started once in a service's life, not ten times a second. */
const UNTIMED_SHARE = 0.1;
const RESOLUTION_MS = 20;

interface Work {
  turn(): number;
}

interface Running {
  stop(): unknown;
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
async function turns(busy: Work, count: number): Promise<number> {
  let sum = 0;
  for (let left = count; left > 0; left--) {
    sum += busy.turn();
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
  return sum;
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function turnsInBlock(busy: Work): Promise<number> {
  let count = 64;
  for (;;) {
    const beginUs = cpuUs();
    await turns(busy, count);
    const tookMs = (cpuUs() - beginUs) / 1000;
    if (tookMs > BLOCK_MS / 2) return Math.round((count * BLOCK_MS) / tookMs);
    count *= 2;
  }
}

function experiment(
  kind: VariantKind,
  open: () => Promise<() => Running>,
): { kind: VariantKind; setup: (context: CaseContext) => Promise<Operation> } {
  return {
    kind,
    setup: async ({ seed, quick }) => {
      const start = await open();
      const busy = work(seed);
      const shares: number[] = [];
      const block = async (count: number, isWatched: boolean): Promise<number> => {
        const health = isWatched ? start() : undefined;
        await turns(busy, Math.round(count * UNTIMED_SHARE));
        const beginUs = cpuUs();
        await turns(busy, count);
        const tookUs = cpuUs() - beginUs;
        health?.stop();
        return tookUs;
      };
      return {
        run: async () => {
          await turns(busy, 2000);
          const count = await turnsInBlock(busy);
          for (let left = quick ? 5 : 30; left > 0; left--) {
            const before = await block(count, false);
            const watched = (await block(count, true)) + (await block(count, true));
            shares.push((before + (await block(count, false))) / watched);
          }
        },
        answer: () => busy.turn(),
        findings: (): Findings => ({
          measurements: shares
            .splice(0)
            .map((value) => ({ metric: 'rate', unit: 'share of speed kept', value, better: 'more' })),
        }),
      };
    },
  };
}

async function watched(): Promise<() => Running> {
  const { monitor } = await import('@hotpath/profile');
  return () => monitor({ windowMs: WINDOW_MS, resolutionMs: RESOLUTION_MS });
}

const unwatched = (): Promise<() => Running> => Promise.resolve(() => ({ stop: () => undefined }));

const cases: readonly Case[] = [
  {
    id: 'B4',
    case: 'monitor on a busy loop',
    package: 'profile',
    tier: 'guide',
    params: { users: USERS, blockMs: BLOCK_MS, windowMs: WINDOW_MS, resolutionMs: RESOLUTION_MS },
    guide: null,
    async: true,
    experiment: true,
    processes: 1,
    variants: {
      naive: experiment('naive', unwatched),
      ours: experiment('ours', watched),
    },
  },
];

export default cases;
