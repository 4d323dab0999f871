import type { Socket } from 'node:net';
import { ClosedError, ConnectionLostError, DatabaseError } from '../errors.ts';
import { requestCancel } from './cancel.ts';
import { type CancelHost, Cancelling } from './cancelling.ts';
import { clientConfig, connect } from './connect.ts';
import type { ResultShape, RowDecoders } from './decode.ts';
import { type Exchange, Flight, type FlightOwner } from './flight.ts';
import { Gathering } from './gathering.ts';
import { SLOW_GROUP_MS, expectCalls, goApart } from './groups.ts';
import type { Clock, ResolvedOptions } from './options.ts';
import { Pace } from './pace.ts';
import type { PgClient, TransactionStatus } from './pg-internals.ts';
import { cancelPlainly, queryPlainly } from './plain.ts';
import { PreparedStatements } from './statement-texts.ts';
import type { Statement, StatementHost } from './statement.ts';
import { readMessages } from './wire.ts';

/** Whoever owns the connection is told of these two, and of nothing else. */
export interface ConnectionOwner {
  /** Nothing is under way or waits to be sent, and no cancel is pending. */
  onQuiet(connection: Connection): void;
  /** It can no longer be used; every statement was answered. Once. */
  onClosed(connection: Connection, cause: unknown): void;
}

/**
 * One connection to the server: statements in order, each settled at its ReadyForQuery. `send` writes one at a time, which is
 * what makes a cancel safe; `pipeline` writes behind what is in flight, and is only for what is never cancelled.
 *
 * ```
 *   send() → waiting … → flight (written) → ReadyForQuery → settle, next
 *                           │ abort: caller answered, CancelRequest on a second socket
 *                           └ next only after ReadyForQuery and the second socket's end
 *   pipeline() → gathering … → end of the turn: flight → … → ReadyForQuery → settle
 * ```
 *
 * Invariants: `flight` is empty exactly when the server is idle; no statement is written while a cancel is pending;
 * after `closed` every statement was answered and the owner was told once.
 */
export class Connection implements StatementHost, CancelHost, FlightOwner {
  readonly prepared: PreparedStatements<ResultShape>;
  readonly decoders: RowDecoders;
  readonly toClose: string[] = [];
  /** The server's word at the last ReadyForQuery. */
  status: TransactionStatus = 'I';
  /** Something may have changed the session since the last reset. */
  changedSession = false;
  closed = false;
  /** The server has not answered the last statement yet, whoever still waits for that. */
  executing = false;
  readonly openedAt: number;
  /** Where it expires, on the clock of the options. */
  readonly expiresAt: number;
  idleSince = 0;
  /** Statements sent so far. */
  statements = 0;
  readonly pace: Pace = new Pace();
  readonly #client: PgClient;
  readonly #socket: Socket;
  readonly #options: ResolvedOptions;
  readonly #clock: Clock;
  readonly #owner: ConnectionOwner;
  readonly #cancelling: Cancelling;
  readonly #flight: Flight;
  readonly #gathering: Gathering;
  readonly #waiting: Statement[] = [];
  /** Closed while the server had so many exchanges still to answer. */
  #owed = 0;
  #dropped = false;

  private constructor(
    client: PgClient,
    socket: Socket,
    options: ResolvedOptions,
    decoders: RowDecoders,
    owner: ConnectionOwner,
  ) {
    this.#client = client;
    this.#socket = socket;
    this.#options = options;
    this.#clock = options.clock;
    this.#owner = owner;
    this.#flight = new Flight(client.connection, this);
    this.decoders = decoders;
    this.prepared = new PreparedStatements(options.statementCacheSize);
    this.#gathering = new Gathering(socket, {
      prepared: this.prepared,
      decoders,
      toClose: this.toClose,
      enter: (statement) => {
        this.#enter(statement);
      },
      write: (statement) => {
        this.#write(statement);
      },
    });
    this.#cancelling = new Cancelling(
      options.clock,
      options.cancelGraceMs,
      (done) => this.#requestCancel(done),
      this,
    );
    this.openedAt = options.clock.now();
    this.expiresAt = this.openedAt + options.maxLifetimeMs * (1 - options.lifetimeJitter * options.random());
    if (options.plain) {
      client.on('drain', () => {
        this.onReady(client.getTransactionStatus() ?? 'I');
      });
    } else {
      readMessages(socket, this.#flight.take, (cause) => {
        this.#lose(new ConnectionLostError(cause));
      });
    }
    client.on('error', (error) => {
      this.#lose(error);
    });
    client.on('end', () => {
      this.#lose(undefined);
    });
  }

  /**
   * Opens one.
   *
   * @throws {ConnectError} when that fails, takes longer than `connectTimeoutMs` or is aborted.
   */
  static open(
    options: ResolvedOptions,
    decoders: RowDecoders,
    owner: ConnectionOwner,
    signal: AbortSignal,
  ): Promise<Connection> {
    return connect(
      options,
      signal,
      (client, socket) => new Connection(client, socket, options, decoders, owner),
    );
  }

  get processId(): number {
    return this.#client.processID;
  }

  /** True when nothing is under way, waits to be sent or is being cancelled. */
  get quiet(): boolean {
    return this.inFlight === 0 && this.#waiting.length === 0 && !this.#cancelling.pending;
  }

  /** Statements that were written, or will be at the end of this turn, and are not settled. */
  get inFlight(): number {
    return this.#flight.count + this.#gathering.count;
  }

  /** Sends a statement after those before it. */
  send(statement: Statement): void {
    if (this.closed) {
      statement.fail(new ConnectionLostError());
      return;
    }
    if (this.inFlight === 0 && !this.#cancelling.pending) this.#write(statement);
    else this.#waiting.push(statement);
  }

  /** Writes a statement behind those in flight, all of which must have come this way; see {@link Gathering}. */
  pipeline(statement: Statement): void {
    if (this.closed) {
      statement.fail(new ConnectionLostError());
      return;
    }
    if (this.#options.plain) {
      this.send(statement);
      return;
    }
    if (this.inFlight === 0) this.pace.progressAt = this.#clock.now();
    this.#gathering.add(statement);
  }

  /**
   * Answers the caller with `reason` at once. A statement that was not sent never will be; one that is under way is cancelled
   * on the server.
   */
  abort(statement: Statement, reason: unknown): void {
    if (statement.settled) return;
    statement.fail(reason);
    const index = this.#waiting.indexOf(statement);
    if (index >= 0) {
      this.#waiting.splice(index, 1);
      return;
    }
    this.#gathering.send();
    if (statement === this.#flight.current && !this.closed) {
      statement.abandon();
      this.#cancelling.start();
    }
  }

  /**
   * Closes it: what is under way fails with `reason` at once. The socket stays until the server has given up all of it, too, which it
   * would otherwise go on with unnoticed, or until the grace is over.
   */
  destroy(reason: unknown): void {
    if (this.closed) return;
    const { current } = this.#flight;
    this.#owed = this.#flight.exchanges;
    this.#close(reason);
    current?.abandon();
    if (this.executing) this.#cancelling.start();
    else this.#drop();
  }

  /** Says goodbye to the server; only when quiet. Never waits for a server that hangs. */
  end(reason: string): void {
    if (this.closed) return;
    this.#close(new ClosedError(reason));
    const stream = this.#socket;
    const timer = this.#clock.setTimeout(() => {
      stream.destroy();
    }, this.#options.cancelGraceMs);
    unref(timer);
    this.#client.end(() => {
      this.#clock.clearTimeout(timer);
    });
  }

  /** Calls the listener when the socket is gone. */
  onSocketClosed(listener: () => void): void {
    const stream = this.#socket;
    if (stream.closed) listener();
    else stream.once('close', listener);
  }

  onReady(status: TransactionStatus): void {
    if (this.closed && --this.#owed > 0) return;
    const exchange = this.#flight.takeExchange();
    const { statements } = exchange;
    const before = this.status;
    this.status = status;
    this.executing = this.#flight.count > 0;
    this.#cancelling.onReady();
    if (this.closed) {
      // It lingered for this.
      this.#drop();
    } else if (statements.length > 1) {
      this.#onGroup(exchange, before);
    } else if (statements.length === 1) {
      this.#learn(exchange);
      if (!this.#settle(statements[0]!, before)) this.#next();
    }
  }

  onUnasked(report: Error): void {
    // Of a closed one it is the end of what was cancelled.
    if (!this.closed) this.#lose(report);
  }

  onCancelled(): void {
    this.#next();
  }

  onCancelFailed(cause: Error): void {
    this.#lose(new ConnectionLostError(cause));
  }

  #write(statement: Statement): void {
    this.#enter(statement);
    statement.onSent?.(this);
    this.#query(statement);
  }

  #enter(statement: Statement): void {
    const now = this.#clock.now();
    if (this.#flight.count === 0) this.pace.progressAt = now;
    statement.sentAt = now;
    this.#flight.push(statement);
    this.executing = true;
    this.statements++;
    statement.attach(this);
  }

  #query(statement: Statement): void {
    if (!this.#options.plain) {
      statement.submit(this.#client.connection);
      return;
    }
    try {
      queryPlainly(this.#client, statement, this.#options);
    } catch (cause) {
      // A COPY or a portal that asked for a part which is missing.
      this.#lose(new ConnectionLostError(cause));
    }
  }

  /** The end of a group. When one of it failed, the server took all of it back: each is sent once more, with a Sync of its own. */
  #onGroup({ statements, refused }: Exchange, before: TransactionStatus): void {
    const ms = this.#learn({ statements, refused });
    if (refused || ms > SLOW_GROUP_MS) goApart(statements[0]!.request.group!);
    if (!refused) {
      for (const statement of statements) this.#settle(statement, before);
      this.#next();
      return;
    }
    this.#socket.cork();
    for (const statement of statements) {
      if (tookTooLong(statement)) this.#settle(statement, before);
      else this.#write(statement);
    }
    this.#socket.uncork();
    this.#next();
  }

  /** Takes note of how long the server took, which it returns, in milliseconds. */
  #learn({ statements, refused }: Exchange): number {
    const { sentAt, request } = statements[0]!;
    const ms = this.pace.answered(sentAt, this.#clock.now());
    // Before a probe the way counts as the server's time, which says nothing of the text: other connections share what is known of it.
    const learns = !refused && this.pace.roundTrip.known;
    if (request.group !== undefined && learns) expectCalls(request.group, statements.length, ms);
    return ms;
  }

  /** Tells a statement's caller the end; true when it is sent once more instead. */
  #settle(statement: Statement, before: TransactionStatus): boolean {
    if (statement.finish(before)) {
      this.#enter(statement);
      this.#query(statement);
      return true;
    }
    if (statement.changedSession) this.changedSession = true;
    statement.settle(this.status);
    return false;
  }

  #next(): void {
    if (this.inFlight > 0 || this.#cancelling.pending || this.closed) return;
    this.#cancelling.confirm();
    const next = this.#waiting.shift();
    if (next === undefined) this.#owner.onQuiet(this);
    else this.#write(next);
  }

  #requestCancel(done: (error: Error | undefined) => void): () => void {
    const { plain, connect: options } = this.#options;
    const { remoteAddress } = this.#socket;
    if (plain) return cancelPlainly(clientConfig(options), remoteAddress, this.processId, done);
    return requestCancel(this.#client, remoteAddress, done);
  }

  #lose(cause: unknown): void {
    this.#close(cause);
    this.#drop();
  }

  /** The only way to `closed`: answers everyone and tells the owner. */
  #close(cause: unknown): void {
    if (this.closed) return;
    this.closed = true;
    const { error, request } = this.#flight.current ?? {};
    // The connection may be lost because a group took longer than the server allows one transaction.
    if (request?.group !== undefined) goApart(request.group);
    const lost =
      cause instanceof DatabaseError
        ? cause
        : // What the server said last explains more than the socket's end.
          new ConnectionLostError(error instanceof DatabaseError ? error : (error ?? cause));
    const unanswered = [...this.#flight.takeAll(), ...this.#gathering.takeAll(), ...this.#waiting.splice(0)];
    for (const statement of unanswered) statement.fail(lost);
    this.#owner.onClosed(this, cause);
  }

  /** Lets go of the sockets. */
  #drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#cancelling.stop();
    this.#socket.destroy();
  }
}

/** Ended by a limit of the server's or by somebody's cancel, which is no fault of its group's: it is not executed once more. */
function tookTooLong({ error }: Statement): boolean {
  const code = (error as { code?: string } | undefined)?.code;
  return code === '57014' || code === '55P03';
}

/** Lets the process end although the timer is set. */
export function unref(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
