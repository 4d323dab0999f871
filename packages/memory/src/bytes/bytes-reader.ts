import { checkInteger } from '../check.ts';
import { type Bytes, makeBytes } from './bytes.ts';
import { ArgumentRangeError } from '../errors.ts';
import { EncodingError } from './errors.ts';
import { internals } from './readable-bytes.ts';
import { unzigzag64, VARINT64_BYTES_MAX } from './varint.ts';

/** Seven-bit groups that stay exact in 32-bit arithmetic. */
const SMALL_GROUPS = 4;

/**
 * Reads one number, text or slice after the other. Holds no reference: release the bytes when you are done with the
 * reader. Big-endian unless `littleEndian` is given.
 *
 * Whatever lies beyond the end throws `ArgumentRangeError`, a malformed varint `EncodingError`, and neither moves the
 * position. After the bytes were released all reads throw `BytesReleasedError`.
 *
 * @example
 * const reader = new BytesReader(frame);
 * const id = reader.readVarUint();
 * const name = reader.readUtf8(reader.readUint16());
 */
export class BytesReader<B extends ArrayBufferLike = ArrayBuffer> {
  readonly #bytes: Bytes<B>;
  #position = 0;

  constructor(bytes: Bytes<B>) {
    internals.store(bytes);
    this.#bytes = bytes;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#position;
  }

  /** Moves to `position`. @throws ArgumentRangeError outside `[0, length]`. */
  set position(position: number) {
    checkInteger('position', position, 0, this.#bytes.length);
    this.#position = position;
  }

  /** Bytes left. */
  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  readUint8(): number {
    const value = this.#bytes.getUint8(this.#position);
    this.#position += 1;
    return value;
  }

  readInt8(): number {
    const value = this.#bytes.getInt8(this.#position);
    this.#position += 1;
    return value;
  }

  readUint16(littleEndian = false): number {
    const value = this.#bytes.getUint16(this.#position, littleEndian);
    this.#position += 2;
    return value;
  }

  readInt16(littleEndian = false): number {
    const value = this.#bytes.getInt16(this.#position, littleEndian);
    this.#position += 2;
    return value;
  }

  readUint32(littleEndian = false): number {
    const value = this.#bytes.getUint32(this.#position, littleEndian);
    this.#position += 4;
    return value;
  }

  readInt32(littleEndian = false): number {
    const value = this.#bytes.getInt32(this.#position, littleEndian);
    this.#position += 4;
    return value;
  }

  readBigUint64(littleEndian = false): bigint {
    const value = this.#bytes.getBigUint64(this.#position, littleEndian);
    this.#position += 8;
    return value;
  }

  readBigInt64(littleEndian = false): bigint {
    const value = this.#bytes.getBigInt64(this.#position, littleEndian);
    this.#position += 8;
    return value;
  }

  readFloat32(littleEndian = false): number {
    const value = this.#bytes.getFloat32(this.#position, littleEndian);
    this.#position += 4;
    return value;
  }

  readFloat64(littleEndian = false): number {
    const value = this.#bytes.getFloat64(this.#position, littleEndian);
    this.#position += 8;
    return value;
  }

  /**
   * What `putVarUint` wrote.
   *
   * @throws EncodingError when it is cut short or over 2^53 − 1.
   */
  readVarUint(): number {
    let value = 0;
    let factor = 1;
    for (let at = this.#position, group = 0; at < this.#bytes.length; at++, group++) {
      const byte = this.#bytes.getUint8(at);
      if (group < SMALL_GROUPS) value |= (byte & 0x7f) << (7 * group);
      else value += (byte & 0x7f) * factor;
      factor *= 128;
      if (value > Number.MAX_SAFE_INTEGER || group >= VARINT64_BYTES_MAX) break;
      if (byte > 0x7f) continue;
      this.#position = at + 1;
      return value;
    }
    return malformed(this.#position, this.#bytes, '53 bits');
  }

  /** What `putVarInt` wrote. @throws EncodingError when it is cut short or no safe integer. */
  readVarInt(): number {
    const start = this.#position;
    const value = this.readVarInt64();
    if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER))
      return Number(value);
    this.#position = start;
    return malformed(start, this.#bytes, '53 bits');
  }

  /** What `putVarUint64` wrote. @throws EncodingError when it is cut short or over 64 bits. */
  readVarUint64(): bigint {
    let value = 0n;
    for (let at = this.#position, shift = 0n; at < this.#bytes.length && shift < 70n; at++, shift += 7n) {
      const byte = this.#bytes.getUint8(at);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte > 0x7f) continue;
      if (value >= 1n << 64n) break;
      this.#position = at + 1;
      return value;
    }
    return malformed(this.#position, this.#bytes, '64 bits');
  }

  /** What `putVarInt64` wrote. @throws EncodingError when it is cut short or over 64 bits. */
  readVarInt64(): bigint {
    return unzigzag64(this.readVarUint64());
  }

  /** `sizeBytes` bytes as text. */
  readUtf8(sizeBytes: number): string {
    this.#check(sizeBytes);
    const { array } = internals.store(this.#bytes);
    const start = internals.start(this.#bytes) + this.#position;
    this.#position += sizeBytes;
    return array.toString('utf8', start, start + sizeBytes);
  }

  /** The next `sizeBytes` bytes as a handle of its own, to be released. O(1), copies nothing. */
  readBytes(sizeBytes: number): Bytes<B> {
    this.#check(sizeBytes);
    const store = internals.store(this.#bytes);
    store.count++;
    const start = internals.start(this.#bytes) + this.#position;
    this.#position += sizeBytes;
    return makeBytes(store, start, sizeBytes);
  }

  /** Passes over `sizeBytes` bytes. */
  skip(sizeBytes: number): void {
    this.#check(sizeBytes);
    this.#position += sizeBytes;
  }

  #check(sizeBytes: number): void {
    internals.store(this.#bytes).checkAttached();
    checkInteger('sizeBytes', sizeBytes, 0, Number.MAX_SAFE_INTEGER);
    if (sizeBytes > this.remaining) {
      throw new ArgumentRangeError(
        `sizeBytes: expected at most the ${this.remaining} bytes left, got ${sizeBytes}`,
      );
    }
  }
}

function malformed(position: number, bytes: Bytes<ArrayBufferLike>, limit: string): never {
  // A released handle reads as empty: say what really happened.
  internals.store(bytes).checkAttached();
  throw new EncodingError(
    `No varint of at most ${limit} at position ${position}: it is cut short or too long`,
  );
}
