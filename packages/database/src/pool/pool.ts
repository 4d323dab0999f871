import { channel } from 'node:diagnostics_channel';
import {
  AcquireTimeoutError,
  ClosedError,
  type ConnectError,
  ConnectionLostError,
  QueueFullError,
} from '../errors.ts';
import type { QueryOptions, QueryResult } from '../queryable.ts';
import { type Connection, unref } from './connection.ts';
import type { CopyFrames } from './copy.ts';
import { RowDecoders } from './decode.ts';
import { LANE_DEPTH, Lanes } from './lanes.ts';
import { Opener, type OpenerOwner } from './opener.ts';
import { type ResolvedOptions, delay } from './options.ts';
import { pgTypes } from './pg-internals.ts';
import { Requests } from './requests.ts';
import { Statement } from './statement.ts';
import { type Place, WaitQueue } from './wait-queue.ts';

/** Options of `acquire`. */
export interface AcquireOptions {
  /** Gives up the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Time to wait, in milliseconds. Default: `acquireTimeoutMs` of the database. */
  readonly timeoutMs?: number | undefined;
}

/** A snapshot of a database's pool: counts now, and totals since it was made. */
export interface DatabaseMetrics {
  readonly max: number;
  readonly min: number;
  /** Open connections. */
  readonly total: number;
  readonly idle: number;
  /** Lent, executing, or being cleaned. */
  readonly active: number;
  readonly connecting: number;
  /** Callers waiting for a connection. */
  readonly waiting: number;
  /** Connections that carry shared reads right now; part of `active`. */
  readonly lanes: number;
  readonly opened: number;
  readonly closed: number;
  readonly connectFailures: number;
  readonly acquireTimeouts: number;
  /** Transactions left open by a user, rolled back. */
  readonly rollbacks: number;
  /** Connections reset because a user had changed the session. */
  readonly resets: number;
}

/** Someone who waits for a connection. */
interface Waiter {
  grant(connection: Connection): void;
  fail(error: unknown): void;
  timer: unknown;
  /** It is a statement that may share a connection with others. */
  readonly shared: boolean;
}

/** `{ processId }` of each connection opened. */
const openChannel = channel('hotpath:database:open');
/** `{ processId, statements, cause }` of each connection closed. */
const closeChannel = channel('hotpath:database:close');

/**
 * Connections and those who wait for them.
 *
 * ```
 *   opening ──► settle ──► granted (one statement, or a lease) ──► quiet ──┐
 *                 ▲  │                                                    │
 *                 │  ├─► cleaning: ROLLBACK, DISCARD ALL ─────────────────┤
 *                 │  └─► idle (a stack) ──► checking, when idle for long ─┤
 *                 └───────────────────────────────────────────────────────┘
 * ```
 *
 * `#settle` is the only place that decides what a free connection does next. Waiters are served in order; nobody is
 * granted a connection while someone else waits.
 */
export class Pool implements OpenerOwner {
  readonly options: ResolvedOptions;
  readonly requests: Requests;
  readonly #all = new Set<Connection>();
  readonly #leased = new Set<Connection>();
  /** A stack: the warmest on top, the coldest at the bottom, where idle ones are closed. */
  readonly #idle: Connection[] = [];
  readonly #waiters = new WaitQueue<Waiter>();
  readonly #opener: Opener;
  readonly #lanes: Lanes;
  /** Those of the waiters that may share. */
  #sharedWaiting = 0;
  #started = false;
  #sweepTimer: unknown;
  #sweepAt = Infinity;
  #closing = false;
  #forced = false;
  #drainTimer: unknown;
  #closed: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #sockets = 0;
  #openedCount = 0;
  #closedCount = 0;
  #acquireTimeouts = 0;
  #rollbacks = 0;
  #resets = 0;

  constructor(options: ResolvedOptions) {
    this.options = options;
    this.#lanes = new Lanes(options.lanes);
    this.#opener = new Opener(options, new RowDecoders(options.types ?? pgTypes), this);
    this.requests = new Requests(options);
  }

  /** Runs one statement on whichever connection is free. */
  query<Row extends object>(
    text: string,
    values: readonly unknown[] | undefined,
    options: QueryOptions | undefined,
  ): Promise<QueryResult<Row>> {
    return this.requests.run(text, values, options, 'pool', (statement) => this.#submit(statement));
  }

  /** Runs `COPY … FROM STDIN` on whichever connection is free. */
  copy(text: string, frames: CopyFrames, options: QueryOptions | undefined): Promise<QueryResult> {
    return this.requests.copy(text, frames, options, 'pool', (statement) => this.#submit(statement));
  }

  /** Lends a connection until {@link giveBack}. */
  acquire(options: AcquireOptions = {}): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const timeoutMs = delay('timeoutMs', options.timeoutMs, this.options.acquireTimeoutMs, 1);
      const { signal } = options;
      if (signal?.aborted) throw signal.reason;
      const waiter: Waiter = {
        grant: (connection) => {
          signal?.removeEventListener('abort', onAbort);
          this.#leased.add(connection);
          resolve(connection);
        },
        fail: (error) => {
          signal?.removeEventListener('abort', onAbort);
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason is the caller's choice
          reject(error);
        },
        timer: undefined,
        shared: false,
      };
      const onAbort = (): void => {
        if (place !== undefined) this.#leave(place, signal!.reason);
      };
      signal?.addEventListener('abort', onAbort);
      const place = this.#wait(waiter, timeoutMs);
    });
  }

  /** The lease is over: what is still under way ends first, an open transaction is rolled back. */
  giveBack(connection: Connection): void {
    this.#leased.delete(connection);
    if (!connection.closed && connection.quiet) this.#settle(connection);
  }

  /** Opens connections until there are `min`. */
  async warm(): Promise<void> {
    if (this.#closing) throw new ClosedError();
    this.#started = true;
    this.#opener.open(this.options.min - this.#all.size - this.#opener.count);
    await this.#opener.settled();
  }

  metrics(): DatabaseMetrics {
    return {
      max: this.options.max,
      min: this.options.min,
      total: this.#all.size,
      idle: this.#idle.length,
      active: this.#all.size - this.#idle.length,
      connecting: this.#opener.count,
      waiting: this.#waiters.count,
      lanes: this.#lanes.count,
      opened: this.#openedCount,
      closed: this.#closedCount,
      connectFailures: this.#opener.totalFailures,
      acquireTimeouts: this.#acquireTimeouts,
      rollbacks: this.#rollbacks,
      resets: this.#resets,
    };
  }

  /** Serves those who wait already, refuses others, and ends every connection as it becomes free; after `drainMs` at once. */
  close(drainMs: number): Promise<void> {
    const { clock } = this.options;
    if (this.#closed === undefined) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#closed = { promise, resolve };
      this.#closing = true;
      clock.clearTimeout(this.#sweepTimer);
    }
    if (!this.#forced) {
      clock.clearTimeout(this.#drainTimer);
      if (drainMs === 0) {
        this.#force();
      } else {
        this.#drainTimer = clock.setTimeout(() => {
          this.#force();
        }, drainMs);
        unref(this.#drainTimer);
      }
    }
    this.#drain();
    return this.#closed.promise;
  }

  onQuiet(connection: Connection): void {
    this.#lanes.delete(connection);
    if (!this.#leased.has(connection)) this.#settle(connection);
  }

  onClosed(connection: Connection, cause: unknown): void {
    this.#all.delete(connection);
    this.#lanes.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#closedCount++;
    connection.onSocketClosed(() => {
      this.#sockets--;
      this.#drain();
    });
    if (closeChannel.hasSubscribers) {
      closeChannel.publish({
        processId: connection.processId,
        statements: connection.statements,
        cause,
      });
    }
    if (this.#closing) this.#drain();
    this.#grow();
  }

  #submit(statement: Statement): ((reason: unknown) => void) | undefined {
    const shared = statement.shared && this.#lanes.max > 0;
    if (this.#waiters.count === 0 && !this.#closing) {
      const mayShare = shared && (this.#lanes.count === this.#lanes.max || this.#idle.length === 0);
      const lane = mayShare ? this.#lanes.pick(this.options.clock.now()) : undefined;
      if (lane !== undefined) {
        lane.pipeline(statement);
        return undefined;
      }
      const connection = this.#popFresh();
      if (connection !== undefined) {
        this.#carry(connection, statement, shared);
        return undefined;
      }
    }
    const place = this.#wait(
      {
        shared,
        grant: (connection) => {
          this.#carry(connection, statement, shared);
        },
        fail: (error) => {
          statement.fail(error);
        },
        timer: undefined,
      },
      this.options.acquireTimeoutMs,
    );
    return place && ((reason) => this.#leave(place, reason));
  }

  /** Has a free connection execute a statement; a read makes it a lane, if there may be one more. */
  #carry(connection: Connection, statement: Statement, shared: boolean): void {
    if (connection.inFlight > 0) {
      connection.pipeline(statement);
    } else if (shared && this.#lanes.count < this.#lanes.max) {
      this.#lanes.add(connection);
      connection.pipeline(statement);
    } else {
      connection.send(statement);
    }
  }

  /** The warmest idle connection, unless it was idle for so long that it must be checked. */
  #popFresh(): Connection | undefined {
    const connection = this.#idle.at(-1);
    if (connection === undefined) return undefined;
    if (this.options.clock.now() - connection.idleSince >= this.options.checkAfterIdleMs) return undefined;
    this.#idle.pop();
    return connection;
  }

  #wait(waiter: Waiter, timeoutMs: number): Place<Waiter> | undefined {
    if (this.#closing) {
      waiter.fail(new ClosedError());
      return undefined;
    }
    this.#started = true;
    if (this.#waiters.count >= this.options.maxWaiting) {
      waiter.fail(new QueueFullError(this.options.maxWaiting));
      return undefined;
    }
    const place = this.#waiters.join(waiter);
    if (waiter.shared) this.#sharedWaiting++;
    // Not unref'd: someone awaits it, and between two attempts to connect nothing else keeps the process alive.
    waiter.timer = this.options.clock.setTimeout(() => {
      this.#acquireTimeouts++;
      this.#leave(
        place,
        new AcquireTimeoutError(
          timeoutMs,
          this.#all.size - this.#idle.length,
          this.options.max,
          this.#waiters.count,
          this.#opener.lastFailure,
        ),
      );
    }, timeoutMs);
    this.#dispatch();
    return place;
  }

  #leave(place: Place<Waiter>, error: unknown): void {
    if (!this.#waiters.leave(place)) return;
    this.#left(place.item);
    place.item.fail(error);
    if (this.#closing) this.#drain();
  }

  /** Grants idle connections to those who wait, and opens new ones for the rest. */
  #dispatch(): void {
    while (this.#waiters.count > 0 && this.#idle.length > 0) {
      const connection = this.#popFresh();
      if (connection === undefined) this.#check(this.#idle.pop()!);
      else this.#grant(connection);
    }
    this.#grow();
  }

  #grant(connection: Connection): void {
    const mayShare = this.#lanes.count < this.#lanes.max;
    let waiter = this.#waiters.shift()!;
    this.#left(waiter);
    waiter.grant(connection);
    if (!mayShare) return;
    // The reads that wait right behind a read go with it.
    while (waiter.shared && this.#waiters.first?.shared && connection.inFlight < LANE_DEPTH) {
      waiter = this.#waiters.shift()!;
      this.#left(waiter);
      waiter.grant(connection);
    }
  }

  #left(waiter: Waiter): void {
    this.options.clock.clearTimeout(waiter.timer);
    if (waiter.shared) this.#sharedWaiting--;
  }

  /** Decides what a connection that is free does next. */
  #settle(connection: Connection): void {
    if (connection.status !== 'I') {
      this.#rollbacks++;
      this.#internal(connection, 'ROLLBACK', this.options.cancelGraceMs);
    } else if (connection.changedSession) {
      this.#resets++;
      connection.changedSession = false;
      this.#internal(connection, 'DISCARD ALL', this.options.cancelGraceMs);
    } else if (this.#forced || (this.#closing && this.#waiters.count === 0)) {
      connection.end('the database is closed');
    } else {
      const now = this.options.clock.now();
      if (now >= connection.expiresAt) {
        connection.end('its lifetime ended');
      } else if (this.#waiters.count > 0) {
        this.#grant(connection);
      } else {
        connection.idleSince = now;
        this.#idle.push(connection);
        this.#sweepBy(Math.min(connection.expiresAt, now + this.options.idleTimeoutMs));
      }
    }
  }

  /** A sign of life; the connection comes back through `#settle`. */
  #check(connection: Connection): void {
    this.#internal(connection, '', this.options.checkTimeoutMs);
  }

  #internal(connection: Connection, text: string, limitMs: number): void {
    const { clock } = this.options;
    const fail = (cause: unknown): void => {
      clock.clearTimeout(timer);
      connection.destroy(new ConnectionLostError(cause));
    };
    const timer = clock.setTimeout(() => {
      fail(new Error(`no answer within ${limitMs} ms`));
    }, limitMs);
    unref(timer);
    const request = { text, call: undefined, name: '', changesSession: false, shareable: false };
    connection.send(
      new Statement(
        request,
        'internal',
        () => {
          clock.clearTimeout(timer);
        },
        fail,
      ),
    );
  }

  /** Opens what those who wait, and `min`, still lack. */
  #grow(): void {
    if (this.#forced || (this.#closing && this.#waiters.count === 0)) return;
    // Any number of reads that wait fit on the lanes that there may still be.
    const lanes = Math.min(this.#sharedWaiting, Math.max(1, this.#lanes.max - this.#lanes.count));
    const waiting = this.#waiters.count - this.#sharedWaiting + lanes;
    const missing = Math.min(waiting, this.options.max - this.#all.size);
    // After a lasting failure (a wrong password) only someone who waits is worth another attempt.
    const replenish = this.#started && !this.#closing && !this.#opener.failsForGood;
    const wanted = Math.max(missing, replenish ? this.options.min - this.#all.size : 0);
    this.#opener.want(wanted - this.#opener.count);
  }

  onOpened(connection: Connection): void {
    this.#openedCount++;
    this.#sockets++;
    this.#all.add(connection);
    if (openChannel.hasSubscribers) openChannel.publish({ processId: connection.processId });
    this.#settle(connection);
    this.#grow();
  }

  onConnectFailure(error: ConnectError, lasting: boolean): void {
    if (lasting && this.#all.size === 0 && !this.#closing) this.#failWaiters(error);
    this.#drain();
  }

  onRetry(): void {
    this.#grow();
  }

  /** Makes sure that idle connections are looked through by then. */
  #sweepBy(deadline: number): void {
    if (this.#closing || deadline >= this.#sweepAt) return;
    const { clock } = this.options;
    clock.clearTimeout(this.#sweepTimer);
    this.#sweepAt = deadline;
    this.#sweepTimer = clock.setTimeout(
      () => {
        this.#sweepAt = Infinity;
        this.#sweep();
      },
      Math.max(1, Math.ceil(deadline - clock.now())),
    );
    unref(this.#sweepTimer);
  }

  /** Closes the idle connections that are too old, and those beyond `min` that were idle for too long, coldest first. */
  #sweep(): void {
    const now = this.options.clock.now();
    const { idleTimeoutMs, min } = this.options;
    let next = Infinity;
    for (const connection of this.#idle.slice()) {
      const idleUntil = connection.idleSince + idleTimeoutMs;
      if (now >= connection.expiresAt) connection.end('its lifetime ended');
      else if (this.#all.size <= min) next = Math.min(next, connection.expiresAt);
      else if (now >= idleUntil) connection.end('it was idle');
      else next = Math.min(next, connection.expiresAt, idleUntil);
    }
    if (next < Infinity) this.#sweepBy(next);
  }

  #failWaiters(error: unknown): void {
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) {
      this.#left(waiter);
      waiter.fail(error);
    }
  }

  /** Ends everything now. */
  #force(): void {
    this.#forced = true;
    const reason = new ClosedError('the database was closed before this was done');
    this.#failWaiters(reason);
    for (const connection of this.#all) connection.destroy(reason);
    this.#drain();
  }

  /** While closing: ends what nobody needs any more, and is done when no socket is left. */
  #drain(): void {
    if (!this.#closing || this.#waiters.count > 0) return;
    this.#opener.stop();
    for (const connection of this.#idle.slice()) connection.end('the database is closed');
    if (this.#all.size > 0 || this.#opener.count > 0 || this.#sockets > 0) return;
    this.options.clock.clearTimeout(this.#drainTimer);
    this.#closed!.resolve();
  }
}
