/**
 * Variable-length integers: seven bits a byte, the lowest first, the top bit set on all but the last byte (LEB128, as in
 * Protocol Buffers: https://protobuf.dev/programming-guides/encoding/#varints). Signed ones are zigzagged first: 0, −1,
 * 1, −2 … become 0, 1, 2, 3 …, so that small magnitudes stay short.
 */

/** Bytes of the longest varint of a safe integer: 53 bits. */
export const VARINT_BYTES_MAX = 8;

/** Bytes of the longest varint of 64 bits. */
export const VARINT64_BYTES_MAX = 10;

/** Up to here 32-bit operators do. */
const SMALL_LIMIT = 0x1000_0000;

/** Magnitudes below zigzag into a safe integer. */
const ZIGZAG_LIMIT = 2 ** 52;

/** Writes a checked integer from 0 to 2^53 − 1 at `at`; returns where it ends. */
export function writeVarUint(array: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest >= SMALL_LIMIT) {
    array[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 0x7f) {
    array[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  array[at++] = rest;
  return at;
}

/** Bytes that {@link writeVarUint} or {@link writeVarUint64} takes. */
export function sizeOfVarUint(value: number | bigint): number {
  let sizeBytes = 1;
  for (let limit = 128; value >= limit; limit *= 128) sizeBytes++;
  return sizeBytes;
}

/** Writes a checked integer from 0 to 2^64 − 1 at `at`; returns where it ends. */
export function writeVarUint64(array: Uint8Array, at: number, value: bigint): number {
  let rest = value;
  while (rest > 0x7fn) {
    array[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  array[at++] = Number(rest);
  return at;
}

/** The zigzag code of a safe integer, as a number when it is one that a number holds. */
export function zigzag(value: number): number | bigint {
  if (value >= 0) return value < ZIGZAG_LIMIT ? value * 2 : BigInt(value) * 2n;
  return -value <= ZIGZAG_LIMIT ? -value * 2 - 1 : BigInt(-value) * 2n - 1n;
}

/** The zigzag code of a signed 64-bit integer. */
export function zigzag64(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}

/** Undoes {@link zigzag64}. */
export function unzigzag64(code: bigint): bigint {
  return (code >> 1n) ^ -(code & 1n);
}
