import { ArgumentTypeError, ArgumentRangeError, invalidType } from '../errors.ts';
import { type TableName, quoteIdentifier, quoteTable } from '../insert/identifier.ts';
import { integer } from '../pool/options.ts';

type ColumnOf<Row> = keyof Row & string;

/** What a {@link loader} looks up. */
export interface LoaderSpec<Row extends object> {
  readonly table: TableName;
  /** The column, or columns, that the keys are of. Best with an index that begins with them. */
  readonly key: ColumnOf<Row> | readonly [ColumnOf<Row>, ...ColumnOf<Row>[]];
  /** Columns of the result. Default: all. */
  readonly columns?: readonly ColumnOf<Row>[] | undefined;
  /** True when a key may have several rows: its result is a list then, empty where there is none. Default false. */
  readonly many?: boolean | undefined;
  /** Order of such a list. Default: the server's choice. */
  readonly orderBy?: ColumnOf<Row> | readonly ColumnOf<Row>[] | undefined;
  /** Most keys a query, 1 to 1,000,000; more go in several at once. Default 1,000. */
  readonly maxBatch?: number | undefined;
  /**
   * Results to keep for later loads, 0 to 10,000,000, the oldest dropped first. They are never looked at again, so only give it to a
   * loader that lives as long as a request. Default 0: none.
   */
  readonly cacheEntries?: number | undefined;
  /** Types of the key's columns, as SQL writes them and without a length. Default: looked up in the catalogue. */
  readonly types?: { readonly [column in ColumnOf<Row>]?: string } | undefined;
}

/** A spec that was checked. */
export interface LoaderPlan {
  /** Quoted. */
  readonly table: string;
  readonly key: readonly string[];
  /** What is selected, quoted. */
  readonly selected: string;
  /** Quoted; empty without an order. */
  readonly orderBy: string;
  readonly many: boolean;
  readonly maxBatch: number;
  readonly cacheEntries: number;
  readonly types: Readonly<Record<string, string | undefined>>;
}

const NAMES: ReadonlySet<string> = new Set([
  'table',
  'key',
  'columns',
  'many',
  'orderBy',
  'maxBatch',
  'cacheEntries',
  'types',
]);

/**
 * Checks a spec.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError}
 */
export function planLoader(spec: LoaderSpec<Record<string, unknown>>): LoaderPlan {
  if (typeof spec !== 'object' || spec === null) throw invalidType('spec', 'an object', spec);
  for (const name of Object.keys(spec)) {
    if (!NAMES.has(name)) throw new ArgumentTypeError(`spec.${name}: expected no such member`);
  }
  const { columns, many, types } = spec;
  if (many !== undefined && typeof many !== 'boolean') throw invalidType('spec.many', 'a boolean', many);
  if (types !== undefined && (typeof types !== 'object' || types === null)) {
    throw invalidType('spec.types', 'an object', types);
  }
  const key = names('spec.key', spec.key);
  const selected =
    columns === undefined
      ? 't.*'
      : names('spec.columns', columns)
          .map((name) => `t.${quoteIdentifier(name)}`)
          .join(',');
  return {
    table: quoteTable(spec.table),
    key,
    selected,
    orderBy:
      spec.orderBy === undefined
        ? ''
        : names('spec.orderBy', spec.orderBy)
            .map((name) => `t.${quoteIdentifier(name)}`)
            .join(','),
    many: many ?? false,
    maxBatch: integer('spec.maxBatch', spec.maxBatch, 1_000, 1, 1_000_000),
    cacheEntries: integer('spec.cacheEntries', spec.cacheEntries, 0, 0, 10_000_000),
    types: types ?? {},
  };
}

function names(where: string, given: string | readonly string[]): readonly string[] {
  const list: readonly string[] = typeof given === 'string' ? [given] : given;
  if (!Array.isArray(list)) throw invalidType(where, 'a column or an array of columns', given);
  if (list.length === 0) throw new ArgumentRangeError(`${where}: expected one or more columns, got none`);
  for (const name of list) quoteIdentifier(name, where);
  return list;
}
