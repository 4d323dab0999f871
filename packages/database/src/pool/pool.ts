import { channel } from 'node:diagnostics_channel';
import {
  AcquireTimeoutError,
  ClosedError,
  type ConnectError,
  QueueFullError,
  ReleasedError,
} from '../errors.ts';
import { Checks } from './checks.ts';
import { type Connection, unref } from './connection.ts';
import { RowDecoders } from './decode.ts';
import { IdleConnections } from './idle-connections.ts';
import { LANE_DEPTH, Lanes } from './lanes.ts';
import { LeaseWatch } from './lease-watch.ts';
import type { DatabaseMetrics } from './metrics.ts';
import { Opener, type OpenerOwner } from './opener.ts';
import { type ResolvedOptions, checkOptionsObject, checkSignal, delay } from './options.ts';
import { pgTypes } from './pg-internals.ts';
import { sendOwn } from './own-statement.ts';
import { Requests, type Start } from './requests.ts';
import type { Statement } from './statement.ts';
import { type Waiter, type WaiterPlace, Waiters } from './waiters.ts';

/** Options of `acquire`. */
export interface AcquireOptions {
  /** Gives up the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Time to wait, in milliseconds. Default: `acquireTimeoutMs` of the database. */
  readonly timeoutMs?: number | undefined;
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
  readonly #leases: LeaseWatch;
  readonly #idle: IdleConnections;
  readonly #checks: Checks;
  readonly #waiters: Waiters;
  readonly #opener: Opener;
  readonly #lanes: Lanes;
  #started = false;
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
    this.#waiters = new Waiters(options.clock);
    this.#idle = new IdleConnections(options, () => this.#all.size);
    this.#checks = new Checks(options, () => {
      this.#dispatch();
    });
    this.#leases = new LeaseWatch(options.clock, (connection) => {
      connection.destroy(new ReleasedError('the connection was lost without a release'));
      this.giveBack(connection);
    });
    this.#lanes = new Lanes(options.lanes);
    this.#opener = new Opener(options, new RowDecoders(options.types ?? pgTypes), this);
    this.requests = new Requests(options);
  }

  /** See {@link ResolvedOptions}. */
  get plain(): boolean {
    return this.options.plain;
  }

  /** Has a statement sent on whichever connection is free. */
  readonly submit: Start = (statement) => this.#submit(statement);

  /** Lends a connection until {@link giveBack}. `stack` says who asks (see lease-watch.ts). */
  acquire(options: AcquireOptions, stack: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      checkOptionsObject(options);
      const timeoutMs = delay('timeoutMs', options.timeoutMs, this.options.acquireTimeoutMs, 1);
      const { signal } = options;
      checkSignal(signal);
      if (signal?.aborted) throw signal.reason;
      const waiter: Waiter = {
        grant: (connection) => {
          signal?.removeEventListener('abort', onAbort);
          this.#leases.add(connection, stack);
          resolve(connection);
        },
        fail: (error) => {
          signal?.removeEventListener('abort', onAbort);
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason is the caller's choice
          reject(error);
        },
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
    this.#leases.delete(connection);
    if (!connection.closed && connection.quiet) this.#settle(connection);
  }

  /** Notices when the holder's object is lost, until {@link unwatch}. */
  watch(lease: object, connection: Connection): void {
    this.#leases.watch(lease, connection);
  }

  unwatch(lease: object): void {
    this.#leases.unwatch(lease);
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
      idle: this.#idle.count,
      active: this.#all.size - this.#idle.count,
      connecting: this.#opener.count,
      waiting: this.#waiters.count,
      lanes: this.#lanes.count,
      plain: this.options.plain,
      opened: this.#openedCount,
      closed: this.#closedCount,
      connectFailures: this.#opener.totalFailures,
      acquireTimeouts: this.#acquireTimeouts,
      rollbacks: this.#rollbacks,
      resets: this.#resets,
      leaks: this.#leases.leaks,
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
      this.#idle.stop();
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
    if (!this.#leases.has(connection)) this.#settle(connection);
  }

  onClosed(connection: Connection, cause: unknown): void {
    // It was lost before it could be ours.
    if (!this.#all.delete(connection)) return;
    this.#lanes.delete(connection);
    this.#idle.delete(connection);
    this.#checks.end(connection);
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
      const mayShare = shared && (this.#lanes.count === this.#lanes.max || this.#idle.count === 0);
      const lane = mayShare ? this.#lanes.pick(this.options.clock.now()) : undefined;
      if (lane !== undefined) {
        lane.pipeline(statement);
        return undefined;
      }
      const connection = this.#idle.popFresh();
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
      this.#lanes.add(connection, this.options.clock.now());
      connection.pipeline(statement);
    } else {
      connection.send(statement);
    }
  }

  #wait(waiter: Waiter, timeoutMs: number): WaiterPlace | undefined {
    if (this.#closing) {
      waiter.fail(new ClosedError());
      return undefined;
    }
    this.#started = true;
    if (this.#waiters.count >= this.options.maxWaiters) {
      waiter.fail(new QueueFullError(this.options.maxWaiters));
      return undefined;
    }
    const place = this.#waiters.join(waiter, timeoutMs, (place) => {
      this.#acquireTimeouts++;
      this.#leave(place, this.#timeoutError(timeoutMs));
    });
    this.#dispatch();
    return place;
  }

  #timeoutError(timeoutMs: number): AcquireTimeoutError {
    const { max } = this.options;
    const active = this.#all.size - this.#idle.count;
    const { lastFailure } = this.#opener;
    return new AcquireTimeoutError(
      timeoutMs,
      active,
      max,
      this.#waiters.count,
      this.#leases.longest(),
      lastFailure,
    );
  }

  #leave(place: WaiterPlace, error: unknown): void {
    if (this.#waiters.leave(place, error) && this.#closing) this.#drain();
  }

  /** Grants idle connections to those who wait, and opens new ones for the rest. */
  #dispatch(): void {
    while (this.#waiters.count > this.#checks.count && this.#idle.count > 0) {
      const connection = this.#idle.popFresh();
      if (connection === undefined) this.#checks.start(this.#idle.pop()!);
      else this.#grant(connection);
    }
    this.#grow();
  }

  #grant(connection: Connection): void {
    const mayShare = this.#lanes.count < this.#lanes.max;
    const waiter = this.#waiters.shift()!;
    waiter.grant(connection);
    if (!mayShare || !waiter.shared) return;
    // The reads that wait right behind a read go with it.
    while (this.#waiters.nextShares && connection.inFlight < LANE_DEPTH)
      this.#waiters.shift()!.grant(connection);
  }

  /** Decides what a connection that is free does next. */
  #settle(connection: Connection): void {
    const { clock, cancelGraceMs } = this.options;
    this.#checks.end(connection);
    if (connection.status !== 'I') {
      this.#rollbacks++;
      sendOwn(connection, 'ROLLBACK', clock, cancelGraceMs);
    } else if (connection.changedSession) {
      this.#resets++;
      connection.changedSession = false;
      sendOwn(connection, 'DISCARD ALL', clock, cancelGraceMs);
    } else if (this.#forced || (this.#closing && this.#waiters.count === 0)) {
      connection.end('the database is closed');
    } else {
      if (clock.now() >= connection.expiresAt) connection.end('its lifetime ended');
      else if (this.#waiters.count > 0) this.#grant(connection);
      else this.#idle.push(connection);
    }
  }

  /** Opens what those who wait, and `min`, still lack. */
  #grow(): void {
    if (this.#forced || (this.#closing && this.#waiters.count === 0)) return;
    // Any number of reads that wait fit on the lanes that there may still be.
    const lanes = Math.min(this.#waiters.sharedCount, Math.max(1, this.#lanes.max - this.#lanes.count));
    const waiting = this.#waiters.count - this.#waiters.sharedCount + lanes - this.#checks.count;
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
    if (lasting && this.#all.size === 0 && !this.#closing) this.#waiters.failAll(error);
    this.#drain();
  }

  onRetry(): void {
    this.#grow();
  }

  /** Ends everything now. */
  #force(): void {
    this.#forced = true;
    this.#leases.reportAll();
    const reason = new ClosedError('the database was closed before this was done');
    this.#waiters.failAll(reason);
    for (const connection of this.#all) connection.destroy(reason);
    this.#drain();
  }

  /** While closing: ends what nobody needs any more, and is done when no socket is left. */
  #drain(): void {
    if (!this.#closing || this.#waiters.count > 0) return;
    this.#opener.stop();
    this.#idle.endAll('the database is closed');
    if (this.#all.size > 0 || this.#opener.count > 0 || this.#sockets > 0) return;
    this.options.clock.clearTimeout(this.#drainTimer);
    this.#closed!.resolve();
  }
}
