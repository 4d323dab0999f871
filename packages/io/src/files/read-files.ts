import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import { describe, integer, object } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
import { iterate } from '../concurrency/map-iter.ts';
import type { MapContext } from '../concurrency/map.ts';
import { Semaphore, type Permit } from '../concurrency/semaphore.ts';
import type { Source } from '../concurrency/source.ts';

/** Options of {@link readFiles}. */
export interface ReadFilesOptions {
  /** Files open at once. Default 128; 1 or more. Reads run on the thread pool, so `UV_THREADPOOL_SIZE` bounds them too. */
  readonly concurrency?: number;
  /** Bytes of contents that are read and not yet taken. Default 256 MiB; a larger file comes alone. */
  readonly maxBytes?: number;
  /** Ends the iteration with its reason. */
  readonly signal?: AbortSignal;
}

/** What became of a path. */
export type ReadFileResult =
  | { readonly path: string; readonly index: number; readonly bytes: Buffer; readonly error: undefined }
  | {
      readonly path: string;
      /** Place of the path in the source, from 0. */
      readonly index: number;
      readonly bytes: undefined;
      /** The system's error, with its code. */
      readonly error: NodeJS.ErrnoException;
    };

/** Measured: from here on the thread pool never runs dry. An eighth of the usual 1024 descriptors. */
const DEFAULT_CONCURRENCY = 128;
/** How long to wait for another file to be closed, anywhere in the process, when no descriptor is to be had. */
const NO_DESCRIPTOR_PAUSE_MS = 5;
/** Closing the last descriptor of a file that was deleted frees its blocks: nothing for a small one, a wait for a large one. */
const QUICK_CLOSE_BYTES = 1 << 20;
/** First buffer for what has no size: pipes, files of /proc. */
const UNSIZED_BYTES = 64 * 1024;

/**
 * Reads many files at once and hands each out as it is read, in the order of completion: contents or error, by path.
 * Too few descriptors (`EMFILE`, `ENFILE`) are waited for.
 *
 * @throws {ArgumentTypeError} @throws {ArgumentRangeError} an argument that cannot be; a path that is no string is an error from the iteration
 * @throws what the source of paths threw, or the signal's reason; never for a file
 *
 * @example
 * ```ts
 * import { readFiles } from '@hotpath/io';
 *
 * for await (const { path, bytes, error } of readFiles(['a.json', 'b.json'])) {
 *   console.log(path, error?.code ?? bytes.length);
 * }
 * ```
 */
export function readFiles(
  paths: Source<string>,
  options: ReadFilesOptions = {},
): AsyncGenerator<ReadFileResult, void, undefined> {
  object('options', options);
  const { signal } = options;
  const concurrency = integer('concurrency', options.concurrency, DEFAULT_CONCURRENCY, 1, 1 << 20);
  const memory = new Semaphore(integer('maxBytes', options.maxBytes, 256 << 20, 1, Number.MAX_SAFE_INTEGER));
  const permits = new Map<number, Permit>();
  return iterate(
    paths,
    (path, context): Promise<ReadFileResult> => {
      if (typeof path !== 'string')
        throw new ArgumentTypeError(`path: expected a string, got ${describe(path)}`);
      return new Promise((resolve, reject: (reason: unknown) => void) => {
        const read = new FileRead(path, context, memory, (bytes, error) => {
          if (signal?.aborted) {
            // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the signal's own reason, whatever it is
            reject(signal.reason);
            return;
          }
          const { index } = context;
          if (read.permit !== undefined && error === undefined) permits.set(index, read.permit);
          resolve({ path, index, bytes, error } as ReadFileResult);
        });
        read.open();
      });
    },
    // In the order of the source a file that waits for memory could be waited for by the one that has it.
    { concurrency, ordered: false, ...(signal && { signal }) },
    // Whoever has it answers for its memory from here on.
    ({ index }) => {
      permits.get(index)?.release();
      permits.delete(index);
    },
  );
}

/** Told once: contents, or an error. */
type Done = (bytes: Buffer | undefined, error: NodeJS.ErrnoException | undefined) => void;

/**
 * Reads one file, by callbacks all along: a promise for each call would cost as much as the calls.
 *
 * ```
 *  open ──► fstat ──► memory for its size ──► read, until all is there ──► close
 *   ▲─ no descriptor: later
 * ```
 * A trip to the thread pool costs several times what the calls themselves do for a small file, so only those that may
 * wait for a disk make one: open, which looks the path up, and read. What fstat answers open has brought into memory.
 */
class FileRead {
  /** For the memory of the contents; released here only after a failure. */
  permit: Permit | undefined;
  readonly #path: string;
  readonly #context: MapContext;
  readonly #memory: Semaphore;
  readonly #done: Done;
  #descriptor = -1;
  #bytes: Buffer = NOTHING;
  #filledBytes = 0;
  /** Full parts of a file without a size. */
  #parts: Buffer[] | undefined;

  constructor(path: string, context: MapContext, memory: Semaphore, done: Done) {
    this.#path = path;
    this.#context = context;
    this.#memory = memory;
    this.#done = done;
  }

  /** Starts; nothing is thrown. */
  open(): void {
    try {
      fs.open(this.#path, 'r', this.#onOpen);
    } catch (error) {
      // A path that no file can have.
      this.#fail(error);
    }
  }

  readonly #onOpen = (error: NodeJS.ErrnoException | null, descriptor: number): void => {
    if (error === null) {
      this.#descriptor = descriptor;
      this.#measure();
    } else if (error.code === 'EMFILE' || error.code === 'ENFILE') {
      setTimeout(() => this.#openAgain(error), NO_DESCRIPTOR_PAUSE_MS);
    } else {
      this.#fail(error);
    }
  };

  #openAgain(error: unknown): void {
    if (this.#context.signal.aborted) this.#fail(error);
    else this.open();
  }

  #measure(): void {
    let sizeBytes: number;
    try {
      const stats = fs.fstatSync(this.#descriptor);
      sizeBytes = stats.isFile() ? stats.size : 0;
    } catch (error) {
      this.#fail(error);
      return;
    }
    const weight = Math.min(this.#memory.capacity, Math.max(1, sizeBytes));
    this.permit = this.#memory.tryAcquire(weight);
    if (this.permit === undefined) void this.#waitForMemory(weight, sizeBytes);
    else this.#start(sizeBytes);
  }

  /** Only those that must wait pay for a promise and a signal. Never rejects. */
  async #waitForMemory(weight: number, sizeBytes: number): Promise<void> {
    try {
      this.permit = await this.#memory.acquire({ weight, signal: this.#context.signal });
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#start(sizeBytes);
  }

  #start(sizeBytes: number): void {
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
    fs.read(this.#descriptor, bytes, filledBytes, bytes.length - filledBytes, null, this.#onRead);
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
    else if (this.#parts === undefined) this.#succeed(isFull ? this.#bytes : this.#filled());
    else if (isFull) this.#readOn(this.#parts);
    else this.#succeed(Buffer.concat([...this.#parts, this.#filled()]));
  };

  #readOn(parts: Buffer[]): void {
    parts.push(this.#bytes);
    this.#bytes = Buffer.allocUnsafeSlow(UNSIZED_BYTES);
    this.#filledBytes = 0;
    this.#read();
  }

  #filled(): Buffer {
    return this.#bytes.subarray(0, this.#filledBytes);
  }

  #succeed(bytes: Buffer): void {
    this.#close();
    this.#done(bytes, undefined);
  }

  /** A descriptor that was only read from has nothing to lose, whatever closing it says. */
  #close(): void {
    if (this.#filledBytes > QUICK_CLOSE_BYTES) {
      fs.close(this.#descriptor, ignore);
      return;
    }
    try {
      fs.closeSync(this.#descriptor);
    } catch {
      // See above.
    }
  }

  #fail(error: unknown): void {
    if (this.#descriptor >= 0) this.#close();
    this.permit?.release();
    this.#done(undefined, error as NodeJS.ErrnoException);
  }
}

const NOTHING = Buffer.alloc(0);

function ignore(): void {}
