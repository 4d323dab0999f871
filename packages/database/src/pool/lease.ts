import { ReleasedError } from '../errors.ts';
import type { OwnPool, OwnSession } from '../own-session.ts';
import type { QueryOptions, QueryResult, Session } from '../queryable.ts';
import { SessionMethods } from '../session.ts';
import type { Connection } from './connection.ts';
import type { CopyFrames } from './copy.ts';
import type { FoldQuery } from './fold-statement.ts';
import type { Pool } from './pool.ts';
import type { Batch, Portal, PortalStep } from './portal.ts';
import type { Statement } from './statement.ts';

/** A connection of one's own, until it is released. */
export interface LeasedConnection extends Session, Disposable {
  /** Process ID of the server's backend. */
  readonly processId: number;
  /** True from BEGIN to the end of the transaction, one that failed included. */
  readonly inTransaction: boolean;
  /**
   * Gives the connection back. Statements under way end first; a transaction left open is rolled back, and a changed session is
   * reset with DISCARD ALL, before anyone else gets it: after `SET`, `set_config`, `LISTEN`, `PREPARE`, `LOAD`, `DO`, session advisory
   * locks, temporary tables and views, and cursors `WITH HOLD`. What a function does to the session is not noticed: then `destroy()`.
   *
   * @throws {ReleasedError} when it was released before.
   */
  release(): void;
  /**
   * Closes the connection instead of giving it back.
   *
   * @throws {ReleasedError} when it was released before.
   */
  destroy(): void;
}

/** The holder's side of a lease: refuses everything after the release. */
export class Lease extends SessionMethods implements LeasedConnection, OwnSession {
  readonly hotpathPool: OwnPool;
  readonly #pool: Pool;
  readonly #connection: Connection;
  #released = false;

  constructor(pool: Pool, connection: Connection) {
    super();
    this.hotpathPool = pool;
    this.#pool = pool;
    this.#connection = connection;
    pool.watch(this, connection);
  }

  get inTransaction(): boolean {
    return this.#connection.status !== 'I';
  }

  get processId(): number {
    return this.#connection.processId;
  }

  protected run<Row extends object>(
    text: string,
    values: readonly unknown[] | undefined,
    options: QueryOptions | undefined,
  ): Promise<QueryResult<Row>> {
    if (this.#released) return Promise.reject(released());
    return this.#pool.requests.run<Row>(text, values, options, 'lease', (statement) => this.#send(statement));
  }

  hotpathCopy(text: string, frames: CopyFrames, options: QueryOptions): Promise<QueryResult> {
    if (this.#released) return Promise.reject(released());
    return this.#pool.requests.copy(text, frames, options, 'lease', (statement) => this.#send(statement));
  }

  hotpathFold(query: FoldQuery): Promise<object[]> {
    if (this.#released) return Promise.reject(released());
    return this.#pool.requests.fold(query, 'lease', (statement) => this.#send(statement));
  }

  /** One exchange with a portal. `pipelined` writes at once, for a holder who sends nothing else meanwhile. */
  fetch(
    portal: Portal,
    step: PortalStep,
    signal: AbortSignal | undefined,
    pipelined: boolean,
  ): Promise<Batch> {
    if (this.#released) return Promise.reject(released());
    return this.#pool.requests.portal(portal, step, signal, (statement) => {
      if (!pipelined) return this.#send(statement);
      const connection = this.#connection;
      connection.pipeline(statement);
      return (reason) => {
        connection.abort(statement, reason);
      };
    });
  }

  release(): void {
    this.#end();
    this.#pool.giveBack(this.#connection);
  }

  destroy(): void {
    this.#end();
    this.#connection.destroy(new ReleasedError('the connection was destroyed by its holder'));
    this.#pool.giveBack(this.#connection);
  }

  [Symbol.dispose](): void {
    if (!this.#released) this.release();
  }

  #send(statement: Statement): (reason: unknown) => void {
    const connection = this.#connection;
    connection.send(statement);
    return (reason) => {
      connection.abort(statement, reason);
    };
  }

  #end(): void {
    if (this.#released) throw new ReleasedError('the connection was released before');
    this.#released = true;
    this.#pool.unwatch(this);
  }
}

function released(): ReleasedError {
  return new ReleasedError('the connection was released: it cannot be used any more');
}
