const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

/** Bytes that the four accumulators take in one step. */
const STRIPE_BYTES = 16;

/**
 * xxHash32 of `bytes[start, end)`, an unsigned 32-bit integer: the algorithm of
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md. Not cryptographic: whoever chooses the bytes can
 * make them collide.
 */
export function xxhash32(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let position = start;
  let hash: number;
  if (end - start >= STRIPE_BYTES) {
    let a = (seed + PRIME_1 + PRIME_2) | 0;
    let b = (seed + PRIME_2) | 0;
    let c = seed | 0;
    let d = (seed - PRIME_1) | 0;
    for (const last = end - STRIPE_BYTES; position <= last; position += STRIPE_BYTES) {
      a = round(a, word(bytes, position));
      b = round(b, word(bytes, position + 4));
      c = round(c, word(bytes, position + 8));
      d = round(d, word(bytes, position + 12));
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  } else hash = seed + PRIME_5;
  // The length enters modulo 2^32.
  hash = (hash + (end - start)) | 0;
  for (; position + 4 <= end; position += 4) {
    hash = Math.imul(rotate((hash + Math.imul(word(bytes, position), PRIME_3)) | 0, 17), PRIME_4);
  }
  for (; position < end; position++) {
    hash = Math.imul(rotate((hash + Math.imul(bytes[position]!, PRIME_5)) | 0, 11), PRIME_1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function round(accumulator: number, input: number): number {
  return Math.imul(rotate((accumulator + Math.imul(input, PRIME_2)) | 0, 13), PRIME_1);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
