import { Buffer, isAscii } from 'node:buffer';
import { open } from 'node:fs/promises';
import { describe, integer, object } from '../arguments.ts';
import { IoTypeError, LineTooLongError, OpenFailedError } from '../errors.ts';

/** A path, or chunks of bytes: a Node or Web stream, or any iterable of them. */
export type LinesSource = string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Options of {@link lines}. */
export interface LinesOptions {
  /** Longest line, in bytes without its end. Default 1 MiB; 1 to 256 MiB. Memory is bounded by it. */
  readonly maxLineBytes?: number;
  /** Ends the iteration with its reason. Checked for each chunk. */
  readonly signal?: AbortSignal;
}

/** Bytes a read of a file asks for: fewer cost a trip to the thread pool each, more leave the processor's cache. */
const READ_BYTES = 128 * 1024;
/**
 * Bytes decoded at once. The engine's substrings keep the string alive that they were cut from, so lines are cut from
 * small ones: a line that is kept holds on to this much, and not to a whole chunk, for a tenth of the speed.
 */
const BLOCK_BYTES = 2048;

const NEWLINE = 10;

/** The lines of a source. Made by {@link lines}; to be iterated once. */
export class Lines implements AsyncIterable<string> {
  readonly #source: LinesSource;
  readonly #maxLineBytes: number;
  readonly #signal: AbortSignal | undefined;

  /** @internal Use {@link lines}. */
  constructor(source: LinesSource, options: LinesOptions = {}) {
    object('options', options);
    if (typeof source !== 'string' && (typeof source !== 'object' || source === null)) {
      throw new IoTypeError(`source: expected a path or an iterable of bytes, got ${describe(source)}`);
    }
    this.#source = source;
    this.#maxLineBytes = integer('maxLineBytes', options.maxLineBytes, 1 << 20, 1, 1 << 28);
    this.#signal = options.signal;
  }

  /** Lines by the array, as they come with each chunk: several times faster than one by one. */
  async *batches(): AsyncGenerator<string[], void, undefined> {
    const splitter = new LineSplitter(this.#maxLineBytes);
    const chunks = typeof this.#source === 'string' ? readChunks(this.#source) : this.#source;
    this.#signal?.throwIfAborted();
    for await (const chunk of chunks) {
      this.#signal?.throwIfAborted();
      if (!(chunk instanceof Uint8Array)) {
        throw new IoTypeError(`chunk: expected a Uint8Array, got ${describe(chunk)}`);
      }
      const batch = splitter.split(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      if (batch.length > 0) yield batch;
    }
    const last = splitter.end();
    if (last.length > 0) yield last;
  }

  /** Line by line. A promise that is resolved already for each of a batch, and no generator in between. */
  [Symbol.asyncIterator](): AsyncIterator<string, undefined> {
    const batches = this.batches();
    let batch: readonly string[] = [];
    let index = 0;
    const refill = async (): Promise<IteratorResult<string, undefined>> => {
      const { value } = await batches.next();
      if (value === undefined) return { done: true, value: undefined };
      batch = value;
      index = 1;
      return { done: false, value: value[0]! };
    };
    return {
      next: () =>
        index < batch.length ? Promise.resolve({ done: false, value: batch[index++]! }) : refill(),
      async return() {
        batch = [];
        await batches.return();
        return { done: true, value: undefined };
      },
    };
  }
}

/** Cuts chunks into lines. Bytes behind the last newline are copied and wait for the next chunk. */
class LineSplitter {
  readonly #maxLineBytes: number;
  readonly #carried: Buffer[] = [];
  #carriedBytes = 0;
  #lineCount = 0;
  #isStart = true;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  split(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    if (this.#carriedBytes > 0) {
      const end = chunk.indexOf(NEWLINE);
      if (end < 0) {
        this.#carry(chunk);
        return lines;
      }
      this.#carry(chunk.subarray(0, end));
      this.#endCarried(lines);
      start = end + 1;
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > start) this.#cut(chunk.subarray(start, end), lines);
    if (Math.max(start, end) < chunk.length) this.#carry(chunk.subarray(Math.max(start, end)));
    return lines;
  }

  /** What comes without a newline at its end. */
  end(): string[] {
    const lines: string[] = [];
    if (this.#carriedBytes > 0) this.#endCarried(lines);
    return lines;
  }

  #carry(bytes: Buffer): void {
    this.#carriedBytes += bytes.length;
    // Two more: a carriage return that is no part of the line, and no byte of it can be missing for an error to be sure.
    if (this.#carriedBytes > this.#maxLineBytes + (this.#isStart ? 4 : 1)) this.#tooLong();
    this.#carried.push(Buffer.from(bytes));
  }

  #endCarried(lines: string[]): void {
    const bytes = Buffer.concat([...this.#carried, NEWLINE_BYTES]);
    this.#carried.length = 0;
    this.#carriedBytes = 0;
    this.#cut(bytes, lines);
  }

  /** Bytes that end with a newline, in blocks of whole lines. */
  #cut(bytes: Buffer, lines: string[]): void {
    let start = 0;
    if (this.#isStart) {
      this.#isStart = false;
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) start = 3;
    }
    // Text of one byte a unit is decoded by a copy.
    const encoding = isAscii(bytes) ? 'latin1' : 'utf8';
    while (start < bytes.length) {
      let end = bytes.length;
      if (end - start > BLOCK_BYTES) {
        end = bytes.lastIndexOf(NEWLINE, start + BLOCK_BYTES - 1) + 1;
        // A line longer than a block has one of its own.
        if (end <= start) end = bytes.indexOf(NEWLINE, start) + 1;
      }
      const text = bytes.toString(encoding, start, end - 1);
      const first = lines.length;
      for (const line of text.split('\n')) lines.push(line);
      if (text.includes('\r')) stripReturns(lines, first);
      if (end - start - 1 > this.#maxLineBytes) this.#checkLengths(lines, first);
      this.#lineCount += lines.length - first;
      start = end;
    }
  }

  #checkLengths(lines: readonly string[], first: number): void {
    for (let index = first; index < lines.length; index++) {
      if (Buffer.byteLength(lines[index]!) > this.#maxLineBytes) this.#tooLong(index - first);
    }
  }

  #tooLong(linesBefore = 0): never {
    throw new LineTooLongError(this.#lineCount + linesBefore + 1, this.#maxLineBytes);
  }
}

const NEWLINE_BYTES = Buffer.from('\n');

function stripReturns(lines: string[], first: number): void {
  for (let index = first; index < lines.length; index++) {
    const line = lines[index]!;
    if (line.endsWith('\r')) lines[index] = line.slice(0, -1);
  }
}

/** One buffer for the whole file: the splitter has copied what it needs when it asks for more. */
async function* readChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  let handle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw new OpenFailedError(path, error);
  }
  try {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/**
 * The lines of a file or stream, without their ends (`\n` or `\r\n`) and without a byte order mark, decoded as UTF-8.
 * A last line without an end counts; nothing follows the last end.
 *
 * Memory: a chunk, its lines, and at most `maxLineBytes` of an unfinished line. A line that is kept holds on to at most
 * 2 KiB of its neighbours.
 *
 * @throws {IoTypeError} @throws {IoRangeError} an argument that cannot be
 * @throws {OpenFailedError} @throws {LineTooLongError} from the iteration; a line that long ends it
 *
 * @example
 * ```ts
 * import { lines } from '@hotpath/io';
 *
 * for await (const line of lines('app.log')) console.log(line);
 * for await (const batch of lines('app.log').batches()) console.log(batch.length);
 * ```
 */
export function lines(source: LinesSource, options?: LinesOptions): Lines {
  return new Lines(source, options);
}
