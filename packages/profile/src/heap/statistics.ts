/** Robust statistics on short series. Pure; allocates. */

/** An estimate, and the ends of its 95 % interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const Z_95 = 1.96;

function sorted(values: Iterable<number>): Float64Array {
  return Float64Array.from(values).sort();
}

function medianOfSorted(values: Float64Array): number {
  const middle = values.length >> 1;
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}

/** The middle of at least one value. */
export function median(values: Iterable<number>): number {
  return medianOfSorted(sorted(values));
}

/**
 * The median and its interval by the sign test: the ends are order statistics, so that one window in which code was
 * compiled moves neither. Below six values no such interval has 95 %: then it is all of them.
 */
export function medianInterval(values: Iterable<number>): Interval {
  const ordered = sorted(values);
  const count = ordered.length;
  const outside = Math.max(0, Math.floor((count - 1 - Z_95 * Math.sqrt(count)) / 2));
  return { value: medianOfSorted(ordered), low: ordered[outside]!, high: ordered[count - 1 - outside]! };
}

/**
 * Theil–Sen: the median slope between all pairs of points, and Sen's interval for it, which stands on Kendall's
 * statistic. Three readings in ten may be wild and it stands. Quadratic in the number of points, at least three.
 *
 * P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63 (1968), 1379–1389.
 */
export function slopeInterval(x: ArrayLike<number>, y: ArrayLike<number>): Interval {
  const count = x.length;
  const slopes = new Float64Array((count * (count - 1)) / 2);
  let next = 0;
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) slopes[next++] = (y[j]! - y[i]!) / (x[j]! - x[i]!);
  }
  slopes.sort();
  const half = Z_95 * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  const outside = Math.max(0, Math.floor((slopes.length - half) / 2));
  return {
    value: medianOfSorted(slopes),
    low: slopes[outside]!,
    high: slopes[slopes.length - 1 - outside]!,
  };
}
