import { channel } from 'node:diagnostics_channel';
import { setMaxListeners } from 'node:events';
import { ClosedError, ConnectError } from '../errors.ts';
import { backoffMs } from './backoff.ts';
import { Connection, type ConnectionOwner, unref } from './connection.ts';
import type { RowDecoders } from './decode.ts';
import type { ResolvedOptions } from './options.ts';
import { isTransient } from './transient.ts';

/** Who wants connections. */
export interface OpenerOwner extends ConnectionOwner {
  onOpened(connection: Connection): void;
  /** `lasting`: the next attempt would fail in the same way. */
  onConnectFailure(error: ConnectError, lasting: boolean): void;
  /** A pause after a failure is over. */
  onRetry(): void;
}

/** `{ error, attempt, retryInMs }` of each failure to connect. */
const failureChannel = channel('hotpath:database:connect-failure');

/** Opens connections, one at a time and with growing pauses while that fails. */
export class Opener {
  failures = 0;
  /** Failures since the start. */
  totalFailures = 0;
  lastFailure: ConnectError | undefined;
  readonly #options: ResolvedOptions;
  readonly #decoders: RowDecoders;
  readonly #owner: OpenerOwner;
  readonly #attempts = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #retryTimer: unknown;

  constructor(options: ResolvedOptions, decoders: RowDecoders, owner: OpenerOwner) {
    this.#options = options;
    this.#decoders = decoders;
    this.#owner = owner;
    // Each attempt listens.
    setMaxListeners(0, this.#stop.signal);
  }

  /** Attempts under way. */
  get count(): number {
    return this.#attempts.size;
  }

  /** True when the last attempt failed for a reason that will not pass by itself. */
  get failsForGood(): boolean {
    return this.lastFailure !== undefined && !isTransient(this.lastFailure);
  }

  /** Opens up to so many; while attempts fail at most one, and none during a pause. */
  want(count: number): void {
    if (this.failures > 0) {
      if (this.#retryTimer === undefined && count > 0 && this.count === 0) this.open(1);
    } else {
      this.open(count);
    }
  }

  /** Opens so many, pause or not. */
  open(count: number): void {
    for (let index = 0; index < count; index++) {
      const attempt: Promise<void> = Connection.open(
        this.#options,
        this.#decoders,
        this.#owner,
        this.#stop.signal,
      ).then(
        (connection) => {
          this.#attempts.delete(attempt);
          if (connection.closed) {
            this.#fail(new ConnectError('the server', new Error('Connection terminated unexpectedly')));
            return;
          }
          this.failures = 0;
          this.lastFailure = undefined;
          this.#owner.onOpened(connection);
        },
        (error: ConnectError) => {
          this.#attempts.delete(attempt);
          this.#fail(error);
          throw error;
        },
      );
      this.#attempts.add(attempt);
      // Who wants to know asks `settled`.
      attempt.catch(() => {});
    }
  }

  /**
   * Resolves when the attempts under way have ended.
   *
   * @throws {ConnectError} the first of their failures.
   */
  async settled(): Promise<void> {
    for (const attempt of await Promise.allSettled(this.#attempts)) {
      if (attempt.status === 'rejected') throw attempt.reason;
    }
  }

  /** Gives up what is under way, for good. */
  stop(): void {
    this.#options.clock.clearTimeout(this.#retryTimer);
    if (!this.#stop.signal.aborted) this.#stop.abort(new ClosedError());
  }

  #fail(error: ConnectError): void {
    if (!this.#stop.signal.aborted) {
      this.totalFailures++;
      this.lastFailure = error;
      // Attempts that were made together fail together: one pause for all of them.
      if (this.#retryTimer === undefined) this.#pause(error);
    }
    this.#owner.onConnectFailure(error, !isTransient(error));
  }

  #pause(error: ConnectError): void {
    this.failures++;
    const { reconnectMinMs, reconnectMaxMs, random, clock } = this.#options;
    const retryInMs = backoffMs(this.failures, reconnectMinMs, reconnectMaxMs, random);
    this.#retryTimer = clock.setTimeout(() => {
      this.#retryTimer = undefined;
      this.#owner.onRetry();
    }, retryInMs);
    unref(this.#retryTimer);
    if (failureChannel.hasSubscribers) {
      failureChannel.publish({ error, attempt: this.failures, retryInMs });
    }
  }
}
