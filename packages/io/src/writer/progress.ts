import { Waiters } from '../waiters.ts';

/** Everybody who waits for a pump: for bytes to be written or durable, for room, for the descriptor to be closed. */
export class Progress {
  readonly written: Waiters = new Waiters();
  readonly durable: Waiters = new Waiters();
  readonly room: Waiters = new Waiters();
  readonly closed: Waiters = new Waiters();

  /** Whether somebody waits for a write. */
  isAwaited(writtenBytes: number): boolean {
    return this.written.count > 0 || this.room.count > 0 || this.durable.lastPosition > writtenBytes;
  }

  /** Writing has stopped: what lies beyond does not come, nor does room. */
  stop(writtenBytes: number, error: Error): void {
    this.written.failBeyond(writtenBytes, error);
    this.durable.failBeyond(writtenBytes, error);
    this.room.failBeyond(-1, error);
  }
}
