import { SyncFailedError } from '../errors.ts';
import type { Waiters } from '../waiters.ts';
import type { WriterFileSystem } from './file-system.ts';
import { badDescriptor } from './outlet.ts';
import { refusalOf } from './partial-write.ts';

/** Whom a {@link Durability} tells. */
export interface DurabilityEvents {
  /** A call beside this thread has ended, however that was. */
  onEnd(): void;
  /** A call has failed; those who wait have been told. */
  onFailure(failure: SyncFailedError): void;
}

/**
 * How far the bytes are known to be on the disk. One fdatasync at a time, which covers what was written when it
 * started, so that all who wait share it and writes go on beside it.
 *
 * A failed one is final for its file. The kernel reports a page that it could not write once and may then drop it; the
 * next fdatasync succeeds and proves nothing.
 */
export class Durability {
  readonly #fs: WriterFileSystem;
  readonly #waiters: Waiters;
  readonly #events: DurabilityEvents;
  #durableBytes = 0;
  #callCount = 0;
  #isRunning = false;
  #failure: SyncFailedError | undefined;
  /** What waits for the end of the call under way. */
  readonly #afterwards: (() => void)[] = [];

  /** @param waiters who waits for positions to be durable: told here when they are, and when they never will be */
  constructor(fs: WriterFileSystem, waiters: Waiters, events: DurabilityEvents) {
    this.#fs = fs;
    this.#waiters = waiters;
    this.#events = events;
  }

  get durableBytes(): number {
    return this.#durableBytes;
  }

  get callCount(): number {
    return this.#callCount;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get failure(): SyncFailedError | undefined {
    return this.#failure;
  }

  /** Brings the durable position up to what is written if that can be: on this thread, or with a call beside it unless one is under way. */
  advance(descriptor: number, writtenBytes: number, onThisThread: boolean): void {
    if (!this.#isBehind(writtenBytes)) return;
    if (onThisThread) this.#runSync(descriptor, writtenBytes);
    else if (!this.#isRunning) this.#start(descriptor, writtenBytes);
  }

  /** Runs the task when no call is under way: at once, or after it. */
  whenIdle(task: () => void): void {
    if (this.#isRunning) this.#afterwards.push(task);
    else task();
  }

  /** Another file, which has no failure behind it. */
  startAfresh(): void {
    this.#failure = undefined;
  }

  #isBehind(positionBytes: number): boolean {
    return this.#failure === undefined && this.#durableBytes < positionBytes;
  }

  /** One that a signal interrupted changes nothing: the caller sees that it is behind. */
  #start(descriptor: number, writtenBytes: number): void {
    this.#callCount++;
    this.#isRunning = true;
    const settle = (error: unknown): void => {
      this.#isRunning = false;
      this.#settle(error, writtenBytes);
      for (const task of this.#afterwards.splice(0)) task();
      this.#events.onEnd();
    };
    if (descriptor < 0) process.nextTick(settle, badDescriptor('fdatasync'));
    else this.#fs.fdatasync(descriptor, settle);
  }

  /** Until it succeeds or fails. */
  #runSync(descriptor: number, writtenBytes: number): void {
    while (this.#isBehind(writtenBytes)) {
      this.#callCount++;
      let failure: unknown = null;
      try {
        this.#fs.fdatasyncSync(descriptor);
      } catch (error) {
        failure = error;
      }
      this.#settle(failure, writtenBytes);
    }
  }

  #settle(error: unknown, writtenBytes: number): void {
    if (error === null || error === undefined) {
      this.#durableBytes = Math.max(this.#durableBytes, writtenBytes);
      this.#waiters.reach(this.#durableBytes);
    } else if (refusalOf(error) !== 'again') {
      this.#failure = new SyncFailedError(this.#durableBytes, error);
      // Nothing more can be made durable in this file, written or not.
      this.#waiters.failBeyond(this.#durableBytes, this.#failure);
      this.#events.onFailure(this.#failure);
    }
  }
}
