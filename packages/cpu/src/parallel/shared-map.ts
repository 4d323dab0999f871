import { setImmediate as nextTurn } from 'node:timers/promises';

import { heap } from '@hotpath/memory';
import type { HeapHandle } from '@hotpath/memory';

import { describe } from '../describe.ts';
import { ThreadsUnavailableError, WorkerDiedError } from '../errors.ts';
import { createStage, resultKindOf } from './arrays.ts';
import type { NumericArray, Stage } from './arrays.ts';
import { isWorthSharing, nextProbe } from './call.ts';
import type { Call } from './call.ts';
import { createControl, finished, isStopped, stop, STOP_REASON } from './control.ts';
import { Crew } from './crew.ts';
import { errorOfThrown } from './failure.ts';
import { createPace, learn } from './grain.ts';
import type { Pace } from './grain.ts';
import type { Indexed, Position, ResultKind } from './loop.ts';
import { steal, STOLEN } from './steal.ts';
import type { SharedWork } from './steal.ts';

/**
 * Longest time that the calling thread spins for the last grains of the others. They take 50 µs each, and hearing of
 * them through the event loop would cost as much again.
 */
const SPIN_MS = 0.2;

/** What a call over shared memory works on. */
export interface Items {
  readonly count: number;
  readonly input: Indexed;
  readonly output: Indexed;
  readonly kind: ResultKind;
  /** Input and output from item `base` on as every thread can see them. */
  readonly stage: (base: number, isShared: boolean) => Stage;
}

/** The items of a typed array, with results of `kind`. */
export function arrayItems(
  input: NumericArray,
  output: NumericArray,
  kind: ResultKind = resultKindOf(output),
): Items {
  const stage = (base: number, isShared: boolean): Stage => createStage(input, output, base, isShared);
  return { count: input.length, input, output, kind, stage };
}

/** Items that are in shared memory already, known by their index alone. */
export function indexItems(
  count: number,
  input: Indexed,
  output: Uint8Array | Float64Array,
  kind: ResultKind,
): Items {
  const nothing = (): void => {};
  const stage = (base: number): Stage => ({
    input,
    output: output.subarray(Math.min(base, output.length)),
    finish: nothing,
    release: nothing,
  });
  return { count, input, output, kind, stage };
}

/**
 * Works through items. The calling thread begins alone; only when the work proves worth it are the rest and the cost
 * learnt so far given to the workers, and the caller goes on stealing beside them.
 */
export async function mapShared(call: Call, items: Items): Promise<void> {
  call.signal?.throwIfAborted();
  const pace = createPace(call.task.msPerItem);
  const base = call.options.callerSliceMs > 0 ? begin(call, items, pace) : 0;
  if (base < items.count) await share(call, items, base, pace);
  call.onProgress?.(items.count, items.count);
}

/** Runs items here until they are done or worth sharing; returns how many were done. */
function begin(call: Call, { count, input, output, kind }: Items, pace: Pace): number {
  const { task, options } = call;
  if (task.msPerItem > 0 && isWorthSharing(count, task.msPerItem, Infinity)) return 0;
  const loop = task.loop(input, output, kind);
  const position: Position = { index: -1 };
  const started = performance.now();
  let before = started;
  let done = 0;
  try {
    while (done < count) {
      const size = nextProbe(done, pace.msPerItem, count - done);
      loop(input, output, done, done + size, 0, position);
      const after = performance.now();
      learn(pace, size, after - before);
      before = after;
      done += size;
      const spentMs = after - started;
      if (isWorthSharing(count - done, pace.msPerItem, spentMs) || spentMs >= options.callerSliceMs) break;
    }
  } catch (error) {
    throw errorOfThrown(error, position.index, task);
  }
  if (done === count) task.remember(pace.items, pace.busyMs);
  return done;
}

async function share(call: Call, items: Items, base: number, pace: Pace): Promise<void> {
  const { task, threads, options, signal, crews } = call;
  const stage = items.stage(base, options.workerCount > 0);
  const control = createControl(options.workerCount);
  const crew = new Crew(control, threads, task);
  const count = items.count - base;
  const work: SharedWork = {
    control,
    input: stage.input,
    output: stage.output,
    count,
    offset: base,
    threads: options.threads,
    grain: call.grain,
  };
  const onAbort = (): void => {
    stop(control, STOP_REASON.aborted);
    crew.notify();
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  crews.add(crew);
  const reporting = reportProgress(call, crew, () => base + finished(control), items.count);
  try {
    const resultKind = items.kind;
    const heap = resultKind === 'range' ? heapHandle() : undefined;
    const { msPerItem } = pace;
    for (let slot = 0; slot < options.workerCount; slot++) {
      crew.follow(
        slot,
        threads.run({ kind: 'share', task: task.spec, slot, resultKind, heap, msPerItem, ...work }),
      );
    }
    if (options.callerSliceMs > 0) await takePart(call, work, crew, resultKind, pace);
    await crew.until(() => finished(control) >= count || isStopped(control) || crew.out === 0);
    if (finished(control) < count) {
      // Where nobody is out and items are missing, stopping changes nothing; else nobody may touch the data hereafter.
      stop(control, STOP_REASON.failed);
      await crew.withdraw(options.stopGraceMs);
      throw reasonOf(crew, signal);
    }
    stage.finish();
  } finally {
    clearInterval(reporting);
    signal?.removeEventListener('abort', onAbort);
    crews.delete(crew);
    stage.release();
  }
}

/** Where there is no room for a heap there are no vectors in it either. */
function heapHandle(): HeapHandle | undefined {
  try {
    return heap().handle();
  } catch {
    return undefined;
  }
}

/** The calling thread's own share: slices of stealing, with a turn of the event loop after each. */
async function takePart(
  call: Call,
  work: SharedWork,
  crew: Crew,
  resultKind: ResultKind,
  pace: Pace,
): Promise<void> {
  const { task, options } = call;
  const loop = task.loop(work.input, work.output, resultKind);
  const position: Position = { index: -1 };
  try {
    for (;;) {
      const end = steal(work, loop, pace, position, performance.now() + options.callerSliceMs);
      if (end !== STOLEN.deadline) break;
      await nextTurn();
    }
  } catch (error) {
    crew.fail(errorOfThrown(error, position.index, task));
  }
  task.remember(pace.items, pace.busyMs);
  const limit = performance.now() + SPIN_MS;
  while (finished(work.control) < work.count && !isStopped(work.control) && performance.now() < limit);
  // The answers of the workers come through the event loop. A program that awaits one short call after another would
  // never let it turn, and the workers would seem busy for ever.
  await nextTurn();
}

/** How often progress is told. */
const PROGRESS_MS = 50;

/** Tells of progress from time to time. A callback that throws fails the call. */
export function reportProgress(
  { onProgress }: Call,
  crew: Crew,
  done: () => number,
  total: number,
): ReturnType<typeof setInterval> | undefined {
  if (onProgress === undefined) return undefined;
  const timer = setInterval(() => {
    try {
      onProgress(Math.min(done(), total), total);
    } catch (error) {
      crew.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }, PROGRESS_MS);
  return timer.unref();
}

/** Why a call did not finish: an abort before a failure, a failure before a death. */
export function reasonOf(crew: Crew, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (crew.failure !== undefined) return crew.failure;
  if (crew.death !== undefined) {
    const why = crew.death instanceof Error ? crew.death.message : describe(crew.death);
    return new WorkerDiedError(`a worker thread ended while it held items: ${why}; it is replaced`, {
      cause: crew.death,
    });
  }
  return new ThreadsUnavailableError('no worker thread took the work, and the calling thread takes no part', {
    cause: crew.absence,
  });
}
