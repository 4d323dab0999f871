import { BufferDetachedError } from '../bytes/errors.ts';
import { ArgumentRangeError, HeapCorruptionError } from '../errors.ts';
import { type AnyTypedArray, ELEMENT_SIZE_BYTES, viewOf } from '../heap/element-type.ts';
import { heap, heapIfAny } from '../heap/process-heap.ts';
import { revoke, viewAt } from '../heap/views.ts';
import { WASM_MAXIMUM_BYTES } from '../heap/wasm-memory.ts';
import { COLUMN_ALIGNMENT_BYTES, columnLength, type Field, planColumns } from './fields.ts';

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

/** Copies the first `length` rows from one block of the heap to another. */
export function copyRows(fields: readonly Field[], from: TableMemory, to: TableMemory, length: number): void {
  for (const [i, view] of to.views.entries()) {
    const used = columnLength(fields[i]!, length);
    heap().copy(view.byteOffset, from.views[i]!.byteOffset, used * view.BYTES_PER_ELEMENT);
  }
}

/** @throws HeapCorruptionError when a column is not where the layout puts it. */
export function checkColumns(fields: readonly Field[], capacity: number, memory: TableMemory): void {
  const { offsets } = planColumns(fields, capacity);
  for (const [i, view] of memory.views.entries()) {
    const isPlanned = view.byteOffset === memory.byteOffset + offsets[i]!;
    const isLongEnough = view.length === columnLength(fields[i]!, capacity);
    if (!isPlanned || !isLongEnough || view.byteOffset % COLUMN_ALIGNMENT_BYTES !== 0) {
      throw new HeapCorruptionError(`Column '${fields[i]!.name}' is not where the layout puts it`);
    }
  }
}

/** Bytes of a row without padding; a boolean counts an eighth. */
export function rowBytes(fields: readonly Field[]): number {
  let bytes = 0;
  for (const { kind, element, lanes } of fields)
    bytes += kind === 'bool' ? 1 / 8 : ELEMENT_SIZE_BYTES[element] * lanes;
  return bytes;
}
