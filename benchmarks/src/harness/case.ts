/**
 * The contract of a case file, `benchmarks/src/<package>/<feature>.bench.ts`.
 *
 * A case file default-exports a list of cases, `const cases: readonly Case[] = […]; export default cases`. It is imported by the parent, for the list, and by every measuring
 * process, so it imports nothing heavy at the top: a variant's `setup` imports what it measures, and each process
 * loads that variant alone.
 *
 * Time is shared out over all cases of a run: a variant may use 0.35 to 0.9 s of a `--quick` run and 1.5 to 6 s of a plain
 * one, everything included. So keep `setup` below a tenth of a second where you can and answers small. Variants are set up
 * side by side, so what one makes on a server has a name of its own (`uniqueName`); then they are timed one at a time.
 */

/** Where a variant stands: what the guide starts from, what we offer, what others offer, and what bounds them all. */
export type VariantKind = 'naive' | 'ours' | 'peer' | 'floor';

/** A package of the suite, or `benchmarks` for what belongs to none. */
export type PackageName = 'memory' | 'cpu' | 'io' | 'database' | 'cache' | 'profile' | 'benchmarks';

/** Which runs a case belongs to: the guide's own cases, those with a bar against peers, what a plain run adds, everything else. */
export type Tier = 'guide' | 'peers' | 'plain' | 'all';

/** What must be there for a case to run; a case whose need is not met is left out, loudly. */
export type Need = 'postgres' | 'redis';

/** What the guide says of a row. */
export interface GuideFigure {
  /** The figure as the guide gives it: `500 ms → 50 ms (10×)`. */
  readonly text: string;
  /** How many times better the guide's optimised variant is. */
  readonly ratio: number;
  /** `efficiency` reads the ratio per core: `ratio ÷ cores` is to be reached by ours over the cores at hand. */
  readonly basis: 'ratio' | 'efficiency';
  /** Cores behind the guide's ratio; only with `efficiency`. */
  readonly cores?: number;
}

/** What a variant's `setup` is given. */
export interface CaseContext {
  /** Seed of every input: the same in all variants of a run. */
  readonly seed: number;
  /** Connection URL of the run's Postgres; empty when the case does not need it. */
  readonly postgresUrl: string;
  /** Connection URL of the run's Redis; empty when the case does not need it. */
  readonly redisUrl: string;
  /** An empty folder of this process alone, removed afterwards. */
  readonly scratch: string;
  /** A name that no other process of the run has; for tables, keys and files that must not collide. */
  readonly uniqueName: string;
  /**
   * True in a `--quick` run. A case whose setup or operation takes seconds may then use a tenth of its data, and says so
   * in `quickParams`; its name and what the data look like stay.
   */
  readonly quick: boolean;
}

/** Something that a variant measures or counts itself: stale reads, loads, a hit rate, a p99 of its own. */
export interface Measurement {
  readonly metric: 'time' | 'bytes' | 'count' | 'rate';
  /** What is counted, with its unit first where it has one: `ns p99 of first requests`, `stale reads`, `hits/read`. */
  readonly unit: string;
  readonly value: number;
  readonly better: 'less' | 'more';
}

/** A curve for the report. `plot / line` as a name puts lines of one row into one plot; the variant's name is added. */
export interface Curve {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** What a variant found beside its time. */
export interface Findings {
  readonly measurements?: readonly Measurement[];
  readonly curves?: readonly Curve[];
}

/** A variant, ready to be measured in its own process. */
export interface Operation {
  /**
   * One operation. What it returns goes to a sink, so that the work cannot be optimised away; a promise is awaited
   * when the case is `async`.
   */
  run(): unknown;
  /**
   * The answer that all variants of the case must agree on, computed once, before anything is timed.
   * Any structured-cloneable value; compared deeply, numbers within `Case.tolerance`.
   */
  answer(): unknown;
  /**
   * What the operations so far have shown: called once, after those of a process. In a timed case it is asked when
   * all is timed, after memory and latency were looked at; in an experiment after each.
   */
  findings?(): Findings | Promise<Findings>;
  /** Frees what `setup` took: connections, threads, files. */
  close?(): void | Promise<void>;
}

export interface Variant {
  readonly kind: VariantKind;
  /** Why this variant cannot run here (a Node version, a missing tool), or `undefined`. */
  readonly skip?: () => string | undefined;
  setup(context: CaseContext): Operation | Promise<Operation>;
}

export interface Case {
  /** The GUIDE's id: `M2`, `C1` … */
  readonly id: string;
  /** The size, the way the guide names it: `1000 lines`, `10K`, `1 MB`. */
  readonly case: string;
  readonly package: PackageName;
  readonly tier: Tier;
  readonly params: Readonly<Record<string, string | number | boolean>>;
  /** Those that are others in a `--quick` run, which takes less of the data: a row tells what was done. */
  readonly quickParams?: Case['params'];
  readonly guide: GuideFigure | null;
  readonly needs?: readonly Need[];
  /** True when `run` returns a promise. */
  readonly async: boolean;
  /**
   * True when `run` is a whole experiment, run once a process, whose duration says nothing: only `findings` count, and
   * the first measurement of `ours` over that of `naive` decides the verdict.
   */
  readonly experiment?: boolean;
  /**
   * Most processes a variant of an experiment; for one that repeats itself inside and gives one measurement of the same unit
   * for each time.
   */
  readonly processes?: number;
  /**
   * Where, on a Linux that lets us, the measuring processes and the servers are put: all on one core, or the servers on another
   * than the measuring process. Where they wait for each other anyway, as with one call at a time, `one core` measures what
   * both do, and not how long a core takes to wake.
   */
  readonly placement?: 'one core' | 'apart';
  /**
   * Fewest operations of each process before it is timed, for those that are too slow to be compiled in the time of a
   * warm-up; a tenth of them in a `--quick` run.
   */
  readonly warmupOperations?: number;
  /** Part of the time of another case that this one gets: below 1 for one of a long list of small ones. 1 by default. */
  readonly share?: number;
  /**
   * What the whole case takes, whatever its share: for an experiment whose length is its own. Kept back from the run's
   * total, so that it does not come out of the cases after it.
   */
  readonly fixedMs?: { readonly quick: number; readonly plain: number };
  /** Relative difference allowed between the variants' numeric answers; 0 by default. */
  readonly tolerance?: number;
  /** Settings of a service that a reader must know to judge the figure (`synchronous_commit=off`). */
  readonly settings?: string;
  /** Which of the guide's claims the row shows: 1 nothing copied, 2 batches, 3 bounded memory. */
  readonly claim?: 1 | 2 | 3;
  /** What limits us when the guide's ratio is not reached; printed with the verdict. */
  readonly limit?: string;
  /**
   * Variants by name: `naive` (the guide's baseline) and `naive:<name>` (another simple way), `ours` and `ours:<name>`, a
   * peer's npm name or `node:<module>.<name>`, `floor:<name>`. Needs `ours` and one other. */
  readonly variants: Readonly<Record<string, Variant>>;
}
