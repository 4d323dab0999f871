import { deepStrictEqual, ok } from 'node:assert/strict';
import type { TierRegion, TierWrite } from '../tier.ts';

/** What a check works with: regions of one tier, empty, under names that no other check has. */
export interface Bench {
  readonly region: (name?: string) => TierRegion;
  readonly advance: (ms: number) => Promise<void>;
  readonly now: () => number;
  /** An entry that lives for `ttlMs`, a minute by default. */
  readonly write: (key: string, value: unknown, ttlMs?: number) => TierWrite;
}

/** Longer than any check takes. */
export const LONG_MS = 60_000;
export const SHORT_MS = 50;

export async function valueOf(region: TierRegion, key: string): Promise<unknown> {
  const [entry] = await region.getMany([key]);
  ok(entry !== undefined, `expected an entry under ${JSON.stringify(key)}`);
  return entry.value;
}

export async function missing(region: TierRegion, key: string): Promise<void> {
  deepStrictEqual(await region.getMany([key]), [undefined]);
}

/** A behaviour, and what rejects when a tier does not show it. */
export type Check = readonly [name: string, run: (bench: Bench) => Promise<void>];
