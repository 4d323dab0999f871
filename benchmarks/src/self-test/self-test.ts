/** `bench --self-test`: the harness measures what is known, again and again, and is judged by the same rules each time. */

import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { LoadedCase } from '../harness/discover.ts';
import { FULL } from '../harness/plan.ts';
import { runCase } from '../harness/run-case.ts';
import { median } from '../harness/statistics.ts';
import type { Ratio } from '../report/record.ts';
import { createGuardedFolder } from '../services/index.ts';
import type { Check } from './checks.ts';
import { occupyCores } from './busy-cores.ts';
import { checkBusyRuns, checkLoad, checkRuns } from './checks.ts';
import type { Wrap } from './ring.ts';
import { byHand } from './ring.ts';

export interface SelfTestOptions {
  readonly cases: readonly LoadedCase[];
  readonly execPath: string;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

const AA_RUNS = 10;
const PAIR_RUNS = 5;
const BUSY_RUNS = 5;
const HAND_ROUNDS = 9;
/** By construction: 3630 steps over 2000. */
const PAIR_RATIO = 1.815;

/** How many times longer the divided read takes, each in processes of its own, by a loop written out by hand. */
function ratioByHand(execPath: string): number {
  const time = (wrap: Wrap): number =>
    Number(execFileSync(execPath, ['-e', byHand(wrap)], { encoding: 'utf8' }));
  const ratios = Array.from({ length: HAND_ROUNDS }, () => time('modulo') / time('mask'));
  return median(ratios);
}

/**
 * Measures the controls and judges each; five to six minutes.
 *
 * @throws the abort reason.
 */
export async function selfTest(options: SelfTestOptions): Promise<Check[]> {
  const { cases, execPath, signal, onProgress } = options;
  await using scratch = await createGuardedFolder();
  const cores = availableParallelism();
  const guard = (child: ChildProcess): void => {
    scratch.guard(child);
  };
  const measure = async (name: string, runs: number, where = ''): Promise<Ratio[]> => {
    const loaded = cases.find(({ case: definition }) => definition.case === name)!;
    const ratios: Ratio[] = [];
    for (let run = 1; run <= runs; run++) {
      onProgress(`${name}${where}, run ${run} of ${runs}`);
      const row = await runCase(loaded, {
        tempo: FULL,
        quick: false,
        execPath,
        cores,
        seed: run,
        postgresUrl: '',
        redisUrl: '',
        scratchRoot: scratch.path,
        signal,
        guard,
      });
      const [ratio] = row.ratios;
      if (ratio === undefined) throw new Error(`${name}: ${row.reason}`);
      ratios.push(ratio);
      const [read, low, high] = [ratio.ratio, ratio.low, ratio.high].map((value) => value.toFixed(3));
      onProgress(`  read ${read} [${low}, ${high}]`);
    }
    return ratios;
  };
  const same = await measure('control A/A', AA_RUNS);
  const pair = await measure('control 1.815', PAIR_RUNS);
  const ring = await measure('control ring mask/modulo', PAIR_RUNS);
  onProgress('the ring by hand');
  const hand = ratioByHand(execPath);
  const busy = ', every core busy';
  await using load = occupyCores(execPath, cores, guard);
  const busySame = await measure('control A/A', BUSY_RUNS, busy);
  const busyPair = await measure('control 1.815', BUSY_RUNS, busy);
  return [
    ...checkRuns('A/A', same, 1, true),
    ...checkRuns('1.815 by construction', pair, PAIR_RATIO),
    ...checkRuns('ring, mask over modulo (by hand)', ring, hand, true),
    checkLoad(load.running(), cores),
    ...checkBusyRuns(`A/A${busy}`, busySame, 1, true),
    ...checkBusyRuns(`1.815 by construction${busy}`, busyPair, PAIR_RATIO),
  ];
}
