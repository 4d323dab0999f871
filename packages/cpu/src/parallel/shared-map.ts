import { setImmediate as nextTurn } from 'node:timers/promises';

import { adopt, free, heap } from '@hotpath/memory';
import type { HeapHandle } from '@hotpath/memory';

import { describe } from '../describe.ts';
import { ArgumentTypeError, ThreadsUnavailableError, WorkerDiedError } from '../errors.ts';
import { locate } from '../kernels/operands.ts';
import { copyCostMs, createStage, resultKindOf } from './arrays.ts';
import type { NumberArray, NumericArray, Stage } from './arrays.ts';
import type { Call } from './call.ts';
import { createControl, finished, isStopped, stop, STOP_REASON } from './control.ts';
import { Crew } from './crew.ts';
import { errorOfThrown } from './failure.ts';
import { createPace, runGrain } from './grain.ts';
import type { Pace } from './grain.ts';
import type { FoldInput, Indexed, Loop, Position, ResultKind } from './loop.ts';
import { isWorthSharing, reportProgress, runAlone, runSlice } from './own-work.ts';
import type { OwnWork } from './own-work.ts';
import { pack } from './pack.ts';
import type { Outcome } from './protocol.ts';
import { steal, STOLEN } from './steal.ts';
import type { SharedWork } from './steal.ts';
import type { LoadedTask } from './task.ts';

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
  /** What it costs to bring an item into shared memory and its result back, in milliseconds. */
  readonly handoverMs: () => number;
  /** Input and output from item `base` on as every thread can see them. */
  readonly stage: (base: number) => Stage;
  /** @throws FreedVectorError when an array is gone; the event loop turned since it was looked at. */
  readonly check: () => void;
}

/** The items of a typed array, with results of `kind`. */
export function arrayItems(
  input: NumericArray,
  output: NumericArray,
  kind: ResultKind = resultKindOf(output),
): Items {
  const stage = (base: number): Stage => createStage(input, output, base);
  const handoverMs = (): number => copyCostMs(input) + copyCostMs(output);
  const check = (): void => {
    locate('input', input);
    locate('output', output);
  };
  return { count: input.length, input, output, kind, handoverMs, stage, check };
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
  return { count, input, output, kind, handoverMs: () => 0, stage, check: nothing };
}

/** What packing and copying a number into shared memory costs, in milliseconds. */
const PACK_MS = 1e-5;

/** The blocks of a fold over numbers, one result each; `results` is in shared memory. */
export function foldItems(
  array: NumberArray | readonly number[],
  block: number,
  initial: number,
  results: Float64Array,
): Items {
  const input: FoldInput = { array, block, initial, length: results.length };
  const isSeen = !Array.isArray(array) && (array as NumberArray).buffer instanceof SharedArrayBuffer;
  const stage = (base: number): Stage => {
    const copy = isSeen ? undefined : adopt((Array.isArray(array) ? pack(array) : array) as Float64Array);
    return {
      input: copy === undefined ? input : { ...input, array: copy.subarray() },
      output: results.subarray(base),
      finish() {},
      release() {
        if (copy !== undefined) free(copy);
      },
    };
  };
  const handoverMs = (): number =>
    isSeen ? 0 : block * (Array.isArray(array) ? PACK_MS : copyCostMs(array as NumberArray));
  const check = (): void => {
    if (!Array.isArray(array)) locate('input', array as NumberArray);
  };
  return { count: results.length, input, output: results, kind: 'fold', handoverMs, stage, check };
}

/**
 * Works through items. The calling thread begins alone, before this returns; only when the work proves worth it are the rest and the
 * cost learnt so far given to the workers, and the caller goes on stealing beside them.
 *
 * @returns `undefined` where all is done at once, which costs no promise.
 */
export function mapShared(call: Call, items: Items): Promise<void> | undefined {
  const { signal, task, options, onProgress } = call;
  signal?.throwIfAborted();
  const pace = createPace(task.knownCost);
  const own = new OwnItems(call, items);
  if (options.callerSliceMs > 0 && !isWorthSharing(call, pace, own)) {
    runSlice(call, pace, own, options.callerSliceMs, true);
  }
  if (own.remaining > 0) return goOn(call, items, own, pace);
  task.remember(pace.items, pace.busyMs);
  onProgress?.(items.count, items.count);
  return undefined;
}

async function goOn(call: Call, items: Items, own: OwnItems, pace: Pace): Promise<void> {
  if (call.options.callerSliceMs > 0) {
    await runAlone(call, pace, own);
    items.check();
  }
  if (own.remaining > 0) await share(call, items, own.done, pace);
  else call.task.remember(pace.items, pace.busyMs);
  call.onProgress?.(items.count, items.count);
}

class OwnItems implements OwnWork {
  readonly position: Position = { index: -1 };
  readonly #items: Items;
  readonly #task: LoadedTask;
  /** The caller's own grain where there is no other thread; else 0, so that the others are woken in time. */
  readonly #grain: number;
  #loop: Loop | undefined;
  done = 0;

  constructor({ task, grain, options }: Call, items: Items) {
    this.#items = items;
    this.#task = task;
    this.#grain = options.workerCount === 0 ? grain : 0;
  }

  get count(): number {
    return this.#items.count;
  }

  get remaining(): number {
    return this.#items.count - this.done;
  }

  run(size: number, pace: Pace, since: number): number {
    const { count, input, output, kind } = this.#items;
    this.#loop ??= this.#task.loop(input, output, kind);
    const start = this.done;
    const end = Math.min(start + (this.#grain || size), count);
    const arrays = { input, output, offset: 0, resultKind: kind };
    this.done = runGrain(this.#loop, arrays, start, end, this.position, pace, since);
    return this.done - start;
  }

  handoverMs(): number {
    return this.#items.handoverMs();
  }
}

async function share(call: Call, items: Items, base: number, pace: Pace): Promise<void> {
  const { task, threads, options, signal, running } = call;
  // The caller's code may have run since the first slice, and a signal that is aborted already tells nobody.
  signal?.throwIfAborted();
  const stage = items.stage(base);
  const control = createControl(options.workerCount);
  const crew = new Crew(control, threads, task);
  const count = items.count - base;
  const work: SharedWork = {
    control,
    input: stage.input,
    output: stage.output,
    resultKind: items.kind,
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
  running.add(crew);
  const reporting = reportProgress(call, crew, () => base + finished(control), items.count);
  try {
    const isRange = items.kind === 'range';
    const heap = isRange ? heapHandle() : undefined;
    const { msPerItem } = pace;
    for (let slot = 0; slot < options.workerCount; slot++) {
      const job = threads.run({ kind: 'share', task: task.spec, slot, heap, msPerItem, ...work });
      crew.follow(slot, isRange ? explainData(job, crew) : job);
    }
    if (options.callerSliceMs > 0) await takePart(call, work, crew, pace);
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
    running.delete(crew);
    stage.release();
  }
}

/** Tells that it is the caller's data that cannot be sent to a worker. */
async function explainData(job: Promise<Outcome>, crew: Crew): Promise<Outcome> {
  try {
    return await job;
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'DataCloneError') {
      crew.fail(
        new ArgumentTypeError(`data: it cannot be cloned into another thread: ${cause.message}`, { cause }),
      );
    }
    throw cause;
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
async function takePart(call: Call, work: SharedWork, crew: Crew, pace: Pace): Promise<void> {
  const { task, options } = call;
  const loop = task.loop(work.input, work.output, work.resultKind);
  const position: Position = { index: -1 };
  const held = { start: 0, end: 0 };
  try {
    for (;;) {
      const end = steal(work, loop, pace, position, held, performance.now() + options.callerSliceMs);
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
