import { BytesMut } from '../bytes/bytes-mut.ts';
import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError, CapacityError } from '../errors.ts';

/** Settings of a list of strings. */
export interface StringListOptions {
  /** Strings to make room for at once; 0 by default. */
  readonly capacity?: number | undefined;
  /** Bytes of text to make room for at once; 0 by default. */
  readonly capacityBytes?: number | undefined;
  /** The most bytes of text; 1 GiB by default. */
  readonly maxBytes?: number | undefined;
}

/** Ends are 32-bit. */
const TEXT_BYTES_MAX = 2 ** 32 - 1;
const DEFAULT_MAX_BYTES = 2 ** 30;
const MINIMUM_CAPACITY = 16;
/** UTF-8 takes at most this many bytes for a UTF-16 unit. */
const UTF8_BYTES_A_UNIT = 3;

/**
 * How many strings, and how many units of text, are encoded by one call: a call into Node costs some 50 ns whatever it
 * does. Node 20, 15 characters a string: 30 ns a string by 64, 80 one by one; reading 8 against 60.
 */
const BATCH_COUNT = 64;
const BATCH_UNITS = 4096;
/** What is decoded at once is less, since a string cut from it keeps all of it alive. */
const RUN_BYTES = 1024;

/**
 * Many strings in two blocks, their UTF-8 one behind the other and where each ends: nothing for the garbage collector to
 * walk, 4 bytes a string beside the text. For keeping many strings and for passing text on.
 *
 *     text  │alpha│be│gamma│ … │ pending, up to 64 strings │      ends  │5│7│12│
 *
 * **Speed.** Appending, and reading in order, cost about what they cost in an array, as up to 64 ASCII strings are
 * encoded and decoded by one call. Reading in any other order, or text that is not ASCII, is decoded string by string, about
 * 70 ns each: an array that keeps the strings is better for strings that are read often.
 *
 * **Memory.** A string that was read in order may keep up to 1 KiB of its neighbours alive, as V8 cuts it from the text
 * that they were decoded to. A lone surrogate reads back as U+FFFD.
 *
 * @example
 * const names = new StringList({ capacity: 10_000, capacityBytes: 200_000 });
 * names.push('alpha');
 * names.get(0); // 'alpha'
 */
export class StringList {
  readonly #text: BytesMut;
  readonly #maxBytes: number;
  /** Where each string ends in the text; of those pending, where it will if all of them are ASCII. */
  #ends: Uint32Array<ArrayBuffer>;
  #length = 0;
  /** The last strings, joined and not encoded yet. */
  #pending = '';
  /** Units that may be pending: what fits `maxBytes` even if each takes three bytes. */
  #pendingLimit = 0;
  #encodedCount = 0;
  #encodedBytes = 0;
  /** The strings `[#runStart, #runEnd)` in one, all ASCII, and where they begin in the text. */
  #run = '';
  #runStart = 0;
  #runEnd = 0;
  #runOffset = 0;
  /** What a reader in order asks for next. */
  #nextIndex = 0;
  /** Up to here the text was found not to be ASCII, so no run is tried. */
  #runsFrom = 0;

  /** @throws ArgumentRangeError when an option is invalid. */
  constructor(options: StringListOptions = {}) {
    const { capacity = 0, capacityBytes = 0, maxBytes = DEFAULT_MAX_BYTES } = options;
    checkInteger('capacity', capacity, 0, TEXT_BYTES_MAX);
    checkInteger('maxBytes', maxBytes, 0, TEXT_BYTES_MAX);
    this.#text = BytesMut.withCapacity(capacityBytes, { maxBytes });
    this.#maxBytes = maxBytes;
    this.#ends = new Uint32Array(capacity);
    this.clear();
  }

  /** Number of strings. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of text. */
  get sizeBytes(): number {
    this.encode();
    return this.#encodedBytes;
  }

  /**
   * Appends a string. Amortised O(its length).
   *
   * @throws ArgumentTypeError when `text` is not a string.
   * @throws CapacityError beyond `maxBytes`.
   */
  push(text: string): void {
    if (typeof text !== 'string')
      throw new ArgumentTypeError(`text: expected a string, got ${describe(text)}`);
    const index = this.#length;
    if (index === this.#ends.length) this.growEnds();
    let units = this.#pending.length + text.length;
    if (units > this.#pendingLimit || index - this.#encodedCount === BATCH_COUNT) {
      this.encode();
      units = text.length;
      if (units > this.#pendingLimit) {
        this.#text.putUtf8(text);
        this.#length = index + 1;
        this.encoded();
        this.#ends[index] = this.#encodedBytes;
        return;
      }
    }
    this.#pending += text;
    this.#ends[index] = this.#encodedBytes + units;
    this.#length = index + 1;
  }

  /** The string at `index`. @throws ArgumentRangeError when there is none. */
  get(index: number): string {
    if (!(index >= 0 && index < this.#length && Number.isInteger(index))) {
      throw new ArgumentRangeError(
        `index: expected an integer from 0 to ${this.#length - 1}, got ${describe(index)}`,
      );
    }
    const isNext = index === this.#nextIndex;
    this.#nextIndex = index + 1;
    if (index >= this.#runEnd || index < this.#runStart) {
      this.encode();
      const isRun = isNext && index >= this.#runsFrom && this.decodeRun(index);
      if (!isRun) return this.#text.toUtf8Range(this.startOf(index), this.#ends[index]!);
    }
    return this.#run.slice(this.startOf(index) - this.#runOffset, this.#ends[index]! - this.#runOffset);
  }

  /** Forgets the strings, keeps the room. */
  clear(): void {
    this.#text.clear();
    this.#length = 0;
    this.encoded();
    this.#run = '';
    this.#runStart = 0;
    this.#runEnd = 0;
    this.#nextIndex = 0;
    this.#runsFrom = 0;
  }

  /** The strings in order. What is pushed meanwhile is visited too. */
  [Symbol.iterator](): IterableIterator<string> {
    let index = 0;
    const iterator: IterableIterator<string> = {
      next: () =>
        index < this.#length ? { done: false, value: this.get(index++) } : { done: true, value: undefined },
      [Symbol.iterator]: () => iterator,
    };
    return iterator;
  }

  private startOf(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!;
  }

  /** Encodes what is pending: by one call when it is ASCII, so that its units are its bytes. */
  private encode(): void {
    if (this.#encodedCount === this.#length) return;
    const pending = this.#pending;
    const sizeBytes = Buffer.byteLength(pending);
    this.#text.reserve(sizeBytes);
    if (sizeBytes === pending.length) this.#text.putUtf8(pending);
    else {
      // One by one: halves of a surrogate pair in two strings must not become one character.
      let from = 0;
      for (let i = this.#encodedCount; i < this.#length; i++) {
        const to = this.#ends[i]! - this.#encodedBytes;
        this.#text.putUtf8(pending.slice(from, to));
        this.#ends[i] = this.#text.length;
        from = to;
      }
    }
    this.encoded();
  }

  /** All strings are in the text now. */
  private encoded(): void {
    this.#pending = '';
    this.#encodedCount = this.#length;
    this.#encodedBytes = this.#text.length;
    const roomUnits = Math.floor((this.#maxBytes - this.#encodedBytes) / UTF8_BYTES_A_UNIT);
    this.#pendingLimit = Math.min(BATCH_UNITS, roomUnits);
  }

  /** Decodes the strings from `index` on at once, when they are several, short and ASCII. */
  private decodeRun(index: number): boolean {
    const start = this.startOf(index);
    const most = Math.min(this.#length, index + BATCH_COUNT);
    let end = index;
    while (end < most && this.#ends[end]! - start <= RUN_BYTES) end++;
    if (end - index < 2) return false;
    const stop = this.#ends[end - 1]!;
    const run = this.#text.toUtf8Range(start, stop);
    if (run.length !== stop - start) {
      this.#runsFrom = end;
      return false;
    }
    this.#run = run;
    this.#runStart = index;
    this.#runEnd = end;
    this.#runOffset = start;
    return true;
  }

  private growEnds(): void {
    const capacity = Math.max(this.#ends.length * 2, MINIMUM_CAPACITY);
    if (capacity > TEXT_BYTES_MAX) throw new CapacityError(`${capacity} strings: expected fewer than 2^32`);
    const ends = new Uint32Array(capacity);
    ends.set(this.#ends);
    this.#ends = ends;
  }
}
