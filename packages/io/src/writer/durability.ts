import { SyncFailedError } from '../errors.ts';
import type { WriterFileSystem } from './file-system.ts';
import { badDescriptor } from './outlet.ts';
import { refusalOf } from './partial-write.ts';

/**
 * How far the bytes are known to be on the disk. One fdatasync at a time, which covers what was written when it
 * started, so that all who wait share it and writes go on beside it.
 *
 * A failed one is final for its file. The kernel reports a page that it could not write once and may then drop it; the
 * next fdatasync succeeds and proves nothing.
 */
export class Durability {
  readonly #fs: WriterFileSystem;
  #durableBytes = 0;
  #callCount = 0;
  #isRunning = false;
  #failure: SyncFailedError | undefined;
  #isFailureUntold = false;
  /** What waits for the end of the call under way. */
  readonly #afterwards: (() => void)[] = [];

  constructor(fs: WriterFileSystem) {
    this.#fs = fs;
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

  /** The failure, to whoever asks first; then nothing until there is another. */
  takeFailure(): SyncFailedError | undefined {
    if (!this.#isFailureUntold) return undefined;
    this.#isFailureUntold = false;
    return this.#failure;
  }

  /** Whether an fdatasync could bring the durable position up to `positionBytes`. */
  isBehind(positionBytes: number): boolean {
    return this.#failure === undefined && this.#durableBytes < positionBytes;
  }

  /** Starts an fdatasync for what is written. One that a signal interrupted changes nothing: the caller sees that it is behind. */
  start(descriptor: number, writtenBytes: number, done: () => void): void {
    this.#callCount++;
    this.#isRunning = true;
    const settle = (error: unknown): void => {
      this.#isRunning = false;
      this.#settle(error, writtenBytes);
      for (const task of this.#afterwards.splice(0)) task();
      done();
    };
    if (descriptor < 0) process.nextTick(settle, badDescriptor('fdatasync'));
    else this.#fs.fdatasync(descriptor, settle);
  }

  /** The same on this thread, until it succeeds or fails. */
  runSync(descriptor: number, writtenBytes: number): void {
    while (this.isBehind(writtenBytes)) {
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

  /** Runs the task when no call is under way: at once, or after it. */
  whenIdle(task: () => void): void {
    if (this.#isRunning) this.#afterwards.push(task);
    else task();
  }

  /** Another file, which has no failure behind it. */
  startAfresh(): void {
    this.#failure = undefined;
    this.#isFailureUntold = false;
  }

  #settle(error: unknown, writtenBytes: number): void {
    if (error === null || error === undefined) {
      this.#durableBytes = Math.max(this.#durableBytes, writtenBytes);
    } else if (refusalOf(error) !== 'again') {
      this.#failure = new SyncFailedError(this.#durableBytes, error);
      this.#isFailureUntold = true;
    }
  }
}
