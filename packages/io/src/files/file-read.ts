import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import type { CallbackContext } from '../concurrency/map.ts';
import type { Permit, Semaphore } from '../concurrency/semaphore.ts';

/** Told once: contents and the permit for their memory, or an error. */
export type Read = (
  bytes: Buffer | undefined,
  error: NodeJS.ErrnoException | undefined,
  permit: Permit | undefined,
) => void;

/** How long to wait for another file to be closed, anywhere in the process, when no descriptor is to be had. */
const NO_DESCRIPTOR_PAUSE_MS = 5;
/** Closing the last descriptor of a file that was deleted frees its blocks: nothing for a small one, a wait for a large one. */
const QUICK_CLOSE_BYTES = 1 << 20;
/** Most bytes of one read: `fs.read` takes its length for a 32-bit integer. */
const READ_BYTES_MAX = 1 << 30;
/** First buffer for what has no size: pipes, files of /proc. */
const UNSIZED_BYTES = 64 * 1024;

/** Where no descriptor is to be had: true, and later `again`, or `fail` if nobody wants the file any more. */
export function waitsForDescriptor(
  error: NodeJS.ErrnoException,
  context: CallbackContext,
  again: () => void,
  fail: (error: NodeJS.ErrnoException) => void,
): boolean {
  if (error.code !== 'EMFILE' && error.code !== 'ENFILE') return false;
  setTimeout(() => {
    if (context.stopSignal?.aborted) fail(error);
    else again();
  }, NO_DESCRIPTOR_PAUSE_MS);
  return true;
}

/**
 * Reads one file after another, by callbacks all along: a promise for each call would cost as much as the calls.
 *
 * ```
 *  open ──► fstat ──► memory for its size ──► read, until all is there ──► close
 *   ▲ ▲                     │
 *   │ └─ closed meanwhile ──┘ not free: wait
 *   └─ no descriptor: later, without memory
 * ```
 * Hundreds may wait for memory, so those that do hold no descriptor; but a pipe keeps its own, for opening it twice would
 * not give the same bytes. And who waits for a descriptor holds no memory, or each could wait for what the other has.
 * A trip to the thread pool costs several times what the calls themselves do for a small file, so only those that may
 * wait for a disk make one: open, which looks the path up, and read. What fstat answers open has brought into memory.
 */
export class FileRead {
  readonly #memory: Semaphore;
  #path = '';
  #context: CallbackContext | undefined;
  #done: Read = ignore;
  /** For the memory of the contents; released here only after a failure. */
  #permit: Permit | undefined;
  #descriptor = -1;
  #bytes: Buffer = NOTHING;
  #filledBytes = 0;
  /** Full parts of a file without a size. */
  #parts: Buffer[] | undefined;

  constructor(memory: Semaphore) {
    this.#memory = memory;
  }

  /** Only when the one before is done. Nothing is thrown, and `done` is never called before this returns. */
  start(path: string, context: CallbackContext, done: Read): void {
    this.#path = path;
    this.#context = context;
    this.#done = done;
    this.#open();
  }

  #open(): void {
    try {
      fs.open(this.#path, 'r', this.#onOpen);
    } catch (error) {
      // A path that no file can have.
      process.nextTick(() => this.#fail(error));
    }
  }

  readonly #onOpen = (error: NodeJS.ErrnoException | null, descriptor: number): void => {
    if (error === null) {
      this.#descriptor = descriptor;
      this.#measure();
    } else if (waitsForDescriptor(error, this.#context!, this.#openAgain, this.#fail)) {
      // Those that have the descriptors may be waiting for this memory.
      this.#permit?.release();
      this.#permit = undefined;
    } else {
      this.#fail(error);
    }
  };

  readonly #openAgain = (): void => this.#open();

  #measure(): void {
    let isFile: boolean;
    let sizeBytes: number;
    try {
      const stats = fs.fstatSync(this.#descriptor);
      isFile = stats.isFile();
      sizeBytes = isFile ? stats.size : 0;
    } catch (error) {
      this.#fail(error);
      return;
    }
    const weight = Math.min(this.#memory.capacity, Math.max(1, sizeBytes));
    if (this.#permit !== undefined && this.#permit.weight < weight) {
      // It has grown while it waited, and waits again.
      this.#permit.release();
      this.#permit = undefined;
    }
    this.#permit ??= this.#memory.tryAcquire(weight);
    if (this.#permit === undefined) void this.#waitForMemory(weight, isFile);
    else this.#allocate(sizeBytes);
  }

  /** Only those that must wait pay for a promise and a signal. Never rejects. */
  async #waitForMemory(weight: number, isFile: boolean): Promise<void> {
    if (isFile) this.#close();
    try {
      const signal = this.#context!.stopSignal;
      this.#permit = await this.#memory.acquire(signal === undefined ? { weight } : { weight, signal });
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (isFile) this.#open();
    else this.#allocate(0);
  }

  #allocate(sizeBytes: number): void {
    if (sizeBytes === 0) this.#parts = [];
    try {
      this.#bytes = Buffer.allocUnsafeSlow(sizeBytes === 0 ? UNSIZED_BYTES : sizeBytes);
    } catch (error) {
      // More than a buffer can hold.
      this.#fail(error);
      return;
    }
    this.#read();
  }

  #read(): void {
    const filledBytes = this.#filledBytes;
    const bytes = this.#bytes;
    const length = Math.min(bytes.length - filledBytes, READ_BYTES_MAX);
    fs.read(this.#descriptor, bytes, filledBytes, length, null, this.#onRead);
  }

  /** One read as a rule, more after short ones; what was cut off meanwhile is not there. */
  readonly #onRead = (error: NodeJS.ErrnoException | null, readBytes: number): void => {
    if (error !== null) {
      this.#fail(error);
      return;
    }
    this.#filledBytes += readBytes;
    const isFull = this.#filledBytes === this.#bytes.length;
    if (readBytes > 0 && !isFull) this.#read();
    else if (this.#parts === undefined) this.#end(isFull ? this.#bytes : this.#filled(), undefined);
    else if (isFull) this.#readOn(this.#parts);
    else this.#join(this.#parts);
  };

  #readOn(parts: Buffer[]): void {
    parts.push(this.#bytes);
    this.#bytes = Buffer.allocUnsafeSlow(UNSIZED_BYTES);
    this.#filledBytes = 0;
    this.#read();
  }

  #join(parts: readonly Buffer[]): void {
    let bytes: Buffer;
    try {
      bytes = Buffer.concat([...parts, this.#filled()]);
    } catch (error) {
      // More than a buffer can hold.
      this.#fail(error);
      return;
    }
    this.#end(bytes, undefined);
  }

  #filled(): Buffer {
    return this.#bytes.subarray(0, this.#filledBytes);
  }

  readonly #fail = (error: unknown): void => {
    this.#permit?.release();
    this.#permit = undefined;
    this.#end(undefined, error as NodeJS.ErrnoException);
  };

  /** Ready for the next one before it tells. */
  #end(bytes: Buffer | undefined, error: NodeJS.ErrnoException | undefined): void {
    this.#close();
    const done = this.#done;
    const permit = this.#permit;
    this.#done = ignore;
    this.#context = undefined;
    this.#permit = undefined;
    this.#bytes = NOTHING;
    this.#filledBytes = 0;
    this.#parts = undefined;
    done(bytes, error, permit);
  }

  /** A descriptor that was only read from has nothing to lose, whatever closing it says. */
  #close(): void {
    const descriptor = this.#descriptor;
    if (descriptor < 0) return;
    this.#descriptor = -1;
    if (this.#filledBytes > QUICK_CLOSE_BYTES) {
      fs.close(descriptor, ignore);
      return;
    }
    try {
      fs.closeSync(descriptor);
    } catch {
      // See above.
    }
  }
}

const NOTHING = Buffer.alloc(0);

function ignore(): void {}
