import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, integer, object } from '../arguments.ts';
import { IoTypeError } from '../errors.ts';
import { mapIter } from '../concurrency/map-iter.ts';
import { Semaphore, type Permit } from '../concurrency/semaphore.ts';
import type { Source } from '../concurrency/source.ts';

/** Options of {@link readFiles}. */
export interface ReadFilesOptions {
  /** Files open at once. Default 64; 1 or more. Reads run on the thread pool, so `UV_THREADPOOL_SIZE` bounds them too. */
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

/** How long to wait for another file to be closed, anywhere in the process, when no descriptor is to be had. */
const NO_DESCRIPTOR_PAUSE_MS = 5;
/** First buffer for what has no size: pipes, files of /proc. */
const UNSIZED_BYTES = 64 * 1024;

/**
 * Reads many files at once and hands each out as it is read, in the order of completion: contents or error, by path.
 * Too few descriptors (`EMFILE`, `ENFILE`) are waited for.
 *
 * @throws {IoTypeError} @throws {IoRangeError} an argument that cannot be; a path that is no string is an error from the iteration
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
  const concurrency = integer('concurrency', options.concurrency, 64, 1, 1 << 20);
  const memory = new Semaphore(integer('maxBytes', options.maxBytes, 256 << 20, 1, Number.MAX_SAFE_INTEGER));
  const reads = mapIter(
    paths,
    async (path, context): Promise<Read> => {
      if (typeof path !== 'string') throw new IoTypeError(`path: expected a string, got ${describe(path)}`);
      const { index } = context;
      const read = new FileRead(memory);
      try {
        const bytes = await read.run(path, context);
        return { result: { path, index, bytes, error: undefined }, permit: read.permit };
      } catch (error) {
        read.permit?.release();
        signal?.throwIfAborted();
        const failure = error as NodeJS.ErrnoException;
        return { result: { path, index, bytes: undefined, error: failure }, permit: undefined };
      }
    },
    // In the order of the source a file that waits for memory could be waited for by the one that has it.
    { concurrency, ordered: false, ...(signal && { signal }) },
  );
  return handOut(reads);
}

interface Read {
  readonly result: ReadFileResult;
  readonly permit: Permit | undefined;
}

async function* handOut(reads: AsyncIterable<Read>): AsyncGenerator<ReadFileResult, void, undefined> {
  for await (const { result, permit } of reads) {
    // Whoever has it answers for its memory from here on.
    permit?.release();
    yield result;
  }
}

/** Reads one file by callbacks: a promise for all the calls instead of one each. */
class FileRead {
  permit: Permit | undefined;
  readonly #memory: Semaphore;

  constructor(memory: Semaphore) {
    this.#memory = memory;
  }

  async run(path: string, context: { readonly signal: AbortSignal }): Promise<Buffer> {
    const descriptor = await this.#open(path, context);
    try {
      const sizeBytes = await this.#stat(descriptor);
      const weight = Math.min(this.#memory.capacity, Math.max(1, sizeBytes));
      this.permit = this.#memory.tryAcquire(weight);
      // Only those that must wait pay for a signal.
      this.permit ??= await this.#memory.acquire({ weight, signal: context.signal });
      return sizeBytes > 0 ? await readSized(descriptor, sizeBytes) : await readUnsized(descriptor);
    } finally {
      fs.close(descriptor, () => {});
    }
  }

  async #open(path: string, context: { readonly signal: AbortSignal }): Promise<number> {
    for (;;) {
      try {
        return await new Promise<number>((resolve, reject) => {
          fs.open(path, 'r', (error, descriptor) => {
            if (error === null) resolve(descriptor);
            else reject(error);
          });
        });
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'EMFILE' && code !== 'ENFILE') throw error;
        await sleep(NO_DESCRIPTOR_PAUSE_MS);
        context.signal.throwIfAborted();
      }
    }
  }

  #stat(descriptor: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(descriptor, (error, stats) => {
        if (error === null) resolve(stats.isFile() ? stats.size : 0);
        else reject(error);
      });
    });
  }
}

/** A file of a known size: one read as a rule, more after short ones; what was cut off meanwhile is not there. */
function readSized(descriptor: number, sizeBytes: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  return new Promise((resolve, reject) => {
    let filledBytes = 0;
    const go = (): void => {
      fs.read(descriptor, bytes, filledBytes, sizeBytes - filledBytes, null, (error, readBytes) => {
        filledBytes += readBytes;
        if (error !== null) reject(error);
        else if (readBytes === 0) resolve(bytes.subarray(0, filledBytes));
        else if (filledBytes === sizeBytes) resolve(bytes);
        else go();
      });
    };
    go();
  });
}

async function readUnsized(descriptor: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const part = await readSized(descriptor, UNSIZED_BYTES);
    parts.push(part);
    if (part.length < UNSIZED_BYTES) return parts.length === 1 ? part : Buffer.concat(parts);
  }
}
