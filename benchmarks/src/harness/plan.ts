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
  /** Rounds below which groups are cut instead, and that even an operation of seconds gets. */
  readonly fewestRounds: number;
  /** What timing a case may take before groups and rounds are cut, milliseconds. */
  readonly budgetMs: number;
  /** The run of its own for memory and latency, a variant, milliseconds. */
  readonly diagnoseMs: number;
  /** Half width of the ratio's interval, relative, at which no groups are added. */
  readonly precision: number;
}

/** Enough for a check that everything runs and where it stands; the whole suite in minutes. */
export const QUICK: Tempo = {
  blockMs: 5,
  warmupMs: 60,
  groups: 3,
  rounds: 5,
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
 * The most groups and rounds that fit the budget, cutting rounds before groups: processes differ more than blocks do.
 * Never less than one group of the fewest rounds, however long an operation takes.
 *
 * @param startMs what starting and warming one group takes, the check of its answers aside.
 * @param roundMs what one round takes: every variant's block, or its operation where that is longer.
 */
export function planCase(tempo: Tempo, startMs: number, roundMs: number): Plan {
  const groupCounts = [tempo.groups, ...[5, 3].filter((groups) => groups < tempo.groups)];
  for (const groups of groupCounts) {
    const rounds = Math.floor((tempo.budgetMs / groups - startMs) / roundMs);
    if (rounds >= tempo.fewestRounds) return { groups, rounds: Math.min(rounds, tempo.rounds) };
  }
  const alone = Math.floor((tempo.budgetMs - startMs) / roundMs);
  return { groups: 1, rounds: Math.max(tempo.fewestRounds, Math.min(tempo.rounds, alone)) };
}

/** The order of a round: forth, back, and from another start each time, so that no variant keeps a place. */
export function orderOfRound<T>(items: readonly T[], round: number): T[] {
  const shift = items.length === 0 ? 0 : (round >> 1) % items.length;
  const rotated = [...items.slice(shift), ...items.slice(0, shift)];
  return round % 2 === 0 ? rotated : rotated.reverse();
}
