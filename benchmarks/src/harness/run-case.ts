/**
 * Measures one case.
 *
 *   group 1            group 2            …          then, alone
 *   naive  ─■──■──■─   naive  ─■──■──■─              naive: bytes, collections, latencies
 *   ours   ──■■──■──   ours   ──■■──■──              ours:  bytes, collections, latencies
 *            rounds
 *
 * Every line is a process. A group starts one process a variant; in each round every variant runs one block, in an
 * order that changes, so that whatever slows the machine for a moment slows neighbours alike. A ratio is taken inside
 * a round, never between rounds.
 */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Ratio, Result, Row } from '../report/record.ts';
import type { Case, CaseContext } from './case.ts';
import type { LoadedCase } from './discover.ts';
import { MeasuringProcess, VariantError } from './measuring-process.ts';
import type { Tempo } from './plan.ts';
import { orderOfRound, planCase } from './plan.ts';
import type { Diagnosis } from './protocol.ts';
import { bootstrapGeometric, looksBimodal, median, quantileSorted } from './statistics.ts';
import { differenceOf } from './same-answer.ts';
import { judge } from './verdict.ts';

export interface RunCaseOptions {
  readonly tempo: Tempo;
  readonly execPath: string;
  readonly cores: number;
  readonly seed: number;
  readonly postgresUrl: string;
  readonly redisUrl: string;
  /** Folder for the scratch folders of the measuring processes. */
  readonly scratchRoot: string;
  readonly signal: AbortSignal;
  /** Told what is being done, for the progress line. */
  readonly onStep?: (step: string) => void;
}

/** What is known of a variant while its case runs. */
interface Track {
  readonly name: string;
  /** Nanoseconds an operation, by group, then by round. */
  readonly samples: number[][];
  failure?: string;
  skipped?: string;
  diagnosis?: Diagnosis;
}

interface Lane {
  readonly track: Track;
  readonly process: MeasuringProcess;
  readonly scratch: string;
  nsPerOp: number;
}

const REPLY_TIMEOUT_MS = 180_000;
/** Operations longer than this need no warm-up, and their calibration is a round like any other. */
const SLOW_OPERATION_NS = 500e6;
/** Operations this many times longer than the time for diagnosis are not diagnosed. */
const DIAGNOSE_AT_MOST = 5;

/** Two runs that share a server share no name. */
const RUN = randomBytes(4).toString('hex');
let processes = 0;

class CaseRun {
  readonly #loaded: LoadedCase;
  readonly #options: RunCaseOptions;
  readonly #tracks: Track[];
  /** Time spent on answers, which only the first group computes. */
  #answersMs = 0;
  #reference: { readonly name: string; readonly answer: unknown } | undefined;

  constructor(loaded: LoadedCase, options: RunCaseOptions) {
    this.#loaded = loaded;
    this.#options = options;
    this.#tracks = Object.keys(loaded.case.variants).map((name) => ({ name, samples: [] }));
  }

  async run(): Promise<Row> {
    const { tempo, onStep } = this.#options;
    const begun = performance.now();
    let planned = tempo.groups;
    let rounds = tempo.rounds;
    for (let group = 0; group < planned; group++) {
      onStep?.(`group ${group + 1} of ${planned}`);
      const start = performance.now();
      const lanes = await this.#startGroup(group === 0);
      try {
        if (group === 0) {
          const roundMs = lanes.reduce((sum, { nsPerOp }) => sum + Math.max(tempo.blockMs, nsPerOp / 1e6), 0);
          const startMs = performance.now() - start - this.#answersMs;
          const plan = planCase(tempo, startMs, roundMs);
          planned = plan.groups;
          rounds = plan.rounds;
        }
        await this.#runRounds(lanes, rounds);
      } finally {
        await this.#stopGroup(lanes);
      }
      const enough = this.#isPrecise() || performance.now() - begun > 2 * tempo.budgetMs;
      if (group === planned - 1 && planned >= 3 && planned < 2 * tempo.groups && !enough) planned++;
    }
    for (const track of this.#tracks) await this.#diagnose(track);
    return buildRow(this.#loaded.case, this.#tracks, this.#options.cores);
  }

  #alive(): Track[] {
    return this.#tracks.filter((track) => track.failure === undefined && track.skipped === undefined);
  }

  async #start(track: Track, verify: boolean): Promise<Lane | undefined> {
    const { case: definition, file } = this.#loaded;
    const { execPath, signal, scratchRoot, seed, postgresUrl, redisUrl } = this.#options;
    const scratch = mkdtempSync(join(scratchRoot, 'case-'));
    const measuring = new MeasuringProcess({ execPath, signal, timeoutMs: REPLY_TIMEOUT_MS });
    const lane: Lane = { track, process: measuring, scratch, nsPerOp: 0 };
    const uniqueName = `hotpath_${RUN}_${++processes}`;
    const context: CaseContext = { seed, postgresUrl, redisUrl, scratch, uniqueName };
    try {
      const { id, case: caseName } = definition;
      const reply = await measuring.ask({
        do: 'prepare',
        file,
        id,
        case: caseName,
        variant: track.name,
        context,
        verify,
      });
      if (reply.ok === 'skipped') track.skipped = reply.reason;
      if (reply.ok === 'prepared' && verify) {
        this.#answersMs += reply.answerMs;
        this.#verify(track, reply.answer);
      }
    } catch (error) {
      await this.#stopLane(lane);
      this.#fail(track, error);
      return undefined;
    }
    if (track.failure === undefined && track.skipped === undefined) return lane;
    await this.#stopLane(lane);
    return undefined;
  }

  #verify(track: Track, answer: unknown): void {
    if (this.#reference === undefined) {
      this.#reference = { name: track.name, answer };
      return;
    }
    const difference = differenceOf(this.#reference.answer, answer, this.#loaded.case.tolerance);
    if (difference !== undefined) {
      track.failure = `the answer differs from that of ${this.#reference.name}: ${difference}`;
    }
  }

  /** Remembers why a variant failed; anything but its own failure ends the run. */
  #fail(track: Track, error: unknown): void {
    if (!(error instanceof VariantError)) throw error;
    track.failure = error.message;
  }

  async #startGroup(verify: boolean): Promise<Lane[]> {
    const lanes: Lane[] = [];
    try {
      for (const track of this.#alive()) {
        const lane = await this.#start(track, verify);
        if (lane !== undefined) lanes.push(lane);
      }
      for (const lane of lanes) await this.#warm(lane);
    } catch (error) {
      await this.#stopGroup(lanes);
      throw error;
    }
    return lanes;
  }

  async #warm(lane: Lane): Promise<void> {
    const { blockMs, warmupMs } = this.#options.tempo;
    try {
      const reply = await lane.process.ask({ do: 'warm', blockMs, warmupMs });
      if (reply.ok === 'warm') lane.nsPerOp = reply.nsPerOp;
    } catch (error) {
      this.#fail(lane.track, error);
    }
  }

  async #runRounds(lanes: Lane[], rounds: number): Promise<void> {
    const slow = lanes.some(({ nsPerOp }) => nsPerOp > SLOW_OPERATION_NS);
    for (const { track, nsPerOp } of lanes) {
      track.samples.push(slow && track.failure === undefined ? [nsPerOp] : []);
    }
    for (let round = slow ? 1 : 0; round < rounds; round++) {
      for (const lane of orderOfRound(lanes, round)) {
        if (lane.track.failure !== undefined) continue;
        try {
          const reply = await lane.process.ask({ do: 'block' });
          if (reply.ok === 'block') lane.track.samples.at(-1)!.push(reply.nsPerOp);
        } catch (error) {
          this.#fail(lane.track, error);
        }
      }
    }
  }

  async #stopLane(lane: Lane): Promise<void> {
    await lane.process.close();
    rmSync(lane.scratch, { recursive: true, force: true });
  }

  async #stopGroup(lanes: readonly Lane[]): Promise<void> {
    await Promise.all(lanes.map((lane) => this.#stopLane(lane)));
  }

  #isPrecise(): boolean {
    const { variants } = this.#loaded.case;
    const ours = this.#tracks.find((track) => variants[track.name]!.kind === 'ours');
    const naive = this.#tracks.find((track) => variants[track.name]!.kind === 'naive');
    const ratios = ours === undefined || naive === undefined ? [] : pairedRatios(ours, naive);
    if (ratios.length === 0) return true;
    const { value, low, high } = bootstrapGeometric(ratios);
    return (high - low) / 2 <= this.#options.tempo.precision * value;
  }

  async #diagnose(track: Track): Promise<void> {
    if (track.failure !== undefined || track.skipped !== undefined) return;
    const { tempo, onStep } = this.#options;
    const nsPerOp = median(track.samples.flat());
    if (nsPerOp / 1e6 > DIAGNOSE_AT_MOST * tempo.diagnoseMs) return;
    onStep?.(`memory and latency of ${track.name}`);
    const lane = await this.#start(track, false);
    if (lane === undefined) return;
    try {
      await lane.process.ask({ do: 'warm', blockMs: tempo.blockMs, warmupMs: tempo.warmupMs });
      const reply = await lane.process.ask({ do: 'diagnose', budgetMs: tempo.diagnoseMs });
      if (reply.ok === 'diagnosed') track.diagnosis = reply.diagnosis;
    } catch (error) {
      this.#fail(track, error);
    } finally {
      await this.#stopLane(lane);
    }
  }
}

/** How many times better `of` was than `over`, by group, then by round; only where both were measured. */
function pairedRatios(of: Track, over: Track): number[][] {
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

function resultsOf(track: Track, kind: Result['kind']): Result[] {
  if (track.samples.flat().length === 0) return [];
  const time = bootstrapGeometric(track.samples.filter((rounds) => rounds.length > 0));
  const { diagnosis, name: variant } = track;
  if (diagnosis === undefined) return [{ variant, kind, metric: 'time', unit: 'ns/op', ...time }];
  const { latenciesNs, bytesPerOp, collections, operations, peakRssBytes } = diagnosis;
  const at = (probability: number): number => quantileSorted(latenciesNs, probability);
  return [
    {
      variant,
      kind,
      metric: 'time',
      unit: 'ns/op',
      ...time,
      ...(latenciesNs.length === 0
        ? {}
        : {
            quantiles: {
              p50: at(0.5),
              p90: at(0.9),
              p99: at(0.99),
              p999: at(0.999),
              max: at(1),
            },
          }),
    },
    ...(Number.isNaN(bytesPerOp)
      ? []
      : [{ variant, kind, metric: 'bytes' as const, unit: 'B/op', ...exact(bytesPerOp) }]),
    {
      variant,
      kind,
      metric: 'count',
      unit: 'collections/1e6 op',
      ...exact((collections / operations) * 1e6),
    },
    { variant, kind, metric: 'bytes', unit: 'B peak RSS', ...exact(peakRssBytes) },
  ];
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

/** The variants that a ratio is taken of, and those that it is taken over. */
function ratiosOf(definition: Case, tracks: readonly Track[]): Ratio[] {
  const measured = tracks.filter((track) => track.samples.flat().length > 0);
  const ours = measured.filter((track) => definition.variants[track.name]!.kind === 'ours');
  const others = measured.filter((track) => definition.variants[track.name]!.kind !== 'ours');
  return ours.flatMap((of) =>
    others.flatMap((over): Ratio[] => {
      const groups = pairedRatios(of, over);
      if (groups.length === 0) return [];
      const { value, low, high } = bootstrapGeometric(groups);
      return [{ of: of.name, over: over.name, metric: 'time', ratio: value, low, high }];
    }),
  );
}

function buildRow(definition: Case, tracks: readonly Track[], cores: number): Row {
  const { id, case: caseName, package: packageName, params, guide, limit } = definition;
  const results = tracks.flatMap((track) => resultsOf(track, definition.variants[track.name]!.kind));
  const ratios = ratiosOf(definition, tracks);
  const failed = tracks.filter((track) => track.failure !== undefined);
  const ratio = ratios.find(({ of, over }) => of === 'ours' && over === 'naive');
  const notes = tracks.flatMap((track) => notesOf(track));
  if (definition.settings !== undefined) notes.unshift(`settings: ${definition.settings}`);
  const row = { id, case: caseName, package: packageName, params, guide, results, ratios, notes };
  if (failed.length > 0) {
    const reason = failed.map(({ name, failure }) => `${name}: ${failure}`).join('; ');
    return { ...row, verdict: 'failed', reason };
  }
  if (ratio === undefined && guide !== null) {
    const skipped = tracks.filter((track) => track.skipped !== undefined);
    return {
      ...row,
      verdict: 'left-out',
      reason: skipped.map(({ name, skipped: why }) => `${name}: ${why}`).join('; '),
    };
  }
  if (ratio === undefined) {
    return { ...row, verdict: 'measured', reason: 'compared with peers only: the guide gives no figure' };
  }
  const others = ratios.filter(({ of, over }) => of !== 'ours' && over === 'naive');
  return { ...row, ...judge(guide, ratio, cores, limit, others) };
}

/**
 * Measures a case and gives its row. A variant that throws, dies, hangs or answers wrongly makes the row `failed`, with
 * the other variants' results kept.
 *
 * @throws the abort reason when the run is aborted; nothing else on account of a variant.
 */
export function runCase(loaded: LoadedCase, options: RunCaseOptions): Promise<Row> {
  return new CaseRun(loaded, options).run();
}
