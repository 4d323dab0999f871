import { ArgumentTypeError, ArgumentRangeError, invalidType } from '../errors.ts';
import { quoteIdentifier } from '../insert/identifier.ts';

type ColumnOf<Row> = keyof Row & string;
type TableOf<Tables> = keyof Tables & string;

/** How rows of a table, and of those that belong to them, become objects. */
export type TableNestSpec<Tables> = {
  readonly [Table in TableOf<Tables>]: LevelSpec<Tables, Table>;
}[TableOf<Tables>];

/** One table of it. */
export interface LevelSpec<Tables, Table extends TableOf<Tables>> {
  readonly table: Table;
  /** Default: the first in the search path that has the table. */
  readonly schema?: string;
  /** The column, or columns, that identify a row. */
  readonly key: ColumnOf<Tables[Table]> | readonly [ColumnOf<Tables[Table]>, ...ColumnOf<Tables[Table]>[]];
  /** Members of the object, each with the column that it is read from. */
  readonly fields: Readonly<Record<string, ColumnOf<Tables[Table]>>>;
  /** Members that are lists of rows of another table. */
  readonly many?: Readonly<Record<string, ChildSpec<Tables, Tables[Table]>>>;
  /** Members that are one row of another table, or null. */
  readonly one?: Readonly<Record<string, ChildSpec<Tables, Tables[Table]>>>;
}

/** A table below another. */
export type ChildSpec<Tables, Parent> = {
  readonly [Table in TableOf<Tables>]: LevelSpec<Tables, Table> & {
    /** Columns of this table, each with the column of the parent that it equals. */
    readonly on: { readonly [Column in ColumnOf<Tables[Table]>]?: ColumnOf<Parent> };
  };
}[TableOf<Tables>];

/** What a load by `Spec` makes. */
export type NestedTables<Tables, Spec> = Spec extends {
  readonly table: infer Table;
  readonly fields: infer Fields;
}
  ? Table extends keyof Tables
    ? Flatten<FieldsOf<Tables[Table], Fields> & ListsOf<Tables, Spec> & SinglesOf<Tables, Spec>>
    : never
  : never;

type FieldsOf<Row, Fields> = {
  -readonly [Name in keyof Fields]: Fields[Name] extends keyof Row ? Row[Fields[Name]] : never;
};
type ListsOf<Tables, Spec> = Spec extends { readonly many: infer Many }
  ? { -readonly [Name in keyof Many]: NestedTables<Tables, Many[Name]>[] }
  : unknown;
type SinglesOf<Tables, Spec> = Spec extends { readonly one: infer One }
  ? { -readonly [Name in keyof One]: NestedTables<Tables, One[Name]> | null }
  : unknown;
type Flatten<T> = { [Name in keyof T]: T[Name] };

/** A checked level. */
export interface TableLevel {
  /** Where it is in the spec: `posts.comments`; empty for the root. */
  readonly path: string;
  /** Quoted. */
  readonly table: string;
  readonly key: readonly string[];
  readonly fields: readonly (readonly [name: string, column: string])[];
  readonly children: readonly TableChild[];
}

export interface TableChild {
  readonly name: string;
  readonly many: boolean;
  readonly level: TableLevel;
  /** Columns of the child, and of its parent, that are equal. */
  readonly on: readonly (readonly [child: string, parent: string])[];
}

/** Any spec, unchecked. */
interface AnySpec {
  readonly table: string;
  readonly schema?: string;
  readonly key: string | readonly string[];
  readonly fields: Readonly<Record<string, string>>;
  readonly many?: Readonly<Record<string, AnySpec>>;
  readonly one?: Readonly<Record<string, AnySpec>>;
  readonly on?: Readonly<Record<string, string>>;
}

/** Deeper is a mistake, and a loop in the spec would never end. */
const MAX_DEPTH = 32;
const NAMES: ReadonlySet<string> = new Set(['table', 'schema', 'key', 'fields', 'many', 'one', 'on']);

/**
 * Checks a spec.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError}
 */
export function planTables(given: object, path = '', depth = 0): TableLevel {
  const where = path === '' ? 'spec' : `spec.${path}`;
  if (typeof given !== 'object' || given === null) throw invalidType(where, 'an object', given);
  if (depth > MAX_DEPTH) throw new ArgumentRangeError(`${where}: expected at most ${MAX_DEPTH} levels`);
  const spec = given as AnySpec;
  for (const name of Object.keys(spec)) {
    if (!NAMES.has(name)) throw new ArgumentTypeError(`${where}.${name}: expected no such member`);
  }
  const table = quoteIdentifier(spec.table, `${where}.table`);
  const key: readonly string[] = typeof spec.key === 'string' ? [spec.key] : spec.key;
  if (!Array.isArray(key) || key.length === 0) {
    throw invalidType(`${where}.key`, 'a column or an array of columns', spec.key);
  }
  for (const column of key) quoteIdentifier(column, `${where}.key`);
  const fields = columns(spec.fields, `${where}.fields`);
  const names = new Set(fields.map(([name]) => name));
  const children: TableChild[] = [];
  for (const many of [true, false]) {
    for (const [name, child] of members<AnySpec>(spec[many ? 'many' : 'one'] ?? {}, where)) {
      if (names.has(name)) {
        throw new ArgumentRangeError(
          `${where}: expected each member once, got ${JSON.stringify(name)} twice`,
        );
      }
      names.add(name);
      const childPath = path === '' ? name : `${path}.${name}`;
      const level = planTables(child, childPath, depth + 1);
      const on = columns(child.on, `spec.${childPath}.on`);
      if (on.length === 0)
        throw new ArgumentRangeError(`spec.${childPath}.on: expected one or more columns, got none`);
      for (const [column] of on) quoteIdentifier(column, `spec.${childPath}.on`);
      children.push({ name, many, level, on });
    }
  }
  const schema = spec.schema === undefined ? '' : `${quoteIdentifier(spec.schema, `${where}.schema`)}.`;
  return { path, table: `${schema}${table}`, key, fields, children };
}

function columns(value: unknown, where: string): [string, string][] {
  const list = members<string>(value, where);
  for (const [name, column] of list) quoteIdentifier(column, `${where}.${name}`);
  return list;
}

function members<Value>(value: unknown, where: string): [string, Value][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidType(where, 'an object', value);
  }
  return Object.entries(value) as [string, Value][];
}
