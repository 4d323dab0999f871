import { ArgumentRangeError, invalidType } from '../errors.ts';
import { valueToText } from '../pool/value-text.ts';

/** How a column's values are turned into Postgres's text form. */
export type ValueKind = 'plain' | 'json' | 'array' | 'jsonArray';

const ESCAPED = /[\\"]/gu;

/** One element of an array literal. All but numbers in quotes: to look for what needs them takes longer than they do. */
function element(value: unknown, kind: ValueKind): string {
  // JSON's NaN is null, which is no NULL.
  if (typeof value === 'number' && kind !== 'json') return String(value);
  const text = toText(value, kind);
  if (text === null) return 'NULL';
  return text.includes('"') || text.includes('\\') ? `"${text.replace(ESCAPED, '\\$&')}"` : `"${text}"`;
}

/**
 * The text form of a value, or null. A column of JSON takes every value as JSON, strings too, so that what is read back is
 * what was written.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError} for a value that has no text form.
 */
export function toText(value: unknown, kind: ValueKind): string | null {
  if (value === null || value === undefined) return null;
  if (kind === 'json') return toJson(value);
  switch (typeof value) {
    case 'string':
      return wellFormed(value);
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      break;
    case 'undefined':
    case 'function':
    case 'symbol':
    default:
      throw invalidType('value', 'a value that a column can hold', value);
  }
  if (value instanceof Uint8Array) return bytesToText(value);
  if (Array.isArray(value) && (kind === 'array' || kind === 'jsonArray')) {
    return arrayToText(value, kind === 'jsonArray' ? 'json' : 'plain');
  }
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    throw new ArgumentRangeError('value: expected a valid Date, got an invalid one');
  }
  // Dates, ranges and other classes with `toPostgres`, plain objects as JSON.
  const prepared = valueToText(value);
  if (prepared === null) return null;
  return typeof prepared === 'string' ? wellFormed(prepared) : bytesToText(prepared);
}

/** UTF-8 has no bytes for half a character. A text of Latin-1 says at once that it has none. */
function wellFormed(text: string): string {
  if (text.isWellFormed()) return text;
  throw new ArgumentRangeError('value: expected a well-formed text, got half a surrogate pair');
}

function toJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw invalidType('value', 'a value that JSON can hold', value);
  return text;
}

function bytesToText(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

function arrayToText(values: readonly unknown[], kind: 'plain' | 'json'): string {
  let text = '{';
  for (let index = 0; index < values.length; index++) {
    if (index > 0) text += ',';
    const value = values[index];
    text += Array.isArray(value) && kind === 'plain' ? arrayToText(value, kind) : element(value, kind);
  }
  return `${text}}`;
}

/**
 * Builds the array literal of one column, value by value: `{1,NULL,"a b"}`. The column's rows are the elements, so a value
 * that is itself an array becomes one quoted element, not a dimension.
 */
export class ArrayLiteral {
  readonly #kind: ValueKind;
  #text = '{';
  #empty = true;

  constructor(kind: ValueKind) {
    this.#kind = kind;
  }

  add(value: unknown): void {
    if (this.#empty) this.#empty = false;
    else this.#text += ',';
    this.#text += element(value, this.#kind);
  }

  /** Characters so far. */
  get length(): number {
    return this.#text.length;
  }

  /** The literal; the builder is empty again. */
  take(): string {
    const text = `${this.#text}}`;
    this.#text = '{';
    this.#empty = true;
    return text;
  }
}
