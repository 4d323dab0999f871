/** Codes of every error that this package makes; each belongs to one class. */
export type DatabaseErrorCode =
  | 'ERR_HOTPATH_DATABASE_ARGUMENT_TYPE'
  | 'ERR_HOTPATH_DATABASE_ARGUMENT_RANGE'
  | 'ERR_HOTPATH_DATABASE_CONNECT'
  | 'ERR_HOTPATH_DATABASE_CONNECTION_LOST'
  | 'ERR_HOTPATH_DATABASE_ACQUIRE_TIMEOUT'
  | 'ERR_HOTPATH_DATABASE_QUEUE_FULL'
  | 'ERR_HOTPATH_DATABASE_CLOSED'
  | 'ERR_HOTPATH_DATABASE_RELEASED'
  | 'ERR_HOTPATH_DATABASE_QUERY'
  | 'ERR_HOTPATH_DATABASE_QUERY_TIMEOUT'
  | 'ERR_HOTPATH_DATABASE_NO_ROW'
  | 'ERR_HOTPATH_DATABASE_TOO_MANY_ROWS'
  | 'ERR_HOTPATH_DATABASE_DECODE'
  | 'ERR_HOTPATH_DATABASE_ROLLED_BACK'
  | 'ERR_HOTPATH_DATABASE_OPEN_TRANSACTION'
  | 'ERR_HOTPATH_DATABASE_INSERT'
  | 'ERR_HOTPATH_DATABASE_INDEX_BUILD'
  | 'ERR_HOTPATH_DATABASE_FOLD';

/** Base of every error of this package but the two for arguments, which are a TypeError and a RangeError. */
export class DatabaseError extends Error {
  override readonly name: string = 'DatabaseError';
  /** Stable across versions, unlike the message. */
  readonly code: DatabaseErrorCode;

  constructor(code: DatabaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An argument or an option has the wrong type. */
export class ArgumentTypeError extends TypeError {
  override readonly name = 'ArgumentTypeError';
  readonly code = 'ERR_HOTPATH_DATABASE_ARGUMENT_TYPE';
}

/** An argument or an option has the right type and a value that cannot be. */
export class ArgumentRangeError extends RangeError {
  override readonly name = 'ArgumentRangeError';
  readonly code = 'ERR_HOTPATH_DATABASE_ARGUMENT_RANGE';
}

/** A connection could not be opened; nothing was sent. `cause` is what the socket or the server said. */
export class ConnectError extends DatabaseError {
  override readonly name = 'ConnectError';

  constructor(where: string, cause: unknown) {
    super('ERR_HOTPATH_DATABASE_CONNECT', `could not connect to ${where}: ${reasonOf(cause)}`, { cause });
  }
}

/** The connection broke while a statement was under way: the server may or may not have executed it. */
export class ConnectionLostError extends DatabaseError {
  override readonly name = 'ConnectionLostError';

  constructor(cause?: unknown) {
    super(
      'ERR_HOTPATH_DATABASE_CONNECTION_LOST',
      `the connection was lost${cause === undefined ? '' : `: ${reasonOf(cause)}`}`,
      cause === undefined ? undefined : { cause },
    );
  }
}

/** Someone who holds a connection. */
export interface LeaseHolder {
  /** Where `acquire`, `transaction` or `stream` was called: `at handler (file:///app.js:10:22)`. */
  readonly site: string;
  /** For how long, in milliseconds. */
  readonly heldMs: number;
}

/** No connection became free in time. `cause` is the last connection failure, when the server could not be reached. */
export class AcquireTimeoutError extends DatabaseError {
  override readonly name = 'AcquireTimeoutError';
  /** Up to three of those who hold a connection, longest first. */
  readonly holders: readonly LeaseHolder[];

  constructor(
    timeoutMs: number,
    active: number,
    max: number,
    waiting: number,
    holders: readonly LeaseHolder[] = [],
    cause?: unknown,
  ) {
    const [longest] = holders;
    super(
      'ERR_HOTPATH_DATABASE_ACQUIRE_TIMEOUT',
      `no connection within ${timeoutMs} ms: ${active} of ${max} in use, ${waiting} callers waiting` +
        (longest === undefined ? '' : `; held longest, ${longest.heldMs} ms, ${longest.site}`) +
        (cause === undefined ? '' : `; last failure to connect: ${reasonOf(cause)}`),
      cause === undefined ? undefined : { cause },
    );
    this.holders = holders;
  }
}

/** `maxWaiters` callers are waiting for a connection already. */
export class QueueFullError extends DatabaseError {
  override readonly name = 'QueueFullError';

  constructor(maxWaiters: number) {
    super(
      'ERR_HOTPATH_DATABASE_QUEUE_FULL',
      `${maxWaiters} callers are waiting for a connection already (maxWaiters)`,
    );
  }
}

/** The database was closed, or its drain time ran out. */
export class ClosedError extends DatabaseError {
  override readonly name = 'ClosedError';

  constructor(message = 'the database is closed') {
    super('ERR_HOTPATH_DATABASE_CLOSED', message);
  }
}

/** A connection or a transaction was used, or released, after its release. */
export class ReleasedError extends DatabaseError {
  override readonly name = 'ReleasedError';

  constructor(message: string) {
    super('ERR_HOTPATH_DATABASE_RELEASED', message);
  }
}

/** The statement did not end within its `timeoutMs`; it was cancelled on the server, unless it was done before that came: it may have taken effect. */
export class QueryTimeoutError extends DatabaseError {
  override readonly name = 'QueryTimeoutError';

  constructor(timeoutMs: number) {
    super('ERR_HOTPATH_DATABASE_QUERY_TIMEOUT', `the statement took longer than ${timeoutMs} ms`);
  }
}

/** `one` got no row. */
export class NoRowError extends DatabaseError {
  override readonly name = 'NoRowError';

  constructor() {
    super('ERR_HOTPATH_DATABASE_NO_ROW', 'expected one row, got none');
  }
}

/** `one` or `maybeOne` got several rows. */
export class TooManyRowsError extends DatabaseError {
  override readonly name = 'TooManyRowsError';
  /** How many there were. */
  readonly rowCount: number;

  constructor(rowCount: number) {
    super('ERR_HOTPATH_DATABASE_TOO_MANY_ROWS', `expected one row, got ${rowCount}`);
    this.rowCount = rowCount;
  }
}

/** A value of a row could not be decoded: a type parser threw `cause`. */
export class DecodeError extends DatabaseError {
  override readonly name = 'DecodeError';

  constructor(cause: unknown) {
    super('ERR_HOTPATH_DATABASE_DECODE', 'a row could not be decoded: a type parser threw', { cause });
  }
}

/** COMMIT was sent, and the server rolled back, because a statement of the transaction had failed. */
export class RolledBackError extends DatabaseError {
  override readonly name = 'RolledBackError';

  constructor() {
    super(
      'ERR_HOTPATH_DATABASE_ROLLED_BACK',
      'COMMIT rolled back: a statement of the transaction had failed before',
    );
  }
}

/** A statement sent to the pool left a transaction open. It was rolled back. */
export class OpenTransactionError extends DatabaseError {
  override readonly name = 'OpenTransactionError';

  constructor() {
    super(
      'ERR_HOTPATH_DATABASE_OPEN_TRANSACTION',
      'the statement left a transaction open, which was rolled back: use transaction() or acquire()',
    );
  }
}

/** Fields of a server's error report that never quote a value. */
export interface ServerReport {
  readonly sqlState: string;
  readonly severity?: string;
  readonly hint?: string;
  readonly position?: number;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly dataType?: string;
  readonly constraint?: string;
  readonly routine?: string;
}

/**
 * The server refused a statement. The connection stays in the pool.
 *
 * The message never quotes a row's values; `cause`, the server's own report, may (`cause.detail`).
 */
export class QueryError extends DatabaseError implements ServerReport {
  override readonly name = 'QueryError';
  /** Five characters: `23505` is a unique violation. */
  readonly sqlState: string;
  declare readonly severity?: string;
  declare readonly hint?: string;
  /** Index of the character in the statement, from 1. */
  declare readonly position?: number;
  declare readonly schema?: string;
  declare readonly table?: string;
  declare readonly column?: string;
  declare readonly dataType?: string;
  declare readonly constraint?: string;
  /** Function of the server's source that reported it. */
  declare readonly routine?: string;

  constructor(message: string, report: ServerReport, cause: unknown) {
    super('ERR_HOTPATH_DATABASE_QUERY', message, { cause });
    this.sqlState = report.sqlState;
    Object.assign(this, report);
  }
}

/** A batch insert stopped. `cause` is why; the counts say what is in the table. */
export class InsertError extends DatabaseError {
  override readonly name = 'InsertError';
  /** Rows that are committed: 0 under `transaction: 'all'`. Within a transaction of the caller, rows sent. */
  readonly insertedRows: number;
  /** Index of the first row of the chunk that failed, from 0. */
  readonly firstRow: number;
  /** Rows of the chunk that failed. */
  readonly chunkRows: number;

  constructor(
    table: string,
    at: { readonly insertedRows: number; readonly firstRow: number; readonly chunkRows: number },
    cause: unknown,
  ) {
    super(
      'ERR_HOTPATH_DATABASE_INSERT',
      `insert into ${table} failed in rows ${at.firstRow} to ${at.firstRow + at.chunkRows - 1}, ` +
        `${at.insertedRows} rows inserted: ${reasonOf(cause)}`,
      { cause },
    );
    this.insertedRows = at.insertedRows;
    this.firstRow = at.firstRow;
    this.chunkRows = at.chunkRows;
  }
}

/** Why an index was not built. */
export type IndexBuildFailure =
  /** The server refused it: `cause` says why (a duplicate under `unique`, a column that does not exist). */
  | 'refused'
  /** A lock was not to be had within `lockTimeoutMs`, at any attempt. */
  | 'locked'
  /** Another index or relation has its name. */
  | 'name-taken'
  /** Another session is building it right now. */
  | 'under-way'
  /** The connection broke, or the signal was aborted. */
  | 'interrupted';

/** An index could not be built. The table is as it was, but where `invalidIndexLeft` is true. */
export class IndexBuildError extends DatabaseError {
  override readonly name = 'IndexBuildError';
  readonly reason: IndexBuildFailure;
  /** Name of the index. */
  readonly index: string;
  readonly attempts: number;
  /** An INVALID index of this name could not be dropped: writes maintain it, no query uses it. Calling again drops it first. */
  readonly invalidIndexLeft: boolean;

  constructor(
    index: string,
    reason: IndexBuildFailure,
    state: { readonly attempts: number; readonly invalidIndexLeft: boolean },
    cause?: unknown,
  ) {
    const left = state.invalidIndexLeft ? '; an INVALID index is left' : '';
    const why = cause === undefined ? '' : `: ${reasonOf(cause)}`;
    super(
      'ERR_HOTPATH_DATABASE_INDEX_BUILD',
      `index ${index} was not built (${reason}, ${state.attempts} attempts)${why}${left}`,
      cause === undefined ? undefined : { cause },
    );
    this.index = index;
    this.reason = reason;
    this.attempts = state.attempts;
    this.invalidIndexLeft = state.invalidIndexLeft;
  }
}

/** Rows given to a fold do not have the shape that its plan promises. */
export class FoldError extends DatabaseError {
  override readonly name = 'FoldError';

  constructor(message: string) {
    super('ERR_HOTPATH_DATABASE_FOLD', message);
  }
}

/**
 * True when the same call may succeed if it is made again, and cannot have taken effect already: a serialization failure
 * or a deadlock (repeat the whole transaction), a server that could not be reached, no connection in time.
 */
export function isRetryable(error: unknown): boolean {
  if (error instanceof QueryError) return error.sqlState === '40001' || error.sqlState === '40P01';
  if (error instanceof IndexBuildError) return error.reason === 'locked' || error.reason === 'interrupted';
  if (error instanceof InsertError) return error.insertedRows === 0 && isRetryable(error.cause);
  return (
    error instanceof ConnectError || error instanceof AcquireTimeoutError || error instanceof QueueFullError
  );
}

/** How an unexpected value is named in a message: its type, and a number or a boolean itself; never a string's content. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'undefined' ? 'undefined' : `a value of type ${typeof value}`;
}

/** Checks the type of an argument. @internal */
export function invalidType(argument: string, expected: string, got: unknown): ArgumentTypeError {
  return new ArgumentTypeError(`${argument}: expected ${expected}, got ${describe(got)}`);
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown reason';
  // Node reports a host with several addresses as an AggregateError without a message of its own.
  const { code } = cause as NodeJS.ErrnoException;
  return cause.message || code || cause.name;
}
