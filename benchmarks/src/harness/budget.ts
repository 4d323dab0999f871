/**
 * Shares the time of a run out over its cases. Pure.
 *
 * Each case may use its weight's share of what is left, so that a case that ends early leaves time to those after it
 * and one that overruns takes from them; the least that a case needs is never cut. A case whose length is its own shares
 * nothing: what it takes is kept back.
 */

import type { Case } from './case.ts';
import type { Tempo } from './plan.ts';

/** What of a variant's time counts; the processes of a case cost as much as its blocks. */
export function weightOf({
  variants,
  share = 1,
  fixedMs,
}: Pick<Case, 'variants' | 'share' | 'fixedMs'>): number {
  return fixedMs !== undefined ? 0 : Object.keys(variants).length * share;
}

/** Milliseconds to keep back for a case. */
export function keptBackMs({ fixedMs }: Pick<Case, 'fixedMs'>, isQuick: boolean): number {
  if (fixedMs === undefined) return 0;
  return isQuick ? fixedMs.quick : fixedMs.plain;
}

/**
 * Milliseconds for the next case.
 *
 * @param weight of the case; with none it takes what it takes.
 * @param weightLeft of the case and all after it.
 * @param msLeft of the run's total, less what is kept back; `Infinity` when it has none.
 */
export function shareOf(tempo: Tempo, weight: number, weightLeft: number, msLeft: number): number {
  if (weight === 0) return Number.POSITIVE_INFINITY;
  const share = (Math.max(0, msLeft) * weight) / weightLeft;
  return Math.max(tempo.leastMs * weight, Math.min(tempo.mostMs * weight, share));
}
