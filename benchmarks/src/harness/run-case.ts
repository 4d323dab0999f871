/**
 * Measures one case.
 *
 *   group 1            group 2            …   last group
 *   naive  ─■──■──■─   naive  ─■──■──■─       naive  ─■──■──■─ bytes, collections, latencies
 *   ours   ──■■──■──   ours   ──■■──■──       ours   ──■■──■──       bytes, collections, latencies
 *            rounds
 *
 * Every line is a process. A group starts one process a variant; in each round every variant runs one block, in an
 * order that changes, so that whatever slows the machine for a moment slows neighbours alike. A ratio is taken inside
 * a round, never between rounds.
 */

import type { CallNode } from '@hotpath/profile';
import type { Row } from '../report/record.ts';
import type { LoadedCase } from './discover.ts';
import { Placement } from './placement.ts';
import type { Answer, GroupOptions } from './group.ts';
import { Group } from './group.ts';
import { FEWEST_GROUPS, orderOfRound, planCase } from './plan.ts';
import type { Track } from './row.ts';
import { buildRow, pairedRatios } from './row.ts';
import { differenceOf } from './same-answer.ts';
import { bootstrapGeometric } from './statistics.ts';

export interface RunCaseOptions extends GroupOptions {
  /** Time for the case, milliseconds; by default the most that its tempo allows. */
  readonly budgetMs?: number;
  /** Told what is being done, for the progress line. */
  readonly onStep?: (step: string) => void;
  /** Told of the row and, with `profile`, of the stacks of its variants. */
  readonly onStacks?: ((row: Row, stacks: ReadonlyMap<string, CallNode>) => void) | undefined;
}

class CaseRun {
  readonly #loaded: LoadedCase;
  readonly #options: RunCaseOptions;
  readonly #tracks: Track[];
  /** Ends the processes of the group before, while those of the next start. */
  #stopping: Promise<void> = Promise.resolve();
  #placement: Placement | undefined;

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
    const { case: definition } = this.#loaded;
    using placement = await Placement.open(definition, this.#options);
    this.#placement = placement;
    try {
      await (definition.experiment === true ? this.#runExperiment() : this.#runTimed());
    } finally {
      await this.#stopping;
    }
    const row = buildRow(definition, this.#tracks, { ...this.#options, note: placement.note });
    const stacks = new Map(
      this.#tracks.flatMap(({ name, stacks: root }) => (root === undefined ? [] : [[name, root] as const])),
    );
    if (stacks.size > 0) this.#options.onStacks?.(row, stacks);
    return row;
  }

  get #budgetMs(): number {
    return this.#options.budgetMs ?? this.#options.tempo.mostMs * this.#tracks.length;
  }

  async #runTimed(): Promise<void> {
    const { tempo, onStep } = this.#options;
    const timingMs = this.#budgetMs - tempo.diagnoseMs * this.#tracks.length;
    const begun = performance.now();
    let { groups, rounds } = tempo;
    let answersMs = 0;
    for (let index = 0; index < groups; index++) {
      onStep?.(`group ${index + 1} of ${groups}`);
      const start = performance.now();
      await this.#inGroup(this.#tracks, async (group) => {
        const prepared = performance.now();
        const answers = await group.prepare(index === 0);
        this.#verify(answers);
        const preparedMs = performance.now() - prepared;
        const roundMs = await group.settle();
        if (index === 0) {
          const total = answers.reduce((sum, { answerMs }) => sum + answerMs, 0);
          // Answers came side by side, so what they took together is more than the time that passed.
          answersMs = Math.min(total, preparedMs);
          const startMs = performance.now() - start - answersMs;
          ({ groups, rounds } = planCase(tempo, timingMs, startMs, Math.max(roundMs, 1)));
        }
        await group.runRounds(rounds);
        const finished = index + 1;
        const spentMs = performance.now() - begun - answersMs;
        if (finished >= FEWEST_GROUPS && this.#precision() <= tempo.precision / 2) groups = finished;
        // A plan is an estimate; three processes give an interval.
        if (finished >= 3 && spentMs + spentMs / finished > 1.2 * timingMs) groups = finished;
        else if (finished === groups && groups >= 3 && groups < 2 * tempo.groups) {
          if (this.#precision() > tempo.precision) groups++;
        }
        if (finished < groups) return;
        await group.diagnose(onStep);
        if (this.#options.profile === true) await group.profile(onStep);
      });
    }
  }

  /** As many times as the budget allows, a process a variant and time, the variants in a changing order. */
  async #runExperiment(): Promise<void> {
    const { tempo, onStep } = this.#options;
    const begun = performance.now();
    const most = Math.min(tempo.groups, this.#loaded.case.processes ?? tempo.groups);
    for (let index = 0; index < most; index++) {
      onStep?.(`experiment ${index + 1}`);
      for (const track of orderOfRound(this.#tracks, index)) {
        await this.#inGroup([track], async (group) => {
          this.#verify(await group.prepare(index === 0));
          await group.experiment();
        });
      }
      const spent = performance.now() - begun;
      if (spent + spent / (index + 1) > this.#budgetMs) break;
    }
  }

  async #inGroup(tracks: readonly Track[], work: (group: Group) => Promise<void>): Promise<void> {
    const group = new Group(this.#loaded, this.#options, tracks, this.#placement);
    try {
      await this.#stopping;
      await work(group);
    } finally {
      this.#stopping = group.stop();
    }
  }

  #reference: Answer | undefined;

  #verify(answers: readonly Answer[]): void {
    for (const given of answers) {
      this.#reference ??= given;
      const { track, answer } = this.#reference;
      const difference = differenceOf(answer, given.answer, this.#loaded.case.tolerance);
      if (difference !== undefined) {
        given.track.failure = `the answer differs from that of ${track.name}: ${difference}`;
      }
    }
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
