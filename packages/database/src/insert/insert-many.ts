import { ClosedError, InsertError, InvalidTypeError, InvalidValueError, invalidType } from '../errors.ts';
import { isOwnSession } from '../own-session.ts';
import { MAX_PARAMETERS } from '../pool/bind.ts';
import { integer } from '../pool/options.ts';
import type { Queryable, QueryableResult, Session } from '../queryable.ts';
import { type Chunk, ChunkBuilder, unnestEncoding, valuesEncoding } from './chunk.ts';
import { forgetColumns, planColumns } from './columns.ts';
import { type TableName, quoteIdentifier, quoteTable } from './identifier.ts';
import { type Rows, RowSource } from './row-source.ts';
import { type InsertPlan, type OnConflict, unnestSql, valuesSql } from './sql.ts';
import { inTransaction, withinTransaction } from './within-transaction.ts';

/** How the rows reach the server. */
export type InsertStrategy =
  /** One array a column, turned into rows by `unnest`: one short statement for any number of rows. */
  | 'unnest'
  /** One parameter a value, up to 65,535 of them a statement: for servers without `unnest` of several arrays. */
  | 'values';

/** Options of {@link insertMany}. */
export interface InsertManyOptions<Row extends object> {
  /**
   * Columns to insert; other members of a row are left alone. Default: the members of the first row, and then a later row with
   * further ones is an error. A member that a row lacks is NULL.
   */
  readonly columns?: readonly (keyof Row & string)[] | undefined;
  /** Types of the columns, as SQL writes them and without a length. Default: looked up in the catalogue, once a table. */
  readonly types?: { readonly [column in keyof Row & string]?: string } | undefined;
  /** Default `'auto'`, which is `'unnest'`. */
  readonly strategy?: 'auto' | InsertStrategy | undefined;
  /** Rows a statement, 1 to 1,000,000. Default 10,000 with `unnest`, 1,000 with `values`; less where the rows are large. */
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
  /** Called after each chunk. What it throws stops the insert. */
  readonly onProgress?: ((progress: InsertProgress) => void) | undefined;
}

/** How far an insert has come. */
export interface InsertProgress {
  /** Rows sent and accepted so far. */
  readonly rows: number;
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

const DEFAULT_UNNEST_ROWS = 10_000;
const DEFAULT_VALUES_ROWS = 1_000;

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
 * Inserts many rows in few statements. One chunk is in flight at a time, and no row is taken from the source meanwhile, so a
 * stream of any length needs the memory of one chunk.
 *
 * Works on our database, connections and transactions, and on anything else with `query(text, values)`; for several chunks in one
 * transaction that must be a `pg.Pool` or a `pg.Client`.
 *
 * JSON columns take any value as JSON, strings too; array columns take arrays of any depth.
 *
 * @throws {InsertError} when a chunk fails; `cause` is why.
 * @throws {InvalidTypeError} {InvalidValueError} for arguments and rows that cannot be inserted.
 * @throws what the source or `onProgress` throws, and the signal's reason.
 *
 * @example
 * ```ts
 * await insertMany(db, 'users', [
 *   { name: 'Ada', email: 'ada@example.com' },
 *   { name: 'Alan', email: 'alan@example.com' },
 * ], { onConflict: { columns: ['email'], update: ['name'] } });
 * ```
 */
export async function insertMany<Row extends object, Returned extends object = Record<string, unknown>>(
  db: Queryable,
  table: TableName,
  rows: Rows<Row>,
  options: InsertManyOptions<Row> = {},
): Promise<InsertManyResult<Returned>> {
  if (typeof db?.query !== 'function') throw invalidType('db', 'an object with query()', db);
  const quoted = quoteTable(table);
  checkOptions(options);
  const mode = options.transaction ?? 'all';
  if (mode === 'chunk' && inTransaction(db)) {
    throw new InvalidValueError(
      "transaction: expected 'all' or 'none' inside a transaction, which 'chunk' would have to commit",
    );
  }
  const source = new RowSource(rows, options.signal);
  try {
    options.signal?.throwIfAborted();
    const first = await source.first();
    if (first === undefined) return { rowCount: 0, chunks: 0, rows: [] };
    const insert = await Insert.plan<Returned>(db, quoted, first, options as InsertManyOptions<object>);
    const { builder } = insert;
    let ended = await source.fill(builder, mode !== 'all');
    if (mode !== 'all' || ended) {
      // A single statement is all or nothing by itself.
      for (;;) {
        if (builder.rows > 0) await insert.send(db, builder.take());
        if (ended) break;
        ended = await source.fill(builder, mode !== 'all');
      }
      return insert.result;
    }
    await withinTransaction(db, options.signal, async (session) => {
      for (;;) {
        if (builder.rows > 0) await insert.send(session, builder.take());
        if (ended) break;
        ended = await source.fill(builder, false);
      }
    });
    return insert.result;
  } finally {
    await source.close();
  }
}

/** One call of {@link insertMany} whose columns are known. */
class Insert<Returned extends object> {
  readonly builder: ChunkBuilder;
  readonly #db: Queryable;
  readonly #plan: InsertPlan;
  readonly #values: boolean;
  readonly #chunkRows: number;
  readonly #options: InsertManyOptions<object>;
  readonly #returned: Returned[] = [];
  #text = '';
  #textRows = 0;
  #rowCount = 0;
  #sentRows = 0;
  #chunks = 0;

  private constructor(
    db: Queryable,
    plan: InsertPlan,
    values: boolean,
    chunkRows: number,
    options: InsertManyOptions<object>,
  ) {
    this.#db = db;
    this.#plan = plan;
    this.#values = values;
    this.#chunkRows = chunkRows;
    this.#options = options;
    const encoding = values ? valuesEncoding(plan.columns) : unnestEncoding(plan.columns);
    this.builder = new ChunkBuilder(plan.columns, options.columns === undefined, chunkRows, encoding);
  }

  static async plan<Returned extends object>(
    db: Queryable,
    table: string,
    first: object,
    options: InsertManyOptions<object>,
  ): Promise<Insert<Returned>> {
    if (typeof first !== 'object' || first === null || Array.isArray(first)) {
      throw invalidType('rows[0]', 'an object', first);
    }
    const names: readonly string[] = options.columns ?? Object.keys(first);
    if (names.length === 0) throw new InvalidValueError('columns: expected one or more, got none');
    if (names.length > 1_600) {
      throw new InvalidValueError(`columns: expected at most 1600, got ${names.length}`);
    }
    for (const name of names) quoteIdentifier(name, 'columns');
    if (new Set(names).size < names.length) {
      throw new InvalidValueError('columns: expected each column once');
    }
    const values = options.strategy === 'values';
    const most = values ? Math.floor(MAX_PARAMETERS / names.length) : 1_000_000;
    const byDefault = values ? Math.min(DEFAULT_VALUES_ROWS, most) : DEFAULT_UNNEST_ROWS;
    const chunkRows = integer('chunkRows', options.chunkRows, byDefault, 1, most);
    const columns = await planColumns(db, table, names, options.types ?? {});
    const { onConflict, returning } = options;
    const plan: InsertPlan = { table, columns, onConflict, returning };
    const insert = new Insert<Returned>(db, plan, values, chunkRows, options);
    // Made now, so that wrong options are found before anything is sent.
    insert.#sqlFor(1);
    return insert;
  }

  get result(): InsertManyResult<Returned> {
    return { rowCount: this.#rowCount, chunks: this.#chunks, rows: this.#returned };
  }

  async send(session: Queryable, chunk: Chunk): Promise<void> {
    const { signal, onProgress, transaction } = this.#options;
    signal?.throwIfAborted();
    const text = this.#sqlFor(chunk.rows);
    let result: QueryableResult;
    try {
      if (isOwnSession(session)) {
        // Only a full chunk's text comes again.
        const prepare = !this.#values || chunk.rows === this.#chunkRows;
        result = await (session as unknown as Session).query(text, chunk.values, { signal, prepare });
      } else {
        result = await session.query(text, chunk.values);
      }
    } catch (cause) {
      if (signal?.aborted && cause === signal.reason) throw cause;
      if (cause instanceof ClosedError) throw cause;
      // The table may have changed since its columns were looked up.
      forgetColumns(this.#db, this.#plan.table);
      const insertedRows = (transaction ?? 'all') === 'all' ? 0 : this.#sentRows;
      throw new InsertError(
        this.#plan.table,
        { insertedRows, firstRow: chunk.firstRow, chunkRows: chunk.rows },
        cause,
      );
    }
    this.#rowCount += result.rowCount ?? 0;
    this.#sentRows += chunk.rows;
    this.#chunks++;
    for (const row of result.rows) this.#returned.push(row as Returned);
    onProgress?.({ rows: this.#sentRows, chunks: this.#chunks });
  }

  #sqlFor(rows: number): string {
    if (!this.#values) {
      if (this.#text === '') this.#text = unnestSql(this.#plan);
    } else if (this.#textRows !== rows) {
      this.#text = valuesSql(this.#plan, rows);
      this.#textRows = rows;
    }
    return this.#text;
  }
}

function checkOptions(options: InsertManyOptions<never>): void {
  if (typeof options !== 'object' || options === null) throw invalidType('options', 'an object', options);
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) throw new InvalidTypeError(`options.${name}: expected no such option`);
  }
  const { columns, types, strategy, transaction, onProgress } = options;
  if (columns !== undefined && !Array.isArray(columns)) throw invalidType('columns', 'an array', columns);
  if (types !== undefined && (typeof types !== 'object' || types === null)) {
    throw invalidType('types', 'an object', types);
  }
  if (strategy !== undefined && !['auto', 'unnest', 'values'].includes(strategy)) {
    throw new InvalidValueError("strategy: expected 'auto', 'unnest' or 'values', got something else");
  }
  if (transaction !== undefined && !['all', 'chunk', 'none'].includes(transaction)) {
    throw new InvalidValueError("transaction: expected 'all', 'chunk' or 'none', got something else");
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidType('onProgress', 'a function', onProgress);
  }
}
