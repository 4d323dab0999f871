/** From what the processes of a case gave to its row. Pure. */

import type { CallNode } from '@hotpath/profile';
import type { Ratio, Result, Row, Series } from '../report/record.ts';
import type { Case, Findings, Measurement, VariantKind } from './case.ts';
import type { Diagnosis } from './protocol.ts';
import type { Estimate } from './statistics.ts';
import { bootstrapGeometric, bootstrapMean, looksBimodal, median, quantileSorted } from './statistics.ts';
import { judge } from './verdict.ts';

/** What is known of a variant while its case runs. */
export interface Track {
  readonly name: string;
  readonly kind: VariantKind;
  /** Nanoseconds an operation, by group, then by round; empty in an experiment. */
  readonly samples: number[][];
  /** What the variant found, by process. */
  readonly findings: Findings[];
  failure?: string;
  skipped?: string;
  diagnosis?: Diagnosis;
  /** Where its time goes, by stacks; in milliseconds. */
  stacks?: CallNode;
}

/** How many times better `of` was than `over`, by group, then by round; only where both were measured. */
export function pairedRatios(of: Track, over: Track): number[][] {
  const groups: number[][] = [];
  for (const [group, samples] of of.samples.entries()) {
    const others = over.samples[group] ?? [];
    const rounds = Math.min(samples.length, others.length);
    if (rounds > 0) groups.push(samples.slice(0, rounds).map((ns, round) => others[round]! / ns));
  }
  return groups;
}

function exact(value: number): { value: number; low: number; high: number } {
  return { value, low: value, high: value };
}

function timesOf({ name: variant, kind, samples, diagnosis }: Track): Result[] {
  if (samples.flat().length === 0) return [];
  const time = bootstrapGeometric(samples.filter((rounds) => rounds.length > 0));
  const base: Result = { variant, kind, metric: 'time', unit: 'ns/op', ...time };
  if (diagnosis === undefined) return [base];
  const { latenciesNs, bytesPerOp, collections, operations, peakRssBytes } = diagnosis;
  const at = (probability: number): number => quantileSorted(latenciesNs, probability);
  const quantiles = { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
  const result = (metric: 'bytes' | 'count', unit: string, value: number): Result => ({
    variant,
    kind,
    metric,
    unit,
    ...exact(value),
  });
  return [
    latenciesNs.length === 0 ? base : { ...base, quantiles },
    ...(Number.isNaN(bytesPerOp) ? [] : [result('bytes', 'B/op', bytesPerOp)]),
    result('count', 'collections/1e6 op', (collections / operations) * 1e6),
    result('bytes', 'B peak RSS', peakRssBytes),
  ];
}

/** A measurement's values by process; those of an experiment that failed half-way are what they are. */
function valuesOf({ findings }: Track, unit: string): number[] {
  return findings.flatMap(({ measurements = [] }) =>
    measurements.filter((measurement) => measurement.unit === unit).map(({ value }) => value),
  );
}

/** One of each unit: a process may have measured it several times. */
function measurementsOf({ findings }: Track): readonly Measurement[] {
  const byUnit = new Map<string, Measurement>();
  for (const measurement of findings[0]?.measurements ?? []) byUnit.set(measurement.unit, measurement);
  return [...byUnit.values()];
}

function foundOf(track: Track): Result[] {
  const { name: variant, kind } = track;
  return measurementsOf(track).map(({ metric, unit }) => {
    const values = valuesOf(track, unit);
    const estimate: Estimate =
      values.length === 1 ? exact(values[0]!) : bootstrapMean(values.map((value) => [value]));
    return { variant, kind, metric, unit, ...estimate };
  });
}

/** Curves of all variants, those of one name in one plot. */
function seriesOf(tracks: readonly Track[]): Series[] {
  return tracks.flatMap(({ name, findings }) =>
    (findings.at(-1)?.curves ?? []).map(({ name: plot, x, y }) => ({ name: `${plot} / ${name}`, x, y })),
  );
}

function notesOf(track: Track): string[] {
  const notes: string[] = [];
  if (track.skipped !== undefined) notes.push(`${track.name} left out: ${track.skipped}`);
  if (track.failure !== undefined) notes.push(`${track.name} failed: ${track.failure}`);
  const medians = track.samples.filter((rounds) => rounds.length > 0).map((rounds) => median(rounds));
  if (looksBimodal(medians))
    notes.push(`${track.name}: its processes fell in two modes; read its time with care`);
  const { diagnosis } = track;
  if (diagnosis !== undefined && medians.length > 0 && median(medians) < 2 * diagnosis.emptyNs) {
    const empty = diagnosis.emptyNs.toPrecision(2);
    notes.push(
      `${track.name}: within twice an empty operation (${empty} ns): the loop itself is part of the figure`,
    );
  }
  return notes;
}

/** Every ratio of one of ours over one of the others. */
function ratiosOf(tracks: readonly Track[]): Ratio[] {
  const ours = tracks.filter(({ kind }) => kind === 'ours');
  const others = tracks.filter(({ kind }) => kind !== 'ours');
  return ours.flatMap((of) => others.flatMap((over) => [...timeRatios(of, over), ...foundRatios(of, over)]));
}

function timeRatios(of: Track, over: Track): Ratio[] {
  const groups = pairedRatios(of, over);
  if (groups.length === 0) return [];
  const { value, low, high } = bootstrapGeometric(groups);
  return [{ of: of.name, over: over.name, metric: 'time', ratio: value, low, high }];
}

/** Of what both measured themselves; nothing can be said of a ratio to nothing. */
function foundRatios(of: Track, over: Track): Ratio[] {
  return measurementsOf(of).flatMap(({ metric, unit, better }): Ratio[] => {
    const [mine, theirs] = [valuesOf(of, unit), valuesOf(over, unit)];
    const runs = Math.min(mine.length, theirs.length);
    if (runs === 0 || [...mine, ...theirs].some((value) => value <= 0)) return [];
    const ratios = mine
      .slice(0, runs)
      .map((value, run) => [better === 'less' ? theirs[run]! / value : value / theirs[run]!]);
    const { value, low, high } = bootstrapGeometric(ratios);
    return [{ of: of.name, over: over.name, metric, unit, ratio: value, low, high }];
  });
}

/** The first measurement of every variant in words, for a verdict that no ratio can give. */
function foundWords(tracks: readonly Track[]): string {
  return tracks
    .flatMap((track) => {
      const [first] = foundOf(track);
      return first === undefined ? [] : [`${track.name} ${Number(first.value.toPrecision(3))} ${first.unit}`];
    })
    .join(', ');
}

/** Without a ratio over the baseline: whether that is for want of what the row is about. */
function isLeftOut(guide: Case['guide'], tracks: readonly Track[]): boolean {
  const isLacking = ({ skipped }: Track): boolean => skipped !== undefined;
  const ours = tracks.filter(({ kind }) => kind === 'ours');
  const others = tracks.filter(({ kind }) => kind !== 'ours');
  if (ours.every(isLacking) || others.every(isLacking)) return true;
  return (
    guide !== null &&
    tracks.some((track) => isLacking(track) && (track.kind === 'ours' || track.kind === 'naive'))
  );
}

type Heading = Pick<Row, 'id' | 'case' | 'package' | 'params' | 'guide'>;

/** What of a row is known before anything runs. */
export function headingOf(definition: Case, quick: boolean): Heading {
  const { id, case: caseName, package: packageName, params, quickParams, guide } = definition;
  return {
    id,
    case: caseName,
    package: packageName,
    params: quick ? { ...params, ...quickParams } : params,
    guide,
  };
}

export interface RunFacts {
  /** At hand. */
  readonly cores: number;
  readonly quick: boolean;
  /** What a reader must know of how it ran. */
  readonly note?: string | undefined;
}

export function buildRow(definition: Case, tracks: readonly Track[], { cores, quick, note }: RunFacts): Row {
  const { guide, limit, experiment = false } = definition;
  const results = tracks.flatMap((track) => [...timesOf(track), ...foundOf(track)]);
  const ratios = ratiosOf(tracks);
  const failed = tracks.filter((track) => track.failure !== undefined);
  const notes = tracks.flatMap((track) => notesOf(track));
  if (note !== undefined) notes.unshift(note);
  if (definition.settings !== undefined) notes.unshift(`settings: ${definition.settings}`);
  const series = seriesOf(tracks);
  const row = {
    ...headingOf(definition, quick),
    results,
    ratios,
    notes,
    ...(series.length === 0 ? {} : { series }),
    ...(definition.claim === undefined ? {} : { claim: definition.claim }),
  };
  if (failed.length > 0) {
    const reason = failed.map(({ name, failure }) => `${name}: ${failure}`).join('; ');
    return { ...row, verdict: 'failed', reason };
  }
  const unit = experiment ? results[0]?.unit : undefined;
  const judged = ratios.filter((ratio) => ratio.unit === unit && ratio.over === 'naive');
  const ratio = judged.find(({ of }) => of === 'ours');
  if (ratio !== undefined) {
    const others = judged.filter(({ of }) => of !== 'ours');
    return { ...row, ...judge(guide, ratio, cores, limit, others) };
  }
  if (isLeftOut(guide, tracks)) {
    const skipped = tracks.filter((track) => track.skipped !== undefined);
    const reason = skipped.map(({ name, skipped: why }) => `${name}: ${why}`).join('; ');
    return { ...row, verdict: 'left-out', reason };
  }
  if (experiment) return { ...row, verdict: 'measured', reason: foundWords(tracks) };
  return { ...row, verdict: 'measured', reason: 'compared with peers only: the guide gives no figure' };
}
