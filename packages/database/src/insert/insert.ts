import { ClosedError, InsertError, ArgumentRangeError, QueryError, invalidType } from '../errors.ts';
import { type OwnSession, isOwnSession } from '../own-session.ts';
import { MAX_PARAMETERS } from '../pool/bind.ts';
import { integer } from '../pool/options.ts';
import type { Queryable, QueryableResult } from '../queryable.ts';
import { ChunkBuilder } from './chunk.ts';
import { forgetColumns, planColumns } from './columns.ts';
import { copyEncoding, unnestEncoding, valuesEncoding } from './encodings.ts';
import { quoteIdentifier } from './identifier.ts';
import type { InsertManyOptions, InsertManyResult } from './insert-options.ts';
import type { RowSource } from './row-source.ts';
import { type InsertPlan, copySql, unnestSql, valuesSql } from './sql.ts';

const DEFAULT_CHUNK_ROWS = 10_000;
const DEFAULT_VALUES_ROWS = 1_000;

/** Measured on rows of two texts: COPY and `unnest` take the same time for 1,000 rows, for 3,000 COPY takes 0.7 to 0.9 of it. */
const COPY_FROM_ROWS = 3_000;

/** Postgres's own limit on the columns of a table. */
const MAX_COLUMNS = 1_600;

/** The line of a COPY that the server complains of. */
const COPY_LINE = /, line (\d+)/u;

/** Rows that a statement was about, in the order of the source. */
interface Span {
  readonly firstRow: number;
  readonly rows: number;
}

/** One call of `insertMany` whose columns are known: sends rows from a source, statement by statement. */
export class Insert<Returned extends object> {
  /** True when all rows go into one COPY from the start. */
  readonly copiesAtOnce: boolean;
  /** True when rows after the first chunk may go by COPY. */
  readonly #mayCopy: boolean;
  readonly #db: Queryable;
  readonly #plan: InsertPlan;
  readonly #byValues: boolean;
  readonly #chunkRows: number;
  readonly #options: InsertManyOptions<object>;
  readonly #builder: ChunkBuilder;
  readonly #returned: Returned[] = [];
  #text = '';
  #textRows = 0;
  #rowCount = 0;
  #sentRows = 0;
  #statements = 0;

  private constructor(
    db: Queryable,
    plan: InsertPlan,
    chunkRows: number,
    count: number | undefined,
    options: InsertManyOptions<object>,
  ) {
    const { strategy } = options;
    this.#db = db;
    this.#plan = plan;
    this.#byValues = strategy === 'values';
    this.#chunkRows = chunkRows;
    this.#options = options;
    const auto = (strategy ?? 'auto') === 'auto' && copiesAlike(db, plan);
    const long = (count ?? 0) >= COPY_FROM_ROWS;
    this.copiesAtOnce = strategy === 'copy' || (auto && long);
    this.#mayCopy = this.copiesAtOnce || (auto && count === undefined);
    const encoding = this.#byValues
      ? valuesEncoding(plan.columns)
      : unnestEncoding(plan.columns, isOwnSession(db));
    this.#builder = new ChunkBuilder(plan.columns, options.columns === undefined, chunkRows, encoding);
  }

  /** @param count how many rows there are, where that is known. */
  static async plan<Returned extends object>(
    db: Queryable,
    table: string,
    first: object,
    count: number | undefined,
    options: InsertManyOptions<object>,
  ): Promise<Insert<Returned>> {
    if (typeof first !== 'object' || first === null || Array.isArray(first)) {
      throw invalidType('rows[0]', 'an object', first);
    }
    const { strategy, onConflict, returning } = options;
    if (strategy === 'copy' && !isOwnSession(db)) {
      throw new ArgumentRangeError("strategy: expected another than 'copy' on a database that is not ours");
    }
    const names: readonly string[] = options.columns ?? Object.keys(first);
    if (names.length === 0) throw new ArgumentRangeError('columns: expected one or more, got none');
    if (names.length > MAX_COLUMNS) {
      throw new ArgumentRangeError(`columns: expected at most ${MAX_COLUMNS}, got ${names.length}`);
    }
    for (const name of names) quoteIdentifier(name, 'columns');
    if (new Set(names).size < names.length) {
      throw new ArgumentRangeError('columns: expected each column once');
    }
    const most = strategy === 'values' ? Math.floor(MAX_PARAMETERS / names.length) : 1_000_000;
    const byDefault = strategy === 'values' ? Math.min(DEFAULT_VALUES_ROWS, most) : DEFAULT_CHUNK_ROWS;
    const chunkRows = integer('chunkRows', options.chunkRows, byDefault, 1, most);
    const columns = await planColumns(db, table, names, options.types ?? {});
    const plan: InsertPlan = { table, columns, onConflict, returning };
    const insert = new Insert<Returned>(db, plan, chunkRows, count, options);
    // Made now, so that wrong options are found before anything is sent.
    insert.#sqlFor(1);
    return insert;
  }

  get result(): InsertManyResult<Returned> {
    return { rowCount: this.#rowCount, chunks: this.#statements, rows: this.#returned };
  }

  /** Takes one chunk of rows, and looks whether there are more. True when there are none. */
  async take(source: RowSource<object>): Promise<boolean> {
    return await source.fillChunk(this.#builder, false);
  }

  /**
   * Sends one more statement's worth of rows. True when the source has ended.
   *
   * @param byChunk whether a statement holds one chunk at most, and a full one is sent without waiting for the next row.
   */
  async next(session: Queryable, source: RowSource<object>, byChunk: boolean): Promise<boolean> {
    const copies = this.copiesAtOnce || (this.#mayCopy && this.#sentRows > 0);
    if (copies && isOwnSession(session)) {
      const none = this.#options.transaction === 'none';
      return await this.#copy(session, source, byChunk && !none ? this.#chunkRows : Infinity);
    }
    const ended = await source.fillChunk(this.#builder, byChunk);
    await this.flush(session);
    return ended;
  }

  /** Sends the rows that were taken. */
  async flush(session: Queryable): Promise<void> {
    if (this.#builder.rows === 0) return;
    const chunk = this.#builder.take();
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const text = this.#sqlFor(chunk.rows);
    let result: QueryableResult;
    try {
      if (isOwnSession(session)) {
        // Only a full chunk's text comes again.
        const prepare = !this.#byValues || chunk.rows === this.#chunkRows;
        result = await session.query(text, chunk.values, { signal, prepare });
      } else {
        result = await session.query(text, chunk.values);
      }
    } catch (error) {
      throw this.#failure(error, chunk);
    }
    for (const row of result.rows) this.#returned.push(row as Returned);
    this.#sent(result.rowCount ?? 0, chunk.rows);
  }

  /** One COPY of up to so many rows. */
  async #copy(session: OwnSession, source: RowSource<object>, limitRows: number): Promise<boolean> {
    const { signal, columns } = this.#options;
    const firstRow = this.#sentRows;
    const encoding = copyEncoding(this.#plan.columns);
    const builder = new ChunkBuilder(
      this.#plan.columns,
      columns === undefined,
      limitRows,
      encoding,
      firstRow,
    );
    let rows = 0;
    let unreported = 0;
    let ended = false;
    let thrown: { readonly error: unknown } | undefined;
    let failed = false;
    const take = (): Buffer | undefined => {
      if (builder.rows === 0) return undefined;
      const chunk = builder.take();
      rows += chunk.rows;
      builder.maxRows = limitRows - rows;
      unreported += chunk.rows;
      // A source may answer when the COPY has failed already.
      if (unreported >= this.#chunkRows && !failed) {
        unreported = 0;
        this.#report(firstRow + rows, this.#statements);
      }
      return chunk.values[0] as Buffer;
    };
    const fail = (error: unknown): never => {
      thrown = { error };
      throw error;
    };
    const frames = (): Buffer | undefined | Promise<Buffer | undefined> => {
      if (ended || rows >= limitRows) return undefined;
      try {
        const filled = source.fillChunk(builder, false);
        if (typeof filled !== 'boolean') {
          return filled
            .then((end) => {
              ended = end;
              return take();
            })
            .catch(fail);
        }
        ended = filled;
        return take();
      } catch (error) {
        return fail(error);
      }
    };
    let result: QueryableResult;
    try {
      result = await session.hotpathCopy(copySql(this.#plan), frames, { signal });
    } catch (error) {
      failed = true;
      if (thrown !== undefined && thrown.error === error) throw error;
      throw this.#failure(error, lineOf(error, firstRow) ?? { firstRow, rows: Math.max(1, rows) });
    }
    this.#sent(result.rowCount ?? 0, rows);
    return ended;
  }

  #sent(rowCount: number, rows: number): void {
    this.#rowCount += rowCount;
    this.#sentRows += rows;
    this.#statements++;
    this.#report(this.#sentRows, this.#statements);
  }

  #report(rows: number, chunks: number): void {
    this.#options.onProgress?.({ rows, chunks });
  }

  /** What to throw when a statement failed. */
  #failure(cause: unknown, { firstRow, rows }: Span): unknown {
    const { signal, transaction } = this.#options;
    if (signal?.aborted && cause === signal.reason) return cause;
    if (cause instanceof ClosedError) return cause;
    // The table may have changed since its columns were looked up.
    forgetColumns(this.#db, this.#plan.table);
    const insertedRows = (transaction ?? 'all') === 'all' ? 0 : this.#sentRows;
    return new InsertError(this.#plan.table, { insertedRows, firstRow, chunkRows: rows }, cause);
  }

  #sqlFor(rows: number): string {
    if (!this.#byValues) {
      if (this.#text === '') this.#text = unnestSql(this.#plan);
    } else if (this.#textRows !== rows) {
      this.#text = valuesSql(this.#plan, rows);
      this.#textRows = rows;
    }
    return this.#text;
  }
}

/** Whether a COPY into these columns does the same as an INSERT. */
function copiesAlike(db: Queryable, plan: InsertPlan): boolean {
  return (
    isOwnSession(db) &&
    !db.hotpathPool.plain &&
    plan.onConflict === undefined &&
    plan.returning === undefined &&
    plan.columns.every((column) => column.copies)
  );
}

/** The row that a COPY failed at, from what the server says of where it was. */
function lineOf(error: unknown, firstRow: number): Span | undefined {
  if (!(error instanceof QueryError)) return undefined;
  const { where } = error.cause as { readonly where?: unknown };
  const line = typeof where === 'string' ? COPY_LINE.exec(where)?.[1] : undefined;
  return line === undefined ? undefined : { firstRow: firstRow + Number(line) - 1, rows: 1 };
}
