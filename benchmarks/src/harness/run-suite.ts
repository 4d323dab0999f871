/** Runs the chosen cases one after another and gathers their rows. */

import { availableParallelism } from 'node:os';
import type { Report, Row } from '../report/record.ts';
import { SCHEMA_VERSION } from '../report/record.ts';
import { connectServices, createDatabase, createGuardedFolder } from '../services/index.ts';
import { keptBackMs, shareOf, weightOf } from './budget.ts';
import type { LoadedCase } from './discover.ts';
import { nameOf } from './discover.ts';
import { describeEnvironment } from './environment.ts';
import type { Tempo } from './plan.ts';
import type { Progress } from './progress.ts';
import { headingOf } from './row.ts';
import type { RunCaseOptions } from './run-case.ts';
import { runCase } from './run-case.ts';

export interface RunSuiteOptions {
  readonly cases: readonly LoadedCase[];
  readonly tempo: Tempo;
  /** `quick`, `default` or `all`; recorded with the environment. */
  readonly tier: string;
  readonly seed: number;
  readonly execPath: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** With it, the stacks of each timed case are sampled when all is timed: by variant. */
  readonly onStacks?: RunCaseOptions['onStacks'];
}

export interface Finished {
  readonly report: Report;
  /** True when the run was aborted; the report holds what was finished. */
  readonly aborted: boolean;
  /** Why what the run started could not all be stopped or removed. */
  readonly leftBehind?: Error;
}

/**
 * Starts the services that the cases need, measures every case, stops what it started. An hour's figures are not lost because
 * a server that died meanwhile cannot be tidied up.
 *
 * @throws ServicesError when a URL that the user gave cannot be reached or used.
 */
export async function runSuite(options: RunSuiteOptions): Promise<Finished> {
  let finished: Finished | undefined;
  try {
    await measureAll(options, (measured) => {
      finished = measured;
    });
  } catch (error) {
    if (finished === undefined) throw error;
    return { ...finished, leftBehind: firstOf(error) };
  }
  return finished!;
}

/** Of errors that were thrown while another was under way, the first. */
function firstOf(error: unknown): Error {
  const { suppressed } = error as { readonly suppressed?: unknown };
  return suppressed === undefined ? (error as Error) : firstOf(suppressed);
}

async function measureAll(options: RunSuiteOptions, onMeasured: (finished: Finished) => void): Promise<void> {
  const { cases, tempo, tier, seed, execPath, signal, progress } = options;
  const needs = new Set(cases.flatMap(({ case: definition }) => definition.needs ?? []));
  await using services = await connectServices({
    postgres: needs.has('postgres'),
    redis: needs.has('redis'),
    durable: true,
  });
  await using scratch = await createGuardedFolder();
  // What a killed variant leaves goes with the run's own database, also on a server that the user gave.
  await using database =
    services.postgres === undefined ? undefined : await createDatabase(services.postgres.url);
  const cores = availableParallelism();
  const rows: Row[] = [];
  try {
    const { postgres, redis } = services;
    const environment = describeEnvironment(
      execPath,
      {
        ...(postgres === undefined ? {} : { postgres: postgres.description }),
        ...(redis === undefined ? {} : { redis: redis.description }),
      },
      { tier, seed, groups: tempo.groups, rounds: tempo.rounds, blockMs: tempo.blockMs },
    );
    const begun = performance.now();
    const isQuick = tier === 'quick';
    let weightLeft = cases.reduce((sum, loaded) => sum + weightOf(loaded.case), 0);
    let keptBack = cases.reduce((sum, loaded) => sum + keptBackMs(loaded.case, isQuick), 0);
    for (const loaded of cases) {
      if (signal.aborted) break;
      const weight = weightOf(loaded.case);
      const msLeft = tempo.totalMs - keptBack - (performance.now() - begun);
      const budgetMs = shareOf(tempo, weight, weightLeft, msLeft);
      keptBack -= keptBackMs(loaded.case, isQuick);
      weightLeft -= weight;
      const name = nameOf(loaded.case);
      const heading = headingOf(loaded.case, isQuick);
      progress.start(name);
      const lacking = services.missing.find(({ service }) => loaded.case.needs?.includes(service));
      let row: Row;
      if (lacking === undefined) {
        try {
          row = await runCase(loaded, {
            tempo,
            budgetMs,
            quick: isQuick,
            execPath,
            cores,
            seed,
            postgresUrl: database?.url ?? '',
            redisUrl: redis?.url ?? '',
            scratchRoot: scratch.path,
            signal,
            guard: (child) => {
              scratch.guard(child);
            },
            onStep: progress.step,
            profile: options.onStacks !== undefined,
            onStacks: options.onStacks,
          });
        } catch (error) {
          if (signal.aborted) break;
          const reason = error instanceof Error ? error.message : String(error);
          row = { ...heading, results: [], ratios: [], verdict: 'failed', reason };
        }
      } else {
        const reason = `no ${lacking.service}: ${lacking.reason}. ${lacking.remedy}`;
        row = { ...heading, results: [], ratios: [], verdict: 'left-out', reason };
      }
      rows.push(row);
      progress.done(name, `${row.verdict}, ${row.reason}`);
    }
    const report: Report = { schema: SCHEMA_VERSION, environment, rows };
    onMeasured({ report, aborted: signal.aborted });
  } finally {
    progress.stop();
  }
}
