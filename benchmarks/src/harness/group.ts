/**
 * A group: one measuring process a variant, all alive at once.
 *
 * Processes start, load and warm up side by side, as many at a time as there are cores: nothing is timed then. From
 * `settle` on one works at a time and the others sleep. What a variant does wrong is remembered in its track, and the
 * variant is left alone from then on; anything else ends the run.
 */

import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CaseContext } from './case.ts';
import type { LoadedCase } from './discover.ts';
import { MeasuringProcess, VariantError } from './measuring-process.ts';
import type { Tempo } from './plan.ts';
import type { Placement } from './placement.ts';
import { orderOfRound } from './plan.ts';
import type { Reply, Request } from './protocol.ts';
import type { Track } from './row.ts';

export interface GroupOptions {
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
  /** True in a run that is to be done in minutes; variants may then set up less. */
  readonly quick: boolean;
  /** True to sample the stacks of the naive variant and of ours, when all is timed. */
  readonly profile?: boolean | undefined;
}

interface Lane {
  readonly track: Track;
  readonly process: MeasuringProcess;
  readonly scratch: string;
  /** Of the last block; of the first operation where that is slow. */
  nsPerOp: number;
}

export interface Answer {
  readonly track: Track;
  readonly answer: unknown;
  readonly answerMs: number;
}

/** Operations longer than this need no warm-up. */
const SLOW_OPERATION_NS = 500e6;
/** Operations this many times longer than the time for diagnosis are not diagnosed. */
const DIAGNOSE_AT_MOST = 3;
/** Hundreds of samples a variant. */
const PROFILE_MS = 500;
/** More processes than this at once meet other limits than cores. */
const MOST_AT_ONCE = 8;

/** Two runs that share a server share no name. */
const RUN = randomBytes(4).toString('hex');
let processes = 0;

/** Runs `work` for every item, so many at a time; waits for all of them before it throws. */
async function together<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    for (const item of queue) await work(item);
  });
  for (const outcome of await Promise.allSettled(workers)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

const isAlive = ({ failure, skipped }: Track): boolean => failure === undefined && skipped === undefined;

export class Group {
  readonly #loaded: LoadedCase;
  readonly #options: GroupOptions;
  readonly #lanes: readonly Lane[];
  readonly #placement: Placement | undefined;

  /** Starts a process for every variant that has not failed. */
  constructor(
    loaded: LoadedCase,
    options: GroupOptions,
    tracks: readonly Track[],
    placement: Placement | undefined,
  ) {
    this.#placement = placement;
    this.#loaded = loaded;
    this.#options = options;
    const { execPath, signal, guard, scratchRoot, tempo } = options;
    this.#lanes = tracks.filter(isAlive).map((track) => ({
      track,
      process: new MeasuringProcess({ execPath, signal, guard, timeoutMs: tempo.replyTimeoutMs }),
      scratch: mkdtempSync(join(scratchRoot, 'case-')),
      nsPerOp: 0,
    }));
  }

  get #alive(): Lane[] {
    return this.#lanes.filter(({ track }) => isAlive(track));
  }

  /** Sets the variants up, and with `verify` asks for their answers. Side by side: what each makes on a server has a name of its own. */
  async prepare(verify: boolean): Promise<Answer[]> {
    const { file, case: definition } = this.#loaded;
    const { seed, postgresUrl, redisUrl, quick } = this.#options;
    const answers = new Map<Lane, Answer>();
    await together(this.#alive, this.#atOnce, async (lane) => {
      const { track, scratch } = lane;
      const uniqueName = `hotpath_${RUN}_${++processes}`;
      const context: CaseContext = { seed, postgresUrl, redisUrl, scratch, uniqueName, quick };
      const reply = await this.#ask(lane, {
        do: 'prepare',
        file,
        id: definition.id,
        case: definition.case,
        variant: track.name,
        context,
        verify,
      });
      if (reply?.ok === 'skipped') track.skipped = reply.reason;
      if (reply?.ok === 'prepared' && verify) answers.set(lane, { track, ...reply });
    });
    return this.#lanes.flatMap((lane) => answers.get(lane) ?? []);
  }

  /**
   * Brings every process to the point where a block is like the next; milliseconds that a round will take. An operation
   * so slow that it needs no warm-up runs once, and that is its first round.
   */
  async settle(): Promise<number> {
    const { tempo, quick } = this.#options;
    const { blockMs, warmupMs } = tempo;
    const { warmupOperations = 0 } = this.#loaded.case;
    const operations = quick ? warmupOperations / 10 : warmupOperations;
    for (const lane of this.#alive) {
      const reply = await this.#ask(lane, { do: 'try' });
      if (reply?.ok === 'tried') lane.nsPerOp = reply.nsPerOp;
    }
    const fast = this.#alive.filter(({ nsPerOp }) => nsPerOp <= SLOW_OPERATION_NS);
    await together(fast, this.#atOnce, async (lane) => {
      await this.#ask(lane, { do: 'warm', blockMs, warmupMs, operations });
    });
    let roundMs = 0;
    for (const lane of this.#alive) {
      if (lane.process.pid !== undefined) this.#placement?.place(lane.process.pid);
      if (!fast.includes(lane)) {
        roundMs += lane.nsPerOp / 1e6;
        continue;
      }
      const reply = await this.#ask(lane, { do: 'settle', blockMs });
      if (reply?.ok !== 'settled') continue;
      lane.nsPerOp = reply.nsPerOp;
      roundMs += Math.max(blockMs, reply.nsPerOp / 1e6);
    }
    return roundMs;
  }

  async runRounds(rounds: number): Promise<void> {
    const lanes = this.#alive;
    const isSlow = lanes.some(({ nsPerOp }) => nsPerOp > SLOW_OPERATION_NS);
    for (const { track, nsPerOp } of lanes) track.samples.push(isSlow ? [nsPerOp] : []);
    for (let round = isSlow ? 1 : 0; round < rounds; round++) {
      for (const lane of orderOfRound(lanes, round)) {
        if (!isAlive(lane.track)) continue;
        const reply = await this.#ask(lane, { do: 'block' });
        if (reply?.ok !== 'block') continue;
        lane.nsPerOp = reply.nsPerOp;
        lane.track.samples.at(-1)!.push(reply.nsPerOp);
      }
    }
  }

  /** Memory, latencies and findings, when nothing is to be timed any more. */
  async diagnose(onStep?: (step: string) => void): Promise<void> {
    const { diagnoseMs } = this.#options.tempo;
    for (const lane of this.#alive) {
      onStep?.(`memory and latency of ${lane.track.name}`);
      const isTooSlow = lane.nsPerOp / 1e6 > DIAGNOSE_AT_MOST * diagnoseMs;
      const reply = await this.#ask(lane, { do: 'diagnose', budgetMs: isTooSlow ? 0 : diagnoseMs });
      if (reply?.ok !== 'diagnosed') continue;
      if (reply.diagnosis !== undefined) lane.track.diagnosis = reply.diagnosis;
      lane.track.findings.push(reply.findings);
    }
  }

  /** Where the time of the guide's baseline and of ours goes. */
  async profile(onStep?: (step: string) => void): Promise<void> {
    for (const lane of this.#alive) {
      const { track } = lane;
      if (track.name !== 'naive' && track.name !== 'ours') continue;
      onStep?.(`stacks of ${track.name}`);
      const reply = await this.#ask(lane, { do: 'profile', durationMs: PROFILE_MS });
      if (reply?.ok === 'profiled') track.stacks = reply.root;
    }
  }

  /** Runs the experiment of each variant, one at a time. */
  async experiment(): Promise<void> {
    for (const lane of this.#alive) {
      const reply = await this.#ask(lane, { do: 'experiment' }, this.#options.tempo.experimentTimeoutMs);
      if (reply?.ok === 'experimented') lane.track.findings.push(reply.findings);
    }
  }

  /** Ends every process and removes its files; never throws. */
  async stop(): Promise<void> {
    await Promise.all(
      this.#lanes.map(async ({ process: measuring, scratch }) => {
        await measuring.close();
        rmSync(scratch, { recursive: true, force: true });
      }),
    );
  }

  get #atOnce(): number {
    return Math.min(this.#options.cores, MOST_AT_ONCE);
  }

  async #ask(
    { track, process: measuring }: Lane,
    request: Request,
    timeoutMs?: number,
  ): Promise<Reply | undefined> {
    try {
      return await measuring.ask(request, timeoutMs);
    } catch (error) {
      if (!(error instanceof VariantError)) throw error;
      track.failure = error.message;
      return undefined;
    }
  }
}
