import { ArgumentTypeError, ArgumentRangeError, invalidType } from '../errors.ts';
import { checkOptionsObject, checkSignal } from '../pool/options.ts';
import type { OnConflict } from './sql.ts';

/** How the rows reach the server. */
export type InsertStrategy =
  /** One array a column, turned into rows by `unnest`: one short statement for any number of rows. */
  | 'unnest'
  /** One parameter a value, up to 65,535 of them a statement: for servers without `unnest` of several arrays. */
  | 'values'
  /** COPY, the fastest for many rows: without `onConflict` and `returning`, and only where `db` is ours. */
  | 'copy';

/** Options of {@link insertMany}. */
export interface InsertManyOptions<Row extends object> {
  /**
   * Columns to insert; other members of a row are left alone. Default: the members of the first row, and then a later row with
   * further ones is an error. A member that a row lacks is NULL.
   */
  readonly columns?: readonly (keyof Row & string)[] | undefined;
  /** Types of the columns, as SQL writes them and without a length. Default: looked up in the catalogue. */
  readonly types?: { readonly [column in keyof Row & string]?: string } | undefined;
  /**
   * Default `'auto'`: `'copy'` from 3,000 rows on (for a source of unknown length, after the first chunk) where it does the same
   * as an INSERT, else `'unnest'`.
   */
  readonly strategy?: 'auto' | InsertStrategy | undefined;
  /**
   * Rows a statement, 1 to 1,000,000. Default 10,000, with `values` 1,000; less where the rows are large. A COPY takes all rows in
   * one statement, unless each chunk is to be committed by itself.
   */
  readonly chunkRows?: number | undefined;
  /**
   * `'all'`: all rows or none (default). `'chunk'`: each chunk is committed by itself. `'none'`: the statements are sent as they
   * are and take part in whatever transaction `db` is in.
   */
  readonly transaction?: 'all' | 'chunk' | 'none' | undefined;
  /** Default: a conflict is an error. */
  readonly onConflict?: OnConflict | undefined;
  /** Columns to return of each row that was inserted or updated, in the order of the input. Default: none. */
  readonly returning?: readonly string[] | '*' | undefined;
  /** Stops between two chunks, and cancels the one under way where `db` is ours. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called after each statement, and within a COPY after each `chunkRows` rows. What it throws stops the insert; after the last statement
   * there is nothing left to stop, and a single one is committed by then.
   */
  readonly onProgress?: ((progress: InsertProgress) => void) | undefined;
}

/** How far an insert has come. */
export interface InsertProgress {
  /** Rows sent so far. Those of a COPY under way are not accepted yet. */
  readonly rows: number;
  /** Statements done. */
  readonly chunks: number;
}

/** What an insert did. */
export interface InsertManyResult<Returned extends object = Record<string, unknown>> {
  /** Rows inserted or updated, as the server counted them. */
  readonly rowCount: number;
  /** Statements sent. */
  readonly chunks: number;
  /** What `returning` asked for; empty without it. */
  readonly rows: Returned[];
}

const OPTIONS: ReadonlySet<string> = new Set([
  'columns',
  'types',
  'strategy',
  'chunkRows',
  'transaction',
  'onConflict',
  'returning',
  'signal',
  'onProgress',
]);

/**
 * Checks what can be checked without the rows.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError}
 */
export function checkOptions(options: InsertManyOptions<never>): void {
  checkOptionsObject(options);
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) throw new ArgumentTypeError(`options.${name}: expected no such option`);
  }
  const { columns, types, strategy, transaction, signal, onProgress } = options;
  checkSignal(signal);
  if (columns !== undefined && !Array.isArray(columns)) throw invalidType('columns', 'an array', columns);
  if (types !== undefined && (typeof types !== 'object' || types === null)) {
    throw invalidType('types', 'an object', types);
  }
  if (strategy !== undefined && !['auto', 'unnest', 'values', 'copy'].includes(strategy)) {
    throw new ArgumentRangeError(
      "strategy: expected 'auto', 'unnest', 'values' or 'copy', got something else",
    );
  }
  if (transaction !== undefined && !['all', 'chunk', 'none'].includes(transaction)) {
    throw new ArgumentRangeError("transaction: expected 'all', 'chunk' or 'none', got something else");
  }
  if (strategy === 'copy' && (options.onConflict !== undefined || options.returning !== undefined)) {
    throw new ArgumentRangeError("strategy: expected another than 'copy' with onConflict or returning");
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidType('onProgress', 'a function', onProgress);
  }
}
