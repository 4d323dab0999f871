import { describe } from '../check.ts';
import { BufferDetachedError, ResizableBufferError } from '../bytes/errors.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { type AnyTypedArray, ELEMENT_SIZE_BYTES, viewOf } from '../heap/element-type.ts';
import { heap, heapIfAny } from '../heap/process-heap.ts';
import { revoke, viewAt } from '../heap/views.ts';
import { WASM_MAXIMUM_BYTES } from '../heap/wasm-memory.ts';
import { COLUMN_ALIGNMENT_BYTES, columnLength, type Field, planColumns } from './fields.ts';

/** Memory that the user lends: the part of `buffer` from `byteOffset` on, `byteLength` bytes. */
export interface BorrowedMemory<B extends ArrayBufferLike = ArrayBufferLike> {
  readonly buffer: B;
  /** Default 0. */
  readonly byteOffset?: number;
  /** Default: up to the end. */
  readonly byteLength?: number;
}

/** The memory of one table at one capacity, cut into columns. */
export interface TableMemory {
  readonly views: readonly AnyTypedArray[];
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  /** Throws when the memory was taken away underneath. */
  check(): void;
  /** Gives it back. */
  free(): void;
}

/** A block of the heap for `capacity` rows, zero-filled. */
export function heapMemory(fields: readonly Field[], capacity: number): TableMemory {
  const { offsets, sizeBytes } = planColumns(fields, capacity);
  if (sizeBytes > WASM_MAXIMUM_BYTES) {
    throw new ArgumentRangeError(
      `capacity: ${capacity} rows have ${sizeBytes} bytes, more than the heap's limit of 4 GiB`,
    );
  }
  const byteOffset = heap().allocateZeroed(sizeBytes);
  const views = fields.map((field, i) =>
    viewAt(field.element, byteOffset + offsets[i]!, columnLength(field, capacity)),
  );
  return {
    views,
    buffer: heap().memory.buffer,
    byteOffset,
    check() {},
    free() {
      for (const view of views) revoke(view);
      heap().free(byteOffset);
    },
  };
}

/**
 * Memory that belongs to somebody else: lent by the user, or a table of another thread. Nothing is cleared and nothing
 * freed. `byteOffset` is aligned and the length suffices.
 */
export function foreignMemory(
  fields: readonly Field[],
  capacity: number,
  buffer: ArrayBufferLike,
  byteOffset: number,
): TableMemory {
  const { offsets, sizeBytes } = planColumns(fields, capacity);
  // Views of the heap carry their address, so that kernels take them without a look at the buffer.
  const isHeap = heapIfAny()?.owns(buffer) === true;
  const views = fields.map((field, i) => {
    const start = byteOffset + offsets[i]!;
    const length = columnLength(field, capacity);
    return isHeap ? viewAt(field.element, start, length) : viewOf(field.element, buffer, start, length);
  });
  const guard = new Uint8Array(buffer, byteOffset, sizeBytes);
  return {
    views,
    buffer,
    byteOffset,
    check() {
      if (guard.length !== sizeBytes) {
        throw new BufferDetachedError(
          'The memory under the table was transferred or shrunk: its rows are gone',
        );
      }
    },
    free() {
      if (isHeap) for (const view of views) revoke(view);
    },
  };
}

/** Checks what a user lends; the start comes out aligned. */
export function checkBorrowed(memory: BorrowedMemory): {
  buffer: ArrayBufferLike;
  byteOffset: number;
  byteLength: number;
} {
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
  const aligned = Math.ceil(byteOffset / COLUMN_ALIGNMENT_BYTES) * COLUMN_ALIGNMENT_BYTES;
  return { buffer, byteOffset: aligned, byteLength: Math.max(0, byteOffset + byteLength - aligned) };
}

/** Bytes of a row without padding; a boolean counts an eighth. */
export function rowBytes(fields: readonly Field[]): number {
  let bytes = 0;
  for (const { kind, element, lanes } of fields)
    bytes += kind === 'bool' ? 1 / 8 : ELEMENT_SIZE_BYTES[element] * lanes;
  return bytes;
}
