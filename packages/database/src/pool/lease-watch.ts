import { channel } from 'node:diagnostics_channel';
import type { LeaseHolder } from '../errors.ts';
import type { Connection } from './connection.ts';
import type { Clock } from './options.ts';

/** Frames of the call that are kept; each costs about half a microsecond to write down. */
const STACK_FRAMES = 8;

/** Holders that a message names. */
const NAMED = 3;

/** `{ site, stack, heldMs, processId }` of each lease that was lost, or still held when the database was closed by force. */
const leakChannel = channel('hotpath:database:leak');

interface Held {
  /** Where it was asked for; as text, because an unread stack keeps the objects alive whose methods are on it. */
  readonly stack: string;
  readonly since: number;
}

/**
 * Who holds which connection, by the place in the code that asked for it. A lease that is collected unreleased is noticed by a
 * FinalizationRegistry, late, and its connection destroyed: nobody knows what state it is in.
 */
export class LeaseWatch {
  readonly #clock: Clock;
  readonly #held = new Map<Connection, Held>();
  readonly #lost: FinalizationRegistry<Connection>;
  #leaks = 0;

  /** @param onLost is to take the connection back. */
  constructor(clock: Clock, onLost: (connection: Connection) => void) {
    this.#clock = clock;
    this.#lost = new FinalizationRegistry((connection) => {
      const held = this.#held.get(connection);
      if (held === undefined) return;
      this.#report(connection, held, 'was lost without a release');
      onLost(connection);
    });
  }

  /** Leases lost, or held at a close by force, so far. */
  get leaks(): number {
    return this.#leaks;
  }

  has(connection: Connection): boolean {
    return this.#held.has(connection);
  }

  add(connection: Connection, stack: string): void {
    this.#held.set(connection, { stack, since: this.#clock.now() });
  }

  delete(connection: Connection): void {
    this.#held.delete(connection);
  }

  /** Notices when the holder's object is collected. */
  watch(lease: object, connection: Connection): void {
    this.#lost.register(lease, connection, lease);
  }

  unwatch(lease: object): void {
    this.#lost.unregister(lease);
  }

  /** Those who hold a connection for longest. */
  longest(): LeaseHolder[] {
    const now = this.#clock.now();
    // In the order in which they began.
    return [...this.#held.values()].slice(0, NAMED).map(({ stack, since }) => ({
      site: siteOf(stack),
      heldMs: Math.round(now - since),
    }));
  }

  /** Reports everyone who holds one: they had their time. */
  reportAll(): void {
    for (const [connection, held] of this.#held) {
      this.#report(connection, held, 'was held when the database was closed');
    }
  }

  #report(connection: Connection, { stack, since }: Held, what: string): void {
    this.#leaks++;
    const site = siteOf(stack);
    const heldMs = Math.round(this.#clock.now() - since);
    process.emitWarning(`a connection ${what}, ${heldMs} ms after it was lent ${site}`, {
      type: 'HotpathLeakWarning',
      code: 'HOTPATH_DATABASE_LEAK',
    });
    if (leakChannel.hasSubscribers) {
      leakChannel.publish({ site, stack, heldMs, processId: connection.processId });
    }
  }
}

/** The stack from above a method of ours that the user called. */
export function captureStack<Owner extends object>(owner: Owner, method: keyof Owner): string {
  const entry = owner[method] as (...args: never[]) => unknown;
  const trace = { stack: '' };
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = STACK_FRAMES;
  Error.captureStackTrace(trace, entry);
  Error.stackTraceLimit = limit;
  return trace.stack;
}

/** The first frame: `at handler (file:///app.js:10:22)`. */
function siteOf(stack: string): string {
  return /\n\s*(at .+)/u.exec(stack)?.[1] ?? 'somewhere unknown';
}
