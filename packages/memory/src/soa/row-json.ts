import { describe } from '../check.ts';
import { ArgumentTypeError } from '../errors.ts';
import type { AnyTypedArray } from '../heap/element-type.ts';
import type { Field } from './fields.ts';

/** The rows as one JSON text, column values written straight into it. */
export function stringifyRows(
  fields: readonly Field[],
  views: readonly AnyTypedArray[],
  length: number,
): string {
  const writers = fields.map((field, i) => writerOf(field, views[i]! as unknown as ArrayLike<unknown>));
  const prefixes = fields.map(({ name }, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  let text = '[';
  for (let row = 0; row < length; row++) {
    if (row > 0) text += ',';
    for (let i = 0; i < writers.length; i++) text += prefixes[i]! + writers[i]!(row);
    text += '}';
  }
  return `${text}]`;
}

/** A row as `JSON.stringify` may have it. */
export function jsonValue(row: Record<string, unknown>): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) json[name] = jsonScalar(value);
  return json;
}

/**
 * A row out of parsed JSON as a table takes it: strings become bigints where the field has them, null in a float NaN.
 *
 * @throws ArgumentTypeError when `value` is no object, or a bigint's text is none.
 */
export function rowFromJson(fields: readonly Field[], value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ArgumentTypeError(`text: expected a list of objects, got ${describe(value)} in it`);
  }
  const row: Record<string, unknown> = {};
  for (const field of fields) {
    const given = (value as Record<string, unknown>)[field.name];
    row[field.name] = Array.isArray(given)
      ? given.map((one) => fromJson(field, one))
      : fromJson(field, given);
  }
  return row;
}

function writerOf(field: Field, view: ArrayLike<unknown>): (row: number) => string {
  const { kind, lanes } = field;
  if (kind === 'bool')
    return (row) => ((((view[row >>> 3] as number) >>> (row & 7)) & 1) === 1 ? 'true' : 'false');
  if (kind === 'enum') {
    const words = field.words.map((word) => JSON.stringify(word));
    return (row) => words[view[row] as number] ?? 'null';
  }
  const scalar = field.isBig
    ? (at: number): string => `"${view[at] as bigint}"`
    : (at: number): string => {
        const number = view[at] as number;
        return Number.isFinite(number) ? String(number === 0 ? 0 : number) : 'null';
      };
  if (lanes === 1) return scalar;
  return (row) => {
    let text = '[';
    for (let lane = 0; lane < lanes; lane++) text += (lane === 0 ? '' : ',') + scalar(row * lanes + lane);
    return `${text}]`;
  };
}

function jsonScalar(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return Array.isArray(value) ? value.map(jsonScalar) : value;
}

function fromJson(field: Field, value: unknown): unknown {
  if (value === null && (field.element === 'f32' || field.element === 'f64')) return Number.NaN;
  if (!field.isBig) return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value);
  throw new ArgumentTypeError(
    `text: field '${field.name}': expected a whole number as a string, got ${describe(value)}`,
  );
}
