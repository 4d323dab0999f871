import type { Socket } from 'node:net';
import { ClosedError, ConnectError, ConnectionLostError, DatabaseError } from '../errors.ts';
import { requestCancel } from './cancel.ts';
import type { ResultShape, RowDecoders } from './decode.ts';
import type { Clock, ConnectOptions, ResolvedOptions } from './options.ts';
import { type PgClient, PgClientClass, type TransactionStatus } from './pg-internals.ts';
import { cancelPlainly, plainSocket, queryPlainly } from './plain.ts';
import { PreparedStatements } from './statement-texts.ts';
import { reusingSocket } from './reusing-socket.ts';
import type { Statement, StatementHost } from './statement.ts';
import { readDirectly } from './wire.ts';

/** Whoever owns the connection is told of these two, and of nothing else. */
export interface ConnectionOwner {
  /** Nothing is under way or waits to be sent, and no cancel is pending. */
  onQuiet(connection: Connection): void;
  /** It can no longer be used; every statement was answered. Once. */
  onClosed(connection: Connection, cause: unknown): void;
}

/** Before a cancel is repeated: a server that was about to begin has begun by then. */
const FIRST_CANCEL_PAUSE_MS = 20;

/** Time between keep-alive probes on a silent connection. */
const KEEP_ALIVE_MS = 30_000;

/**
 * One connection to the server: statements in order, each settled at its ReadyForQuery. `send` writes one at a time, which is
 * what makes a cancel safe; `pipeline` writes at once, behind what is in flight, and is only for what is never cancelled.
 *
 * ```
 *   send() → waiting … → flight[0] (written) → ReadyForQuery → settle, next
 *                           │ abort: caller answered, CancelRequest on a second socket
 *                           └ next only after ReadyForQuery and the second socket's end
 *   pipeline() → flight[n] (written) → … → ReadyForQuery → settle
 * ```
 *
 * Invariants: `flight` is empty exactly when the server is idle; no statement is written while a cancel is pending;
 * after `closed` every statement was answered and the owner was told once.
 */
export class Connection implements StatementHost {
  readonly prepared: PreparedStatements<ResultShape>;
  readonly decoders: RowDecoders;
  readonly toClose: string[] = [];
  /** The server's word at the last ReadyForQuery. */
  status: TransactionStatus = 'I';
  /** Something may have changed the session since the last reset. */
  changedSession = false;
  closed = false;
  readonly openedAt: number;
  /** Where it expires, on the clock of the options. */
  readonly expiresAt: number;
  idleSince = 0;
  /** Statements sent so far. */
  statements = 0;
  /** When the server last answered, or was given something while it was idle. Kept for pipelined statements only. */
  progressAt = 0;
  readonly #client: PgClient;
  readonly #socket: Socket;
  readonly #options: ResolvedOptions;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #owner: ConnectionOwner;
  /** Written and not settled, in the order of the wire. */
  readonly #flight: Statement[] = [];
  readonly #waiting: Statement[] = [];
  #corked = false;
  #giveUpCancel: (() => void) | undefined;
  #graceTimer: unknown;
  #cancelTimer: unknown;
  /** The server has not answered the last statement yet, whoever still waits for that. */
  #executing = false;
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
    this.#graceMs = options.cancelGraceMs;
    this.#owner = owner;
    this.decoders = decoders;
    this.prepared = new PreparedStatements(options.statementCacheSize);
    this.openedAt = options.clock.now();
    this.expiresAt = this.openedAt + options.maxLifetimeMs * (1 - options.lifetimeJitter * options.random());
    if (options.plain) {
      client.on('drain', () => {
        this.#onReady(client.getTransactionStatus() ?? 'I');
      });
    } else {
      readDirectly(
        socket,
        () => this.#flight[0],
        (cause) => {
          this.#close(new ConnectionLostError(cause));
          this.#drop();
        },
      );
      client.connection.on('readyForQuery', (message) => {
        this.#onReady(message.status);
      });
    }
    client.on('error', (error) => {
      this.#close(error);
      this.#drop();
    });
    client.on('end', () => {
      this.#close(undefined);
      this.#drop();
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
    return new Promise((resolve, reject) => {
      const { clock } = options;
      const own = options.plain ? plainSocket() : undefined;
      const reusing = reusingSocket();
      const client = new PgClientClass({
        ...clientConfig(options.connect),
        ...(own?.config ?? { stream: reusing.stream }),
      });
      let settled = false;
      const fail = (cause: unknown): void => {
        if (settled) return;
        settled = true;
        clock.clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        (own?.socket ?? client.connection.stream).destroy();
        reject(new ConnectError(addressOf(client), cause));
      };
      const onAbort = (): void => {
        fail(signal.reason);
      };
      signal.addEventListener('abort', onAbort);
      const timer = clock.setTimeout(() => {
        fail(new ConnectTimeout(options.connectTimeoutMs));
      }, options.connectTimeoutMs);
      // Also keeps an error after this from being thrown by the emitter.
      client.on('error', fail);
      client.connect((error) => {
        if (error) {
          fail(error);
          return;
        }
        if (settled) return;
        settled = true;
        clock.clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        const socket = own?.socket ?? client.connection.stream;
        resolve(new Connection(client, socket, options, decoders, owner));
        reusing.reuse();
      });
    });
  }

  get processId(): number {
    return this.#client.processID;
  }

  /** True when nothing is under way, waits to be sent or is being cancelled. */
  get quiet(): boolean {
    return this.#flight.length === 0 && this.#waiting.length === 0 && this.#giveUpCancel === undefined;
  }

  /** Statements that were written and not settled. */
  get inFlight(): number {
    return this.#flight.length;
  }

  /** Sends a statement after those before it. */
  send(statement: Statement): void {
    if (this.closed) {
      statement.fail(new ConnectionLostError());
      return;
    }
    if (this.#flight.length === 0 && this.#giveUpCancel === undefined) this.#write(statement);
    else this.#waiting.push(statement);
  }

  /**
   * Writes a statement behind those in flight, all of which must have come this way. The first goes out at once; what follows in
   * the same turn of the event loop goes out together at its end, in one system call.
   */
  pipeline(statement: Statement): void {
    if (this.closed) {
      statement.fail(new ConnectionLostError());
      return;
    }
    if (this.#options.plain) {
      this.send(statement);
      return;
    }
    if (this.#flight.length === 0) this.progressAt = this.#clock.now();
    else if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      setImmediate(this.#uncork);
    }
    this.#write(statement);
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
    } else if (statement === this.#flight[0] && !this.closed) {
      statement.abandon();
      this.#startCancel();
    }
  }

  /**
   * Closes it: what is under way fails with `reason` at once. The socket stays until the server has given up the statement too,
   * which it would otherwise go on with unnoticed, or until the grace is over.
   */
  destroy(reason: unknown): void {
    if (this.closed) return;
    const current = this.#flight[0];
    this.#close(reason);
    current?.abandon();
    if (this.#executing) this.#startCancel();
    else this.#drop();
  }

  /** Says goodbye to the server; only when quiet. Never waits for a server that hangs. */
  end(reason: string): void {
    if (this.closed) return;
    this.#close(new ClosedError(reason));
    const stream = this.#socket;
    const timer = this.#clock.setTimeout(() => {
      stream.destroy();
    }, this.#graceMs);
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

  readonly #uncork = (): void => {
    this.#corked = false;
    this.#socket.uncork();
  };

  #write(statement: Statement): void {
    this.#flight.push(statement);
    this.#executing = true;
    this.statements++;
    statement.attach(this);
    statement.onSent?.(this);
    this.#query(statement);
  }

  #query(statement: Statement): void {
    if (!this.#options.plain) {
      this.#client.query(statement);
      return;
    }
    try {
      queryPlainly(this.#client, statement, this.#options);
    } catch (cause) {
      // A COPY or a portal that asked for a part which is missing.
      this.#close(new ConnectionLostError(cause));
      this.#drop();
    }
  }

  #onReady(status: TransactionStatus): void {
    const statement = this.#flight.shift();
    const before = this.status;
    this.status = status;
    this.#executing = this.#flight.length > 0;
    if (this.#cancelTimer !== undefined) this.#clock.clearTimeout(this.#cancelTimer);
    this.#cancelTimer = undefined;
    if (this.closed) {
      // It lingered for this.
      this.#drop();
      return;
    }
    if (statement === undefined) return;
    if (this.#executing) this.progressAt = this.#clock.now();
    if (statement.finish(before)) {
      this.#flight.push(statement);
      statement.attach(this);
      this.#executing = true;
      this.#query(statement);
      return;
    }
    if (statement.changedSession) this.changedSession = true;
    statement.settle(status);
    this.#next();
  }

  #next(): void {
    if (this.#flight.length > 0 || this.#giveUpCancel !== undefined || this.closed) return;
    this.#clearGrace();
    const next = this.#waiting.shift();
    if (next === undefined) this.#owner.onQuiet(this);
    else this.#write(next);
  }

  /** Has the server give up what it executes, and drops the connection when it has not within the grace. */
  #startCancel(): void {
    if (this.#graceTimer !== undefined) return;
    this.#graceTimer = this.#clock.setTimeout(() => {
      this.#close(
        new ConnectionLostError(new Error(`a cancel was not confirmed within ${this.#graceMs} ms`)),
      );
      this.#drop();
    }, this.#graceMs);
    this.#cancel(FIRST_CANCEL_PAUSE_MS);
  }

  /** One request. A server that had not begun with the statement ignores it, so it is repeated, with growing pauses. */
  #cancel(pauseMs: number): void {
    this.#giveUpCancel = this.#requestCancel((error) => {
      this.#giveUpCancel = undefined;
      if (this.#dropped) return;
      if (error !== undefined) {
        // Nobody knows whether the request reached the server.
        this.#close(new ConnectionLostError(error));
        this.#drop();
      } else if (this.#executing) {
        this.#cancelTimer = this.#clock.setTimeout(() => {
          this.#cancel(pauseMs * 2);
        }, pauseMs);
      } else {
        this.#next();
      }
    });
  }

  #requestCancel(done: (error: Error | undefined) => void): () => void {
    const { plain, connect } = this.#options;
    if (plain) return cancelPlainly(clientConfig(connect), this.processId, done);
    return requestCancel(this.#client, done);
  }

  #clearGrace(): void {
    if (this.#graceTimer !== undefined) this.#clock.clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
  }

  /** The only way to `closed`: answers everyone and tells the owner. */
  #close(cause: unknown): void {
    if (this.closed) return;
    this.closed = true;
    const { error } = this.#flight[0] ?? {};
    const lost =
      cause instanceof DatabaseError
        ? cause
        : // What the server said last explains more than the socket's end.
          new ConnectionLostError(error instanceof DatabaseError ? error : (error ?? cause));
    for (const statement of this.#flight.splice(0)) statement.fail(lost);
    for (const statement of this.#waiting.splice(0)) statement.fail(lost);
    this.#owner.onClosed(this, cause);
  }

  /** Lets go of the sockets. */
  #drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#clearGrace();
    this.#clock.clearTimeout(this.#cancelTimer);
    this.#giveUpCancel?.();
    this.#socket.destroy();
  }
}

class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(timeoutMs: number) {
    super(`no connection within ${timeoutMs} ms`);
  }
}

function clientConfig(options: ConnectOptions): object {
  const config: Record<string, unknown> = {
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
  for (const name of ['connectionString', 'host', 'port', 'user', 'password', 'database', 'ssl'] as const) {
    if (options[name] !== undefined) config[name] = options[name];
  }
  if (options.applicationName !== undefined) config['application_name'] = options.applicationName;
  return config;
}

/** Host and port, which is all of the address that a message may show. */
function addressOf(client: PgClient): string {
  return client.host.startsWith('/')
    ? `${client.host}/.s.PGSQL.${client.port}`
    : `${client.host}:${client.port}`;
}

/** Lets the process end although the timer is set. */
export function unref(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
