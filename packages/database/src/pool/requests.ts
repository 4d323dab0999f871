import { QueryTimeoutError, invalidType } from '../errors.ts';
import type { QueryOptions, QueryResult } from '../queryable.ts';
import { encodeCall, plainValues } from './bind.ts';
import type { Connection } from './connection.ts';
import { type CopyFrames, CopyStatement } from './copy.ts';
import { type FoldQuery, FoldStatement } from './fold-statement.ts';
import { type ResolvedOptions, checkOptionsObject, checkSignal, delay } from './options.ts';
import { type Batch, type Portal, PortalStatement, type PortalStep } from './portal.ts';
import { textChangesSession } from './session-state.ts';
import { type Request, Statement, type StatementOrigin } from './statement.ts';
import { StatementTexts, checkText } from './statement-texts.ts';

/** Distinct texts whose names are kept, for each statement that a connection may keep. */
const TEXTS_PER_STATEMENT = 4;

/** Has a statement sent; returns how to abort it while it waits for that. */
export type Start = (statement: Statement) => ((reason: unknown) => void) | undefined;

/** Makes statements of what callers give, and ties each to its signal and its time limit. */
export class Requests {
  readonly #options: ResolvedOptions;
  readonly #texts: StatementTexts;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#texts = new StatementTexts(Math.max(1, options.statementCacheSize * TEXTS_PER_STATEMENT));
  }

  /**
   * Encodes a statement, has it sent by `start`, and ties it to its signal and time limit. `start` returns how to abort it
   * while it is not sent yet.
   */
  run<Row extends object>(
    text: string,
    values: readonly unknown[] | undefined,
    options: QueryOptions | undefined,
    origin: StatementOrigin,
    start: Start,
  ): Promise<QueryResult<Row>> {
    return new Promise((resolve, reject) => {
      // What throws in here rejects the promise.
      const request = this.#encode(text, values, options?.prepare ?? true);
      this.#start(options, start, resolve, reject, (resolve, reject) => {
        return new Statement(request, origin, resolve, reject);
      });
    });
  }

  /** The same for a statement whose rows are folded while they come; resolves with what was made of them. */
  fold(query: FoldQuery, origin: StatementOrigin, start: Start): Promise<object[]> {
    const { text, values, open, options } = query;
    return new Promise((resolve, reject) => {
      const request = this.#encode(text, values, options?.prepare ?? true);
      const done = (result: QueryResult<never>): void => {
        resolve(result.rows);
      };
      this.#start(options, start, done, reject, (resolve, reject) => {
        return new FoldStatement(request, origin, resolve, reject, open);
      });
    });
  }

  /** The same for `COPY … FROM STDIN`. */
  copy(
    text: string,
    frames: CopyFrames,
    options: QueryOptions | undefined,
    origin: StatementOrigin,
    start: Start,
  ): Promise<QueryResult> {
    return new Promise((resolve, reject) => {
      const request = this.#encode(text, undefined, false);
      this.#start(options, start, resolve, reject, (resolve, reject) => {
        return new CopyStatement(request, origin, resolve, reject, frames);
      });
    });
  }

  /** The same for one exchange with a portal. */
  portal(portal: Portal, step: PortalStep, signal: AbortSignal | undefined, start: Start): Promise<Batch> {
    return new Promise((resolve, reject) => {
      const { text } = portal;
      const changesSession = step === 'first' && textChangesSession(text);
      // What it sends is up to the portal; that there is a call keeps it out of the simple protocol.
      const request = { text, call: portal.execute, name: '', changesSession, shareable: false };
      let statement: PortalStatement;
      const done = (result: QueryResult<never>): void => {
        resolve({ rows: result.rows, more: statement.suspended });
      };
      this.#start({ signal }, start, done, reject, (resolve, reject) => {
        statement = new PortalStatement(request, resolve, reject, portal, step);
        return statement;
      });
    });
  }

  #start(
    options: QueryOptions | undefined,
    start: Start,
    resolve: (result: QueryResult<never>) => void,
    reject: (error: unknown) => void,
    make: (resolve: (result: QueryResult<never>) => void, reject: (error: unknown) => void) => Statement,
  ): void {
    if (options !== undefined) checkOptionsObject(options);
    const signal = options?.signal;
    checkSignal(signal);
    const timeoutMs =
      options?.timeoutMs === undefined
        ? this.#options.queryTimeoutMs
        : delay('timeoutMs', options.timeoutMs, 0, 0);
    if (signal === undefined && timeoutMs === 0) {
      const statement = make(resolve, reject);
      statement.shared = statement.request.shareable;
      start(statement);
      return;
    }
    if (signal?.aborted) throw signal.reason;
    const { clock } = this.#options;
    let timer: unknown;
    let sentOn: Connection | undefined;
    const finish = (): void => {
      if (timer !== undefined) clock.clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const abort = (reason: unknown): void => {
      if (sentOn === undefined) abortUnsent?.(reason);
      else sentOn.abort(statement, reason);
    };
    const onAbort = (): void => {
      abort(signal!.reason);
    };
    const statement = make(
      (result) => {
        finish();
        resolve(result);
      },
      (error) => {
        finish();
        reject(error);
      },
    );
    statement.onSent = (connection) => {
      sentOn = connection;
      if (timeoutMs === 0 || timer !== undefined) return;
      timer = clock.setTimeout(() => {
        abort(new QueryTimeoutError(timeoutMs));
      }, timeoutMs);
    };
    signal?.addEventListener('abort', onAbort);
    const abortUnsent = start(statement);
  }

  /** For `pg`'s own queries, which encode by themselves; never prepared, as nothing would evict what is. */
  #plain(text: string, values: readonly unknown[]): Request {
    checkText(text);
    return {
      text,
      values,
      call: undefined,
      name: '',
      changesSession: textChangesSession(text),
      shareable: false,
    };
  }

  #encode(text: string, values: readonly unknown[] | undefined, prepare: boolean): Request {
    if (typeof text !== 'string') throw invalidType('text', 'a string', text);
    if (values !== undefined) {
      if (!Array.isArray(values)) throw invalidType('values', 'an array', values);
      if (this.#options.plain) return this.#plain(text, plainValues(values));
      if (prepare && this.#options.statementCacheSize > 0) {
        const entry = this.#texts.for(text);
        return {
          text,
          call: encodeCall(entry.name, values),
          name: entry.name,
          changesSession: entry.changesSession,
          shareable: entry.shareable,
          group: entry.group,
        };
      }
    }
    checkText(text);
    return {
      text,
      call: values === undefined ? undefined : encodeCall('', values),
      name: '',
      changesSession: textChangesSession(text),
      shareable: false,
    };
  }
}
