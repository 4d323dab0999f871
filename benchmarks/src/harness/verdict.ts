/** From a case's ratio to its verdict. Pure. */

import type { Ratio, Verdict } from '../report/record.ts';
import type { GuideFigure } from './case.ts';

export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: string;
}

const times = (value: number): string => `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)}×`;
const percent = (value: number): string => `${(value * 100).toFixed(0)} %`;

/**
 * `reproduced` when the low end of the interval reaches the guide's ratio, `short` when the high end does not,
 * `inconclusive` between. With the `efficiency` basis both are read per core.
 *
 * @param ratio ours over the guide's baseline.
 * @param cores cores at hand.
 * @param limit what limits us here, by the case's author; told with anything but `reproduced`.
 * @param others what else we offer for the same work, over the same baseline; told when it gets there and `ours` does not.
 */
export function judge(
  guide: GuideFigure | null,
  ratio: Ratio,
  cores: number,
  limit?: string,
  others: readonly Ratio[] = [],
): Judgement {
  if (guide === null) return { verdict: 'measured', reason: 'the guide gives no figure' };
  const reaching = guide.basis === 'ratio' ? others.filter(({ low }) => low >= guide.ratio) : [];
  const [best] = reaching.toSorted((a, b) => b.ratio - a.ratio);
  const instead =
    best === undefined
      ? ''
      : `; ${best.of} reaches it with ${times(best.ratio)} [${times(best.low)}, ${times(best.high)}]`;
  const because = `${instead}${limit === undefined ? '' : `; ${limit}`}`;
  if (guide.basis === 'efficiency') {
    if (cores < 2) return { verdict: 'not-applicable', reason: 'one core: nothing can run in parallel' };
    const wanted = guide.ratio / (guide.cores ?? 1);
    const text = `${percent(ratio.ratio / cores)} of ${cores} cores [${percent(ratio.low / cores)}, ${percent(ratio.high / cores)}]`;
    return compare(ratio.low / cores, ratio.high / cores, wanted, text, percent(wanted), because);
  }
  const text = `${times(ratio.ratio)} [${times(ratio.low)}, ${times(ratio.high)}]`;
  return compare(ratio.low, ratio.high, guide.ratio, text, times(guide.ratio), because);
}

function compare(
  low: number,
  high: number,
  wanted: number,
  ours: string,
  guide: string,
  because: string,
): Judgement {
  if (low >= wanted) return { verdict: 'reproduced', reason: `${ours} reaches the guide's ${guide}` };
  if (high < wanted)
    return { verdict: 'short', reason: `${ours} stays below the guide's ${guide}${because}` };
  return { verdict: 'inconclusive', reason: `the guide's ${guide} lies inside ${ours}${because}` };
}
