import { BytesMut } from '../bytes/bytes-mut.ts';
import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError, CapacityError } from '../errors.ts';

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

/**
 * Many strings in two blocks, their UTF-8 one behind the other and where each ends: nothing for the garbage collector to
 * walk, 4 bytes a string beside the text. Reading one decodes it anew, so this is for keeping and passing on text, not
 * for reading the same string often.
 *
 *     text  │alpha│be│gamma│      ends  │5│7│12│
 *
 * @example
 * const names = new StringList({ capacity: 10_000, capacityBytes: 200_000 });
 * names.push('alpha');
 * names.get(0); // 'alpha'
 */
export class StringList {
  readonly #text: BytesMut;
  #ends: Uint32Array<ArrayBuffer>;
  #length = 0;

  /** @throws ArgumentRangeError when an option is invalid. */
  constructor(options: StringListOptions = {}) {
    const { capacity = 0, capacityBytes = 0, maxBytes = DEFAULT_MAX_BYTES } = options;
    checkInteger('capacity', capacity, 0, TEXT_BYTES_MAX);
    checkInteger('maxBytes', maxBytes, 0, TEXT_BYTES_MAX);
    this.#text = BytesMut.withCapacity(capacityBytes, { maxBytes });
    this.#ends = new Uint32Array(capacity);
  }

  /** Number of strings. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of text. */
  get sizeBytes(): number {
    return this.#text.length;
  }

  /**
   * Appends a string. Amortised O(its length).
   *
   * @throws ArgumentTypeError when `text` is not a string.
   * @throws CapacityError beyond `maxBytes`.
   */
  push(text: string): void {
    const index = this.#length;
    if (index === this.#ends.length) this.growEnds();
    this.#text.putUtf8(text);
    this.#ends[index] = this.#text.length;
    this.#length = index + 1;
  }

  /** The string at `index`, decoded anew. @throws ArgumentRangeError when there is none. */
  get(index: number): string {
    if (!(index >= 0 && index < this.#length && Number.isInteger(index))) {
      throw new ArgumentRangeError(
        `index: expected an integer from 0 to ${this.#length - 1}, got ${describe(index)}`,
      );
    }
    const start = index === 0 ? 0 : this.#ends[index - 1]!;
    return this.#text.toUtf8Range(start, this.#ends[index]!);
  }

  /** Forgets the strings, keeps the room. */
  clear(): void {
    this.#text.clear();
    this.#length = 0;
  }

  /** The strings in order, each decoded when it is reached. */
  *[Symbol.iterator](): Generator<string, void, undefined> {
    for (let i = 0; i < this.#length; i++) yield this.get(i);
  }

  private growEnds(): void {
    const capacity = Math.max(this.#ends.length * 2, MINIMUM_CAPACITY);
    if (capacity > TEXT_BYTES_MAX) throw new CapacityError(`${capacity} strings: expected fewer than 2^32`);
    const ends = new Uint32Array(capacity);
    ends.set(this.#ends);
    this.#ends = ends;
  }
}
