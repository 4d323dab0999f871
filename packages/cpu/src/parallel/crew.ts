import type { Stoppable } from './call.ts';
import { presentThread, stop, STOP_REASON } from './control.ts';
import type { Control } from './control.ts';
import { errorOfFailure, indexOf } from './failure.ts';
import type { Outcome } from './protocol.ts';
import type { LoadedTask } from './task.ts';
import type { Threads } from './threads.ts';

/**
 * The participants of one call beside the calling thread: who is still out, who failed, who died.
 *
 * A participant is out from `send` until its job settles; it is present while its word in the control block says that
 * it may touch the data. One that died stays marked in the block, and is not out any more.
 */
export class Crew implements Stoppable {
  readonly #control: Control;
  readonly #threads: Threads;
  readonly #task: LoadedTask;
  readonly #out = new Set<number>();
  #wake: (() => void) | undefined;

  /** The failure with the lowest index, from whatever thread. */
  failure: Error | undefined;
  /** Why a worker ended while it held items. */
  death: unknown;
  /** Why a worker could not take a job at all. */
  absence: unknown;

  constructor(control: Control, threads: Threads, task: LoadedTask) {
    this.#control = control;
    this.#threads = threads;
    this.#task = task;
  }

  /** Number of participants that have not come back. */
  get out(): number {
    return this.#out.size;
  }

  /** Records a failure and stops the others. */
  fail(error: Error): void {
    if (this.failure === undefined || indexOf(error) < indexOf(this.failure)) this.failure = error;
    stop(this.#control, STOP_REASON.failed);
    this.notify();
  }

  /** Follows a job in `slot`; `receive` is called with the outcome of one that did not fail. */
  follow(slot: number, job: Promise<Outcome>, receive?: (outcome: Outcome) => void): void {
    this.#out.add(slot);
    job.then(
      (outcome) => {
        this.#out.delete(slot);
        this.#task.remember(outcome.items, outcome.busyMs);
        if (outcome.failure === undefined) receive?.(outcome);
        else this.fail(errorOfFailure(outcome.failure, this.#task));
        this.notify();
      },
      (error: unknown) => {
        this.#out.delete(slot);
        if (presentThread(this.#control, slot) < 0) {
          this.absence = error;
        } else {
          this.death = error;
          stop(this.#control, STOP_REASON.failed);
        }
        this.notify();
      },
    );
  }

  /** Lets {@link until} look again. */
  notify(): void {
    this.#wake?.();
  }

  /** Waits until `isDone`, asked whenever a participant comes back or {@link notify} is called. */
  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      // oxlint-disable-next-line promise/avoid-new -- woken by whoever comes back first
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#wake = undefined;
  }

  /**
   * After a stop: waits until nobody can touch the data any more. Who has not noticed the stop after `graceMs`, because
   * its function does not return, loses its thread.
   */
  async withdraw(graceMs: number): Promise<void> {
    if (this.#present().length === 0) return;
    const timer = setTimeout(() => {
      for (const slot of this.#present()) this.#threads.terminate(presentThread(this.#control, slot));
    }, graceMs);
    try {
      await this.until(() => this.#present().length === 0);
    } finally {
      clearTimeout(timer);
    }
  }

  #present(): number[] {
    return [...this.#out].filter((slot) => presentThread(this.#control, slot) >= 0);
  }
}
