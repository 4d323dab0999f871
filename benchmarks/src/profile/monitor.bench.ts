/**
 * B4: what a monitor costs a thread that is busy, with JSON alone and as an HTTP server.
 *
 * A cost below one percent drowns in what two processes differ by, and in what one does from one second to the next. So one
 * process compares with itself, in blocks of some of the monitor's ticks: the same work without, with, with and without a
 * monitor, many times over; a measurement is the processor's time of the outer two over that of the inner two. 1.00 is
 * free, 0.99 costs 1 %. The naive variant does the same and never starts a monitor: what it differs from 1.00 by is what the
 * method cannot tell.
 *
 * What monitors may watch is paid from one purse, which fills by the clock, whether one runs or not. So a monitor that runs
 * in half of the blocks may watch up to twice as many collections in a second as one that runs for weeks: what is told here
 * is rather more than its cost.
 */

import type { Case, Findings, Variant, VariantKind } from '../harness/case.ts';
import type { Busy } from './busy.ts';
import { busyLoop, busyService, CONNECTIONS, USERS } from './busy.ts';

/** Two ticks: short, so that what changes in the machine meanwhile is the same on both sides. */
const BLOCK_MS = 40;
/** Longer than a block: the end of a window, some tens of microseconds, is not in the figure. */
const WINDOW_MS = 2000;
const WARM_UP = 2000;
const ROUNDS = { quick: 8, plain: 240 };
/** Of both variants: a round is a sixth of a second of the processor's. */
const FIXED_MS = { quick: 3000, plain: 80_000 };
const RESOLUTION_MS = 20;

interface Running {
  /** Tells what was seen and not yet told. */
  reset(): void;
  stop(): unknown;
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** How much work takes a block's time. */
async function sharesInBlock(busy: Busy): Promise<number> {
  let count = 64;
  for (;;) {
    const beginUs = cpuUs();
    await busy.work(count);
    const tookMs = (cpuUs() - beginUs) / 1000;
    if (tookMs > BLOCK_MS / 2) return Math.round((count * BLOCK_MS) / tookMs);
    count *= 2;
  }
}

/** Of a block, before its clock starts, so that neither starting a monitor nor what it leaves in the caches is in it. */
const SETTLING = 1 / 8;

/** Shares of its speed that the thread keeps when it is watched, a round each. */
async function sharesKept(busy: Busy, start: () => Running, rounds: number): Promise<number[]> {
  await busy.work(WARM_UP);
  const count = await sharesInBlock(busy);
  const block = async (isWatched: boolean): Promise<number> => {
    const health = isWatched ? start() : undefined;
    await busy.work(Math.ceil(count * SETTLING));
    const beginUs = cpuUs();
    await busy.work(count);
    // A monitor that went on would do this later, once for several blocks.
    health?.reset();
    const tookUs = cpuUs() - beginUs;
    health?.stop();
    return tookUs;
  };
  const kept: number[] = [];
  for (let left = rounds; left > 0; left--) {
    const before = await block(false);
    const watchedUs = (await block(true)) + (await block(true));
    kept.push((before + (await block(false))) / watchedUs);
  }
  return kept;
}

function experiment(
  kind: VariantKind,
  open: (seed: number) => Promise<Busy>,
  openStart: () => Promise<() => Running>,
): Variant {
  return {
    kind,
    setup: async ({ seed, quick }) => {
      const start = await openStart();
      const busy = await open(seed);
      let kept: number[] = [];
      return {
        run: async () => {
          kept = await sharesKept(busy, start, quick ? ROUNDS.quick : ROUNDS.plain);
        },
        answer: () => busy.share(),
        findings: (): Findings => ({
          measurements: kept.map((value) => ({
            metric: 'rate',
            unit: 'share of speed kept',
            value,
            better: 'more',
          })),
        }),
        close: () => busy.close(),
      };
    },
  };
}

async function watched(): Promise<() => Running> {
  const { monitor } = await import('@hotpath/profile');
  return () => monitor({ windowMs: WINDOW_MS, resolutionMs: RESOLUTION_MS });
}

const unwatched = (): Promise<() => Running> => Promise.resolve(() => ({ reset: () => {}, stop: () => {} }));

function monitorOn(name: string, params: Case['params'], open: (seed: number) => Promise<Busy>): Case {
  return {
    id: 'B4',
    case: `monitor on a busy ${name}`,
    package: 'profile',
    tier: 'guide',
    params: { users: USERS, blockMs: BLOCK_MS, windowMs: WINDOW_MS, resolutionMs: RESOLUTION_MS, ...params },
    guide: null,
    async: true,
    experiment: true,
    processes: 1,
    fixedMs: FIXED_MS,
    variants: {
      naive: experiment('naive', open, unwatched),
      ours: experiment('ours', open, watched),
    },
  };
}

const cases: readonly Case[] = [
  monitorOn('loop', {}, busyLoop),
  monitorOn('service', { connections: CONNECTIONS }, busyService),
];

export default cases;
