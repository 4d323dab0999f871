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
  /** The whole run, shared out over its cases, milliseconds; `Infinity` gives every case the most it may use. */
  readonly totalMs: number;
  /** What a case may use a variant, and what it gets even when the total is used up, milliseconds. */
  readonly mostMs: number;
  readonly leastMs: number;
  /** Longest wait for a measuring process: what does not answer by then never ends. */
  readonly replyTimeoutMs: number;
  /** The same for an experiment, which is a whole run of its own. */
  readonly experimentTimeoutMs: number;
  /** Looking at memory and latency when all is timed, a variant, milliseconds. */
  readonly diagnoseMs: number;
  /** Half width of the ratios' intervals, relative, at which no groups are added. */
  readonly precision: number;
}

/** Enough for a check that everything runs and where it stands; the whole suite in minutes. */
export const QUICK: Tempo = {
  blockMs: 5,
  warmupMs: 30,
  groups: 2,
  rounds: 6,
  enoughRounds: 3,
  fewestRounds: 1,
  totalMs: 150_000,
  mostMs: 600,
  leastMs: 200,
  replyTimeoutMs: 180_000,
  experimentTimeoutMs: 15 * 60_000,
  diagnoseMs: 15,
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
  totalMs: 21 * 60_000,
  mostMs: 6000,
  leastMs: 1500,
  replyTimeoutMs: 180_000,
  experimentTimeoutMs: 15 * 60_000,
  diagnoseMs: 300,
  precision: 0.05,
};

/** Without a total: `--all`, whose cases are too many for any. */
export const ALL: Tempo = { ...FULL, totalMs: Number.POSITIVE_INFINITY };

export interface Plan {
  readonly groups: number;
  readonly rounds: number;
}

/**
 * The most groups that fit the budget with enough rounds in each, else the most rounds in three groups, in two, in one:
 * processes differ more than blocks do, but two or three blocks do not tell where a process stands.
 * Never less than one group of the fewest rounds, however long an operation takes.
 *
 * @param budgetMs what timing the case may take.
 * @param startMs what starting and warming one group takes, the check of its answers aside.
 * @param roundMs what one round takes: every variant's block, or its operation where that is longer.
 */
export function planCase(tempo: Tempo, budgetMs: number, startMs: number, roundMs: number): Plan {
  const roundsIn = (groups: number): number => Math.floor((budgetMs / groups - startMs) / roundMs);
  const counts = [tempo.groups, ...[5, 3].filter((groups) => groups < tempo.groups)];
  const groups =
    counts.find((count) => roundsIn(count) >= tempo.enoughRounds) ??
    [3, 2].find((count) => count <= tempo.groups && roundsIn(count) >= Math.max(2, tempo.fewestRounds)) ??
    1;
  return { groups, rounds: Math.max(tempo.fewestRounds, Math.min(tempo.rounds, roundsIn(groups))) };
}

/** Processes that an interval needs at the least, Student's factor of 1.6 in it, before a case may end early. */
export const FEWEST_GROUPS = 4;

/** The order of a round: forth, back, and from another start each time, so that no variant keeps a place. */
export function orderOfRound<T>(items: readonly T[], round: number): T[] {
  const shift = items.length === 0 ? 0 : (round >> 1) % items.length;
  const rotated = [...items.slice(shift), ...items.slice(0, shift)];
  return round % 2 === 0 ? rotated : rotated.reverse();
}
