import type { Parser } from './decode.ts';
import { isPgBoolean, readsInteger } from './pg-parsers.ts';

/** Makes a value of a column's bytes in their binary form. */
export type BinaryReader = (bytes: Buffer, at: number, length: number) => unknown;

function checkLength(length: number, expected: number): void {
  if (length !== expected) throw new RangeError(`a value of ${length} bytes came, expected ${expected}`);
}

function int2(bytes: Buffer, at: number, length: number): number {
  checkLength(length, 2);
  return ((bytes[at]! << 24) >> 16) | bytes[at + 1]!;
}

function int4(bytes: Buffer, at: number, length: number): number {
  checkLength(length, 4);
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function oid(bytes: Buffer, at: number, length: number): number {
  return int4(bytes, at, length) >>> 0;
}

function float8(bytes: Buffer, at: number, length: number): number {
  checkLength(length, 8);
  return bytes.readDoubleBE(at);
}

function bool(bytes: Buffer, at: number, length: number): boolean {
  checkLength(length, 1);
  return bytes[at] === 1;
}

/**
 * What reads a column in its binary form as exactly what its parser makes of the text; `undefined` where it must come as text. Only
 * for parsers of `pg`'s own: one of the user's wants a text. `float4` is none of them: its text is the shortest that names it,
 * which as a double is another number.
 */
export function binaryReader(typeOid: number, parser: Parser | undefined): BinaryReader | undefined {
  switch (typeOid) {
    case 16:
      return isPgBoolean(parser) ? bool : undefined;
    case 21:
      return readsInteger(parser) ? int2 : undefined;
    case 23:
      return readsInteger(parser) ? int4 : undefined;
    case 26:
      return readsInteger(parser) ? oid : undefined;
    case 701:
      return parser === Number.parseFloat ? float8 : undefined;
    default:
      return undefined;
  }
}
