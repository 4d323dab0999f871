import type { Bytes } from '../bytes/bytes.ts';
import { BytesMut, type BytesMutOptions } from '../bytes/bytes-mut.ts';
import { describe } from '../check.ts';
import { ArgumentTypeError } from '../errors.ts';

/**
 * Text that is assembled piece by piece, encoded as UTF-8 once, and goes out as bytes without another pass: for bodies,
 * log lines and files. Plain `+=` is faster when a JavaScript string is all you want.
 *
 * A pair of surrogates must come in one piece: halves in two pieces become two U+FFFD.
 *
 * @example
 * const page = new StringBuilder(4096);
 * for (const user of users) page.append(user.name).append('\n');
 * socket.write(page.toBytes().toUint8Array());
 */
export class StringBuilder {
  #bytes: BytesMut;
  readonly #options: Pick<BytesMutOptions, 'maxBytes'>;

  /**
   * @param capacityBytes room to make at once; 0 by default.
   * @throws ArgumentTypeError, ArgumentRangeError when an argument is invalid.
   */
  constructor(capacityBytes = 0, options: Pick<BytesMutOptions, 'maxBytes'> = {}) {
    if (typeof options !== 'object' || options === null) {
      throw new ArgumentTypeError(`options: expected an object, got ${describe(options)}`);
    }
    this.#options = { maxBytes: options.maxBytes };
    this.#bytes = BytesMut.withCapacity(capacityBytes, this.#options);
  }

  /** Bytes so far. */
  get sizeBytes(): number {
    return this.#bytes.length;
  }

  /** Bytes that fit before the next growth. */
  get capacityBytes(): number {
    return this.#bytes.capacity;
  }

  /**
   * Appends text. Amortised O(length).
   *
   * @throws ArgumentTypeError when `text` is not a string.
   * @throws CapacityError beyond `maxBytes`.
   */
  append(text: string): this {
    this.#bytes.putUtf8(text);
    return this;
  }

  /** Makes room for `additionalBytes` more. @throws ArgumentRangeError, CapacityError. */
  reserve(additionalBytes: number): void {
    this.#bytes.reserve(additionalBytes);
  }

  /** Forgets the text, keeps the capacity. */
  clear(): void {
    this.#bytes.clear();
  }

  /** The text so far, decoded. */
  toString(): string {
    return this.#bytes.toUtf8();
  }

  /** Takes the text out as bytes, without a copy, and begins anew in what room is left. */
  toBytes(): Bytes {
    return this.#bytes.split().freeze();
  }
}
