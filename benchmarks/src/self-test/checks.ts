/** What is asked of repeated runs of a control. Pure. */

import { judge } from '../harness/verdict.ts';
import { median } from '../harness/statistics.ts';
import type { Ratio } from '../report/record.ts';

export interface Check {
  readonly control: string;
  readonly asks: string;
  readonly found: string;
  readonly ok: boolean;
}

/** A reading may be off by this share of what is known. */
const ACCURACY = 0.03;
/** Runs may lie this far apart, largest over smallest; those of operations below ten nanoseconds, twice as far. */
const REPEATABILITY = 0.05;
const SMALL_REPEATABILITY = 0.1;
/** With something else on every core; twice as far below ten nanoseconds here too. */
const BUSY_REPEATABILITY = 0.1;
const SMALL_BUSY_REPEATABILITY = 0.2;
/** A 95 % interval misses now and then: of ten runs one or two, of five one. */
const MISSES = 0.2;
/** A guide's figure this far from the known ratio must be told from it or left open, never mistaken. */
const FAR = 1.1;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

function repeats(control: string, runs: readonly Ratio[], limit: number): Check {
  const ratios = runs.map(({ ratio }) => ratio);
  const spread = Math.max(...ratios) / Math.min(...ratios) - 1;
  return {
    control,
    asks: `runs within ${percent(limit)} of each other`,
    found: `${ratios.length} runs, ${percent(spread)} apart`,
    ok: spread <= limit,
  };
}

function verdicts(control: string, runs: readonly Ratio[], known: number): Check {
  const given = runs.flatMap((ratio) => [
    judge({ text: '', basis: 'ratio', ratio: known * FAR }, ratio, 1).verdict === 'reproduced',
    judge({ text: '', basis: 'ratio', ratio: known / FAR }, ratio, 1).verdict === 'short',
  ]);
  const wrong = given.filter(Boolean).length;
  return {
    control,
    asks: 'no wrong verdict on a figure 10 % away',
    found: `${wrong} wrong of ${given.length}`,
    ok: wrong === 0,
  };
}

/**
 * @param known how many times better `of` is than `over`.
 * @param isSmall whether the operations take less than ten nanoseconds.
 */
export function checkRuns(control: string, runs: readonly Ratio[], known: number, isSmall = false): Check[] {
  const ratios = runs.map(({ ratio }) => ratio);
  const off = Math.max(...ratios.map((ratio) => Math.abs(ratio / known - 1)));
  const covering = runs.filter(({ low, high }) => low <= known && known <= high).length;
  return [
    {
      control,
      asks: `reads ${known.toFixed(3)} within ${percent(ACCURACY)} in every run`,
      found: `median ${median(ratios).toFixed(3)}, at most ${percent(off)} off`,
      ok: off <= ACCURACY,
    },
    repeats(control, runs, isSmall ? SMALL_REPEATABILITY : REPEATABILITY),
    {
      control,
      asks: 'intervals hold the known ratio',
      found: `${covering} of ${runs.length}`,
      ok: covering >= Math.ceil(runs.length * (1 - MISSES)),
    },
    verdicts(control, runs, known),
  ];
}

/** The same of runs with every core busy, of which less is asked: to repeat, and still no wrong verdict. */
export function checkBusyRuns(
  control: string,
  runs: readonly Ratio[],
  known: number,
  isSmall = false,
): Check[] {
  const limit = isSmall ? SMALL_BUSY_REPEATABILITY : BUSY_REPEATABILITY;
  return [repeats(control, runs, limit), verdicts(control, runs, known)];
}

/** Whether every core was busy to the end; else the runs beside the load tell nothing. */
export function checkLoad(running: number, cores: number): Check {
  return {
    control: 'every core busy',
    asks: 'a loop on each runs to the end',
    found: `${running} of ${cores} ran`,
    ok: running === cores,
  };
}

/** The checks as a table, and the judgement. */
export function renderChecks(checks: readonly Check[]): string {
  const width = (of: (check: Check) => string): number =>
    Math.max(...checks.map((check) => of(check).length));
  const [first, second] = [width(({ control }) => control), width(({ asks }) => asks)];
  const lines = checks.map(
    ({ control, asks, found, ok }) =>
      `${ok ? '✓' : '✗'} ${control.padEnd(first)}  ${asks.padEnd(second)}  ${found}`,
  );
  const failed = checks.filter(({ ok }) => !ok).length;
  const judgement =
    failed === 0 ? 'The harness can be trusted here.' : `${failed} of ${checks.length} checks failed.`;
  return [...lines, '', judgement].join('\n');
}
