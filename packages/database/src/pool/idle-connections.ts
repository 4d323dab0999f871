import { type Connection, unref } from './connection.ts';
import type { ResolvedOptions } from './options.ts';

/**
 * Connections that nobody uses: a stack, the warmest on top, the coldest at the bottom, where they are closed when they are too old
 * or, beyond `min`, were idle for too long.
 */
export class IdleConnections {
  readonly #options: ResolvedOptions;
  /** All connections there are, idle or not. */
  readonly #total: () => number;
  readonly #stack: Connection[] = [];
  #timer: unknown;
  #timerAt = Infinity;
  #stopped = false;

  constructor(options: ResolvedOptions, total: () => number) {
    this.#options = options;
    this.#total = total;
  }

  get count(): number {
    return this.#stack.length;
  }

  push(connection: Connection): void {
    const now = this.#options.clock.now();
    connection.idleSince = now;
    this.#stack.push(connection);
    this.#sweepBy(Math.min(connection.expiresAt, now + this.#options.idleTimeoutMs));
  }

  /** The warmest, unless it was idle for so long that it must be checked. */
  popFresh(): Connection | undefined {
    const connection = this.#stack.at(-1);
    if (connection === undefined) return undefined;
    const { clock, checkAfterIdleMs } = this.#options;
    if (clock.now() - connection.idleSince >= checkAfterIdleMs) return undefined;
    return this.#stack.pop();
  }

  /** The warmest, however long it was idle. */
  pop(): Connection | undefined {
    return this.#stack.pop();
  }

  delete(connection: Connection): void {
    const index = this.#stack.indexOf(connection);
    if (index >= 0) this.#stack.splice(index, 1);
  }

  /** Closes all; each leaves as its owner hears of that. */
  endAll(reason: string): void {
    for (const connection of this.#stack.slice()) connection.end(reason);
  }

  /** Looks through them no more. */
  stop(): void {
    this.#stopped = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** Makes sure that they are looked through by then. */
  #sweepBy(deadline: number): void {
    if (this.#stopped || deadline >= this.#timerAt) return;
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timerAt = deadline;
    this.#timer = clock.setTimeout(
      () => {
        this.#timerAt = Infinity;
        this.#sweep();
      },
      Math.max(1, Math.ceil(deadline - clock.now())),
    );
    unref(this.#timer);
  }

  /** Coldest first. */
  #sweep(): void {
    const { clock, idleTimeoutMs, min } = this.#options;
    const now = clock.now();
    let next = Infinity;
    for (const connection of this.#stack.slice()) {
      const idleUntil = connection.idleSince + idleTimeoutMs;
      if (now >= connection.expiresAt) connection.end('its lifetime ended');
      else if (this.#total() <= min) next = Math.min(next, connection.expiresAt);
      else if (now >= idleUntil) connection.end('it was idle');
      else next = Math.min(next, connection.expiresAt, idleUntil);
    }
    if (next < Infinity) this.#sweepBy(next);
  }
}
