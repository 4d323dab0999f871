/**
 * Shares the time of a run out over its cases. Pure.
 *
 * Each case may use its weight's share of what is left, so that a case that ends early leaves time to those after it
 * and one that overruns takes from them; the least that a case needs is never cut.
 */

import type { Case } from './case.ts';
import type { Tempo } from './plan.ts';

/** What of a variant's time counts; the processes of a case cost as much as its blocks. */
export function weightOf({ variants, share = 1 }: Pick<Case, 'variants' | 'share'>): number {
  return Object.keys(variants).length * share;
}

/**
 * Milliseconds for the next case.
 *
 * @param weight of the case.
 * @param weightLeft of the case and all after it.
 * @param msLeft of the run's total; `Infinity` when it has none.
 */
export function shareOf(tempo: Tempo, weight: number, weightLeft: number, msLeft: number): number {
  const share = (Math.max(0, msLeft) * weight) / weightLeft;
  return Math.max(tempo.leastMs * weight, Math.min(tempo.mostMs * weight, share));
}
