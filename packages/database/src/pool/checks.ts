import { type Connection, unref } from './connection.ts';
import type { ResolvedOptions } from './options.ts';
import { sendOwn } from './own-statement.ts';

/** A server that is there answers within a round trip; one that has not by now, in milliseconds, is not waited for. */
const LATE_AFTER_MS = 250;

/**
 * Connections that were idle for long and are asked for a sign of life before they are lent. Until one is late it counts as coming, so
 * that nobody opens another in its place; without the sign it is destroyed.
 */
export class Checks {
  readonly #options: ResolvedOptions;
  readonly #onLate: () => void;
  /** With the timer of each. */
  readonly #coming = new Map<Connection, unknown>();

  constructor(options: ResolvedOptions, onLate: () => void) {
    this.#options = options;
    this.#onLate = onLate;
  }

  /** Those that are expected to answer any moment. */
  get count(): number {
    return this.#coming.size;
  }

  /** Asks one. It is quiet again when it has answered. */
  start(connection: Connection): void {
    const { clock, checkTimeoutMs } = this.#options;
    const timer = clock.setTimeout(() => {
      this.#coming.delete(connection);
      this.#onLate();
    }, LATE_AFTER_MS);
    unref(timer);
    this.#coming.set(connection, timer);
    sendOwn(connection, '', clock, checkTimeoutMs);
  }

  /** It has answered, or is lost. */
  end(connection: Connection): void {
    const timer = this.#coming.get(connection);
    if (timer === undefined) return;
    this.#options.clock.clearTimeout(timer);
    this.#coming.delete(connection);
  }
}
