import type { AnyTypedArray } from '../heap/element-type.ts';
import { heap } from '../heap/process-heap.ts';
import { addressOf } from '../heap/views.ts';
import type { Field } from './fields.ts';

/**
 * Moving rows of one column. Values are moved as unsigned words of the same width, whatever they mean: three kinds of
 * array in all, which keeps these loops fast, and no NaN changes its bits.
 */
export type Column =
  | { readonly isBits: true; readonly bytes: Uint8Array }
  | {
      readonly isBits: false;
      readonly words: Words;
      readonly wordsPerRow: number;
      /** Address in the heap; 0 for memory elsewhere. */
      readonly address: number;
    };

type Words = Uint8Array | Uint16Array | Uint32Array;

/** The column of a field, as words or bits. */
export function columnOf(field: Field, view: AnyTypedArray): Column {
  const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT } = view;
  if (field.kind === 'bool') return { isBits: true, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
  const wordsPerRow = field.lanes * (BYTES_PER_ELEMENT === 8 ? 2 : 1);
  const address = addressOf(view);
  if (BYTES_PER_ELEMENT === 1)
    return { isBits: false, words: new Uint8Array(buffer, byteOffset, byteLength), wordsPerRow, address };
  if (BYTES_PER_ELEMENT === 2) {
    return {
      isBits: false,
      words: new Uint16Array(buffer, byteOffset, byteLength / 2),
      wordsPerRow,
      address,
    };
  }
  return { isBits: false, words: new Uint32Array(buffer, byteOffset, byteLength / 4), wordsPerRow, address };
}

/** Copies `count` rows from row `from` to row `to` of the same column; the ranges may overlap. */
export function moveRows(column: Column, to: number, from: number, count: number): void {
  if (!column.isBits) {
    const { words, wordsPerRow, address } = column;
    const bytesPerRow = wordsPerRow * words.BYTES_PER_ELEMENT;
    if (address !== 0)
      heap().copy(address + to * bytesPerRow, address + from * bytesPerRow, count * bytesPerRow);
    else words.copyWithin(to * wordsPerRow, from * wordsPerRow, (from + count) * wordsPerRow);
    return;
  }
  const { bytes } = column;
  if (to < from) for (let i = 0; i < count; i++) setBit(bytes, to + i, getBit(bytes, from + i));
  else for (let i = count - 1; i >= 0; i--) setBit(bytes, to + i, getBit(bytes, from + i));
}

/** Copies one row; cheaper than {@link moveRows} for so little. */
export function moveRow(column: Column, to: number, from: number): void {
  if (column.isBits) {
    setBit(column.bytes, to, getBit(column.bytes, from));
    return;
  }
  const { words, wordsPerRow } = column;
  for (let k = 0; k < wordsPerRow; k++) words[to * wordsPerRow + k] = words[from * wordsPerRow + k]!;
}

/** Copies the rows `indexes[0..count)` of `source` to `target` from row `at` on; the columns are not the same one. */
export function gatherRows(
  target: Column,
  at: number,
  source: Column,
  indexes: Uint32Array,
  count: number,
): void {
  if (target.isBits || source.isBits) {
    const from = (source as { bytes: Uint8Array }).bytes;
    const to = (target as { bytes: Uint8Array }).bytes;
    for (let i = 0; i < count; i++) setBit(to, at + i, getBit(from, indexes[i]!));
    return;
  }
  const { words, wordsPerRow } = source;
  const to = target.words;
  if (wordsPerRow === 1) {
    for (let i = 0; i < count; i++) to[at + i] = words[indexes[i]!]!;
    return;
  }
  for (let i = 0; i < count; i++) {
    const start = indexes[i]! * wordsPerRow;
    const end = (at + i) * wordsPerRow;
    for (let k = 0; k < wordsPerRow; k++) to[end + k] = words[start + k]!;
  }
}

/** Brings a column's rows into `order`, with a copy of the column meanwhile. */
export function permuteRows(column: Column, order: Uint32Array): void {
  const { length } = order;
  if (column.isBits) {
    const copy = column.bytes.slice(0, Math.ceil(length / 8));
    gatherRows(column, 0, { isBits: true, bytes: copy }, order, length);
    return;
  }
  const { words, wordsPerRow } = column;
  gatherRows(
    column,
    0,
    { isBits: false, words: words.slice(0, length * wordsPerRow), wordsPerRow, address: 0 },
    order,
    length,
  );
}

/** The first `length` bits as bytes of 0 and 1. */
export function unpackBits(bits: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let row = 0; row < length; row++) bytes[row] = getBit(bits, row);
  return bytes;
}

function getBit(bytes: Uint8Array, index: number): number {
  return (bytes[index >>> 3]! >>> (index & 7)) & 1;
}

function setBit(bytes: Uint8Array, index: number, value: number): void {
  const byte = bytes[index >>> 3]!;
  bytes[index >>> 3] = value === 1 ? byte | (1 << (index & 7)) : byte & ~(1 << (index & 7));
}
