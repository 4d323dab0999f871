/**
 * What runs in a worker thread, loaded by worker-entry.cts. Piscina has it called for each job; jobs of one worker run one
 * after another.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';

import { attachHeap } from '@hotpath/memory';
import type { HeapHandle } from '@hotpath/memory';

import { TaskExportError, TaskModuleError, TaskResultError, TaskSourceError } from '../errors.ts';
import { enter, isStopped, leave, stop, STOP_REASON } from './control.ts';
import { createPace, learn, nextGrain, runGrain } from './grain.ts';
import type { Pace } from './grain.ts';
import { compileLoop } from './loop.ts';
import type { Indexed, Loop, Position, ResultKind } from './loop.ts';
import { pack, shapeOf } from './pack.ts';
import type { Packed } from './pack.ts';
import { toPortable } from './protocol.ts';
import type { ChunkJob, Failure, Job, Outcome } from './protocol.ts';
import { steal } from './steal.ts';
import { loadFunction } from './task.ts';
import type { TaskSpec } from './task.ts';

/** Compiled loops by task and shape, the least recently used first. */
const loops = new Map<string, Loop>();
let lastLoop = 0;

/** Tasks made from source in a loop must not fill the thread's memory. */
const LOOPS_MAX = 256;

/** Settles when the next job may begin. */
let free: Promise<unknown> = Promise.resolve();

/** Jobs that are here and not done. */
let pending = 0;

/**
 * Runs one job, after those that came before. It never rejects: what went wrong is part of the outcome.
 *
 * A job that waited for another begins after a turn of the event loop, in which piscina posts the other's answer: else a call that is
 * done would hear of it when the next one is.
 *
 * A chunk is followed by a turn in any case. Where its results cannot be cloned piscina throws in it, and the thread is to end; a job
 * that finished in the same turn would first send it to sleep until the next request, which may never come, and the caller waits for
 * ever.
 */
export default function run(job: Job): Promise<Outcome> {
  const before = pending > 0 ? free.then(() => nextTurn()) : free;
  pending++;
  const outcome = before
    .then(() => runNext(job))
    .finally(() => {
      pending--;
    });
  // Whatever became of this job, the next one may begin.
  const over = outcome.catch(() => undefined);
  free = job.kind === 'chunk' ? over.then(() => nextTurn()) : over;
  return outcome;
}

async function runNext(job: Job): Promise<Outcome> {
  const { control, slot } = job;
  const pace = createPace(job.msPerItem);
  const position: Position = { index: -1 };
  enter(control, slot, threadId);
  try {
    const results = isStopped(control) ? undefined : await work(job, pace, position);
    leave(control, slot);
    return outcome(pace, results, undefined);
  } catch (error) {
    // Stays marked as present, so that the caller waits for this answer before it says why the call failed.
    stop(control, STOP_REASON.failed);
    return outcome(pace, undefined, failureOf(error, position.index));
  }
}

async function work(job: Job, pace: Pace, position: Position): Promise<Packed | undefined> {
  if (job.kind === 'chunk') return await runChunk(job, pace, position);
  if (job.heap !== undefined) attach(job.heap);
  const loop = await loopOf(job.task, job.input, job.output, job.resultKind);
  steal(job, loop, pace, position, { start: 0, end: 0 }, Infinity);
  return undefined;
}

/** Runs a chunk in grains, so that a stop is noticed within one; `undefined` when it was. */
async function runChunk(job: ChunkJob, pace: Pace, position: Position): Promise<Packed | undefined> {
  const { values, control, offset, resultKind } = job;
  const results = new Array<unknown>(values.length);
  const arrays = { input: values, output: results, offset, resultKind };
  const loop = await loopOf(job.task, values, results, resultKind);
  let before = performance.now();
  for (let start = 0; start < values.length;) {
    if (isStopped(control)) return undefined;
    const grain = nextGrain(pace, values.length - start, 1, 0);
    const stop = Math.min(values.length, start + grain);
    const end = runGrain(loop, arrays, start, stop, position, pace, before);
    const after = performance.now();
    learn(pace, end - start, after - before);
    before = after;
    start = end;
  }
  return pack(results);
}

let isAttached = false;

/** Makes the caller's heap this thread's. A function that used a heap of this thread's own keeps that, and its kernels run plain loops. */
function attach(handle: HeapHandle): void {
  if (isAttached) return;
  isAttached = true;
  try {
    attachHeap(handle);
  } catch {
    // It has one already.
  }
}

async function loopOf(spec: TaskSpec, input: Indexed, output: Indexed, kind: ResultKind): Promise<Loop> {
  const key = `${spec.id} ${shapeOf(input, output, kind)}`;
  let loop = loops.get(key);
  if (loop === undefined) {
    loop = compileLoop(`${spec.id}_${++lastLoop}`, await loadFunction(spec), kind);
    if (loops.size >= LOOPS_MAX) loops.delete(loops.keys().next().value!);
  } else {
    loops.delete(key);
  }
  loops.set(key, loop);
  return loop;
}

function outcome(pace: Pace, results: Packed | undefined, failure: Failure | undefined): Outcome {
  return { items: pace.items, busyMs: pace.busyMs, results, failure };
}

function failureOf(error: unknown, index: number): Failure {
  const kind =
    error instanceof TaskResultError
      ? 'result'
      : index >= 0
        ? 'threw'
        : error instanceof TaskModuleError
          ? 'module'
          : error instanceof TaskExportError
            ? 'export'
            : error instanceof TaskSourceError
              ? 'source'
              : 'threw';
  const message = kind === 'threw' ? '' : (error as Error).message;
  return { kind, index, message, thrown: kind === 'result' ? undefined : toPortable(error) };
}
