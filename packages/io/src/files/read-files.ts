import type { Buffer } from 'node:buffer';
import fs from 'node:fs';
import { abortSignal, describe, integer, object } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
import { iterate } from '../concurrency/map-iter.ts';
import type { CallbackContext, CallbackMapper } from '../concurrency/map.ts';
import { Semaphore, type Permit } from '../concurrency/semaphore.ts';
import type { Source } from '../concurrency/source.ts';
import { FileRead, waitsForDescriptor } from './file-read.ts';

/** Options of {@link readFiles}. */
export interface ReadFilesOptions {
  /** Files under way at once. Default 512; 1 or more. Reads run on the thread pool, so `UV_THREADPOOL_SIZE` bounds them too. */
  readonly concurrency?: number;
  /**
   * Bytes of contents that are read and not yet taken. Default 256 MiB; a larger file comes alone. `Infinity` must be
   * asked for by name: core's `readFile`, which makes one trip to the thread pool a file from Node 26 on, then reads.
   */
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

/**
 * Half of the usual 1024 descriptors, and those that wait to be opened hold none. Measured: the more wait, the more
 * seldom a thread of the pool finds nothing to do and has to be woken, which costs more than reading a small file.
 */
const DEFAULT_CONCURRENCY = 512;
const DEFAULT_MAX_BYTES = 256 << 20;
/** From here on core's `readFile` opens, measures, reads and closes a file in one trip to the thread pool; it tells no size before. */
const ONE_TRIP_NODE_MAJOR = 26;
const READS_IN_ONE_TRIP: boolean = Number.parseInt(process.versions.node, 10) >= ONE_TRIP_NODE_MAJOR;

/**
 * Reads many files at once and hands each out as it is read, in the order of completion: contents or error, by path.
 * Too few descriptors (`EMFILE`, `ENFILE`) are waited for. A file that has to wait for memory is closed meanwhile and
 * opened again. When the source of paths throws, the files it gave before are handed out first, then its error. Paths are
 * drawn when half of the files under way have been taken, so a source that waits for its consumer must not be bounded.
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
  const concurrency = integer('concurrency', options.concurrency, DEFAULT_CONCURRENCY, 1, 1 << 20);
  const reads = readsWithin(options.maxBytes);
  const signal = abortSignal(options.signal);
  // In the order of the source a file that waits for memory could be waited for by the one that has it.
  return iterate(paths, reads, { concurrency, isOrdered: false }, signal, ({ index }) => reads.taken(index));
}

/** One file for each call of `start`; `taken` comes right before its consumer gets it, who answers for its memory from then on. */
interface Reads extends CallbackMapper<string, ReadFileResult> {
  taken(index: number): void;
}

function readsWithin(maxBytes: number | undefined): Reads {
  if (maxBytes !== Infinity)
    return new BoundedReads(integer('maxBytes', maxBytes, DEFAULT_MAX_BYTES, 1, Number.MAX_SAFE_INTEGER));
  return READS_IN_ONE_TRIP ? new CoreReads() : new BoundedReads(Number.MAX_SAFE_INTEGER);
}

/** The size of each is known before its memory is taken. */
class BoundedReads implements Reads {
  readonly #memory: Semaphore;
  /** Those that ended, for use again. */
  readonly #idle: FileRead[] = [];
  /** For what is read and not taken, by index. */
  readonly #permits = new Map<number, Permit>();

  constructor(maxBytes: number) {
    this.#memory = new Semaphore(maxBytes);
  }

  start(path: string, context: CallbackContext, fulfilled: (result: ReadFileResult) => void): void {
    checkPath(path);
    const read = this.#idle.pop() ?? new FileRead(this.#memory);
    const { index } = context;
    read.start(path, context, (bytes, error, permit) => {
      this.#idle.push(read);
      if (permit !== undefined) this.#permits.set(index, permit);
      fulfilled({ path, index, bytes, error } as ReadFileResult);
    });
  }

  taken(index: number): void {
    this.#permits.get(index)?.release();
    this.#permits.delete(index);
  }
}

/** Core's own, where nothing bounds the memory. */
class CoreReads implements Reads {
  start(path: string, context: CallbackContext, fulfilled: (result: ReadFileResult) => void): void {
    checkPath(path);
    const { index } = context;
    const fail = (error: NodeJS.ErrnoException): void => fulfilled({ path, index, bytes: undefined, error });
    const read = (): void => {
      fs.readFile(path, (error, bytes) => {
        if (error === null) fulfilled({ path, index, bytes, error: undefined });
        else if (!waitsForDescriptor(error, context, read, fail)) fail(error);
      });
    };
    try {
      read();
    } catch (error) {
      // A path that no file can have.
      process.nextTick(fail, error);
    }
  }

  taken(): void {}
}

/** @throws {ArgumentTypeError} no string */
function checkPath(path: unknown): void {
  if (typeof path !== 'string') throw new ArgumentTypeError(`path: expected a string, got ${describe(path)}`);
}
