import { ResizableBufferError } from '../bytes/errors.ts';
import { describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { ALIGNMENT_BYTES } from './size-classes.ts';

/** Memory that the user lends: the part of `buffer` from `byteOffset` on, `byteLength` bytes. */
export interface BorrowedMemory<B extends ArrayBufferLike = ArrayBufferLike> {
  readonly buffer: B;
  /** Default 0. */
  readonly byteOffset?: number;
  /** Default: up to the end. */
  readonly byteLength?: number;
}

/** What a user lends, checked: `byteOffset` is a multiple of 64. */
export interface LentMemory {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** Checks what a user lends; the start comes out aligned. */
export function checkBorrowed(memory: BorrowedMemory): LentMemory {
  if (typeof memory !== 'object' || memory === null) {
    throw new ArgumentTypeError(
      `memory: expected { buffer, byteOffset, byteLength }, got ${describe(memory)}`,
    );
  }
  const { buffer } = memory;
  if (!(buffer instanceof ArrayBuffer) && !(buffer instanceof SharedArrayBuffer)) {
    throw new ArgumentTypeError(
      `memory.buffer: expected an ArrayBuffer or a SharedArrayBuffer, got ${describe(buffer)}`,
    );
  }
  if ((buffer as { readonly resizable?: boolean }).resizable === true) {
    throw new ResizableBufferError('memory.buffer: expected a buffer of fixed length, got a resizable one');
  }
  const { byteOffset = 0, byteLength = buffer.byteLength - byteOffset } = memory;
  for (const [name, value] of [
    ['byteOffset', byteOffset],
    ['byteLength', byteLength],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new ArgumentRangeError(
        `memory.${name}: expected a whole number of bytes, got ${describe(value)}`,
      );
    }
  }
  if (byteOffset + byteLength > buffer.byteLength) {
    throw new ArgumentRangeError(
      `memory: bytes ${byteOffset} to ${byteOffset + byteLength} are not in a buffer of ${buffer.byteLength}`,
    );
  }
  const aligned = Math.ceil(byteOffset / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  return { buffer, byteOffset: aligned, byteLength: Math.max(0, byteOffset + byteLength - aligned) };
}
