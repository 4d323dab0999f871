import { FoldError, ArgumentRangeError, describe, invalidType } from '../errors.ts';

/** A column of a row. */
type ColumnOf<Row> = keyof Row & string;

/** How rows of a JOIN become one kind of object. */
export interface NestSpec<Row> {
  /** The column, or columns, that identify the object. NULL in any of them: there is no object (an outer join found none). */
  readonly key: ColumnOf<Row> | readonly [ColumnOf<Row>, ...ColumnOf<Row>[]];
  /** Members of the object, each with the column that it is read from. */
  readonly fields: Readonly<Record<string, ColumnOf<Row>>>;
  /** Members that are lists of further objects; empty where there is none. */
  readonly many?: Readonly<Record<string, NestSpec<Row>>>;
  /** Members that are one further object, or null. */
  readonly one?: Readonly<Record<string, NestSpec<Row>>>;
}

type KeyColumns<Spec> = Spec extends { readonly key: infer Key }
  ? Key extends readonly (infer Column)[]
    ? Column
    : Key
  : never;

/** What a fold of `Row` by `Spec` makes: a key's column cannot be null in an object that exists. */
export type Nested<Row, Spec> = Spec extends { readonly fields: infer Fields }
  ? Flatten<FieldsOf<Row, Fields, KeyColumns<Spec>> & ListsOf<Row, Spec> & SinglesOf<Row, Spec>>
  : never;

type FieldsOf<Row, Fields, Key> = {
  -readonly [Name in keyof Fields]: Fields[Name] extends keyof Row
    ? Fields[Name] extends Key
      ? NonNullable<Row[Fields[Name]]>
      : Row[Fields[Name]]
    : never;
};
type ListsOf<Row, Spec> = Spec extends { readonly many: infer Many }
  ? { -readonly [Name in keyof Many]: Nested<Row, Many[Name]>[] }
  : unknown;
type SinglesOf<Row, Spec> = Spec extends { readonly one: infer One }
  ? { -readonly [Name in keyof One]: Nested<Row, One[Name]> | null }
  : unknown;
type Flatten<T> = { [Name in keyof T]: T[Name] };

/** A checked spec: what the folds are made from. */
export interface NestPlan {
  /** Where it is in the spec, for messages: `posts.comments`; empty for the root. */
  readonly path: string;
  readonly key: readonly string[];
  /** Output name and column, or columns, whose values the member then is a list of. */
  readonly fields: readonly (readonly [name: string, column: string | readonly string[]])[];
  readonly children: readonly ChildPlan[];
}

export interface ChildPlan {
  readonly name: string;
  readonly many: boolean;
  readonly plan: NestPlan;
}

/** Deeper is a mistake, and a loop in the spec would never end. */
const MAX_DEPTH = 32;

/**
 * Checks a spec.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError}
 */
export function planNest(spec: NestSpec<never>, path = '', depth = 0): NestPlan {
  const where = path === '' ? 'spec' : `spec.${path}`;
  if (typeof spec !== 'object' || spec === null) throw invalidType(where, 'an object', spec);
  if (depth > MAX_DEPTH) {
    throw new ArgumentRangeError(`${where}: expected at most ${MAX_DEPTH} levels`);
  }
  const key: readonly string[] = typeof spec.key === 'string' ? [spec.key] : spec.key;
  if (!Array.isArray(key)) throw invalidType(`${where}.key`, 'a column or an array of columns', key);
  if (key.length === 0) throw new ArgumentRangeError(`${where}.key: expected one or more columns, got none`);
  for (const column of key) {
    if (typeof column !== 'string') throw invalidType(`${where}.key`, 'names of columns', column);
  }
  const fields = members<string>(spec.fields, `${where}.fields`);
  for (const [name, column] of fields) {
    if (typeof column !== 'string')
      throw invalidType(`${where}.fields.${name}`, 'the name of a column', column);
  }
  const children: ChildPlan[] = [];
  for (const many of [true, false]) {
    const kind = many ? 'many' : 'one';
    for (const [name, child] of members<NestSpec<never>>(spec[kind] ?? {}, `${where}.${kind}`)) {
      const childPath = path === '' ? name : `${path}.${name}`;
      children.push({ name, many, plan: planNest(child, childPath, depth + 1) });
    }
  }
  const names = new Set<string>(fields.map(([name]) => name));
  for (const { name } of children) {
    if (names.has(name)) {
      throw new ArgumentRangeError(`${where}: expected each member once, got ${JSON.stringify(name)} twice`);
    }
    names.add(name);
  }
  return { path, key, fields, children };
}

function members<Value>(value: unknown, where: string): [string, Value][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidType(where, 'an object', value);
  }
  return Object.entries(value) as [string, Value][];
}

/** Every column that a plan reads. */
export function columnsOf(plan: NestPlan): string[] {
  return [
    ...new Set([
      ...plan.key,
      ...plan.fields.flatMap(([, column]) => column),
      ...plan.children.flatMap((child) => columnsOf(child.plan)),
    ]),
  ];
}

/**
 * A key that is no primitive, as one: dates and bytes are compared by what they hold.
 *
 * @throws {FoldError} for any other object, which could only be compared by identity.
 */
export function objectKey(value: object): string {
  // Text from Postgres never holds NUL, so these are no other key's text.
  if (value instanceof Date) return `\0date:${value.getTime()}`;
  if (value instanceof Uint8Array) {
    return `\0bytes:${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')}`;
  }
  throw new FoldError(`key: expected a primitive, a Date or bytes, got ${describe(value)}`);
}

/** Several columns as one key. Lengths come first, so that no two lists of values look the same. */
export function compositeKey(values: readonly unknown[]): string {
  let lengths = '';
  let texts = '';
  for (const value of values) {
    const text =
      typeof value === 'object' && value !== null ? objectKey(value) : `${typeof value}:${String(value)}`;
    lengths += `${text.length},`;
    texts += text;
  }
  return lengths + texts;
}

/** Thrown where a root object has no key. */
export function noRootKey(row: number, columns: readonly string[]): FoldError {
  return new FoldError(`rows[${row}]: expected a key in ${columns.join(', ')}, got NULL`);
}

/** Thrown where `one` meets a second object. */
export function secondOne(row: number, path: string): FoldError {
  return new FoldError(`rows[${row}]: expected at most one ${path}, got a second; use many`);
}
