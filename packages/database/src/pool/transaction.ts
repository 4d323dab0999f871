import { DatabaseError, ArgumentRangeError, QueryError, ReleasedError, invalidType } from '../errors.ts';
import type { OwnPool, OwnSession } from '../own-session.ts';
import type { QueryOptions, QueryResult, Session } from '../queryable.ts';
import { type AnyQuery, SessionMethods, queryParts } from '../session.ts';
import { backoffMs } from './backoff.ts';
import type { CopyFrames } from './copy.ts';
import type { FoldQuery } from './fold-statement.ts';
import { Lease } from './lease.ts';
import { type ResolvedOptions, checkOptionsObject, integer } from './options.ts';
import type { Pool } from './pool.ts';
import { rollBack } from './roll-back.ts';
import { type RowStream, type StreamOptions, type Streaming, openStream, sharedHost } from './stream.ts';

/** How much of other transactions a transaction sees. */
export type IsolationLevel = 'read committed' | 'repeatable read' | 'serializable';

/** Options of `transaction`. */
export interface TransactionOptions {
  /** Default: what the server has set, normally `read committed`. */
  readonly isolation?: IsolationLevel | undefined;
  /** Refuses writes. Default: what the server has set, normally false. */
  readonly readOnly?: boolean | undefined;
  /** With `serializable` and `readOnly`: waits for a moment in which no conflict is possible. Default false. */
  readonly deferrable?: boolean | undefined;
  /**
   * How often the whole function may be run again after a serialization failure (40001) or a deadlock (40P01), 0 to 1000,
   * with growing pauses between. Whatever the function does besides the transaction is done again, too. Default 0.
   */
  readonly retries?: number | undefined;
  /** Cancels the wait for a connection, the statement under way and every later one; the transaction is rolled back. */
  readonly signal?: AbortSignal | undefined;
  /** Time to wait for a connection, in milliseconds. Default: `acquireTimeoutMs` of the database. */
  readonly acquireTimeoutMs?: number | undefined;
}

/** What the function of `transaction` gets: statements within the transaction, valid until the function is done. */
export interface Transaction extends Session, Streaming {
  /** True: tells {@link insertMany} that it is inside a transaction already. */
  readonly inTransaction: true;
}

const LEVELS: readonly string[] = ['read committed', 'repeatable read', 'serializable'];
const RETRY_MIN_MS = 5;
const RETRY_MAX_MS = 1_000;

/** BEGIN with its modes, of checked options only. */
export function beginText(options: TransactionOptions): string {
  const { isolation, readOnly, deferrable } = options;
  if (isolation !== undefined && !LEVELS.includes(isolation)) {
    throw new ArgumentRangeError(`isolation: expected ${LEVELS.join(', ')}, got something else`);
  }
  if (readOnly !== undefined && typeof readOnly !== 'boolean')
    throw invalidType('readOnly', 'a boolean', readOnly);
  if (deferrable !== undefined && typeof deferrable !== 'boolean') {
    throw invalidType('deferrable', 'a boolean', deferrable);
  }
  let text = 'BEGIN';
  if (isolation !== undefined) text += ` ISOLATION LEVEL ${isolation.toUpperCase()}`;
  if (readOnly !== undefined) text += readOnly ? ' READ ONLY' : ' READ WRITE';
  if (deferrable !== undefined) text += deferrable ? ' DEFERRABLE' : ' NOT DEFERRABLE';
  return text;
}

/** Runs a function in a transaction; see `Database.transaction`. `stack` says who asks (see lease-watch.ts). */
export async function runTransaction<Result>(
  pool: Pool,
  f: (transaction: Transaction) => Promise<Result>,
  options: TransactionOptions,
  stack: string,
): Promise<Result> {
  if (typeof f !== 'function') throw invalidType('f', 'a function', f);
  checkOptionsObject(options);
  const begin = beginText(options);
  const retries = integer('retries', options.retries, 0, 0, 1_000);
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(pool, f, begin, options, stack);
    } catch (error) {
      if (attempt > retries || !isConflict(error)) throw error;
      await pause(pool.options, attempt, options.signal);
    }
  }
}

async function attemptOnce<Result>(
  pool: Pool,
  f: (transaction: Transaction) => Promise<Result>,
  begin: string,
  options: TransactionOptions,
  stack: string,
): Promise<Result> {
  const { signal } = options;
  const lease = new Lease(pool, await pool.acquire({ signal, timeoutMs: options.acquireTimeoutMs }, stack));
  const transaction = new TransactionSession(lease, signal);
  try {
    await lease.query(begin, undefined, { signal });
    const result = await f(transaction);
    transaction.end();
    if (signal?.aborted) throw signal.reason;
    // Not cancelled by the signal any more: nobody would know whether it took effect.
    await lease.query('COMMIT');
    lease.release();
    return result;
  } catch (error) {
    transaction.end();
    await rollBack(lease, pool.options.cancelGraceMs);
    throw error;
  }
}

/** A conflict with another transaction, wherever it was wrapped on its way here. */
function isConflict(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof QueryError) return cause.sqlState === '40001' || cause.sqlState === '40P01';
    if (!(cause instanceof DatabaseError)) return false;
  }
  return false;
}

function pause(options: ResolvedOptions, attempt: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) throw signal.reason;
    const onAbort = (): void => {
      options.clock.clearTimeout(timer);
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason is the caller's choice
      reject(signal!.reason);
    };
    const timer = options.clock.setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      backoffMs(attempt, RETRY_MIN_MS, RETRY_MAX_MS, options.random),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

class TransactionSession extends SessionMethods implements Transaction, OwnSession {
  readonly inTransaction = true;
  readonly hotpathPool: OwnPool;
  readonly #lease: Lease;
  readonly #signal: AbortSignal | undefined;
  #ended = false;

  constructor(lease: Lease, signal: AbortSignal | undefined) {
    super();
    this.hotpathPool = lease.hotpathPool;
    this.#lease = lease;
    this.#signal = signal;
  }

  protected run<Row extends object>(
    text: string,
    values: readonly unknown[] | undefined,
    options: QueryOptions | undefined,
  ): Promise<QueryResult<Row>> {
    if (this.#ended) return Promise.reject(over());
    return this.#lease.query(text, values, this.#withSignal(options));
  }

  stream<Row extends object = Record<string, unknown>>(
    query: AnyQuery<Row>,
    second?: readonly unknown[] | StreamOptions,
    third?: StreamOptions,
  ): RowStream<Row> {
    const { text, values, options } = queryParts(query, second, third);
    return openStream(text, values, this.#withSignal(options), () => {
      if (this.#ended) return Promise.reject(over());
      return Promise.resolve(sharedHost(this.#lease));
    });
  }

  hotpathCopy(text: string, frames: CopyFrames, options: QueryOptions): Promise<QueryResult> {
    if (this.#ended) return Promise.reject(over());
    return this.#lease.hotpathCopy(text, frames, this.#withSignal(options) ?? options);
  }

  hotpathFold(query: FoldQuery): Promise<object[]> {
    if (this.#ended) return Promise.reject(over());
    return this.#lease.hotpathFold({ ...query, options: this.#withSignal(query.options) });
  }

  #withSignal<Options extends { readonly signal?: AbortSignal | undefined }>(
    options: Options | undefined,
  ): Options | undefined {
    const signal = this.#signal;
    if (signal === undefined) return options;
    const own = options?.signal;
    // What is none is refused further on, as without a signal of the transaction's.
    if (own !== undefined && typeof own?.addEventListener !== 'function') return options;
    return {
      ...(options as Options),
      signal: own === undefined || own === signal ? signal : AbortSignal.any([signal, own]),
    };
  }

  end(): void {
    this.#ended = true;
  }
}

function over(): ReleasedError {
  return new ReleasedError('the transaction is over: it cannot be used any more');
}
