import { ArgumentRangeError } from '../errors.ts';

/** Texts up to this long are written unit by unit: for longer ones Node's own writing, which costs a call into C++, is faster. */
const SHORT_UNITS = 64;

/** A backslash's second letter, by code: of `\t`, `\n`, `\r` and the backslash itself. 0 for what stands for itself. */
const ESCAPES = new Uint8Array(128);
for (const [plain, letter] of [
  ['\t', 't'],
  ['\n', 'n'],
  ['\r', 'r'],
  ['\\', '\\'],
] as const) {
  ESCAPES[plain.charCodeAt(0)] = letter.charCodeAt(0);
}

/** One large value is no reason to expect more of them. */
const EXPECTED_MOST_BYTES = 8 * 2 ** 20;

const BACKSLASH = 0x5c;
const NONE = Buffer.alloc(0);
const ESCAPED = /[\\\n\r\t]/gu;

/**
 * Bytes that grow at their end, for texts that are mostly short and mostly ASCII: a string of their concatenation would have to be
 * flattened, measured and converted, which takes three times as long.
 */
export class ByteWriter {
  #bytes: Buffer = NONE;
  #at = 0;
  readonly #leastBytes: number;
  readonly #mostBytes: number;
  /** What the next buffer is to hold. */
  #sizeBytes: number;

  /**
   * @param leastBytes of a buffer, made when it is needed.
   * @param mostBytes of all that is written before it is taken: by default what the server takes as one value or row.
   */
  constructor(leastBytes: number, mostBytes: number = 2 ** 30 - 1) {
    this.#leastBytes = leastBytes;
    this.#mostBytes = mostBytes;
    this.#sizeBytes = leastBytes;
  }

  /** Bytes so far. */
  get length(): number {
    return this.#at;
  }

  int32(value: number): void {
    this.#reserve(4);
    this.setInt32(value, this.#at);
    this.#at += 4;
  }

  /** Overwrites four bytes. */
  setInt32(value: number, at: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  /**
   * Adds a text in UTF-8.
   *
   * @throws {ArgumentRangeError} for half a surrogate pair, of which UTF-8 has no bytes.
   */
  text(value: string): void {
    const { length } = value;
    if (length > SHORT_UNITS) {
      this.#longText(value);
      return;
    }
    this.#reserve(length);
    const bytes = this.#bytes;
    const from = this.#at;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) {
        this.#longText(value);
        return;
      }
      bytes[from + index] = unit;
    }
    this.#at = from + length;
  }

  /**
   * Adds a text as a value of COPY's text format.
   *
   * @throws {ArgumentRangeError} for half a surrogate pair.
   */
  copyText(value: string): void {
    const { length } = value;
    if (length > SHORT_UNITS) {
      this.#longText(escaped(value));
      return;
    }
    this.#reserve(2 * length);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) {
        this.#longText(escaped(value));
        return;
      }
      const letter = ESCAPES[unit]!;
      if (letter === 0) {
        bytes[at++] = unit;
      } else {
        bytes[at] = BACKSLASH;
        bytes[at + 1] = letter;
        at += 2;
      }
    }
    this.#at = at;
  }

  /** The bytes, which are the caller's; the writer is empty again, and expects as many. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#at);
    this.#sizeBytes = Math.max(this.#leastBytes, Math.min(this.#at + (this.#at >>> 3), EXPECTED_MOST_BYTES));
    this.#bytes = NONE;
    this.#at = 0;
    return taken;
  }

  #longText(value: string): void {
    if (!value.isWellFormed()) {
      throw new ArgumentRangeError('value: expected a well-formed text, got half a surrogate pair');
    }
    const bytes = Buffer.byteLength(value);
    this.#reserve(bytes);
    this.#at += this.#bytes.write(value, this.#at, bytes, 'utf8');
  }

  /** Makes room, at least doubling, so that a byte is copied O(1) times. */
  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    if (needed > this.#mostBytes) {
      throw new ArgumentRangeError(
        `value: expected less than ${this.#mostBytes + 1} bytes in one row, got more`,
      );
    }
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length, this.#sizeBytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

function escaped(text: string): string {
  return text.replace(ESCAPED, (found) => `\\${String.fromCharCode(ESCAPES[found.charCodeAt(0)]!)}`);
}
