import { setImmediate as nextTurn } from 'node:timers/promises';

import { ItemCloneError, TaskResultError } from '../errors.ts';
import { isWorthSharing, nextProbe } from './call.ts';
import type { Call } from './call.ts';
import { clear, createControl, hasLeft, isStopped, presentThread, stop, STOP_REASON } from './control.ts';
import type { Control } from './control.ts';
import { Crew } from './crew.ts';
import { errorOfThrown } from './failure.ts';
import { createPace, learn } from './grain.ts';
import type { Pace } from './grain.ts';
import type { CloneKind, Position } from './loop.ts';
import type { Outcome } from './protocol.ts';
import { pack, unpackInto } from './pack.ts';
import { reasonOf, reportProgress } from './shared-map.ts';
import { JOBS_PER_WORKER } from './threads.ts';

/** A chunk is worth a message, about 50 µs of it on each side, when it takes this long. */
const CHUNK_MS = 1;

/** The calling thread answers workers between its slices, so these are no longer than a chunk. */
const SLICE_MS = 1;

/**
 * Maps a plain array. Its items cannot be shared, so they are cloned to the workers in chunks and the results back.
 *
 * Chunks are cut from the front, each a third of a fair share of what remains, so they shrink towards the end and
 * nobody waits long for anybody. A worker always holds its next chunk already. The calling thread takes items from the
 * same front, a slice at a time.
 */
export async function mapClones(
  call: Call,
  input: readonly unknown[],
  output: unknown[],
  kind: CloneKind = 'any',
): Promise<void> {
  call.signal?.throwIfAborted();
  await new CloneMap(call, input, output, kind).run();
  call.onProgress?.(input.length, input.length);
}

class CloneMap {
  readonly #call: Call;
  readonly #input: readonly unknown[];
  readonly #output: unknown[];
  readonly #kind: CloneKind;
  readonly #pace: Pace;
  readonly #position: Position = { index: -1 };
  /** First item that nobody was given yet. */
  #next = 0;
  /** Chunks that were given to a worker which never came. */
  readonly #returned: { start: number; end: number }[] = [];
  /** Items whose results are in. */
  #done = 0;

  constructor(call: Call, input: readonly unknown[], output: unknown[], kind: CloneKind) {
    this.#call = call;
    this.#input = input;
    this.#output = output;
    this.#kind = kind;
    this.#pace = createPace(call.task.msPerItem);
  }

  async run(): Promise<void> {
    const { task, options } = this.#call;
    if (options.callerSliceMs > 0) {
      const isKnown = task.msPerItem > 0 && isWorthSharing(this.#input.length, task.msPerItem, Infinity);
      if (!isKnown) {
        try {
          this.#compute(options.callerSliceMs, true);
        } catch (error) {
          throw errorOfThrown(error, this.#position.index, task);
        }
      }
    }
    if (this.#next < this.#input.length) await this.#share();
    task.remember(this.#pace.items, this.#pace.busyMs);
  }

  /** Runs items here for `sliceMs`; with `isProbe` only until they prove worth sharing. */
  #compute(sliceMs: number, isProbe: boolean): void {
    const loop = this.#call.task.loop(this.#input, this.#output, this.#kind);
    const count = this.#input.length;
    const started = performance.now();
    let before = started;
    for (let own = 0; this.#hasItems();) {
      const start = this.#returned.at(-1)?.start ?? this.#next;
      const end = this.#take(nextProbe(own, this.#pace.msPerItem, count));
      loop(this.#input, this.#output, start, end, 0, this.#position);
      this.#done += end - start;
      own += end - start;
      const after = performance.now();
      learn(this.#pace, end - start, after - before);
      before = after;
      const spentMs = after - started;
      if (spentMs >= sliceMs) return;
      if (isProbe && isWorthSharing(count - end, this.#pace.msPerItem, spentMs)) return;
    }
  }

  #hasItems(): boolean {
    return this.#next < this.#input.length || this.#returned.length > 0;
  }

  /** Whether items wait for the calling thread. */
  #isLeftTo(takesPart: boolean): boolean {
    return takesPart && this.#hasItems();
  }

  /** Takes up to `size` items from the last chunk that came back, else from the front; returns where they end. */
  #take(size: number): number {
    const chunk = this.#returned.at(-1);
    if (chunk === undefined) {
      this.#next = Math.min(this.#next + size, this.#input.length);
      return this.#next;
    }
    chunk.start = Math.min(chunk.start + size, chunk.end);
    if (chunk.start === chunk.end) this.#returned.pop();
    return chunk.start;
  }

  async #share(): Promise<void> {
    const { options, threads, task, signal, crews } = this.#call;
    const count = this.#input.length;
    const slots = options.workerCount * JOBS_PER_WORKER;
    const control = createControl(slots);
    const crew = new Crew(control, threads, task);
    const onAbort = (): void => {
      stop(control, STOP_REASON.aborted);
      crew.notify();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    crews.add(crew);
    const reporting = reportProgress(this.#call, crew, () => this.#done, count);
    const post = (slot: number): void => {
      if (this.#next >= count || isStopped(control)) return;
      const start = this.#next;
      const values = this.#input.slice(start, start + this.#chunkSize(count - start));
      this.#next = start + values.length;
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
      crews.delete(crew);
    }
  }

  /** The calling thread's share, in slices with a turn of the event loop after each. */
  async #takePart(crew: Crew, control: Control): Promise<void> {
    const { options, task } = this.#call;
    try {
      while (this.#hasItems() && !isStopped(control)) {
        this.#compute(Math.min(options.callerSliceMs, SLICE_MS), false);
        await nextTurn();
      }
    } catch (error) {
      crew.fail(errorOfThrown(error, this.#position.index, task));
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
