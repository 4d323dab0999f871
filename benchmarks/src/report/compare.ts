/**
 * Two records of the same benchmark, side by side. Pure.
 *
 * A ratio was taken inside a run, on one machine, so ratios of different machines may be compared, with care. Absolute
 * figures may not: between machines they get no verdict.
 */

import type { Environment, Metric, Report, Row, Verdict } from './record.ts';

export type ChangeVerdict = 'faster' | 'slower' | 'same' | 'inconclusive';

/** A difference of the environments. */
export interface EnvironmentChange {
  /** `cpu`, `services.redis`, `settings.seed` … */
  readonly field: string;
  /** `absent` where a record has no such field. */
  readonly base: string;
  readonly now: string;
}

/** What was measured, in one record. */
export interface Measured {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How a figure changed: `change` times better now than in the base, with its interval; above 1 is an improvement. */
export interface Change {
  readonly name: string;
  readonly metric: Metric;
  /** `×` for a ratio, else the result's unit. */
  readonly unit: string;
  readonly base: Measured;
  readonly now: Measured;
  readonly change: number;
  readonly low: number;
  readonly high: number;
  /** `refused` where the figures may not be compared; `reason` says why. */
  readonly verdict: ChangeVerdict | 'refused';
  readonly reason: string;
}

export interface RowComparison {
  readonly id: string;
  readonly case: string;
  readonly base: Verdict;
  readonly now: Verdict;
  /** Why the row's figures were not compared at all; empty when they were. */
  readonly refused: string;
  /** Ours over every other variant. */
  readonly ratios: readonly Change[];
  /** Every variant's own figures. */
  readonly absolutes: readonly Change[];
}

export interface Comparison {
  readonly base: { readonly date: string; readonly commit: string };
  readonly now: { readonly date: string; readonly commit: string };
  readonly environment: readonly EnvironmentChange[];
  /** Fields that make absolute times incomparable; empty on the same machine and runtime. */
  readonly machine: readonly string[];
  readonly rows: readonly RowComparison[];
  readonly onlyInBase: readonly string[];
  readonly onlyInNow: readonly string[];
  /** A change within this share of 1 counts as none. */
  readonly tolerance: number;
}

export interface CompareOptions {
  /** Relative change that counts as none, above 0 and below 1. Default 0.05, the harness's own repeatability. */
  readonly tolerance?: number;
}

const DEFAULT_TOLERANCE = 0.05;
/** Half the width of a 95 % interval, in standard errors. */
const Z95 = 1.959964;
/** Differences in these say that another machine or runtime measured. */
const MACHINE: readonly (keyof Environment)[] = [
  'cpu',
  'cores',
  'caches',
  'governor',
  'memoryBytes',
  'os',
  'node',
  'v8',
];
/** Differ between any two runs and say nothing about them. */
const IGNORED: readonly (keyof Environment)[] = ['date', 'commit', 'load'];

function flatten(environment: Environment): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [field, value] of Object.entries(environment)) {
    if (IGNORED.includes(field as keyof Environment)) continue;
    if (typeof value !== 'object') flat.set(field, String(value));
    else for (const [name, text] of Object.entries(value)) flat.set(`${field}.${name}`, String(text));
  }
  return flat;
}

function environmentChanges(base: Environment, now: Environment): EnvironmentChange[] {
  const before = flatten(base);
  const after = flatten(now);
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((field) => ({ field, base: before.get(field) ?? 'absent', now: after.get(field) ?? 'absent' }))
    .filter(({ base, now }) => base !== now);
}

/** Standard error of a log-normal figure, as a logarithm. */
function errorOf({ low, high }: Pick<Measured, 'low' | 'high'>): number {
  return (Math.log(high) - Math.log(low)) / (2 * Z95);
}

/** The interval of a quotient of two independent log-normal figures. */
function changeOf(base: Measured, now: Measured, lowerIsBetter: boolean): Measured | undefined {
  if (base.value <= 0 || now.value <= 0 || base.low <= 0 || now.low <= 0) return undefined;
  const log = (Math.log(now.value) - Math.log(base.value)) * (lowerIsBetter ? -1 : 1);
  const half = Z95 * Math.hypot(errorOf(base), errorOf(now));
  return { value: Math.exp(log), low: Math.exp(log - half), high: Math.exp(log + half) };
}

/** The whole interval beyond the tolerance is a change, the whole within it none, and anything between undecided. */
function verdictOf({ low, high }: Measured, tolerance: number): ChangeVerdict {
  const most = 1 + tolerance;
  const least = 1 / most;
  if (low > most) return 'faster';
  if (high < least) return 'slower';
  return low >= least && high <= most ? 'same' : 'inconclusive';
}

interface Figure extends Measured {
  readonly name: string;
  readonly metric: Metric;
  readonly unit: string;
}

function changesOf(
  before: readonly Figure[],
  after: readonly Figure[],
  tolerance: number,
  refuse: (metric: Metric) => string,
): Change[] {
  return after.flatMap((now): Change[] => {
    const base = before.find(
      ({ name, metric, unit }) => name === now.name && metric === now.metric && unit === now.unit,
    );
    if (base === undefined) return [];
    const { name, metric, unit } = now;
    const shared = { name, metric, unit, base: measuredOf(base), now: measuredOf(now) };
    const change = changeOf(base, now, unit !== '×' && metric !== 'rate');
    if (change === undefined) {
      const none = base.value === now.value;
      const reason = none ? '' : 'a figure of zero has no ratio';
      return [{ ...shared, change: 1, low: 1, high: 1, verdict: none ? 'same' : 'inconclusive', reason }];
    }
    const { value, low, high } = change;
    const told = { ...shared, change: value, low, high };
    const reason = refuse(metric);
    if (reason !== '') return [{ ...told, verdict: 'refused', reason }];
    // Measured once: nothing is known of how far it lies from the next time.
    if ((metric === 'time' || metric === 'rate') && low === high && value !== 1) {
      return [{ ...told, verdict: 'inconclusive', reason: 'a figure without an interval' }];
    }
    return [{ ...told, verdict: verdictOf(change, tolerance), reason }];
  });
}

function measuredOf({ value, low, high }: Measured): Measured {
  return { value, low, high };
}

function ratioFigures(row: Row): Figure[] {
  return row.ratios.map(({ of, over, metric, unit, ratio, low, high }) => ({
    name: `${of} over ${over}${unit === undefined ? '' : ` (${unit})`}`,
    metric,
    unit: '×',
    value: ratio,
    low,
    high,
  }));
}

function absoluteFigures(row: Row): Figure[] {
  return row.results.map(({ variant, metric, unit, value, low, high }) => ({
    name: variant,
    metric,
    unit,
    value,
    low,
    high,
  }));
}

const SERVED: readonly Row['package'][] = ['database', 'cache', 'benchmarks'];

function sameParams(base: Row, now: Row): boolean {
  const keys = new Set([...Object.keys(base.params), ...Object.keys(now.params)]);
  return [...keys].every((key) => base.params[key] === now.params[key]);
}

/**
 * Compares what two records have in common.
 *
 * A row whose parameters differ did other work and is not compared. An absolute time or rate gets a verdict only when
 * machine, runtime and, for rows that use them, services are the same; ratios always get one.
 *
 * @throws {RangeError} `tolerance` is not above 0 and below 1.
 */
export function compareReports(base: Report, now: Report, options: CompareOptions = {}): Comparison {
  const tolerance = options.tolerance ?? DEFAULT_TOLERANCE;
  if (!(tolerance > 0 && tolerance < 1)) {
    throw new RangeError(`tolerance: expected a number above 0 and below 1, got ${tolerance}`);
  }
  const environment = environmentChanges(base.environment, now.environment);
  const changed = new Set(environment.map(({ field }) => field));
  const machine = MACHINE.filter((field) => changed.has(field));
  const services = [...changed].filter((field) => field.startsWith('services.'));
  const keyOf = (row: Row): string => `${row.id} ${row.case}`;
  const before = new Map(base.rows.map((row) => [keyOf(row), row]));
  const after = new Map(now.rows.map((row) => [keyOf(row), row]));
  const rows = [...after].flatMap(([key, row]): RowComparison[] => {
    const old = before.get(key);
    if (old === undefined) return [];
    const shared = { id: row.id, case: row.case, base: old.verdict, now: row.verdict };
    if (!sameParams(old, row)) {
      return [
        { ...shared, refused: 'the parameters differ: it is not the same work', ratios: [], absolutes: [] },
      ];
    }
    const differing = SERVED.includes(row.package) ? [...machine, ...services] : machine;
    const refusal = `absolute figures of differing machines: ${differing.join(', ')}`;
    const refuse = (metric: Metric): string =>
      differing.length > 0 && (metric === 'time' || metric === 'rate' || changed.has('node')) ? refusal : '';
    return [
      {
        ...shared,
        refused: '',
        ratios: changesOf(ratioFigures(old), ratioFigures(row), tolerance, () => ''),
        absolutes: changesOf(absoluteFigures(old), absoluteFigures(row), tolerance, refuse),
      },
    ];
  });
  return {
    base: { date: base.environment.date, commit: base.environment.commit },
    now: { date: now.environment.date, commit: now.environment.commit },
    environment,
    machine,
    rows,
    onlyInBase: [...before.keys()].filter((key) => !after.has(key)),
    onlyInNow: [...after.keys()].filter((key) => !before.has(key)),
    tolerance,
  };
}

/** Rows that failed and did not before. */
export function newlyFailed({ rows }: Comparison): string[] {
  return rows
    .filter(({ base, now }) => now === 'failed' && base !== 'failed')
    .map(({ id, case: name }) => `${id} ${name}`);
}

/** How often a gate may close although no ratio has changed. */
const FALSE_ALARMS = 0.05;

/**
 * Ratios, each taken inside one run, that are worse than the base's beyond doubt: what a gate may stand on. Absolute
 * figures are none of it, since a hosted runner is twice as fast one day as another.
 *
 * Of hundreds of ratios that did not change, the intervals of some miss by chance alone. So a ratio must be worse by as many
 * standard errors as, by a bound on the normal distribution's tail, none of so many is in 95 of 100 comparisons.
 */
export function worseRatios({ rows, tolerance }: Comparison): string[] {
  const count = rows.reduce((sum, { ratios }) => sum + ratios.length, 0);
  const errors = Math.sqrt(2 * Math.log(count / (2 * FALSE_ALARMS)));
  const isWorse = ({ verdict, change, low, high }: Change): boolean =>
    verdict === 'slower' && Math.log(change) + errors * errorOf({ low, high }) < -Math.log(1 + tolerance);
  return rows.flatMap((row) =>
    row.ratios.filter(isWorse).map(({ name }) => `${row.id} ${row.case}: ${name}`),
  );
}
