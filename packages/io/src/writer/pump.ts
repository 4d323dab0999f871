import { BusyError, WriteFailedError } from '../errors.ts';
import { Durability } from './durability.ts';
import type { WriterFileSystem } from './file-system.ts';
import { timeOfWrite } from './flush-policy.ts';
import type { Chunk, Intake, Mark } from './intake.ts';
import type { ResolvedWriterOptions } from './options.ts';
import { Outlet } from './outlet.ts';
import { refusalOf, sleepSync } from './partial-write.ts';
import { Progress } from './progress.ts';
import { Schedule } from './schedule.ts';
import { mayFollow, type PumpState } from './state.ts';
import { OpenTarget } from './target.ts';

const DONE = Promise.resolve();

/**
 * Moves chunks from the intake to the outlet, one write at a time, in order, each byte once, and tells those who wait.
 *
 * Positions count the bytes of this writer from its creation. A flush waits for the position that the intake had
 * reached when it was called, so that later writes never delay it by more than the write that carries its last byte.
 */
export class Pump {
  /** Whether a further write has nothing to schedule: read on every write, so a field. */
  armed = false;

  readonly #options: ResolvedWriterOptions;
  readonly #fs: WriterFileSystem;
  readonly #intake: Intake;
  readonly #outlet: Outlet;
  readonly #durability: Durability;
  readonly #report: (error: Error) => void;
  readonly #schedule: Schedule;
  #state: PumpState = 'idle';
  #failure: WriteFailedError | undefined;
  /** A sync flush was asked for: files that are let go must be fsynced. */
  #syncWanted = false;
  #isDestroyed = false;
  readonly #progress = new Progress();

  constructor(
    target: OpenTarget,
    intake: Intake,
    options: ResolvedWriterOptions,
    fs: WriterFileSystem,
    report: (error: Error) => void,
  ) {
    this.#intake = intake;
    this.#options = options;
    this.#fs = fs;
    this.#outlet = new Outlet(target, intake, fs);
    this.#report = report;
    this.#durability = new Durability(fs, this.#progress.durable, {
      onEnd: () => this.#onSynced(),
      onFailure: (failure) => {
        if (!this.#isDestroyed) report(failure);
      },
    });
    this.#schedule = new Schedule(options.lingerMs, () => {
      if (this.#state === 'backoff') this.#move('idle');
      if (this.#state === 'idle') this.#advance();
    });
  }

  get state(): PumpState {
    return this.#state;
  }

  get outlet(): Outlet {
    return this.#outlet;
  }

  get durability(): Durability {
    return this.#durability;
  }

  get failure(): WriteFailedError | undefined {
    return this.#failure;
  }

  /** The only place where the state changes. */
  #move(to: PumpState): void {
    if (!mayFollow(this.#state, to)) throw new Error(`unreachable: ${this.#state} to ${to}`);
    this.#state = to;
    this.#setArmed(to !== 'idle');
  }

  #setArmed(armed: boolean): void {
    this.armed = armed;
    if (!armed) this.#intake.endQuiet();
  }

  // ── What the writer asks for ──────────────────────────────────────────────────────────────────────────────────

  /** Something was taken in while nothing was scheduled; not if it was nothing, or has been written at once. */
  arm(): void {
    if (this.#intake.bufferedBytes === 0 && !this.#isAwaited()) return;
    this.armed = true;
    const time = timeOfWrite(this.#intake.bufferedBytes, this.#isAwaited(), this.#options);
    if (time === 'now') this.#advance();
    else this.#schedule.start(time);
  }

  /** There is enough to write, or somebody waits: goes on unless a call or a timer will. */
  urge(): void {
    if (this.#state === 'idle') this.#advance();
    else this.#settle();
  }

  flush(positionBytes: number, sync: boolean, signal: AbortSignal | undefined): Promise<void> {
    if (sync) this.#syncWanted = true;
    // On this thread it is done by the time there would be somebody to tell.
    if (this.#options.sync) this.urge();
    if (!sync && positionBytes <= this.#outlet.writtenBytes) return DONE;
    if (positionBytes > this.#outlet.writtenBytes && this.#failure !== undefined) {
      return Promise.reject(this.#failure);
    }
    if (sync && this.#durability.failure !== undefined) return Promise.reject(this.#durability.failure);
    const done = (sync ? this.#progress.durable : this.#progress.written).wait(positionBytes, signal);
    this.urge();
    return done;
  }

  room(signal: AbortSignal | undefined): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const done = this.#progress.room.wait(0, signal);
    this.urge();
    return done;
  }

  /** Goes on after a failed write, at the byte that was refused. */
  retry(): void {
    if (this.#state !== 'failed') return;
    this.#failure = undefined;
    this.#move(this.#outlet.hasLanded ? 'writing' : 'idle');
    this.urge();
  }

  /** Drops what is pending, and closes once no call uses the descriptor any more. */
  destroy(error: Error): void {
    if (this.#isDestroyed || this.#state === 'closing' || this.#state === 'closed') return;
    this.#isDestroyed = true;
    this.#disarm();
    this.#progress.stop(-1, error);
    this.#outlet.chunk?.mark?.reject(error);
    for (const mark of this.#intake.removeMarks()) mark.reject(error);
    this.#outlet.dropChunk();
    this.#intake.clear();
    this.#closeWhenFree();
  }

  closed(): Promise<void> {
    return this.#state === 'closed' ? Promise.resolve() : this.#progress.closed.wait(0, undefined);
  }

  // ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────

  #disarm(): void {
    this.#schedule.clear();
    this.#setArmed(this.#state !== 'idle');
  }

  /** From `idle`: takes the next thing and does it, until a call is under way or there is nothing left. */
  #advance(): void {
    this.#disarm();
    while (this.#state === 'idle') {
      const chunk = this.#outlet.next();
      if (chunk === undefined) break;
      if (chunk.mark !== undefined) {
        if (!this.#pass(chunk.mark, false)) break;
      } else if (this.#options.sync) {
        this.#writeSync(chunk);
      } else {
        this.#move('writing');
        this.#outlet.write(chunk, this.#onWritten);
        return;
      }
    }
    this.#settle();
  }

  readonly #onWritten = (error: NodeJS.ErrnoException | null, writtenBytes: number): void => {
    const outlet = this.#outlet;
    if (outlet.hasLanded) {
      outlet.confirmLanding(error === null ? writtenBytes : 0);
      if (this.#state === 'writing') this.#move('idle');
    } else if (this.#isDestroyed) {
      this.#move('idle');
    } else if (error !== null) {
      this.#refused(error);
    } else {
      const chunk = outlet.chunk!;
      outlet.took(chunk, writtenBytes);
      if (writtenBytes === 0) this.#backOff();
      else if (outlet.chunk === undefined) this.#move('idle');
      else outlet.write(chunk, this.#onWritten);
      if (writtenBytes > 0) this.#schedule.progressed();
    }
    this.#resume();
  };

  /** Writes a chunk on this thread, until it is down, failed, or the descriptor is full. */
  #writeSync(chunk: Chunk): void {
    while (this.#outlet.chunk === chunk && this.#state === 'idle') {
      try {
        if (this.#outlet.writeSync(chunk) > 0) this.#schedule.progressed();
        else this.#backOff();
      } catch (error) {
        this.#refused(error);
      }
    }
  }

  /** After a call has ended. */
  #resume(): void {
    if (this.#isDestroyed) {
      this.#closeWhenFree();
      return;
    }
    this.#settle();
    if (this.#state !== 'idle' || this.armed) return;
    if (this.#intake.bufferedBytes > 0 || this.#isAwaited()) this.arm();
  }

  #refused(error: unknown): void {
    const refusal = refusalOf(error);
    if (refusal === 'fatal') this.#fail(error);
    else if (refusal === 'later') this.#backOff();
    else if (this.#state === 'writing') this.#outlet.write(this.#outlet.chunk!, this.#onWritten);
  }

  #backOff(): void {
    this.#move('backoff');
    this.#schedule.startBackoff();
  }

  #fail(cause: unknown): void {
    const { writtenBytes, pendingBytes } = this.#outlet;
    const failure = new WriteFailedError(writtenBytes, pendingBytes, cause);
    this.#failure = failure;
    this.#move('failed');
    this.#progress.stop(writtenBytes, failure);
    for (const mark of this.#intake.removeMarks()) mark.reject(failure);
    this.#report(failure);
  }

  #isAwaited(): boolean {
    return (
      this.#intake.hasSealed ||
      this.#outlet.chunk !== undefined ||
      this.#progress.isAwaited(this.#outlet.writtenBytes)
    );
  }

  /** Tells everybody whose wait is over, and starts the fsync that others wait for. */
  #settle(): void {
    const { writtenBytes } = this.#outlet;
    const durability = this.#durability;
    this.#progress.written.reach(writtenBytes);
    if (this.#intake.pendingBytes <= this.#options.lowWaterMark) this.#progress.room.reach(0);
    this.#progress.durable.reach(durability.durableBytes);
    if (this.#progress.durable.firstPosition > writtenBytes || durability.isRunning) return;
    this.#sync(this.#options.sync);
  }

  // ── Durability ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Fsyncs what is written, on this thread or beside it. */
  #sync(onThisThread: boolean): void {
    const { target, writtenBytes } = this.#outlet;
    this.#durability.advance(target.descriptor, writtenBytes, onThisThread);
  }

  #onSynced(): void {
    if (this.#isDestroyed) {
      this.#closeWhenFree();
      return;
    }
    this.#settle();
    // A mark may have waited for this.
    if (this.#state === 'idle' && this.#outlet.chunk !== undefined) this.#advance();
  }

  // ── Marks ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything before the mark is written. False when the mark has to wait, for an fsync or for the event loop. */
  #pass(mark: Mark, onThisThread: boolean): boolean {
    if (mark.kind === 'end' && onThisThread) return false;
    this.#settle();
    // After a sync flush the old file must not be let go with bytes that a later fsync, of the new file, cannot reach.
    const mustSync = mark.kind === 'reopen' ? this.#syncWanted : mark.sync;
    if (mustSync) this.#sync(onThisThread || this.#options.sync);
    if (this.#durability.isRunning && !onThisThread) return false;
    this.#outlet.dropChunk();
    if (mark.kind === 'reopen') this.#reopen(mark);
    else this.#end(mark);
    return true;
  }

  #reopen(mark: Mark): void {
    let next: OpenTarget;
    try {
      next = OpenTarget.open((mark.path ?? this.#outlet.target.path)!, this.#options, this.#fs);
    } catch (error) {
      mark.reject(error);
      return;
    }
    const last = this.#outlet.replaceTarget(next);
    this.#durability.startAfresh();
    this.#durability.whenIdle(() => {
      last.close((error) => {
        if (error === null) mark.resolve();
        else mark.reject(error);
      });
    });
  }

  #end(mark: Mark): void {
    const failure = mark.sync ? this.#durability.failure : undefined;
    this.#close((error) => {
      if (failure !== undefined) mark.reject(failure);
      else if (error !== null) mark.reject(error);
      else mark.resolve();
    });
  }

  #closeWhenFree(): void {
    const { state } = this;
    if (state === 'writing' || state === 'closing' || state === 'closed' || this.#durability.isRunning)
      return;
    this.#close(() => {});
  }

  #close(done: (error: Error | null) => void): void {
    this.#move('closing');
    this.#outlet.target.close((error) => {
      this.#move('closed');
      this.#progress.closed.reach(0);
      done(error);
    });
  }

  // ── On this thread ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Writes everything that is pending before it returns.
   *
   * @throws {WriteFailedError} the system refused a write, now or before
   * @throws {BusyError} the time is up, or a write is under way whose end cannot be seen from here
   * @throws {SyncFailedError} `sync`, and the fsync failed, now or before
   */
  flushSync(sync: boolean): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#state === 'closing' || this.#state === 'closed') return;
    const deadline = performance.now() + this.#options.syncTimeoutMs;
    if (sync) this.#syncWanted = true;
    const { chunk } = this.#outlet;
    if (this.#state === 'writing' && chunk !== undefined && !this.#outlet.hasLanded) {
      this.#outlet.awaitLanding(chunk, deadline);
    }
    this.#disarm();
    if (this.#state === 'backoff') this.#move('idle');
    try {
      this.#drainSync(deadline);
      if (sync) this.#sync(true);
    } finally {
      this.#resume();
    }
    if (sync && this.#durability.failure !== undefined) throw this.#durability.failure;
  }

  #drainSync(deadline: number): void {
    for (let chunk = this.#outlet.next(); chunk !== undefined; chunk = this.#outlet.next()) {
      if (chunk.mark === undefined) this.#writeSyncUntil(chunk, deadline);
      else if (!this.#pass(chunk.mark, true)) return;
    }
  }

  #writeSyncUntil(chunk: Chunk, deadline: number): void {
    while (this.#outlet.chunk === chunk) {
      try {
        if (this.#outlet.writeSync(chunk) > 0) {
          this.#schedule.progressed();
          continue;
        }
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal === 'again') continue;
        if (refusal === 'fatal') {
          this.#fail(error);
          throw this.#failure!;
        }
      }
      if (performance.now() >= deadline) {
        throw new BusyError(`descriptor takes nothing: ${this.#outlet.pendingBytes} bytes pending`);
      }
      sleepSync(this.#schedule.nextBackoffMs());
    }
  }
}
