/** Whether readings of the heap show a leak. Pure. */

import { slopeInterval } from './statistics.ts';
import type { Interval } from './statistics.ts';

export type LeakVerdict = 'leak' | 'no leak' | 'inconclusive';

export interface Judgement {
  readonly verdict: LeakVerdict;
  /**
   * Of the later half, since what a cache took until it was full lies before it; of all where only that decides that there
   * is no leak.
   */
  readonly slope: Interval;
}

/** A leak goes on: where the later half grows at less than this share of the earlier one, growth is about to end. */
const STEADY_SHARE = 0.5;

/**
 * A leak grows throughout: its slope is above the tolerance as a whole and in the later half, and the later half does not
 * grow much slower. What has stopped growing, or never began, is no leak. Everything else is left open.
 *
 * @param readings bytes after each round, at least six.
 * @param iterations calls in a round.
 */
export function judge(readings: ArrayLike<number>, iterations: number, toleranceBytes: number): Judgement {
  const bytes = Array.from(readings);
  const calls = bytes.map((_, round) => round * iterations);
  const middle = bytes.length >> 1;
  const whole = slopeInterval(calls, bytes);
  const later = slopeInterval(calls.slice(middle), bytes.slice(middle));
  const earlier = slopeInterval(calls.slice(0, middle), bytes.slice(0, middle));
  const isSteady = later.value >= STEADY_SHARE * earlier.value;
  if (whole.low > toleranceBytes && later.low > toleranceBytes) {
    return { verdict: isSteady ? 'leak' : 'inconclusive', slope: later };
  }
  if (later.high < toleranceBytes) return { verdict: 'no leak', slope: later };
  const neverGrew = whole.high < toleranceBytes && later.low <= 0;
  return neverGrew ? { verdict: 'no leak', slope: whole } : { verdict: 'inconclusive', slope: later };
}
