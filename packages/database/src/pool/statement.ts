import {
  DatabaseError,
  DecodeError,
  FoldError,
  OpenTransactionError,
  type QueryError,
  RolledBackError,
} from '../errors.ts';
import type { QueryResult, ResultField } from '../queryable.ts';
import { DESCRIBE_PORTAL, EXECUTE_SYNC_BYTES, encodeClose } from './bind.ts';
import type { Connection } from './connection.ts';
import { ResultShape, type RowDecoders } from './decode.ts';
import type { PgConnection, PgResult, TransactionStatus } from './pg-internals.ts';
import { toQueryError } from './query-error.ts';
import { tagChangesSession } from './session-state.ts';
import type { PreparedStatements, SyncGrouping } from './statement-texts.ts';

/** The bytes of a row that came by way of `pg`, as they were on the wire. */
function wireBytes(texts: readonly (string | null)[]): Buffer {
  const parts: Buffer[] = [];
  for (const text of texts) {
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(text === null ? -1 : Buffer.byteLength(text));
    parts.push(length);
    if (text !== null) parts.push(Buffer.from(text));
  }
  return Buffer.concat(parts);
}

/** What a statement needs of the connection that it is sent on. */
export interface StatementHost {
  readonly prepared: PreparedStatements<ResultShape>;
  readonly decoders: RowDecoders;
  /** Names that left `prepared` and are still to be closed on the server. */
  readonly toClose: string[];
}

/** A statement as the caller gave it, encoded; it can be sent more than once. */
export interface Request {
  readonly text: string;
  /** Given for `pg`'s own query only (see plain.ts); then there is no `call`. */
  readonly values?: readonly unknown[];
  /** Bind, Execute and Sync; `undefined` for the simple protocol. */
  readonly call: Buffer | undefined;
  /** Name of the prepared statement; empty for an unnamed one. */
  readonly name: string;
  /** The text may change what the next user of the connection would meet (see session-state.ts). */
  readonly changesSession: boolean;
  /** It only reads, so it may share a connection with others (see session-state.ts). */
  readonly shareable: boolean;
  /** Given where others of the same text may share its Sync (see groups.ts). */
  readonly group?: SyncGrouping | undefined;
}

/** Who sent a statement: the pool for a caller, the holder of a connection, or the pool for itself. */
export type StatementOrigin = 'pool' | 'lease' | 'internal';

const ENDS_TRANSACTION = /\b(?:rollback|abort)\b/iu;

/** Errors raised before a statement runs, that a new Parse mends: a changed result type, a lost or an unknown-to-us statement. */
function isStale(error: QueryError): boolean {
  switch (error.sqlState) {
    case '0A000':
      return error.routine === 'RevalidateCachedQuery';
    case '26000':
      return error.routine === 'FetchPreparedStatement';
    case '42P05':
      return error.routine === 'StorePreparedStatement';
    default:
      return false;
  }
}

/**
 * One statement on its way: written by `submit`, filled by the handlers as the server's messages come, and settled by its
 * connection at ReadyForQuery, when the connection is really free again.
 *
 * Where the pool is plain, `pg.Client` calls these methods, under these names.
 */
export class Statement {
  readonly request: Request;
  readonly #resolve: (result: QueryResult<never>) => void;
  readonly #reject: (error: unknown) => void;
  /** True once the caller has an answer: what still comes is dropped. */
  settled = false;
  readonly #origin: StatementOrigin;
  /** Called each time it is about to be written. */
  onSent: ((connection: Connection) => void) | undefined;
  /** It may share a connection: it only reads, and nobody will cancel it. */
  shared = false;
  /** When it was last written, on the clock of the connection. */
  sentAt = 0;
  /** A Sync follows it. False within a group that shares one; see groups.ts. */
  endsExchange = true;
  error: Error | undefined;
  tag = '';
  /** True when it may have changed the session for whoever comes next. */
  changedSession = false;
  #host: StatementHost | undefined;
  #rows: object[] = [];
  protected shape: ResultShape | undefined;
  #rowCount = 0;
  /** Columns were described since the last statement of the text was done. */
  #described = false;
  #healed = false;
  /** True when this one parsed: after an error nobody knows how far it came. */
  #parsed = false;
  /** A COMMIT in the text rolled back, be it the last of its statements or not. */
  #rolledBack = false;

  constructor(
    request: Request,
    origin: StatementOrigin,
    resolve: (result: QueryResult<never>) => void,
    reject: (error: unknown) => void,
  ) {
    this.request = request;
    this.#origin = origin;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Called by the connection before each sending. */
  attach(host: StatementHost): void {
    this.#host = host;
    this.error = undefined;
    this.tag = '';
    this.#rows = [];
    this.shape = undefined;
    this.#rowCount = 0;
    this.#parsed = false;
    this.#rolledBack = false;
    this.endsExchange = true;
    this.changedSession = this.request.changesSession;
  }

  /** It is written as one of a group: its columns are known, and others may end its exchange. */
  join(shape: ResultShape | undefined, endsExchange: boolean): void {
    this.shape = shape;
    this.endsExchange = endsExchange;
  }

  /** Writes its messages. */
  submit(connection: PgConnection): null {
    const { call, name, text } = this.request;
    if (call === undefined) {
      connection.query(text);
      return null;
    }
    const host = this.#host!;
    const { stream } = connection;
    const prepared = name === '' ? undefined : host.prepared.get(name);
    if (prepared !== undefined && prepared.shape !== undefined && host.toClose.length === 0) {
      this.shape = prepared.shape;
      stream.write(call);
      return null;
    }
    stream.cork();
    for (const closed of host.toClose) stream.write(encodeClose(closed));
    host.toClose.length = 0;
    if (prepared === undefined) {
      this.#parsed = true;
      if (name !== '') {
        const evicted = host.prepared.add(name);
        if (evicted !== undefined) stream.write(encodeClose(evicted));
      }
      connection.parse({ text, name });
    }
    if (prepared?.shape === undefined) {
      const end = call.length - EXECUTE_SYNC_BYTES;
      stream.write(call.subarray(0, end));
      stream.write(DESCRIBE_PORTAL);
      stream.write(call.subarray(end));
    } else {
      this.shape = prepared.shape;
      stream.write(call);
    }
    stream.uncork();
    return null;
  }

  handleRowDescription(message: { readonly fields: readonly ResultField[] }): void {
    const host = this.#host!;
    try {
      this.shape = this.describe(host.decoders, message.fields);
    } catch (cause) {
      this.error ??= new DecodeError(cause);
      return;
    }
    this.#rows = [];
    this.#described = true;
    const { name, call } = this.request;
    if (call === undefined || name === '') return;
    const prepared = host.prepared.get(name);
    if (prepared !== undefined) prepared.shape = this.shape;
  }

  /** What makes rows of columns such as these. */
  protected describe(decoders: RowDecoders, fields: readonly ResultField[]): ResultShape {
    return decoders.for(fields);
  }

  /** A row from the wire; see wire.ts. */
  handleRow(bytes: Buffer, columns: number, at: number, end: number): void {
    if (this.settled || this.error !== undefined) return;
    const shape = this.shape;
    if (shape === undefined || columns !== shape.fields.length) {
      this.error = new DecodeError(new Error(`a row of ${columns} columns came, which nothing described`));
      return;
    }
    try {
      this.takeRow(shape, bytes, at, end);
    } catch (cause) {
      this.error = cause instanceof FoldError ? cause : new DecodeError(cause);
    }
  }

  /** A row by way of `pg`, where its stream could not be read directly. */
  handleDataRow(message: { readonly fields: readonly (string | null)[] }): void {
    const bytes = wireBytes(message.fields);
    this.handleRow(bytes, message.fields.length, 0, bytes.length);
  }

  protected takeRow(shape: ResultShape, bytes: Buffer, at: number, end: number): void {
    this.#rows.push(shape.decode(bytes, at, end));
  }

  /** What the caller gets as rows, once all have come. */
  protected takenRows(): object[] {
    return this.#rows;
  }

  /** `SELECT` with its number of rows; otherwise as {@link handleCommandComplete}. */
  handleSelected(rowCount: number): void {
    if (this.request.call === undefined) this.#answered();
    this.tag = 'SELECT';
    this.#rowCount = rowCount;
  }

  handleCommandComplete(message: { readonly text: string }): void {
    const { text } = message;
    if (this.request.call === undefined) this.#answered();
    // `INSERT 0 5`, `SELECT 5`, `CREATE TABLE`: the count is the last word, when that is a number.
    const space = text.lastIndexOf(' ');
    const count = space < 0 ? Number.NaN : Number(text.slice(space + 1));
    if (Number.isNaN(count)) {
      this.tag = text;
      this.#rowCount = 0;
    } else {
      this.tag = text.startsWith('INSERT ') ? 'INSERT' : text.slice(0, space);
      this.#rowCount = count;
    }
    this.#noteTag();
    if (this.tag === 'DISCARD ALL' || this.tag === 'DEALLOCATE ALL') this.#host!.prepared.clear();
  }

  #noteTag(): void {
    const { tag } = this;
    const { text } = this.request;
    if (tagChangesSession(tag, text)) this.changedSession = true;
    else if (tag === 'ROLLBACK' && !ENDS_TRANSACTION.test(text)) this.#rolledBack = true;
  }

  /** One of several statements in a text is done. The last one answers: rows of one before it are not the answer of one without rows. */
  #answered(): void {
    if (!this.#described) {
      this.#rows = [];
      this.shape = undefined;
    }
    this.#described = false;
  }

  /** What `pg`'s own query answered, where it is used instead of this class. */
  takePlainly(error: unknown, given: PgResult | readonly PgResult[] | undefined): void {
    if (error !== undefined && error !== null) {
      // What is not the server's comes from a type parser; a broken connection settles everything by itself.
      this.error ??= error instanceof Error && 'severity' in error ? error : new DecodeError(error);
      return;
    }
    for (const result of [given ?? []].flat()) {
      this.tag = result.command ?? '';
      this.#rowCount = result.rowCount ?? 0;
      this.#rows = result.rows;
      const fields = result.fields.map(({ name, dataTypeID }) => ({ name, dataTypeID }));
      this.shape = new ResultShape(fields, []);
      this.#noteTag();
    }
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleReadyForQuery(): void {}

  handleCopyInResponse(connection: PgConnection): void {
    connection.sendCopyFail('COPY FROM STDIN has no source here');
    // The server takes no notice of a Sync while it waits for data, and that was sent with the call.
    const { call, values } = this.request;
    if (call !== undefined || values !== undefined) connection.sync();
  }

  handleCopyData(): void {}

  handleError(error: Error): void {
    // The first report counts: what follows is the connection ending.
    this.error ??= error;
  }

  /**
   * Called by the connection at ReadyForQuery. True when the statement is to be sent once more, because its preparation was
   * out of date and nothing was executed.
   */
  finish(statusBefore: TransactionStatus): boolean {
    const { error } = this;
    const host = this.#host!;
    if (error !== undefined && !(error instanceof DatabaseError)) {
      const reported = toQueryError(error);
      this.error = reported;
      const { name } = this.request;
      if (name !== '') {
        const stale = isStale(reported);
        if (stale || this.#parsed) {
          if (reported.sqlState === '26000') host.prepared.clear();
          else host.prepared.delete(name);
          host.toClose.push(name);
        }
        if (stale && !this.#healed && !this.settled && statusBefore === 'I') {
          this.#healed = true;
          return true;
        }
      }
    } else if (error === undefined && this.#rolledBack) {
      this.error = new RolledBackError();
    }
    // A prepared statement without rows has no description: it is described for good.
    if (this.error === undefined && this.shape === undefined && this.request.name !== '') {
      const prepared = host.prepared.get(this.request.name);
      if (prepared !== undefined) prepared.shape = NO_COLUMNS;
    }
    return false;
  }

  /** Tells the caller the end; later ends are ignored. */
  settle(status: TransactionStatus): void {
    if (this.settled) return;
    this.settled = true;
    if (status !== 'I' && this.#origin === 'pool') this.error ??= new OpenTransactionError();
    if (this.error !== undefined) {
      this.#reject(this.error);
      return;
    }
    let rows: object[];
    try {
      rows = this.takenRows();
    } catch (error) {
      this.#reject(error);
      return;
    }
    this.#resolve({
      rows: rows as never[],
      rowCount: this.#rowCount,
      command: this.tag,
      fields: this.shape?.fields ?? [],
    });
  }

  /** Called when the caller no longer waits although it was sent. */
  abandon(): void {}

  fail(error: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.#reject(error);
  }
}

/** Of a statement without a result. */
const NO_COLUMNS = new ResultShape([], []);
