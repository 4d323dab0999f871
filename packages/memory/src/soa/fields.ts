import { describe } from '../check.ts';
import { ArgumentTypeError, LayoutError, LayoutMismatchError } from '../errors.ts';
import { ELEMENT_SIZE_BYTES, type ElementType, isElementType } from '../heap/element-type.ts';

/** A field of a layout, parsed. */
export interface Field {
  readonly name: string;
  readonly kind: 'number' | 'vector' | 'bool' | 'enum';
  /** Type of the column's elements; booleans and enums use `u8`. */
  readonly element: ElementType;
  /** Numbers a row; 1 unless it is a vector. */
  readonly lanes: number;
  /** Whether its numbers are bigint. */
  readonly isBig: boolean;
  /** The words of an enum; empty otherwise. */
  readonly words: readonly string[];
}

/** Every column starts at a multiple of this. */
export const COLUMN_ALIGNMENT_BYTES = 64;

/** A byte numbers so many words. */
const WORDS_MAXIMUM = 256;

/** More columns than this are not a row any more, and would make the generated code huge. */
const FIELDS_MAXIMUM = 1024;

/** A name is written into generated code and must be a plain one; a `$` in front is kept for the code's own names. */
const NAME = /^[A-Za-z_][A-Za-z0-9_$]*$/;

/** Names that cursors and rows have already. */
const RESERVED = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  'index',
  'toObject',
  'toJSON',
  'prototype',
  'then',
]);

const VECTOR = /^([a-z]\d{1,2})x(\d{1,2})$/;

/**
 * Parses the description of a layout.
 *
 * @throws LayoutError when it has no field, a name cannot be one, or a type is unknown.
 */
export function parseFields(spec: unknown): readonly Field[] {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) {
    throw new LayoutError(`layout: expected an object of fields, got ${describe(spec)}`);
  }
  const entries = Object.entries(spec);
  if (entries.length === 0) throw new LayoutError('layout: expected at least one field, got none');
  if (entries.length > FIELDS_MAXIMUM) {
    throw new LayoutError(`layout: expected at most ${FIELDS_MAXIMUM} fields, got ${entries.length}`);
  }
  return entries.map(([name, type]) => parseField(name, type));
}

/** A layout as text, the same for equal layouts alone: `x:f32,alive:bool,kind:(idle|busy)`. */
export function describeFields(fields: readonly Field[]): string {
  return fields
    .map(({ name, kind, element, lanes, words }) => {
      if (kind === 'bool') return `${name}:bool`;
      if (kind === 'enum') return `${name}:(${words.map((word) => JSON.stringify(word)).join('|')})`;
      return lanes === 1 ? `${name}:${element}` : `${name}:${element}x${lanes}`;
    })
    .join(',');
}

/** Elements that a column of `rowCount` rows has. */
export function columnLength(field: Field, rowCount: number): number {
  return field.kind === 'bool' ? Math.ceil(rowCount / 8) : rowCount * field.lanes;
}

/** Where each column starts, and the bytes of all of them; columns come in the order of the fields. */
export function planColumns(
  fields: readonly Field[],
  rowCount: number,
): { offsets: number[]; sizeBytes: number } {
  const offsets: number[] = [];
  let sizeBytes = 0;
  for (const field of fields) {
    offsets.push(sizeBytes);
    const columnBytes = columnLength(field, rowCount) * ELEMENT_SIZE_BYTES[field.element];
    sizeBytes += Math.ceil(columnBytes / COLUMN_ALIGNMENT_BYTES) * COLUMN_ALIGNMENT_BYTES;
  }
  return { offsets, sizeBytes };
}

/** The most rows whose columns fit into `sizeBytes`. */
export function rowsThatFit(fields: readonly Field[], sizeBytes: number): number {
  let low = 0;
  let high = sizeBytes * 8;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (planColumns(fields, middle).sizeBytes <= sizeBytes) low = middle;
    else high = middle - 1;
  }
  return low;
}

function parseField(name: string, type: unknown): Field {
  if (!NAME.test(name)) {
    throw new LayoutError(
      `layout: ${JSON.stringify(name)} cannot be a field: expected letters, digits, _ and $, beginning with a letter or _`,
    );
  }
  if (RESERVED.has(name)) throw new LayoutError(`layout: '${name}' is reserved and cannot be a field`);
  if (Array.isArray(type)) return parseEnum(name, type);
  if (type === 'bool') return { name, kind: 'bool', element: 'u8', lanes: 1, isBig: false, words: [] };
  if (isElementType(type)) return numberField(name, 'number', type, 1);
  const vector = typeof type === 'string' ? VECTOR.exec(type) : null;
  if (vector !== null && isElementType(vector[1])) {
    const lanes = Number(vector[2]);
    if (lanes >= 2 && lanes <= 16 && String(lanes) === vector[2])
      return numberField(name, 'vector', vector[1], lanes);
  }
  throw new LayoutError(
    `layout: field '${name}': expected a number type (f32, i64 …), bool, a vector of 2 to 16 (f32x3), or a list of words, got ${describe(type)}`,
  );
}

function numberField(name: string, kind: 'number' | 'vector', element: ElementType, lanes: number): Field {
  return { name, kind, element, lanes, isBig: element === 'i64' || element === 'u64', words: [] };
}

function parseEnum(name: string, words: readonly unknown[]): Field {
  if (words.length === 0 || words.length > WORDS_MAXIMUM) {
    throw new LayoutError(
      `layout: field '${name}': expected 1 to ${WORDS_MAXIMUM} words, got ${words.length}`,
    );
  }
  for (const word of words) {
    if (typeof word !== 'string') {
      throw new LayoutError(`layout: field '${name}': expected words, got ${describe(word)}`);
    }
  }
  if (new Set(words).size !== words.length)
    throw new LayoutError(`layout: field '${name}': a word is listed twice`);
  return { name, kind: 'enum', element: 'u8', lanes: 1, isBig: false, words: [...(words as string[])] };
}

/** Place of the field of that name. @throws ArgumentTypeError when there is none. */
export function fieldIndex(fields: readonly Field[], name: unknown): number {
  const i = fields.findIndex((field) => field.name === name);
  if (i === -1)
    throw new ArgumentTypeError(`name: expected a field of ${describeFields(fields)}, got ${describe(name)}`);
  return i;
}

/** Place of a field of the same name and type. @throws LayoutMismatchError when there is none. */
export function sameFieldIndex(fields: readonly Field[], wanted: Field): number {
  const i = fields.findIndex(({ name }) => name === wanted.name);
  const field = fields[i];
  const isSame =
    field !== undefined &&
    field.kind === wanted.kind &&
    field.element === wanted.element &&
    field.lanes === wanted.lanes &&
    field.words.join('\0') === wanted.words.join('\0');
  if (!isSame)
    throw new LayoutMismatchError(
      `target: its field '${wanted.name}' is not in ${describeFields(fields)}, or of another type`,
    );
  return i;
}
