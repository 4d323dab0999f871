/**
 * The harness's statistics: paired log ratios, a hierarchical bootstrap over processes and rounds.
 *
 * A block's time varies in two ways: from block to block in one process, and from process to process, because the
 * compiler and the heap layout settle differently in each. Resampling blocks alone claims intervals many times too
 * narrow, so the bootstrap draws processes first and rounds inside each drawn process second (Kalibera and Jones,
 * "Rigorous Benchmarking in Reasonable Time", ISMM 2013).
 */

import { createRandom } from '../workloads/random.ts';

/** A point estimate and its 95 % interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;
const CONFIDENCE_TAIL = 0.025;
/** 97.5 % quantile of the normal distribution; what Student's factor is compared with. */
const NORMAL_QUANTILE = 1.96;
/** 97.5 % quantiles of Student's t by degrees of freedom, from 1. */
const STUDENT_QUANTILES = [
  12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13,
];

/** Quantile of ascending values, linear between neighbours. `sorted` must not be empty. */
export function quantileSorted(sorted: ArrayLike<number>, probability: number): number {
  const position = probability * (sorted.length - 1);
  const index = Math.floor(position);
  const below = sorted[index]!;
  const above = sorted[Math.min(index + 1, sorted.length - 1)]!;
  return below + (above - below) * (position - index);
}

/** Median of a non-empty list; the list is not changed. */
export function median(values: ArrayLike<number>): number {
  return quantileSorted(Float64Array.from(values).sort(), 0.5);
}

/** How much wider an interval from `units` independent units must be than a normal one. */
export function smallSampleFactor(units: number): number {
  if (units < 2) return Number.POSITIVE_INFINITY;
  return (STUDENT_QUANTILES[units - 2] ?? NORMAL_QUANTILE) / NORMAL_QUANTILE;
}

/** Mean of a non-empty list. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/**
 * The mean over processes of the mean over rounds, with a 95 % interval by hierarchical bootstrap, widened by
 * Student's factor for the number of processes. With fewer than three processes (operations that take seconds) the
 * rounds themselves are the units.
 *
 * Means, not medians: a median of few rounds jumps between the two speeds that a shared core has, and leaves out the
 * collections that a service pays for.
 *
 * @param groups values by process, then by round; every process with at least one.
 * @throws RangeError when there is no value at all.
 */
export function bootstrapMean(groups: readonly (readonly number[])[], seed = 1): Estimate {
  const filled = groups.filter((group) => group.length > 0);
  if (filled.length === 0) throw new RangeError('bootstrapMean: expected at least one value, got none');
  const units = filled.length >= 3 ? filled : filled.flat().map((value) => [value]);
  const value = mean(units.map((rounds) => mean(rounds)));
  if (units.length === 1) return { value, low: value, high: value };

  const random = createRandom(seed);
  const resampled = new Float64Array(RESAMPLES);
  for (let b = 0; b < RESAMPLES; b++) {
    let sum = 0;
    for (let u = 0; u < units.length; u++) {
      const rounds = units[Math.floor(random() * units.length)]!;
      let inside = 0;
      for (let r = 0; r < rounds.length; r++) inside += rounds[Math.floor(random() * rounds.length)]!;
      sum += inside / rounds.length;
    }
    resampled[b] = sum / units.length;
  }
  resampled.sort();
  const widen = smallSampleFactor(units.length);
  return {
    value,
    low: value - Math.max(0, value - quantileSorted(resampled, CONFIDENCE_TAIL)) * widen,
    high: value + Math.max(0, quantileSorted(resampled, 1 - CONFIDENCE_TAIL) - value) * widen,
  };
}

/**
 * What one process may be off by whatever its rounds say, as a logarithm: over ten runs of one process each, of 200
 * rounds, ratios lay 26 % apart while each claimed ±1 %.
 */
const PROCESS_SPREAD = 0.13;

/**
 * The same for quantities that multiply (times, ratios): geometric means, so that 2× and ½× weigh alike. One or two
 * processes cannot tell how far processes lie apart, so what they may is added to what their rounds say.
 */
export function bootstrapGeometric(groups: readonly (readonly number[])[], seed = 1): Estimate {
  const inside = bootstrapMean(
    groups.map((group) => group.map((value) => Math.log(value))),
    seed,
  );
  const processes = groups.filter((group) => group.length > 0).length;
  const spread = processes >= 3 ? 0 : PROCESS_SPREAD / Math.sqrt(processes);
  const estimate = {
    value: inside.value,
    low: inside.value - Math.hypot(inside.value - inside.low, spread),
    high: inside.value + Math.hypot(inside.high - inside.value, spread),
  };
  return { value: Math.exp(estimate.value), low: Math.exp(estimate.low), high: Math.exp(estimate.high) };
}

/** True when the two halves of the values, by size, stand apart: a process that fell in two modes. */
export function looksBimodal(values: readonly number[]): boolean {
  if (values.length < 6) return false;
  const sorted = Float64Array.from(values).sort();
  let widest = 0;
  let split = 0;
  for (let i = 1; i < sorted.length; i++) {
    const gap = sorted[i]! - sorted[i - 1]!;
    if (gap > widest) {
      widest = gap;
      split = i;
    }
  }
  const spread = sorted.at(-1)! - sorted[0]!;
  const fewest = Math.min(split, sorted.length - split);
  return widest > 0.15 * sorted[0]! && widest > 0.5 * spread && fewest >= 2;
}
