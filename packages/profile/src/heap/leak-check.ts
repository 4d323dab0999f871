/**
 * Whether memory stays behind with every call.
 *
 *   warm-up │ calls × iterations, collect twice, look │ … rounds of it │ judge │ where what stays was allocated
 *
 * The heap is looked at when everything that can be collected was, so what grows is what is held. Growth that ends is a
 * cache, compiled code, a table that found its size; growth that goes on is a leak.
 */

import { functionOption, integerOption, objectOption, signalOption } from '../option-checks.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { openSession } from '../session.ts';
import type { InspectorSession } from '../session.ts';
import { sourcePlaces } from '../source-maps/source-places.ts';
import { isThenable } from '../thenable.ts';
import { framesOf, topSites, treeOf } from './allocation-tree.ts';
import type { AllocationSite } from './allocation-tree.ts';
import { collectAll, heapSize } from './collector.ts';
import { judge } from './leak-verdict.ts';
import type { Judgement, LeakVerdict } from './leak-verdict.ts';
import { ownFrames } from './own-frames.ts';
import { abortable, keepApart, runAsync, runSync, sink } from './run.ts';
import type { Operation } from './run.ts';
import { startSampling, stopSampling } from './sampler.ts';
import type { V8HeapProfile } from './sampler.ts';

export interface LeakCheckOptions {
  /** Calls in a round, an integer from 1 to 10,000,000. By default what 20 ms hold, from 10 to 20,000. */
  readonly iterations?: number;
  /**
   * Rounds that are judged, an integer from 12 to 1000. Where they leave it open, the same number follows, up to three
   * times. Default 12.
   */
  readonly rounds?: number;
  /** Rounds before the first that is judged: 1 to 1000. Default 4. */
  readonly warmUpRounds?: number;
  /**
   * Growth that does not count, in bytes a call, above 0. Default 1: a leak of 100 bytes in one call of a hundred would
   * just be missed.
   */
  readonly toleranceBytes?: number;
  /** Ends the check between two rounds, or while a promise is waited for. */
  readonly signal?: AbortSignal;
}

/** What a leak check found. */
export interface LeakReport {
  /** `inconclusive`: growth slows down but has not ended, or its interval holds `toleranceBytes`. */
  readonly verdict: LeakVerdict;
  /** Growth in bytes a call, by Theil and Sen: over the later half of the rounds, or all where that was noisy. */
  readonly bytesPerIteration: number;
  /** Ends of its 95 % interval. */
  readonly bytesPerIterationLow: number;
  readonly bytesPerIterationHigh: number;
  /** Calls in a round. */
  readonly iterations: number;
  /** Bytes held after each round that was judged, on the heap and outside it. */
  readonly heldBytes: readonly number[];
  /**
   * Which functions allocated what was still held at the end of some further rounds, the heaviest first, at most ten;
   * their bytes are those of these rounds. Empty when there is no leak. What a cache exchanges shows here too.
   */
  readonly sites: readonly AllocationSite[];
}

interface Resolved {
  readonly iterations: number | undefined;
  readonly rounds: number;
  readonly warmUpRounds: number;
  readonly toleranceBytes: number;
  readonly signal: AbortSignal | undefined;
}

const EXTENSIONS = 3;
const LEAST_CHOSEN_ITERATIONS = 10;
const MOST_CHOSEN_ITERATIONS = 20_000;
const ROUND_MS = 20;
const SAMPLED_ROUNDS = 4;
/** Enough to name a function, few enough not to slow the calls down. */
const WANTED_SAMPLES = 256;
const LEAST_INTERVAL_BYTES = 256;
const MOST_INTERVAL_BYTES = 65_536;
const MOST_SITES = 10;

/**
 * Calls `operation` some thousand times and tells whether the memory that it leaves behind grows without end. Works
 * without `--expose-gc`. Takes a second or two on a small heap; every round collects everything twice, which stops the
 * thread for about a second for each gigabyte.
 *
 * @param operation one use of what is suspected, with everything that ought to free it again. When it returns a promise,
 *   each call waits for the one before. A cache must be able to fill up within the rounds: one that never does in them
 *   cannot be told from a leak.
 * @throws {ArgumentTypeError} an argument has the wrong type.
 * @throws {ArgumentRangeError} a number is fractional or out of its range.
 * @throws {ProfilerBusyError} this thread is already being profiled, by this package or another tool.
 * @throws {InspectorUnavailableError} this Node was built without the inspector, or may not use it.
 * @throws what `operation` throws or rejects with; the signal's reason when it aborts.
 *
 * @example
 * ```ts
 * const { verdict, bytesPerIteration, sites } = await leakCheck(() => handle(request));
 * if (verdict === 'leak') console.log(bytesPerIteration, sites[0]?.name);
 * ```
 */
export async function leakCheck(operation: Operation, options: LeakCheckOptions = {}): Promise<LeakReport> {
  const resolved = resolve(operation, options);
  resolved.signal?.throwIfAborted();
  using session = openSession('leakCheck()');
  try {
    return await abortable(check(operation, resolved, session), resolved.signal);
  } finally {
    sink.last = undefined;
  }
}

function resolve(operation: unknown, options: LeakCheckOptions): Resolved {
  functionOption('operation', operation);
  objectOption('options', options);
  const { iterations, rounds = 12, warmUpRounds = 4, toleranceBytes = 1, signal } = options;
  signalOption(signal);
  if (typeof toleranceBytes !== 'number') {
    throw new ArgumentTypeError(`toleranceBytes: expected a number of bytes, got ${typeof toleranceBytes}`);
  }
  if (!(toleranceBytes > 0 && toleranceBytes < Infinity)) {
    throw new ArgumentRangeError(`toleranceBytes: expected a number above 0, got ${toleranceBytes}`);
  }
  return {
    iterations:
      iterations === undefined
        ? undefined
        : integerOption('iterations', iterations, 1, 10_000_000, 'a number of calls'),
    rounds: integerOption('rounds', rounds, 12, 1000, 'a number of rounds'),
    warmUpRounds: integerOption('warmUpRounds', warmUpRounds, 1, 1000, 'a number of rounds'),
    toleranceBytes,
    signal,
  };
}

/** Calls `operation` so many times. */
type Round = (times: number) => Promise<void>;

async function check(
  operation: Operation,
  options: Resolved,
  session: InspectorSession,
): Promise<LeakReport> {
  const first = operation();
  const isAsync = isThenable(first);
  await first;
  const round: Round = async (times) => {
    options.signal?.throwIfAborted();
    if (isAsync) await runAsync(operation, times);
    else runSync(operation, times);
    sink.last = undefined;
  };
  const iterations = options.iterations ?? (await chooseIterations(round));
  for (let left = options.warmUpRounds; left > 0; left--) {
    await round(iterations);
    await collectAll();
  }
  const { heldBytes, judgement } = await judgeRounds(round, iterations, options);
  const { verdict, slope } = judgement;
  const sites = verdict === 'no leak' ? [] : await findSites(round, iterations, slope.value, session);
  return {
    verdict,
    bytesPerIteration: slope.value,
    bytesPerIterationLow: slope.low,
    bytesPerIterationHigh: slope.high,
    iterations,
    heldBytes,
    sites,
  };
}

async function chooseIterations(round: Round): Promise<number> {
  let iterations = LEAST_CHOSEN_ITERATIONS;
  while (iterations < MOST_CHOSEN_ITERATIONS) {
    const beginMs = performance.now();
    await round(iterations);
    if ((performance.now() - beginMs) * 2 > ROUND_MS) break;
    iterations *= 2;
  }
  return Math.min(iterations, MOST_CHOSEN_ITERATIONS);
}

async function judgeRounds(
  round: Round,
  iterations: number,
  { rounds, toleranceBytes }: Resolved,
): Promise<{ readonly heldBytes: readonly number[]; readonly judgement: Judgement }> {
  // Reserved before the first look: a list that grows would be read as a leak.
  const readings = new Float64Array(rounds * (1 + EXTENSIONS));
  let count = 0;
  let judgement: Judgement;
  do {
    for (const end = count + rounds; count < end; count++) {
      await round(iterations);
      await collectAll();
      const { heapBytes, externalBytes } = heapSize();
      readings[count] = heapBytes + externalBytes;
    }
    judgement = judge(readings.subarray(0, count), iterations, toleranceBytes);
  } while (judgement.verdict === 'inconclusive' && count < readings.length);
  return { heldBytes: [...readings.subarray(0, count)], judgement };
}

const own = ownFrames(import.meta.url, [leakCheck.name, 'check', 'round', 'findSites']);

async function findSites(
  round: Round,
  iterations: number,
  bytesPerIteration: number,
  session: InspectorSession,
): Promise<readonly AllocationSite[]> {
  const expectedBytes = Math.max(0, bytesPerIteration) * iterations * SAMPLED_ROUNDS;
  const intervalBytes = Math.round(
    Math.min(MOST_INTERVAL_BYTES, Math.max(LEAST_INTERVAL_BYTES, expectedBytes / WANTED_SAMPLES)),
  );
  await keepApart();
  startSampling(session, intervalBytes, 'live');
  let profile: V8HeapProfile;
  try {
    for (let left = SAMPLED_ROUNDS; left > 0; left--) await round(iterations);
    await collectAll();
  } finally {
    profile = stopSampling(session);
  }
  return topSites(treeOf(profile, own, await sourcePlaces(framesOf(profile))), MOST_SITES);
}
