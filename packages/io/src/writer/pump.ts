import { BusyError, OpenFailedError, SyncFailedError, WriteFailedError } from '../errors.ts';
import type { WriterFileSystem } from './file-system.ts';
import { timeOfWrite } from './flush-policy.ts';
import type { Chunk, Intake, Mark } from './intake.ts';
import type { ResolvedWriterOptions } from './options.ts';
import { backoffMs, refusalOf, sleepSync } from './partial-write.ts';
import { mayFollow, type PumpState } from './state.ts';
import { OpenTarget } from './target.ts';
import { Waiters } from './waiters.ts';

const NOTHING = (): void => {};

/**
 * Moves chunks from the intake to the descriptor, one write at a time, in order, each byte once.
 *
 * Positions count the bytes of this writer from its creation. A flush waits for the position that the intake had
 * reached when it was called, so that later writes never delay it by more than the write that carries its last byte.
 * An fsync runs beside writes, on its own: it covers what was written when it started.
 */
export class Pump {
  /** Whether a further write needs to schedule anything: read on every write, so a field. */
  armed = false;
  writeCalls = 0;
  syncCalls = 0;

  readonly #options: ResolvedWriterOptions;
  readonly #fs: WriterFileSystem;
  readonly #intake: Intake;
  readonly #report: (error: Error) => void;
  #target: OpenTarget;
  #state: PumpState = 'idle';

  /** The chunk being written and how much of it the system has taken. */
  #chunk: Chunk | undefined;
  #offset = 0;
  #attempt = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  #writtenBytes = 0;
  #durableBytes = 0;
  /** Size that the file has when nobody but us appends to it. */
  #fileBytes: number;
  /** A chunk whose write was seen to land before its callback came, which only recycles it. */
  #early: Chunk | undefined;

  #syncing = false;
  #syncWanted = false;
  #failure: WriteFailedError | undefined;
  #syncFailure: SyncFailedError | undefined;
  #doom: Error | undefined;
  /** Replaced files that an fsync still uses. */
  #retired: (() => void)[] = [];

  readonly #writtenWaiters = new Waiters();
  readonly #durableWaiters = new Waiters();
  readonly #roomWaiters = new Waiters();
  readonly #closeWaiters = new Waiters();

  constructor(
    target: OpenTarget,
    intake: Intake,
    options: ResolvedWriterOptions,
    fs: WriterFileSystem,
    report: (error: Error) => void,
  ) {
    this.#target = target;
    this.#intake = intake;
    this.#options = options;
    this.#fs = fs;
    this.#report = report;
    this.#fileBytes = target.startBytes;
  }

  get state(): PumpState {
    return this.#state;
  }

  get path(): string | undefined {
    return this.#target.path;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  get durableBytes(): number {
    return this.#durableBytes;
  }

  get pendingBytes(): number {
    return this.#intake.pendingBytes - this.#offset;
  }

  get failure(): WriteFailedError | undefined {
    return this.#failure;
  }

  /** The only place where the state changes. */
  #move(to: PumpState): void {
    if (!mayFollow(this.#state, to)) throw new Error(`unreachable: ${this.#state} to ${to}`);
    this.#state = to;
    this.armed = to !== 'idle';
  }

  // ── What the writer asks for ──────────────────────────────────────────────────────────────────────────────────

  /** Something was taken in while nothing was scheduled. */
  arm(): void {
    this.armed = true;
    switch (timeOfWrite(this.#intake.bufferedBytes, this.#isAwaited(), this.#options)) {
      case 'now':
        this.#advance();
        break;
      case 'turn':
        this.#immediate = setImmediate(this.#onTime);
        break;
      case 'linger':
        // Kept alive on purpose: a process that ended here would lose the bytes.
        this.#timer = setTimeout(this.#onTime, this.#options.lingerMs);
        break;
      case 'unscheduled':
        break;
    }
  }

  /** There is enough to write, or somebody waits: goes on unless a call or a timer will. */
  urge(): void {
    if (this.#state === 'idle') this.#advance();
    else this.#settle();
  }

  flush(positionBytes: number, sync: boolean, signal: AbortSignal | undefined): Promise<void> {
    if (sync) this.#syncWanted = true;
    if (positionBytes > this.#writtenBytes && this.#failure !== undefined)
      return Promise.reject(this.#failure);
    if (sync && this.#syncFailure !== undefined) return Promise.reject(this.#syncFailure);
    const done = (sync ? this.#durableWaiters : this.#writtenWaiters).wait(positionBytes, signal);
    this.urge();
    return done;
  }

  room(signal: AbortSignal | undefined): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const done = this.#roomWaiters.wait(0, signal);
    this.urge();
    return done;
  }

  /** Goes on after a failed write, at the byte that was refused. */
  retry(): void {
    if (this.#state !== 'failed') return;
    this.#failure = undefined;
    this.#move(this.#early === undefined ? 'idle' : 'writing');
    this.urge();
  }

  /** Drops what is pending and closes once no call uses the descriptor any more. */
  destroy(error: Error): void {
    if (this.#doom !== undefined || this.#state === 'closing' || this.#state === 'closed') return;
    this.#doom = error;
    this.#disarm();
    this.#rejectAll(error);
    this.#chunk = undefined;
    this.#intake.clear();
    this.#closeWhenFree();
  }

  closed(): Promise<void> {
    if (this.#state === 'closed') return Promise.resolve();
    return this.#closeWaiters.wait(0, undefined);
  }

  // ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────

  readonly #onTime = (): void => {
    if (this.#state === 'backoff') this.#move('idle');
    if (this.#state === 'idle') this.#advance();
  };

  #disarm(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
    this.armed = this.#state !== 'idle';
  }

  /** From `idle`: takes the next thing and does it, until a call is under way or there is nothing left. */
  #advance(): void {
    this.#disarm();
    while (this.#state === 'idle') {
      this.#chunk ??= this.#intake.next();
      const chunk = this.#chunk;
      if (chunk === undefined) break;
      if (chunk.mark !== undefined) {
        if (!this.#pass(chunk.mark, false)) break;
      } else if (this.#options.sync) {
        this.#writeSync(chunk);
      } else {
        this.#move('writing');
        this.#issue(chunk);
        return;
      }
    }
    this.#settle();
  }

  #issue(chunk: Chunk): void {
    this.writeCalls++;
    const { descriptor } = this.#target;
    // A number that is no descriptor would throw here; as an error it takes the same way as EBADF.
    if (descriptor < 0) process.nextTick(this.#onWritten, badDescriptor(), 0);
    else
      this.#fs.write(
        descriptor,
        chunk.bytes,
        this.#offset,
        chunk.lengthBytes - this.#offset,
        null,
        this.#onWritten,
      );
  }

  readonly #onWritten = (error: NodeJS.ErrnoException | null, writtenBytes: number): void => {
    if (this.#early !== undefined) {
      this.#confirmEarly(this.#early, error === null ? writtenBytes : 0);
    } else if (this.#doom !== undefined) {
      this.#move('idle');
    } else if (error !== null) {
      this.#refused(error);
    } else {
      this.#took(this.#chunk!, writtenBytes);
      if (this.#chunk !== undefined && writtenBytes > 0) {
        this.#settle();
        this.#issue(this.#chunk);
        return;
      }
      if (this.#chunk === undefined) this.#move('idle');
      else this.#backOff();
    }
    this.#resume();
  };

  /** After a call has ended. */
  #resume(): void {
    if (this.#doom !== undefined) {
      this.#closeWhenFree();
      return;
    }
    this.#settle();
    if (this.#state !== 'idle' || this.armed) return;
    if (this.#intake.bufferedBytes > 0 || this.#isAwaited()) this.arm();
  }

  #took(chunk: Chunk, writtenBytes: number): void {
    this.#offset += writtenBytes;
    this.#writtenBytes += writtenBytes;
    this.#fileBytes += writtenBytes;
    if (writtenBytes > 0) this.#attempt = 0;
    if (this.#offset < chunk.lengthBytes) return;
    this.#chunk = undefined;
    this.#offset = 0;
    this.#intake.landed(chunk);
    this.#intake.recycle(chunk);
  }

  #refused(error: unknown): void {
    const refusal = refusalOf(error);
    if (refusal === 'fatal') this.#fail(error);
    else if (refusal === 'later') this.#backOff();
    else if (this.#state === 'writing') this.#issue(this.#chunk!);
  }

  #backOff(): void {
    this.#move('backoff');
    this.#timer = setTimeout(this.#onTime, backoffMs(this.#attempt++));
  }

  /** Writes a chunk on this thread, until it is down, failed, or the descriptor is full. */
  #writeSync(chunk: Chunk): void {
    while (this.#chunk === chunk && this.#state === 'idle') {
      try {
        this.writeCalls++;
        const length = chunk.lengthBytes - this.#offset;
        const written = this.#fs.writeSync(this.#target.descriptor, chunk.bytes, this.#offset, length, null);
        this.#took(chunk, written);
        if (written === 0) this.#backOff();
      } catch (error) {
        this.#refused(error);
      }
    }
  }

  #fail(cause: unknown): void {
    const failure = new WriteFailedError(this.#writtenBytes, this.pendingBytes, cause);
    this.#failure = failure;
    this.#move('failed');
    this.#writtenWaiters.failBeyond(this.#writtenBytes, failure);
    this.#durableWaiters.failBeyond(this.#writtenBytes, failure);
    this.#roomWaiters.failBeyond(-1, failure);
    for (const mark of this.#intake.removeMarks()) mark.reject(failure);
    this.#report(failure);
  }

  #isAwaited(): boolean {
    return (
      this.#intake.hasSealed ||
      this.#chunk !== undefined ||
      this.#writtenWaiters.count > 0 ||
      this.#roomWaiters.count > 0 ||
      this.#durableWaiters.lastPosition > this.#writtenBytes
    );
  }

  // ── Telling those who wait ────────────────────────────────────────────────────────────────────────────────────

  #settle(): void {
    this.#writtenWaiters.reach(this.#writtenBytes);
    this.#durableWaiters.reach(this.#durableBytes);
    if (this.#intake.pendingBytes <= this.#options.lowWaterMark) this.#roomWaiters.reach(0);
    if (this.#durableWaiters.firstPosition <= this.#writtenBytes) this.#startSync();
  }

  #rejectAll(error: Error): void {
    this.#writtenWaiters.failBeyond(-1, error);
    this.#durableWaiters.failBeyond(-1, error);
    this.#roomWaiters.failBeyond(-1, error);
    if (this.#chunk?.mark !== undefined) this.#chunk.mark.reject(error);
    for (const mark of this.#intake.removeMarks()) mark.reject(error);
  }

  // ── Durability ────────────────────────────────────────────────────────────────────────────────────────────────

  #startSync(): void {
    if (this.#syncing || this.#syncFailure !== undefined) return;
    if (this.#options.sync) {
      this.#syncNow();
      return;
    }
    const upToBytes = this.#writtenBytes;
    const { descriptor } = this.#target;
    this.#syncing = true;
    this.syncCalls++;
    const done = (error: unknown): void => {
      this.#syncing = false;
      for (const close of this.#retired.splice(0)) close();
      this.#synced(error, upToBytes);
      if (this.#doom !== undefined) this.#closeWhenFree();
      else if (this.#state === 'idle' && this.#chunk !== undefined) this.#advance();
    };
    if (descriptor < 0) process.nextTick(done, badDescriptor());
    else this.#fs.fdatasync(descriptor, done);
  }

  #syncNow(): void {
    const upToBytes = this.#writtenBytes;
    this.syncCalls++;
    try {
      this.#fs.fdatasyncSync(this.#target.descriptor);
    } catch (error) {
      this.#synced(error, upToBytes);
      return;
    }
    this.#synced(null, upToBytes);
  }

  #synced(error: unknown, upToBytes: number): void {
    if (error !== null && refusalOf(error) !== 'again') {
      this.#syncFailure = new SyncFailedError(this.#durableBytes, error);
      // Nobody's bytes can be made durable any more, written or not.
      this.#durableWaiters.failBeyond(this.#durableBytes, this.#syncFailure);
      this.#report(this.#syncFailure);
    } else if (error === null) {
      this.#durableBytes = Math.max(this.#durableBytes, upToBytes);
    }
    if (this.#doom === undefined) this.#settle();
  }

  // ── Marks ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything before the mark is written. False when the mark has to wait, for an fsync or for the loop. */
  #pass(mark: Mark, onThisThread: boolean): boolean {
    if (mark.kind === 'end' && onThisThread) return false;
    // After a sync flush the old file must not be let go with bytes that a later fsync, of the new file, cannot reach.
    const mustSync = mark.kind === 'reopen' ? this.#syncWanted : mark.sync;
    this.#settle();
    if (mustSync && this.#durableBytes < this.#writtenBytes && this.#syncFailure === undefined) {
      if (onThisThread) this.#syncNow();
      else this.#startSync();
    }
    if (this.#syncing && !onThisThread) return false;
    this.#chunk = undefined;
    if (mark.kind === 'reopen') this.#reopen(mark);
    else this.#end(mark);
    return true;
  }

  #reopen(mark: Mark): void {
    let next: OpenTarget;
    try {
      next = OpenTarget.open(mark.path, this.#options, this.#fs);
    } catch (error) {
      mark.reject(error instanceof OpenFailedError ? error : new OpenFailedError(mark.path, error));
      return;
    }
    const last = this.#target;
    this.#target = next;
    this.#fileBytes = next.startBytes;
    this.#syncFailure = undefined;
    const close = (): void => {
      last.close((error) => {
        if (error === null) mark.resolve();
        else mark.reject(error);
      });
    };
    if (this.#syncing) this.#retired.push(close);
    else close();
  }

  #end(mark: Mark): void {
    const failure = mark.sync ? this.#syncFailure : undefined;
    this.#close((error) => {
      if (failure !== undefined) mark.reject(failure);
      else if (error !== null) mark.reject(error);
      else mark.resolve();
    });
  }

  #closeWhenFree(): void {
    if (this.#state === 'writing' || this.#syncing || this.#state === 'closing' || this.#state === 'closed')
      return;
    this.#close(NOTHING);
  }

  #close(done: (error: Error | null) => void): void {
    this.#move('closing');
    this.#target.close((error) => {
      this.#move('closed');
      this.#closeWaiters.reach(0);
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
    if (this.#state === 'writing' && this.#early === undefined) this.#awaitLanding(this.#chunk!, deadline);
    this.#disarm();
    if (this.#state === 'backoff') this.#move('idle');
    try {
      this.#drainSync(deadline);
      if (sync && this.#durableBytes < this.#writtenBytes && this.#syncFailure === undefined) this.#syncNow();
    } finally {
      this.#resume();
    }
    if (sync && this.#syncFailure !== undefined) throw this.#syncFailure;
  }

  #drainSync(deadline: number): void {
    for (;;) {
      this.#chunk ??= this.#intake.next();
      const chunk = this.#chunk;
      if (chunk === undefined) return;
      if (chunk.mark === undefined) {
        this.#writeSyncUntil(chunk, deadline);
      } else if (!this.#pass(chunk.mark, true)) {
        return;
      }
    }
  }

  #writeSyncUntil(chunk: Chunk, deadline: number): void {
    while (this.#chunk === chunk) {
      let written = 0;
      let refusal = 'later';
      try {
        this.writeCalls++;
        const length = chunk.lengthBytes - this.#offset;
        written = this.#fs.writeSync(this.#target.descriptor, chunk.bytes, this.#offset, length, null);
        this.#took(chunk, written);
      } catch (error) {
        refusal = refusalOf(error);
        if (refusal === 'fatal') {
          this.#fail(error);
          throw this.#failure!;
        }
      }
      if (written > 0 || refusal === 'again') continue;
      if (performance.now() >= deadline) {
        throw new BusyError(`descriptor takes nothing: ${this.pendingBytes} bytes pending`);
      }
      sleepSync(backoffMs(this.#attempt++));
    }
  }

  /**
   * Blocks until the write under way on the thread pool has landed. Its callback cannot run while this thread is
   * blocked, but the size of a regular file tells: nobody else appends to it, or the order is theirs to keep.
   */
  #awaitLanding(chunk: Chunk, deadline: number): void {
    const rest = chunk.lengthBytes - this.#offset;
    if (!this.#target.isFile)
      throw new BusyError('a write is under way on a descriptor that is no regular file');
    while (this.#target.sizeBytes() < this.#fileBytes + rest) {
      if (performance.now() >= deadline) throw new BusyError('the write under way does not end');
      sleepSync(1);
    }
    this.#early = chunk;
    this.#chunk = undefined;
    this.#offset = 0;
    this.#writtenBytes += rest;
    this.#fileBytes += rest;
    this.#earlyRestBytes = rest;
    this.#intake.landed(chunk);
  }

  /** Bytes of the early chunk that its callback has to confirm. */
  #earlyRestBytes = 0;

  /** The callback of a write that was seen to land. Fewer bytes than expected mean that somebody else grew the file: go on with the rest. */
  #confirmEarly(chunk: Chunk, writtenBytes: number): void {
    this.#early = undefined;
    const missing = this.#earlyRestBytes - writtenBytes;
    if (missing > 0) {
      const bytes = chunk.bytes.subarray(chunk.lengthBytes - missing, chunk.lengthBytes);
      this.#writtenBytes -= missing;
      this.#intake.putBack(bytes);
    } else {
      this.#intake.recycle(chunk);
    }
    if (this.#state === 'writing') this.#move('idle');
  }
}

function badDescriptor(): NodeJS.ErrnoException {
  return Object.assign(new Error('EBADF: bad file descriptor, write'), { code: 'EBADF' });
}
