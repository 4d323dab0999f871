import { ByteWriter } from './byte-writer.ts';
import type { Encoding } from './chunk.ts';
import { ArrayLiteral, toText } from './literal.ts';
import type { ColumnPlan } from './sql.ts';
import { TextArray } from './text-array.ts';

/** A chunk is sent early when it is this large, in characters or bytes: 8 Mi, so that large rows do not pile up. */
const MAX_CHUNK_SIZE = 8 * 2 ** 20;

/** A frame of a COPY: of 16 to 128 KiB none is faster than another; this one fits a socket's buffers. */
const COPY_FRAME_BYTES = 32 * 2 ** 10;

/**
 * One array a column: a literal, or the binary form where a column's values are texts to the server and whoever sends it knows that
 * bytes are binary.
 */
export function unnestEncoding(columns: readonly ColumnPlan[], binary: boolean): Encoding {
  const arrays = columns.map(({ kind, textOid }) =>
    binary && textOid !== 0 ? new TextArray(kind, textOid) : new ArrayLiteral(kind),
  );
  return {
    add: (value, column) => {
      arrays[column]!.add(value);
    },
    take: () => arrays.map((array) => array.take()),
    get size() {
      let sum = 0;
      for (const array of arrays) sum += array.length;
      return sum;
    },
    maxSize: MAX_CHUNK_SIZE,
  };
}

/** One parameter a value, row after row. */
export function valuesEncoding(columns: readonly ColumnPlan[]): Encoding {
  let values: unknown[] = [];
  let characters = 0;
  return {
    add: (value, column) => {
      const encoded = value instanceof Uint8Array ? value : toText(value, columns[column]!.kind);
      if (encoded !== null) characters += encoded.length;
      values.push(encoded);
    },
    take: () => {
      const taken = values;
      values = [];
      characters = 0;
      return taken;
    },
    get size() {
      return characters;
    },
    maxSize: MAX_CHUNK_SIZE,
  };
}

const TAB = 0x09;
const NEWLINE = 0x0a;
const COPY_DATA = 0x64;

/** CopyData messages of lines in COPY's text format: values between tabs, `\\N` for NULL. */
export function copyEncoding(columns: readonly ColumnPlan[]): Encoding {
  const last = columns.length - 1;
  const frame = new ByteWriter(COPY_FRAME_BYTES + COPY_FRAME_BYTES / 8);
  return {
    add: (value, column) => {
      if (frame.length === 0) {
        frame.byte(COPY_DATA);
        frame.int32(0);
      }
      const { kind } = columns[column]!;
      const text = typeof value === 'string' && kind !== 'json' ? value : toText(value, kind);
      if (text === null) frame.text('\\N');
      else frame.copyText(text);
      frame.byte(column === last ? NEWLINE : TAB);
    },
    take: () => {
      // The length counts itself, and not the letter before it.
      frame.setInt32(frame.length - 1, 1);
      return [frame.take()];
    },
    get size() {
      return frame.length;
    },
    maxSize: COPY_FRAME_BYTES,
  };
}
