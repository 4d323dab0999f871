import { BusyError } from '../errors.ts';
import type { WriterFileSystem } from './file-system.ts';
import type { Chunk, Intake } from './intake.ts';
import { sleepSync } from './partial-write.ts';
import type { OpenTarget } from './target.ts';

type WriteCallback = (error: NodeJS.ErrnoException | null, writtenBytes: number) => void;

/**
 * The descriptor and the chunk that is on its way into it: which bytes the system has taken, and which come next.
 * It makes the calls and keeps the count; what an outcome means is for the pump.
 *
 * Invariant: `writtenBytes` + `pendingBytes` is the position of the intake's last byte, text that is not encoded aside.
 */
export class Outlet {
  readonly #fs: WriterFileSystem;
  readonly #intake: Intake;
  #target: OpenTarget;
  #chunk: Chunk | undefined;
  /** Bytes of the chunk that are written. */
  #offset = 0;
  /** Size that the file has if nobody else appends to it. */
  #fileBytes: number;
  /** A chunk whose write was seen to land before its callback came, and the bytes that the callback has to confirm. */
  #landed: { readonly chunk: Chunk; readonly restBytes: number } | undefined;
  #writtenBytes = 0;
  #callCount = 0;

  constructor(target: OpenTarget, intake: Intake, fs: WriterFileSystem) {
    this.#target = target;
    this.#intake = intake;
    this.#fs = fs;
    this.#fileBytes = target.startBytes;
  }

  get target(): OpenTarget {
    return this.#target;
  }

  get chunk(): Chunk | undefined {
    return this.#chunk;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  get pendingBytes(): number {
    return this.#intake.pendingBytes - this.#offset;
  }

  get callCount(): number {
    return this.#callCount;
  }

  /** Whether the callback of a write is still to come that `awaitLanding()` has seen land. */
  get hasLanded(): boolean {
    return this.#landed !== undefined;
  }

  /** The chunk to go on with, if there is one. */
  next(): Chunk | undefined {
    return (this.#chunk ??= this.#intake.next());
  }

  /** Lets go of the chunk: a mark that is passed, or bytes that are given up. */
  dropChunk(): void {
    this.#chunk = undefined;
    this.#offset = 0;
  }

  /** Goes on in another file. Returns the one before, which is the caller's to close. */
  replaceTarget(next: OpenTarget): OpenTarget {
    const last = this.#target;
    this.#target = next;
    this.#fileBytes = next.startBytes;
    return last;
  }

  /** Writes the rest of a chunk on the thread pool. */
  write(chunk: Chunk, callback: WriteCallback): void {
    this.#callCount++;
    const { descriptor } = this.#target;
    const offset = this.#offset;
    // A number that is no descriptor would throw here; as an error it takes the same way as any EBADF.
    if (descriptor < 0) process.nextTick(callback, badDescriptor('write'), 0);
    else this.#fs.write(descriptor, chunk.bytes, offset, chunk.lengthBytes - offset, null, callback);
  }

  /** Writes what the system takes of a chunk, on this thread; returns how much that was. */
  writeSync(chunk: Chunk): number {
    this.#callCount++;
    const offset = this.#offset;
    const rest = chunk.lengthBytes - offset;
    const writtenBytes = this.#fs.writeSync(this.#target.descriptor, chunk.bytes, offset, rest, null);
    this.took(chunk, writtenBytes);
    return writtenBytes;
  }

  /** Counts bytes of the chunk as written; lets go of it after the last. */
  took(chunk: Chunk, writtenBytes: number): void {
    this.#offset += writtenBytes;
    this.#writtenBytes += writtenBytes;
    this.#fileBytes += writtenBytes;
    if (this.#offset < chunk.lengthBytes) return;
    this.dropChunk();
    this.#intake.landed(chunk);
    this.#intake.recycle(chunk);
  }

  /**
   * Blocks until the write under way on the thread pool has landed. Its callback cannot run while this thread is
   * blocked, but the size of a regular file tells, as long as nobody else appends to it.
   *
   * @throws {BusyError} the target is no regular file, or the deadline (of `performance.now()`) has passed
   */
  awaitLanding(chunk: Chunk, deadline: number): void {
    if (!this.#target.isFile)
      throw new BusyError('a write is under way on a descriptor that is no regular file');
    const restBytes = chunk.lengthBytes - this.#offset;
    while (this.#target.sizeBytes() < this.#fileBytes + restBytes) {
      if (performance.now() >= deadline) throw new BusyError('the write under way does not end');
      sleepSync(1);
    }
    this.dropChunk();
    this.#landed = { chunk, restBytes };
    this.#writtenBytes += restBytes;
    this.#fileBytes += restBytes;
    this.#intake.landed(chunk);
  }

  /**
   * The callback of the write that was seen to land: only now is the memory free. Fewer bytes than expected mean that
   * somebody else grew the file and the order is lost; the bytes are not.
   */
  confirmLanding(writtenBytes: number): void {
    const { chunk, restBytes } = this.#landed!;
    this.#landed = undefined;
    const missingBytes = restBytes - writtenBytes;
    if (missingBytes === 0) {
      this.#intake.recycle(chunk);
      return;
    }
    this.#writtenBytes -= missingBytes;
    this.#intake.putBack(chunk.bytes.subarray(chunk.lengthBytes - missingBytes, chunk.lengthBytes));
  }
}

/** What a closed `FileHandle` gives. */
export function badDescriptor(call: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`EBADF: bad file descriptor, ${call}`), { code: 'EBADF', syscall: call });
}
