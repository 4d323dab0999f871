import { ArgumentTypeError } from './errors.ts';
import { type DatabaseHealth, type HealthOptions, checkHealth } from './health.ts';
import { clientConfig } from './pool/connect.ts';
import type { CopyFrames } from './pool/copy.ts';
import type { FoldQuery } from './pool/fold-statement.ts';
import { type DatabaseOptions, checkOptionsObject, delay, resolveOptions } from './pool/options.ts';
import { PgClientClass, internalsHold } from './pool/pg-internals.ts';
import { Lease, type LeasedConnection } from './pool/lease.ts';
import { captureStack } from './pool/lease-watch.ts';
import type { DatabaseMetrics } from './pool/metrics.ts';
import { type AcquireOptions, Pool } from './pool/pool.ts';
import { type RowStream, type StreamOptions, type Streaming, openStream, ownHost } from './pool/stream.ts';
import { type Transaction, type TransactionOptions, runTransaction } from './pool/transaction.ts';
import type { OwnPool, OwnSession } from './own-session.ts';
import type { QueryOptions, QueryResult, Session } from './queryable.ts';
import { type AnyQuery, SessionMethods, queryParts } from './session.ts';

/** Options of `close`. */
export interface CloseOptions {
  /** Time for what is under way, in milliseconds; then it is cut off. 0 cuts at once. Default 30,000. */
  readonly drainMs?: number | undefined;
}

/** A Postgres database behind a pool of connections. Made by {@link createDatabase}. */
export interface Database extends Session, Streaming, AsyncDisposable {
  /**
   * Runs `f` in a transaction on a connection of its own: commits when its promise resolves, rolls back when it rejects.
   *
   * @throws what `f` throws.
   * @throws {RolledBackError} when a statement failed, `f` hid that, and so COMMIT rolled back.
   * @throws {AcquireTimeoutError} {QueueFullError} {ConnectError} {ClosedError} when there is no connection to be had.
   *
   * @example
   * ```ts
   * await db.transaction(async (tx) => {
   *   await tx.query('UPDATE accounts SET balance = balance - $1 WHERE id = $2', [10, 1]);
   *   await tx.query('UPDATE accounts SET balance = balance + $1 WHERE id = $2', [10, 2]);
   * }, { isolation: 'serializable', retries: 3 });
   * ```
   */
  transaction<Result>(
    f: (transaction: Transaction) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  /**
   * Lends a connection. Whoever asked first gets the next free one. Release it, or declare it with `using`.
   *
   * @throws {AcquireTimeoutError} after `timeoutMs`.
   * @throws {QueueFullError} when `maxWaiters` callers wait already.
   * @throws {ConnectError} when the server refuses us for a lasting reason; passing ones are tried again.
   * @throws {ClosedError} after `close`.
   * @throws the signal's reason when aborted.
   */
  acquire(options?: AcquireOptions): Promise<LeasedConnection>;
  /**
   * Opens connections until there are `min`. Optional: the first use starts the same in the background.
   *
   * @throws {ConnectError} when one cannot be opened, at the first attempt.
   */
  warm(): Promise<void>;
  /** A snapshot; cheap. */
  metrics(): DatabaseMetrics;
  /**
   * Asks the server for a sign of life, on a connection that it waits for like everyone else: a pool without a free one in time is not
   * healthy either. For a readiness probe. Does not reject for what it finds, only for an option that cannot be.
   *
   * @throws {ArgumentTypeError} {ArgumentRangeError}
   */
  health(options?: HealthOptions): Promise<DatabaseHealth>;
  /**
   * Closes: new calls are refused, those that wait or run get `drainMs`, and then everything is cut off. Resolves when the last
   * socket is closed: where a server does not answer, `cancelGraceMs` later. May be called again, to shorten the time.
   */
  close(options?: CloseOptions): Promise<void>;
}

const DEFAULT_DRAIN_MS = 30_000;
const DEFAULT_HEALTH_MS = 2_000;

const systemClock = {
  now: (): number => performance.now(),
  setTimeout: (callback: () => void, delayMs: number): unknown => setTimeout(callback, delayMs),
  clearTimeout: (timer: unknown): void => {
    clearTimeout(timer as NodeJS.Timeout);
  },
};

/**
 * Makes a database: a pool of connections to Postgres that keeps itself warm, serves its callers in order, prepares
 * statements by itself, cancels on the server what is aborted, and lends no connection that a former user left in disorder.
 *
 * Opens nothing yet. Close it, or the process will not end.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError} for options that cannot be.
 *
 * @example
 * ```ts
 * await using db = createDatabase({ connectionString: process.env.DATABASE_URL });
 * const { rows } = await db.query<{ id: number }>('SELECT id FROM users WHERE email = $1', ['ada@example.com']);
 * ```
 */
export function createDatabase(options: DatabaseOptions = {}): Database {
  const resolved = resolveOptions(options, systemClock, !internalsHold());
  if (options.connectionString !== undefined) {
    try {
      // Parses it; opens nothing.
      void new PgClientClass(clientConfig(options));
    } catch {
      // Without a cause: the parser's error may quote the string, and a password with it.
      throw new ArgumentTypeError('connectionString: expected a Postgres URL, got one that cannot be parsed');
    }
  }
  return new PooledDatabase(new Pool(resolved));
}

class PooledDatabase extends SessionMethods implements Database, OwnSession {
  readonly #pool: Pool;

  get hotpathPool(): OwnPool {
    return this.#pool;
  }

  constructor(pool: Pool) {
    super();
    this.#pool = pool;
  }

  protected run<Row extends object>(
    text: string,
    values: readonly unknown[] | undefined,
    options: QueryOptions | undefined,
  ): Promise<QueryResult<Row>> {
    return this.#pool.requests.run(text, values, options, 'pool', this.#pool.submit);
  }

  hotpathCopy(text: string, frames: CopyFrames, options: QueryOptions): Promise<QueryResult> {
    return this.#pool.requests.copy(text, frames, options, 'pool', this.#pool.submit);
  }

  hotpathFold(query: FoldQuery): Promise<object[]> {
    return this.#pool.requests.fold(query, 'pool', this.#pool.submit);
  }

  stream<Row extends object = Record<string, unknown>>(
    query: AnyQuery<Row>,
    second?: readonly unknown[] | StreamOptions,
    third?: StreamOptions,
  ): RowStream<Row> {
    const { text, values, options } = queryParts(query, second, third);
    const stack = captureStack(this, 'stream');
    const lend = async (signal: AbortSignal | undefined): Promise<Lease> =>
      new Lease(this.#pool, await this.#pool.acquire({ signal }, stack));
    return openStream(text, values, options, (portal, signal) => ownHost(lend, this.#pool, portal, signal));
  }

  transaction<Result>(
    f: (transaction: Transaction) => Promise<Result>,
    options: TransactionOptions = {},
  ): Promise<Result> {
    return runTransaction(this.#pool, f, options, captureStack(this, 'transaction'));
  }

  async acquire(options: AcquireOptions = {}): Promise<LeasedConnection> {
    return new Lease(this.#pool, await this.#pool.acquire(options, captureStack(this, 'acquire')));
  }

  warm(): Promise<void> {
    return this.#pool.warm();
  }

  metrics(): DatabaseMetrics {
    return this.#pool.metrics();
  }

  // Async, so that a wrong option rejects instead of throwing.
  async health(options: HealthOptions = {}): Promise<DatabaseHealth> {
    checkOptionsObject(options);
    const timeoutMs = delay('timeoutMs', options.timeoutMs, DEFAULT_HEALTH_MS, 1);
    return await checkHealth(this, timeoutMs, () => this.#pool.options.clock.now());
  }

  // Async, so that a wrong option rejects instead of throwing.
  async close(options: CloseOptions = {}): Promise<void> {
    checkOptionsObject(options);
    await this.#pool.close(delay('drainMs', options.drainMs, DEFAULT_DRAIN_MS, 0));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
