/** How many processes and rounds a case gets out of its time. Pure. */

export interface Tempo {
  /** Length of a block, milliseconds. */
  readonly blockMs: number;
  /** Warm-up of every process, milliseconds. */
  readonly warmupMs: number;
  /** Groups of processes, one process a variant in each. */
  readonly groups: number;
  /** Rounds a group; in a round every variant runs one block. */
  readonly rounds: number;
  /** Rounds below which groups are cut instead, as long as three are left. */
  readonly enoughRounds: number;
  /** Rounds that even an operation of seconds gets. */
  readonly fewestRounds: number;
  /** What timing a case may take before groups and rounds are cut, milliseconds. */
  readonly budgetMs: number;
  /** The run of its own for memory and latency, a variant, milliseconds. */
  readonly diagnoseMs: number;
  /** Half width of the ratios' intervals, relative, at which no groups are added. */
  readonly precision: number;
}

/** Enough for a check that everything runs and where it stands; the whole suite in minutes. */
export const QUICK: Tempo = {
  blockMs: 5,
  warmupMs: 60,
  groups: 3,
  rounds: 5,
  enoughRounds: 3,
  fewestRounds: 2,
  budgetMs: 2500,
  diagnoseMs: 60,
  precision: 1,
};

/**
 * Seven pairs of processes, twelve rounds of 20 ms: the least at which repeated runs agreed within 5 % on a noisy
 * two-core machine, and the warm-up after which the optimiser had settled.
 */
export const FULL: Tempo = {
  blockMs: 20,
  warmupMs: 250,
  groups: 7,
  rounds: 12,
  enoughRounds: 8,
  fewestRounds: 3,
  budgetMs: 20_000,
  diagnoseMs: 500,
  precision: 0.05,
};

export interface Plan {
  readonly groups: number;
  readonly rounds: number;
}

/**
 * The most groups that fit the budget with enough rounds in each, else the most rounds in three groups, else in one:
 * processes differ more than blocks do, but two or three blocks do not tell where a process stands.
 * Never less than one group of the fewest rounds, however long an operation takes.
 *
 * @param startMs what starting and warming one group takes, the check of its answers aside.
 * @param roundMs what one round takes: every variant's block, or its operation where that is longer.
 */
export function planCase(tempo: Tempo, startMs: number, roundMs: number): Plan {
  const roundsIn = (groups: number): number => Math.floor((tempo.budgetMs / groups - startMs) / roundMs);
  const counts = [tempo.groups, ...[5, 3].filter((groups) => groups < tempo.groups)];
  const groups =
    counts.find((count) => roundsIn(count) >= tempo.enoughRounds) ??
    (roundsIn(3) >= tempo.fewestRounds ? 3 : 1);
  return { groups, rounds: Math.max(tempo.fewestRounds, Math.min(tempo.rounds, roundsIn(groups))) };
}

/** Processes that an interval needs at the least, by Student's factor, before a case may end early. */
export const FEWEST_GROUPS = 5;

/** The order of a round: forth, back, and from another start each time, so that no variant keeps a place. */
export function orderOfRound<T>(items: readonly T[], round: number): T[] {
  const shift = items.length === 0 ? 0 : (round >> 1) % items.length;
  const rotated = [...items.slice(shift), ...items.slice(0, shift)];
  return round % 2 === 0 ? rotated : rotated.reverse();
}
