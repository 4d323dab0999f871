import { ByteWriter } from './byte-writer.ts';
import { type ValueKind, toText } from './literal.ts';

export const TEXT_OID = 25;
const JSONB_OID = 3802;

/** The version of jsonb's binary form, before each value; the rest of it is the text. */
const JSONB_VERSION = 1;

const COUNT_AT = 12;
const FIRST_BYTES = 2_048;

/**
 * Builds the binary form of one column's array, value by value. Of a type whose own binary form is its text there is nothing to quote, and
 * nothing for the server to take apart:
 *
 * ```
 * dimensions 1 | has nulls 1 | OID of the elements | count | lower bound 1 | then each: length or -1, bytes
 * ```
 */
export class TextArray {
  readonly #kind: ValueKind;
  readonly #oid: number;
  readonly #bytes = new ByteWriter(FIRST_BYTES);
  #count = 0;

  constructor(kind: ValueKind, oid: number) {
    this.#kind = kind;
    this.#oid = oid;
  }

  /** @throws {ArgumentTypeError} {ArgumentRangeError} for a value that has no text form; then the array is of no more use. */
  add(value: unknown): void {
    const bytes = this.#bytes;
    if (this.#count === 0) {
      bytes.int32(1);
      // The server looks for nulls by itself.
      bytes.int32(1);
      bytes.int32(this.#oid);
      bytes.int32(0);
      bytes.int32(1);
    }
    this.#count++;
    const kind = this.#kind;
    const text = typeof value === 'string' && kind !== 'json' ? value : toText(value, kind);
    if (text === null) {
      bytes.int32(-1);
      return;
    }
    bytes.int32(0);
    const from = bytes.length;
    if (this.#oid === JSONB_OID) bytes.byte(JSONB_VERSION);
    bytes.text(text);
    bytes.setInt32(bytes.length - from, from - 4);
  }

  /** Bytes so far. */
  get length(): number {
    return this.#bytes.length;
  }

  /** The array, of one value at least; the builder is empty again. */
  take(): Buffer {
    this.#bytes.setInt32(this.#count, COUNT_AT);
    this.#count = 0;
    return this.#bytes.take();
  }
}
