import { setImmediate as nextTurn } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';

import { ItemCloneError, TaskResultError } from '../errors.ts';
import type { Call } from './call.ts';
import { clear, createControl, hasLeft, isStopped, presentThread, stop, STOP_REASON } from './control.ts';
import type { Control } from './control.ts';
import { Crew } from './crew.ts';
import { createPace, runGrain } from './grain.ts';
import type { Pace } from './grain.ts';
import type { CloneKind, Loop, Position } from './loop.ts';
import { isWorthSharing, reportProgress, runAlone, runSlice } from './own-work.ts';
import type { OwnWork } from './own-work.ts';
import type { Outcome } from './protocol.ts';
import { pack, unpackInto } from './pack.ts';
import { reasonOf } from './shared-map.ts';
import { JOBS_PER_WORKER } from './threads.ts';

/** A chunk is worth a message, about 50 µs of it on each side, when it takes this long. */
const CHUNK_MS = 1;

/** The calling thread answers workers between its slices, so these are no longer than a chunk. */
const SLICE_MS = 1;

/**
 * Maps a plain array. Its items cannot be shared, so they are cloned to the workers in chunks and the results back.
 *
 * Where a clone costs more than an item, no thread can win, and the calling thread goes on alone.
 *
 * Chunks are cut from the front, each a third of a fair share of what remains, so they shrink towards the end and
 * nobody waits long for anybody. A worker always holds its next chunk already. The calling thread takes items from the
 * same front, a slice at a time.
 *
 * @returns `undefined` where all is done at once, which costs no promise.
 */
export function mapClones(
  call: Call,
  input: readonly unknown[],
  output: unknown[],
  kind: CloneKind = 'any',
): Promise<void> | undefined {
  call.signal?.throwIfAborted();
  return new CloneMap(call, input, output, kind).start();
}

class CloneMap implements OwnWork {
  readonly #call: Call;
  /** As long as it was when the call began: where the caller shortens it meanwhile, `undefined` stands for what is gone. */
  readonly count: number;
  readonly #input: readonly unknown[];
  readonly #output: unknown[];
  readonly #kind: CloneKind;
  readonly #pace: Pace;
  readonly position: Position = { index: -1 };
  /** First item that nobody was given yet. */
  #next = 0;
  /** Chunks that were given to a worker which never came. */
  readonly #returned: { start: number; end: number }[] = [];
  /** Items whose results are in. */
  #done = 0;
  #handoverMs = Infinity;
  #trials = 0;
  #loop: Loop | undefined;

  constructor(call: Call, input: readonly unknown[], output: unknown[], kind: CloneKind) {
    this.#call = call;
    this.count = input.length;
    this.#input = input;
    this.#output = output;
    this.#kind = kind;
    this.#pace = createPace(call.task.knownCost);
  }

  start(): Promise<void> | undefined {
    const { task, options, onProgress } = this.#call;
    const isAsked = options.callerSliceMs > 0 && !isWorthSharing(this.#call, this.#pace, this);
    if (isAsked) runSlice(this.#call, this.#pace, this, options.callerSliceMs, true);
    if (this.remaining > 0) return this.#goOn();
    task.remember(this.#pace.items, this.#pace.busyMs);
    onProgress?.(this.count, this.count);
    return undefined;
  }

  async #goOn(): Promise<void> {
    const { task, options, onProgress } = this.#call;
    if (options.callerSliceMs > 0) await runAlone(this.#call, this.#pace, this);
    if (this.remaining > 0) await this.#share();
    task.remember(this.#pace.items, this.#pace.busyMs);
    onProgress?.(this.count, this.count);
  }

  get remaining(): number {
    let remaining = this.count - this.#next;
    for (const { start, end } of this.#returned) remaining += end - start;
    return remaining;
  }

  run(size: number, pace: Pace, since: number): number {
    this.#loop ??= this.#call.task.loop(this.#input, this.#output, this.#kind);
    const chunk = this.#returned.at(-1);
    const start = chunk?.start ?? this.#next;
    const end = Math.min(start + size, chunk?.end ?? this.count);
    const arrays = { input: this.#input, output: this.#output, offset: 0, resultKind: this.#kind };
    const at = runGrain(this.#loop, arrays, start, end, this.position, pace, since);
    if (chunk === undefined) this.#next = at;
    else if (at === chunk.end) this.#returned.pop();
    else chunk.start = at;
    this.#done += at - start;
    return at - start;
  }

  /**
   * Tried out on the first items and results: nothing else tells what they hold. The least of a few readings counts, as the first may be
   * of cold code, and what disturbs one must not keep the threads from a long call.
   */
  handoverMs(): number {
    if (this.#kind !== 'any') return 0;
    if (this.#next === 0) return Infinity;
    if (this.#trials < CLONE_TRIALS) {
      this.#trials++;
      this.#handoverMs = Math.min(this.#handoverMs, cloneCostMs(this.#input, this.#output, this.#next));
    }
    return this.#handoverMs;
  }

  /** Whether items wait for the calling thread. */
  #isLeftTo(takesPart: boolean): boolean {
    return takesPart && this.remaining > 0;
  }

  async #share(): Promise<void> {
    const { options, threads, task, signal, running } = this.#call;
    // The caller's code may have run since the first slice, and a signal that is aborted already tells nobody.
    signal?.throwIfAborted();
    const { count } = this;
    const slots = options.workerCount * JOBS_PER_WORKER;
    const control = createControl(slots);
    const crew = new Crew(control, threads, task);
    const onAbort = (): void => {
      stop(control, STOP_REASON.aborted);
      crew.notify();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    running.add(crew);
    const reporting = reportProgress(this.#call, crew, () => this.#done, count);
    const post = (slot: number): void => {
      if (this.#next >= count || isStopped(control)) return;
      const start = this.#next;
      const size = this.#chunkSize(count - start);
      const values = this.#input.slice(start, start + size);
      values.length = size;
      this.#next = start + size;
      const { msPerItem } = this.#pace;
      clear(control, slot);
      const job = threads.run({
        kind: 'chunk',
        task: task.spec,
        control,
        slot,
        values: pack(values),
        resultKind: this.#kind,
        offset: start,
        msPerItem,
      });
      crew.follow(slot, this.#explainClone(job, slot, values, start, crew, control), (outcome) => {
        if (outcome.results === undefined) return;
        unpackInto(outcome.results, this.#output, start);
        this.#done += outcome.results.length;
        post(slot);
      });
    };
    try {
      for (let slot = 0; slot < slots; slot++) post(slot);
      const takesPart = options.callerSliceMs > 0;
      const mustWait = (): boolean =>
        this.#done < count && !isStopped(control) && crew.out > 0 && !this.#isLeftTo(takesPart);
      do {
        if (takesPart) await this.#takePart(crew, control);
        await crew.until(() => !mustWait());
        // Only the calling thread has items left to take where a worker gave its chunk back.
      } while (this.#isLeftTo(takesPart) && !isStopped(control));
      if (this.#done < count) {
        stop(control, STOP_REASON.failed);
        await crew.withdraw(options.stopGraceMs);
        throw reasonOf(crew, signal);
      }
    } finally {
      clearInterval(reporting);
      signal?.removeEventListener('abort', onAbort);
      running.delete(crew);
    }
  }

  /** The calling thread's share, in slices with a turn of the event loop after each. */
  async #takePart(crew: Crew, control: Control): Promise<void> {
    const sliceMs = Math.min(this.#call.options.callerSliceMs, SLICE_MS);
    try {
      while (this.remaining > 0 && !isStopped(control)) {
        runSlice(this.#call, this.#pace, this, sliceMs, false);
        await nextTurn();
      }
    } catch (error) {
      crew.fail(error as Error);
    }
  }

  #chunkSize(remaining: number): number {
    const { threads } = this.#call.options;
    const fair = Math.ceil(remaining / (threads * 3));
    const { msPerItem } = this.#pace;
    return Math.min(remaining, Math.max(1, fair, msPerItem > 0 ? Math.floor(CHUNK_MS / msPerItem) : 1));
  }

  /**
   * Takes back the items of a worker that never came, and tells whose value it was that could not be cloned. An item of ours is refused as it is posted. A result is refused
   * as the worker posts it, which piscina does outside of all catching: the worker ends, after it left.
   */
  async #explainClone(
    job: Promise<Outcome>,
    slot: number,
    values: unknown[],
    start: number,
    crew: Crew,
    control: Control,
  ): Promise<Outcome> {
    try {
      return await job;
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'DataCloneError' && !hasLeft(control, slot)) {
        const index = start + values.findIndex((value) => !isCloneable(value));
        const message = `item ${index} cannot be cloned into another thread: ${cause.message}`;
        crew.fail(new ItemCloneError(message, { cause }));
      } else if (hasLeft(control, slot) && !endedItself(cause)) {
        const items = `items ${start} to ${start + values.length - 1}`;
        crew.fail(
          new TaskResultError(`a result for ${items} cannot be cloned out of its thread`, -1, { cause }),
        );
      } else if (presentThread(control, slot) < 0) {
        this.#returned.push({ start, end: start + values.length });
      }
      throw cause;
    }
  }
}

/** Time after which no more items are cloned to see what that costs; a fraction of what a call wins that is shared. */
const CLONE_TRIAL_MS = 0.03;

/** How often that is done in a call, at most. */
const CLONE_TRIALS = 3;

/**
 * What a clone of an item and of its result costs, in milliseconds of one thread: more and more of those that are done are cloned until
 * that takes long enough to be read. Half of what both threads spend on them, as the calling thread pays for one end of either.
 */
function cloneCostMs(input: readonly unknown[], output: readonly unknown[], done: number): number {
  let costMs = 0;
  let spentMs = 0;
  try {
    for (let size = 1; size <= done && spentMs < CLONE_TRIAL_MS; size *= 4) {
      const started = performance.now();
      deserialize(serialize(pack(input.slice(0, size))));
      deserialize(serialize(pack(output.slice(0, size))));
      const tookMs = performance.now() - started;
      spentMs += tookMs;
      costMs = tookMs / size / 2;
    }
  } catch {
    // What cannot be cloned is told by the worker that is sent it, with its index.
  }
  return costMs;
}

/** A thread that ended, by `process.exit` or for want of memory, with a job that came after; what was refused is no error of Node's. */
function endedItself(cause: unknown): boolean {
  return cause instanceof Error && (cause.message.startsWith('worker exited') || 'code' in cause);
}

export function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
