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

import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from '../report/record.ts';
import type { CaseContext } from './case.ts';
import type { LoadedCase } from './discover.ts';
import { MeasuringProcess, VariantError } from './measuring-process.ts';
import type { Tempo } from './plan.ts';
import { FEWEST_GROUPS, orderOfRound, planCase } from './plan.ts';
import type { Track } from './row.ts';
import { buildRow, pairedRatios } from './row.ts';
import { differenceOf } from './same-answer.ts';
import { bootstrapGeometric, median } from './statistics.ts';

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
  /** Told of every measuring process, to end it when this process is killed. */
  readonly guard?: (child: ChildProcess) => void;
  /** Told what is being done, for the progress line. */
  readonly onStep?: (step: string) => void;
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
    this.#tracks = Object.entries(loaded.case.variants).map(([name, { kind }]) => ({
      name,
      kind,
      samples: [],
      findings: [],
    }));
  }

  async run(): Promise<Row> {
    await (this.#loaded.case.experiment === true ? this.#runExperiment() : this.#runTimed());
    return buildRow(this.#loaded.case, this.#tracks, this.#options.cores);
  }

  async #runTimed(): Promise<void> {
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
      if (group + 1 >= FEWEST_GROUPS && this.#precision() <= tempo.precision / 2) break;
      const late = performance.now() - begun > 1.5 * tempo.budgetMs;
      const more = planned >= 3 && planned < 2 * tempo.groups && !late;
      if (group === planned - 1 && more && this.#precision() > tempo.precision) planned++;
    }
    for (const track of this.#tracks) await this.#diagnose(track);
  }

  /** As many times as the budget allows, a process a variant and time, the variants in a changing order. */
  async #runExperiment(): Promise<void> {
    const { tempo, onStep } = this.#options;
    const begun = performance.now();
    for (let group = 0; group < tempo.groups; group++) {
      onStep?.(`experiment ${group + 1}`);
      for (const track of orderOfRound(this.#alive(), group)) await this.#experiment(track, group === 0);
      const spent = performance.now() - begun;
      if (spent + spent / (group + 1) > tempo.budgetMs) break;
    }
  }

  async #experiment(track: Track, verify: boolean): Promise<void> {
    const lane = await this.#start(track, verify);
    if (lane === undefined) return;
    try {
      const reply = await lane.process.ask({ do: 'experiment' });
      if (reply.ok === 'experimented') track.findings.push(reply.findings);
    } catch (error) {
      this.#fail(track, error);
    } finally {
      await this.#stopLane(lane);
    }
  }

  #alive(): Track[] {
    return this.#tracks.filter((track) => track.failure === undefined && track.skipped === undefined);
  }

  async #start(track: Track, verify: boolean): Promise<Lane | undefined> {
    const { case: definition, file } = this.#loaded;
    const { execPath, signal, guard, scratchRoot, seed, postgresUrl, redisUrl } = this.#options;
    const scratch = mkdtempSync(join(scratchRoot, 'case-'));
    const measuring = new MeasuringProcess({ execPath, signal, guard, timeoutMs: REPLY_TIMEOUT_MS });
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

  /** The widest half width, relative, of what ours is told over the others; floors only bound, so they may be wider. */
  #precision(): number {
    const ours = this.#tracks.find(({ kind }) => kind === 'ours');
    const others = this.#tracks.filter(({ kind }) => kind === 'naive' || kind === 'peer');
    const widths = others.map((over) => {
      const ratios = ours === undefined ? [] : pairedRatios(ours, over);
      if (ratios.length === 0) return 0;
      const { value, low, high } = bootstrapGeometric(ratios);
      return (high - low) / 2 / value;
    });
    return Math.max(0, ...widths);
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
      if (reply.ok === 'diagnosed') {
        track.diagnosis = reply.diagnosis;
        track.findings.push(reply.findings);
      }
    } catch (error) {
      this.#fail(track, error);
    } finally {
      await this.#stopLane(lane);
    }
  }
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
