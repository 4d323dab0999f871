import { Buffer, isAscii } from 'node:buffer';
import { open, type FileHandle } from 'node:fs/promises';
import { untilAborted } from '../abort.ts';
import { abortSignal, describe, integer, object } from '../arguments.ts';
import { abandon, iteratorOf, type Source } from '../concurrency/source.ts';
import { ArgumentTypeError, LineTooLongError, OpenFailedError } from '../errors.ts';

/** A path, or chunks of bytes: a Node or Web stream, or any iterable of them. */
export type LinesSource = string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Options of {@link lines}. */
export interface LinesOptions {
  /** Longest line, in bytes without its end. Default 1 MiB; 1 to 256 MiB. Memory is bounded by it. */
  readonly maxLineBytes?: number;
  /** Ends the iteration with its reason, even while a silent source is waited for. */
  readonly signal?: AbortSignal;
}

/** Bytes a read of a file asks for: fewer cost a trip to the thread pool each, more leave the processor's cache. */
const READ_BYTES = 256 * 1024;
/**
 * Bytes decoded at once. The engine's substrings keep the string alive that they were cut from, so lines are cut from
 * small ones: a line that is kept holds on to this much, and not to a whole chunk, for a tenth of the speed.
 */
const BLOCK_BYTES = 2048;

/** First memory for the piece of a line between two chunks. */
const CARRIED_BYTES = 256;

const NEWLINE = 10;
const RETURN = 13;

/** The lines of a source. Made by {@link lines}; to be iterated once. */
export class Lines implements AsyncIterable<string> {
  readonly #source: LinesSource;
  readonly #maxLineBytes: number;
  readonly #signal: AbortSignal | undefined;

  /** @internal Use {@link lines}. */
  constructor(source: LinesSource, options: LinesOptions = {}) {
    object('options', options);
    if (typeof source !== 'string' && (typeof source !== 'object' || source === null)) {
      throw new ArgumentTypeError(`source: expected a path or an iterable of bytes, got ${describe(source)}`);
    }
    this.#source = source;
    this.#maxLineBytes = integer('maxLineBytes', options.maxLineBytes, 1 << 20, 1, 1 << 28);
    this.#signal = abortSignal(options.signal);
  }

  /** Lines by the array, as they come with each chunk: several times faster than one by one. */
  batches(): AsyncGenerator<string[], void, undefined> {
    return this.#batches();
  }

  #open(): Opened {
    const source = typeof this.#source === 'string' ? readChunks(this.#source) : this.#source;
    return { source, iterator: iteratorOf(source) };
  }

  async *#batches(given?: Opened): AsyncGenerator<string[], void, undefined> {
    const opened = given ?? this.#open();
    const splitter = new LineSplitter(this.#maxLineBytes);
    const chunks: AsyncIterable<Uint8Array> =
      this.#signal === undefined
        ? { [Symbol.asyncIterator]: () => opened.iterator as AsyncIterator<Uint8Array> }
        : abortable(opened, this.#signal);
    for await (const chunk of chunks) {
      if (!(chunk instanceof Uint8Array)) {
        throw new ArgumentTypeError(`chunk: expected a Uint8Array, got ${describe(chunk)}`);
      }
      const batch: string[] = [];
      try {
        splitter.split(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), batch);
      } catch (error) {
        // The lines before the one that is too long.
        if (batch.length > 0) yield batch;
        throw error;
      }
      if (batch.length > 0) yield batch;
    }
    const last: string[] = [];
    splitter.end(last);
    if (last.length > 0) yield last;
  }

  /** Line by line. A promise that is resolved already for each of a batch, and no generator in between. */
  [Symbol.asyncIterator](): AsyncIterator<string, undefined> {
    const signal = this.#signal;
    let opened: Opened | undefined;
    let batches: AsyncGenerator<string[], void, undefined> | undefined;
    let batch: readonly string[] = [];
    let index = 0;
    let isReturned = false;
    /** The last of the answers that wait for a batch; who asks meanwhile comes behind it. */
    let waiting: Promise<IteratorResult<string, undefined>> | undefined;
    const refill = async (before: typeof waiting): Promise<IteratorResult<string, undefined>> => {
      await before?.catch(() => {});
      if (index >= batch.length || signal?.aborted) {
        if (isReturned) return { done: true, value: undefined };
        opened ??= this.#open();
        batches ??= this.#batches(opened);
        const next = await batches.next().catch((error: unknown) => {
          if (!isReturned) throw error;
        });
        if (isReturned || next?.value === undefined) return { done: true, value: undefined };
        batch = next.value;
        index = 0;
      }
      return { done: false, value: batch[index++]! };
    };
    const wait = (): Promise<IteratorResult<string, undefined>> => {
      const answer = refill(waiting);
      waiting = answer;
      const isOver = (): void => {
        if (waiting === answer) waiting = undefined;
      };
      answer.then(isOver, isOver);
      return answer;
    };
    return {
      next: () =>
        waiting === undefined && index < batch.length && !signal?.aborted
          ? Promise.resolve({ done: false, value: batch[index++]! })
          : wait(),
      async return() {
        isReturned = true;
        batch = [];
        // Who is asked for a batch may be silent, and the generator is closed behind the answer.
        if (waiting !== undefined && opened !== undefined) await abandon(opened.source, opened.iterator);
        await batches?.return();
        return { done: true, value: undefined };
      },
    };
  }
}

interface Opened {
  readonly source: Source<Uint8Array>;
  readonly iterator: Iterator<Uint8Array> | AsyncIterator<Uint8Array>;
}

/** Cuts chunks into lines. Bytes behind the last newline are copied and wait for the next chunk. */
class LineSplitter {
  readonly #maxLineBytes: number;
  /** Grows by doubling: one memory for all pieces, for a thousand of a byte each would cost a hundred times their bytes. */
  #carried: Buffer = Buffer.alloc(0);
  #carriedBytes = 0;
  #lineCount = 0;
  #isStart = true;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** @throws {LineTooLongError} behind the lines before it */
  split(chunk: Buffer, lines: string[]): void {
    let start = 0;
    if (this.#carriedBytes > 0) {
      const end = chunk.indexOf(NEWLINE);
      if (end < 0) {
        this.#carry(chunk);
        return;
      }
      this.#carry(chunk.subarray(0, end));
      this.#endCarried(lines);
      start = end + 1;
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > start) this.#cut(chunk.subarray(start, end), lines);
    if (Math.max(start, end) < chunk.length) this.#carry(chunk.subarray(Math.max(start, end)));
  }

  /** What comes without a newline at its end. */
  end(lines: string[]): void {
    if (this.#carriedBytes > 0) this.#endCarried(lines);
  }

  #carry(bytes: Buffer): void {
    const carriedBytes = this.#carriedBytes + bytes.length;
    // More: a mark at the start and a carriage return are no part of the line.
    const mostBytes = this.#maxLineBytes + (this.#isStart ? 4 : 1);
    if (carriedBytes > mostBytes) this.#tooLong();
    if (carriedBytes >= this.#carried.length) {
      // One more for the newline.
      const roomBytes = Math.min(mostBytes + 1, Math.max(CARRIED_BYTES, 2 * carriedBytes));
      const grown = Buffer.allocUnsafeSlow(roomBytes);
      grown.set(this.#carried.subarray(0, this.#carriedBytes));
      this.#carried = grown;
    }
    this.#carried.set(bytes, this.#carriedBytes);
    this.#carriedBytes = carriedBytes;
  }

  #endCarried(lines: string[]): void {
    const end = this.#carriedBytes;
    this.#carried[end] = NEWLINE;
    this.#carriedBytes = 0;
    this.#cut(this.#carried.subarray(0, end + 1), lines);
  }

  /** Bytes that end with a newline. */
  #cut(bytes: Buffer, lines: string[]): void {
    let start = 0;
    if (this.#isStart) {
      this.#isStart = false;
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) start = 3;
    }
    if (isAscii(bytes)) this.#cutAscii(bytes, lines);
    else this.#cutText(bytes, start, lines);
  }

  /**
   * Text of one byte a unit: decoded by a copy, and a place in the string is one in the bytes. So a block may end
   * anywhere; the piece of a line at its end is decoded again with the next. Slices are cut by hand, for `split` calls
   * into the engine's runtime, which costs a block of this size a quarter of its time.
   */
  #cutAscii(bytes: Buffer, lines: string[]): void {
    for (let start = 0; start < bytes.length;) {
      const text = bytes.toString('latin1', start, Math.min(start + BLOCK_BYTES, bytes.length));
      let next = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', next)) {
        const stop = end > next && text.charCodeAt(end - 1) === RETURN ? end - 1 : end;
        if (stop - next > this.#maxLineBytes) this.#tooLong();
        lines.push(text.slice(next, stop));
        this.#lineCount++;
        next = end + 1;
      }
      if (next === 0) next = this.#cutLong(bytes, start, lines);
      start += next;
    }
  }

  /** A line longer than a block has one of its own. Returns its bytes with its end. */
  #cutLong(bytes: Buffer, start: number, lines: string[]): number {
    const end = bytes.indexOf(NEWLINE, start);
    const stop = bytes[end - 1] === RETURN ? end - 1 : end;
    if (stop - start > this.#maxLineBytes) this.#tooLong();
    lines.push(bytes.toString('latin1', start, stop));
    this.#lineCount++;
    return end + 1 - start;
  }

  /** UTF-8, in blocks of whole lines. */
  #cutText(bytes: Buffer, first: number, lines: string[]): void {
    for (let start = first; start < bytes.length;) {
      let end = bytes.length;
      if (end - start > BLOCK_BYTES) {
        end = bytes.lastIndexOf(NEWLINE, start + BLOCK_BYTES - 1) + 1;
        // A line longer than a block has one of its own.
        if (end <= start) end = bytes.indexOf(NEWLINE, start) + 1;
      }
      if (end - start - 1 > this.#maxLineBytes) end = this.#startOfTooLong(bytes, start, end);
      if (end === start) this.#tooLong();
      const text = bytes.toString('utf8', start, end - 1);
      const first = lines.length;
      for (const line of text.split('\n')) lines.push(line);
      if (text.includes('\r')) stripReturns(lines, first);
      this.#lineCount += lines.length - first;
      start = end;
    }
  }

  /** Where the first line starts that is too long, or `end`. By the bytes: what is no UTF-8 becomes longer when it is decoded. */
  #startOfTooLong(bytes: Buffer, first: number, end: number): number {
    let start = first;
    while (start < end) {
      const newline = bytes.indexOf(NEWLINE, start);
      const stop = newline > start && bytes[newline - 1] === RETURN ? newline - 1 : newline;
      if (stop - start > this.#maxLineBytes) break;
      start = newline + 1;
    }
    return start;
  }

  #tooLong(): never {
    throw new LineTooLongError(this.#lineCount + 1, this.#maxLineBytes);
  }
}

function stripReturns(lines: string[], first: number): void {
  for (let index = first; index < lines.length; index++) {
    const line = lines[index]!;
    if (line.endsWith('\r')) lines[index] = line.slice(0, -1);
  }
}

/** The same chunks, until the signal aborts, which is not kept waiting by a source that is. */
async function* abortable(
  { source, iterator }: Opened,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isAsked = false;
  try {
    signal.throwIfAborted();
    for (;;) {
      isAsked = true;
      const next = await untilAborted(Promise.resolve(iterator.next()), signal);
      if (next.done === true) return;
      isAsked = false;
      yield next.value;
      signal.throwIfAborted();
    }
  } finally {
    // Asked without an answer it has ended, has thrown, or is silent.
    if (!isAsked) await iterator.return?.();
    // The abort came before whatever that throws.
    else if (signal.aborted) abandon(source, iterator).catch(() => {});
  }
}

/**
 * Two buffers for the whole file: one is read into while the other is split. The splitter keeps nothing of either. After
 * a short read nothing is read ahead: little follows, or it is a pipe, and who stops early would wait until it speaks.
 */
async function* readChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw new OpenFailedError(path, error);
  }
  try {
    let front = Buffer.allocUnsafeSlow(READ_BYTES);
    let back = Buffer.allocUnsafeSlow(READ_BYTES);
    let reading = handle.read(front, 0, READ_BYTES, null);
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      const isShort = bytesRead < READ_BYTES;
      if (!isShort) {
        reading = handle.read(back, 0, READ_BYTES, null);
        // Looked at above; whoever stops early does not.
        reading.catch(() => {});
      }
      yield front.subarray(0, bytesRead);
      [front, back] = [back, front];
      if (isShort) reading = handle.read(front, 0, READ_BYTES, null);
    }
  } finally {
    // Waits for a read under way.
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
 * @throws {ArgumentTypeError} @throws {ArgumentRangeError} an argument that cannot be
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
