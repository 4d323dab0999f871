import type { Sql } from './sql/sql.ts';

/**
 * What this package asks of a database: anything with `query(text, values)`. Ours, a `pg.Pool`, a `pg.Client` or a test's
 * double all fit, so batch inserts and JOIN grouping work with whichever the caller has.
 */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<QueryableResult>;
}

/** The part of a result that this package reads. */
export interface QueryableResult {
  readonly rows: readonly object[];
  readonly rowCount: number | null;
}

/** Describes one column of a result. */
export interface ResultField {
  readonly name: string;
  /** OID of the type in `pg_type`. */
  readonly dataTypeID: number;
}

/** What a statement answered. Of several statements in one text, the last one's. */
export interface QueryResult<Row extends object = Record<string, unknown>> {
  /** Owned by the caller: nothing of it is kept. */
  readonly rows: Row[];
  /** Rows returned or changed; 0 where the server gives no count. */
  readonly rowCount: number;
  /** The server's command tag without its counts: `SELECT`, `INSERT`, `CREATE TABLE`. */
  readonly command: string;
  readonly fields: readonly ResultField[];
}

/** Options of one statement. */
export interface QueryOptions {
  /**
   * Cancels the statement on the server when aborted. The promise rejects with the signal's reason at once; the
   * connection is used again only when the server has confirmed.
   */
  readonly signal?: AbortSignal | undefined;
  /** Time for the statement, from the moment it is sent, in milliseconds; then it is cancelled as by `signal`. Default: `queryTimeoutMs` of the database. */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether a statement with values is prepared once a connection and then only bound. Turn it off for texts that are
   * made up anew each time. Default true.
   */
  readonly prepare?: boolean | undefined;
}

/** Runs statements: a database, a connection or a transaction of ours. */
export interface Session {
  /**
   * Runs a statement: a text with its values, or what `sql` made.
   *
   * With `values`, even an empty array, it goes through the extended protocol and is prepared automatically, and so does what
   * `sql` made. A text alone goes through the simple protocol, where it may hold several statements.
   *
   * @throws {QueryError} when the server refuses it.
   * @throws {ConnectionLostError} when the connection breaks meanwhile.
   * @throws {QueryTimeoutError} after `timeoutMs`.
   * @throws {DecodeError} when a type parser throws.
   * @throws the signal's reason when aborted.
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<QueryResult<Row>>;
  query<Row extends object = Record<string, unknown>>(
    query: Sql<Row>,
    options?: QueryOptions,
  ): Promise<QueryResult<Row>>;
  /**
   * The only row.
   *
   * @throws {NoRowError} {TooManyRowsError} when there is none, or another; what the statement did stays done.
   * @throws what {@link query} throws.
   */
  one<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<Row>;
  one<Row extends object = Record<string, unknown>>(query: Sql<Row>, options?: QueryOptions): Promise<Row>;
  /**
   * The only row, or null when there is none.
   *
   * @throws {TooManyRowsError} when there is another; what the statement did stays done.
   * @throws what {@link query} throws.
   */
  maybeOne<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<Row | null>;
  maybeOne<Row extends object = Record<string, unknown>>(
    query: Sql<Row>,
    options?: QueryOptions,
  ): Promise<Row | null>;
  /**
   * The rows, any number of them.
   *
   * @throws what {@link query} throws.
   */
  many<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<Row[]>;
  many<Row extends object = Record<string, unknown>>(query: Sql<Row>, options?: QueryOptions): Promise<Row[]>;
}
