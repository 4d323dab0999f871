import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError, CapacityError } from '../errors.ts';
import { copyPayload, movePayload } from './copies.ts';
import { type BytesLike, ReadableBytes, viewOf } from './readable-bytes.ts';
import { MAXIMUM_BYTES, type Store, zeroedStore } from './store.ts';
import {
  VARINT64_BYTES_MAX,
  VARINT_BYTES_MAX,
  sizeOfVarUint,
  writeVarUint,
  writeVarUint64,
  zigzag,
  zigzag64,
} from './varint.ts';

/** The first growth from nothing: a cache line. */
const MINIMUM_CAPACITY_BYTES = 64;
/** Up to this many characters a loop beats the call into V8's encoder. */
const SHORT_TEXT = 24;
/** UTF-8 takes at most this many bytes for a UTF-16 unit. */
const UTF8_BYTES_A_UNIT = 3;

/**
 * The writing side of `BytesMut`: capacity, growth, and everything that appends or overwrites.
 *
 * Whatever appends throws `CapacityError` beyond `maxBytes`, and then has changed nothing.
 */
export abstract class GrowableBytes<B extends ArrayBufferLike = ArrayBuffer> extends ReadableBytes<B> {
  /** Bytes from `start` that are ours alone: what is written, and the spare behind it. */
  declare protected room: number;
  declare protected readonly maxBytes: number;

  protected constructor(store: Store<B>, start: number, size: number, room: number, maxBytes: number) {
    super(store, start, size);
    this.maxBytes = maxBytes;
    this.room = roomWithin(maxBytes, size, room);
  }

  /** Bytes that fit before the next growth, those written included. */
  get capacity(): number {
    return this.store === null ? 0 : this.room;
  }

  /**
   * Makes room for `additionalBytes` more. Amortised O(1) a byte: grows to at least twice the capacity, or reuses the
   * room that was freed in front and behind when no other handle is left.
   *
   * @throws ArgumentRangeError when `additionalBytes` is negative, fractional or NaN.
   * @throws CapacityError beyond `maxBytes`.
   */
  reserve(additionalBytes: number): void {
    checkInteger('additionalBytes', additionalBytes, 0, MAXIMUM_BYTES);
    this.attached();
    if (this.room - this.size < additionalBytes) this.grow(additionalBytes);
  }

  /**
   * Makes room for `additionalBytes` without allocating, by taking back what other handles left of the block.
   *
   * @returns whether the room is there.
   */
  tryReclaim(additionalBytes: number): boolean {
    checkInteger('additionalBytes', additionalBytes, 0, MAXIMUM_BYTES);
    this.attached();
    return this.room - this.size >= additionalBytes || this.reuse(this.size + additionalBytes);
  }

  /** Appends a byte. @throws ArgumentRangeError when the value does not fit, as all that follow. */
  putUint8(value: number): void {
    checkInteger('value', value, 0, 0xff);
    const at = this.append(1);
    this.store!.array[at] = value;
  }

  putInt8(value: number): void {
    checkInteger('value', value, -0x80, 0x7f);
    const at = this.append(1);
    this.store!.array[at] = value;
  }

  putUint16(value: number, littleEndian = false): void {
    checkInteger('value', value, 0, 0xffff);
    const at = this.append(2);
    this.store!.dataView.setUint16(at, value, littleEndian);
  }

  putInt16(value: number, littleEndian = false): void {
    checkInteger('value', value, -0x8000, 0x7fff);
    const at = this.append(2);
    this.store!.dataView.setInt16(at, value, littleEndian);
  }

  putUint32(value: number, littleEndian = false): void {
    checkInteger('value', value, 0, 0xffff_ffff);
    const at = this.append(4);
    this.store!.dataView.setUint32(at, value, littleEndian);
  }

  putInt32(value: number, littleEndian = false): void {
    checkInteger('value', value, -0x8000_0000, 0x7fff_ffff);
    const at = this.append(4);
    this.store!.dataView.setInt32(at, value, littleEndian);
  }

  putBigUint64(value: bigint, littleEndian = false): void {
    checkBigInt(value, false);
    const at = this.append(8);
    this.store!.dataView.setBigUint64(at, value, littleEndian);
  }

  putBigInt64(value: bigint, littleEndian = false): void {
    checkBigInt(value, true);
    const at = this.append(8);
    this.store!.dataView.setBigInt64(at, value, littleEndian);
  }

  /** Rounds to the nearest 32-bit float. */
  putFloat32(value: number, littleEndian = false): void {
    checkNumber(value);
    const at = this.append(4);
    this.store!.dataView.setFloat32(at, value, littleEndian);
  }

  putFloat64(value: number, littleEndian = false): void {
    checkNumber(value);
    const at = this.append(8);
    this.store!.dataView.setFloat64(at, value, littleEndian);
  }

  /** An integer from 0 to 2^53 − 1 as a varint of 1 to 8 bytes (LEB128). */
  putVarUint(value: number): void {
    checkInteger('value', value, 0, Number.MAX_SAFE_INTEGER);
    // Counting takes a pass, so only when the longest might not fit; likewise below.
    const spare = this.room - this.size;
    const at = this.spareFor(spare >= VARINT_BYTES_MAX ? VARINT_BYTES_MAX : sizeOfVarUint(value));
    this.size += writeVarUint(this.store!.array, at, value) - at;
  }

  /** A safe integer as a zigzag varint. */
  putVarInt(value: number): void {
    checkInteger('value', value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    const code = zigzag(value);
    if (typeof code === 'number') this.putVarUint(code);
    else this.putVarUint64(code);
  }

  /** An unsigned 64-bit integer as a varint of 1 to 10 bytes. */
  putVarUint64(value: bigint): void {
    checkBigInt(value, false);
    const spare = this.room - this.size;
    const at = this.spareFor(spare >= VARINT64_BYTES_MAX ? VARINT64_BYTES_MAX : sizeOfVarUint(value));
    this.size += writeVarUint64(this.store!.array, at, value) - at;
  }

  /** A signed 64-bit integer as a zigzag varint. */
  putVarInt64(value: bigint): void {
    checkBigInt(value, true);
    this.putVarUint64(zigzag64(value));
  }

  /**
   * Appends `text` as UTF-8, encoded in place. A lone surrogate becomes U+FFFD.
   *
   * @returns the bytes that it took.
   */
  putUtf8(text: string): number {
    if (typeof text !== 'string')
      throw new ArgumentTypeError(`text: expected a string, got ${describe(text)}`);
    const most = text.length * UTF8_BYTES_A_UNIT;
    const spare = this.room - this.size;
    // Counting first costs a pass, so only when the longest encoding might not fit.
    const at = this.spareFor(spare >= most ? most : Buffer.byteLength(text));
    const { array } = this.store!;
    let written = 0;
    if (text.length <= SHORT_TEXT) {
      for (; written < text.length; written++) {
        const unit = text.charCodeAt(written);
        if (unit > 0x7f) break;
        array[at + written] = unit;
      }
    }
    if (written < text.length) written = array.write(text, at, 'utf8');
    this.size += written;
    return written;
  }

  /**
   * Appends a copy of `source`.
   *
   * @throws ArgumentTypeError when `source` holds no bytes.
   */
  putBytes(source: BytesLike): void {
    // Growth moves our own bytes: only view them afterwards.
    if (source === this) this.reserve(this.size);
    const view = viewOf('source', source);
    const at = this.append(view.length);
    copyPayload(this.store!.array, at, view);
  }

  /** Appends `count` times `byte`. */
  putFill(byte: number, count: number): void {
    checkInteger('byte', byte, 0, 0xff);
    checkInteger('count', count, 0, MAXIMUM_BYTES);
    const at = this.append(count);
    this.store!.array.fill(byte, at, at + count);
  }

  /** Overwrites the byte at `offset`. @throws ArgumentRangeError outside `[0, length)`. */
  setUint8(offset: number, value: number): void {
    checkInteger('value', value, 0, 0xff);
    this.reading(offset, 1).array[this.start + offset] = value;
  }

  /** Overwrites two bytes: a length field that is known only now, for example. */
  setUint16(offset: number, value: number, littleEndian = false): void {
    checkInteger('value', value, 0, 0xffff);
    this.reading(offset, 2).dataView.setUint16(this.start + offset, value, littleEndian);
  }

  /** Overwrites four bytes. */
  setUint32(offset: number, value: number, littleEndian = false): void {
    checkInteger('value', value, 0, 0xffff_ffff);
    this.reading(offset, 4).dataView.setUint32(this.start + offset, value, littleEndian);
  }

  /**
   * A view of the spare capacity, at least `minimumBytes` long, to be written to and then committed: for APIs that fill
   * a buffer. Its content is unspecified. Any growth makes it stale.
   */
  spare(minimumBytes = 1): Uint8Array<B> {
    checkInteger('minimumBytes', minimumBytes, 0, MAXIMUM_BYTES);
    const at = this.spareFor(minimumBytes);
    const { array } = this.store!;
    return new Uint8Array(array.buffer, array.byteOffset + at, this.room - this.size);
  }

  /** Counts the first `count` spare bytes as written. @throws ArgumentRangeError when there are fewer. */
  commit(count: number): void {
    this.attached();
    checkInteger('count', count, 0, this.room - this.size);
    this.size += count;
  }

  /** Keeps the first `length` bytes. @throws ArgumentRangeError when there are fewer. */
  truncate(length: number): void {
    this.attached();
    checkInteger('length', length, 0, this.size);
    this.size = length;
  }

  /** Forgets all bytes, keeps the capacity. */
  clear(): void {
    this.truncate(0);
  }

  /** Forgets the first `count` bytes, O(1). @throws ArgumentRangeError when there are fewer. */
  advance(count: number): void {
    this.attached();
    checkInteger('count', count, 0, this.size);
    this.start += count;
    this.size -= count;
    this.room -= count;
  }

  /** Counts `sizeBytes` as written and returns where they begin in the store. */
  private append(sizeBytes: number): number {
    const at = this.spareFor(sizeBytes);
    this.size += sizeBytes;
    return at;
  }

  /** Makes sure of `sizeBytes` spare bytes and returns where they begin in the store. */
  protected spareFor(sizeBytes: number): number {
    this.attached();
    if (this.room - this.size < sizeBytes) this.grow(sizeBytes);
    return this.start + this.size;
  }

  private grow(additionalBytes: number): void {
    const neededBytes = this.size + additionalBytes;
    if (neededBytes > this.maxBytes) {
      throw new CapacityError(
        `${this.size} bytes and ${additionalBytes} more: expected at most maxBytes, ${this.maxBytes}`,
      );
    }
    if (this.reuse(neededBytes)) return;
    const old = this.store!;
    const capacity = Math.min(Math.max(neededBytes, this.room * 2, MINIMUM_CAPACITY_BYTES), this.maxBytes);
    const store = zeroedStore(capacity, old.isShared) as Store<B>;
    copyPayload(store.array, 0, old.array.subarray(this.start, this.start + this.size));
    this.store = store;
    this.start = 0;
    this.room = capacity;
    old.drop();
  }

  /** Takes the rest of the block, when nobody else is left on it and it is large enough. */
  private reuse(neededBytes: number): boolean {
    const store = this.store!;
    if (store.count > 1 || store.sizeBytes < neededBytes || neededBytes > this.maxBytes) return false;
    if (store.sizeBytes - this.start < neededBytes) {
      // Moving is paid for by the bytes that were consumed in front, or a small advance would move all each time.
      if (this.start < this.size) return false;
      movePayload(store.array, 0, this.start, this.start + this.size);
      this.start = 0;
    }
    this.room = roomWithin(this.maxBytes, this.size, store.sizeBytes - this.start);
    return true;
  }
}

/** Room in a block that may be larger than `maxBytes`: one of a lease, or adopted. */
export function roomWithin(maxBytes: number, size: number, room: number): number {
  return Math.max(size, Math.min(room, maxBytes));
}

function checkNumber(value: unknown): asserts value is number {
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`value: expected a number, got ${describe(value)}`);
}

function checkBigInt(value: unknown, isSigned: boolean): asserts value is bigint {
  if (typeof value !== 'bigint')
    throw new ArgumentTypeError(`value: expected a bigint, got ${describe(value)}`);
  if (value !== (isSigned ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value))) {
    const kind = isSigned ? 'a signed' : 'an unsigned';
    throw new ArgumentRangeError(`value: expected ${kind} integer of 64 bits, got ${describe(value)}`);
  }
}
