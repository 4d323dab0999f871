import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProxy } from '../../services/index.ts';

/** Longer than the lease under which a process serves memory, so that some wake up after it. */
const PAUSE_MS_MAX = 2500;
const LATENCY_MS = 20;
/** What was slowed down may still be on its way so long after. */
const LATENCY_TAIL_MS = 100;

/** What is done to a process, or to its connections to Redis. */
export type FaultKind = 'cut' | 'refused' | 'half-open' | 'slow' | 'paused' | 'killed';

/** What a fault meets. */
export interface Victim {
  readonly child: ChildProcess;
  readonly proxy: FaultProxy;
  /** Replaces a process that was killed. */
  readonly replace: () => Promise<void>;
}

/** One kind of fault. */
export interface Fault {
  /** How often, beside the others. */
  readonly weight: number;
  /** Whether connections end with it; `undefined` when it does not touch them. */
  readonly isCut: boolean | undefined;
  /** How long it may still be felt, in ms. */
  readonly tailMs?: number;
  /** `length` is from 0 to 1. */
  readonly inject: (victim: Victim, length: number) => Promise<void>;
}

export const FAULTS: Readonly<Record<FaultKind, Fault>> = {
  cut: {
    weight: 0.4,
    isCut: true,
    inject: ({ proxy }) => {
      proxy.cutAll();
      return Promise.resolve();
    },
  },
  refused: {
    weight: 0.15,
    isCut: true,
    async inject({ proxy }, length) {
      await proxy.refuse(true);
      proxy.cutAll();
      await sleep((length * PAUSE_MS_MAX) / 5);
      await proxy.refuse(false);
    },
  },
  'half-open': {
    weight: 0.15,
    isCut: true,
    async inject({ proxy }, length) {
      proxy.halfOpen(true);
      await sleep((length * PAUSE_MS_MAX) / 5);
      proxy.halfOpen(false);
      proxy.cutAll();
    },
  },
  slow: {
    weight: 0.1,
    isCut: false,
    tailMs: LATENCY_TAIL_MS,
    async inject({ proxy }, length) {
      proxy.setLatencyMs(LATENCY_MS);
      await sleep((length * PAUSE_MS_MAX) / 5);
      proxy.setLatencyMs(0);
    },
  },
  paused: {
    weight: 0.1,
    isCut: undefined,
    async inject({ child }, length) {
      child.kill('SIGSTOP');
      await sleep(length * PAUSE_MS_MAX);
      child.kill('SIGCONT');
    },
  },
  killed: { weight: 0.1, isCut: undefined, inject: ({ replace }) => replace() },
};

export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

/** One of them, by weight; `chance` is from 0 to 1. */
export function pick(kinds: readonly FaultKind[], chance: number): FaultKind | undefined {
  let left = chance * kinds.reduce((sum, kind) => sum + FAULTS[kind].weight, 0);
  for (const kind of kinds) {
    left -= FAULTS[kind].weight;
    if (left < 0) return kind;
  }
  return kinds.at(-1);
}
