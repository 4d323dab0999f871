import type { AnyTypedArray } from '../heap/element-type.ts';

/**
 * The stable order of the first `length` values of a column, ascending: `order[0]` is the index of the smallest.
 *
 * Idea: map each value to an unsigned key whose order is the value's order, then sort by least significant digit first
 * (LSD radix sort), 16 bits a pass, and skip passes in which all keys agree. O(length) for each pass, at most four;
 * five arrays of 4 × `length` bytes meanwhile. Below a few hundred values a comparison sort is faster.
 *
 * Keys: signed integers flip the sign bit; floats flip the sign bit when positive and all bits when negative
 * (http://stereopsis.com/radix.html). So -0 comes before +0, and NaN, made positive first, last: as in
 * `TypedArray.prototype.sort`.
 */
export function sortOrder(column: AnyTypedArray, length: number, isDescending: boolean): Uint32Array {
  const low = new Uint32Array(length);
  const high = fillKeys(column, length, low);
  if (isDescending) {
    // The complement reverses the order of keys and leaves equal ones alone, so the sort stays stable.
    for (let i = 0; i < length; i++) low[i] = ~low[i]!;
    if (high !== undefined) for (let i = 0; i < length; i++) high[i] = ~high[i]!;
  }
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  if (length < COMPARISON_BELOW) {
    return order.sort((a, b) => compareKeys(high, low, a, b));
  }
  let from: Uint32Array = order;
  let to: Uint32Array = new Uint32Array(length);
  for (const digits of high === undefined ? [low] : [low, high]) {
    for (const shift of [0, 16]) {
      if (!sortPass(digits, shift, from, to)) continue;
      [from, to] = [to, from];
    }
  }
  return from;
}

/** Where the radix sort's fixed cost, 65,536 counters a pass, is paid back: measured on Zen 1 with Node 20. */
const COMPARISON_BELOW = 4096;

const DIGITS = 0x1_0000;

function compareKeys(high: Uint32Array | undefined, low: Uint32Array, a: number, b: number): number {
  if (high !== undefined && high[a] !== high[b]) return high[a]! - high[b]!;
  return low[a] === low[b] ? a - b : low[a]! - low[b]!;
}

/** One counting pass; false when all keys have the same digit, so that nothing was moved. */
function sortPass(keys: Uint32Array, shift: number, from: Uint32Array, to: Uint32Array): boolean {
  const starts = new Uint32Array(DIGITS);
  const { length } = from;
  for (let i = 0; i < length; i++) {
    const digit = (keys[i]! >>> shift) & (DIGITS - 1);
    starts[digit] = starts[digit]! + 1;
  }
  if (starts[(keys[0]! >>> shift) & (DIGITS - 1)] === length) return false;
  let sum = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = starts[digit]!;
    starts[digit] = sum;
    sum += count;
  }
  for (let i = 0; i < length; i++) {
    const index = from[i]!;
    const digit = (keys[index]! >>> shift) & (DIGITS - 1);
    const place = starts[digit]!;
    to[place] = index;
    starts[digit] = place + 1;
  }
  return true;
}

/** Writes the low 32 bits of each key; returns the high ones for types of 8 bytes. */
function fillKeys(column: AnyTypedArray, length: number, low: Uint32Array): Uint32Array | undefined {
  if (column instanceof Float32Array) {
    fillFloat32Keys(column, length, low);
    return undefined;
  }
  if (column.BYTES_PER_ELEMENT < 8) {
    // A signed value plus 2^31 is its key; an unsigned one is its own.
    const isSigned =
      column instanceof Int8Array || column instanceof Int16Array || column instanceof Int32Array;
    const bias = isSigned ? 0x8000_0000 : 0;
    for (let i = 0; i < length; i++) low[i] = (column[i] as number) + bias;
    return undefined;
  }
  const words = new Uint32Array(column.buffer, column.byteOffset, length * 2);
  const high = new Uint32Array(length);
  // Words of a value are in the order of the machine, which on all machines that Node runs on but s390x is low first.
  for (let i = 0; i < length; i++) {
    low[i] = words[i * 2 + LOW_WORD]!;
    high[i] = words[i * 2 + (1 - LOW_WORD)]!;
  }
  if (column instanceof Float64Array) flipFloat64Keys(column, length, low, high);
  else if (column instanceof BigInt64Array) for (let i = 0; i < length; i++) high[i] = high[i]! ^ 0x8000_0000;
  return high;
}

const LOW_WORD = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;

function fillFloat32Keys(column: Float32Array, length: number, keys: Uint32Array): void {
  const bits = new Uint32Array(column.buffer, column.byteOffset, length);
  for (let i = 0; i < length; i++) {
    const value = bits[i]!;
    const isNaN = (value & 0x7fff_ffff) > 0x7f80_0000;
    keys[i] = isNaN ? 0xffff_ffff : value >>> 31 === 1 ? ~value : value | 0x8000_0000;
  }
}

function flipFloat64Keys(column: Float64Array, length: number, low: Uint32Array, high: Uint32Array): void {
  for (let i = 0; i < length; i++) {
    const value = column[i]!;
    if (value !== value) {
      low[i] = 0xffff_ffff;
      high[i] = 0xffff_ffff;
    } else if (high[i]! >>> 31 === 1) {
      low[i] = ~low[i]!;
      high[i] = ~high[i]!;
    } else high[i] = high[i]! | 0x8000_0000;
  }
}
