import type { PgConnection, TransactionStatus } from './pg-internals.ts';
import {
  COMMAND_COMPLETE,
  COPY_IN_RESPONSE,
  DATA_ROW,
  EMPTY_QUERY,
  ERROR_RESPONSE,
  PORTAL_SUSPENDED,
  READY_FOR_QUERY,
  ROW_DESCRIPTION,
  readFields,
  readReport,
  readSelected,
  readTag,
} from './server-messages.ts';
import type { Statement } from './statement.ts';

/** Whoever has statements in flight. */
export interface FlightOwner {
  /** The first exchange is answered. */
  onReady(status: TransactionStatus): void;
  /** The server reported an error of no statement's: it ends the connection. */
  onUnasked(report: Error): void;
}

/** What one ReadyForQuery answered. */
export interface Exchange {
  readonly statements: readonly Statement[];
  /** The server reported an error: it took back what the exchange did, and executed nothing behind the error. */
  readonly refused: boolean;
}

/**
 * The statements that were written and not settled, in the order of the wire. Each ReadyForQuery answers one *exchange*: a
 * statement with a Sync of its own, or a group that shares one, of which only the last ends the exchange.
 *
 * ```
 *   Bind Execute | Bind Execute | Bind Execute Sync | Bind Execute Sync
 *   └─ answered ┘ └─ current
 *   └────────────── first exchange ───────────────┘
 * ```
 */
export class Flight {
  readonly #connection: PgConnection;
  readonly #owner: FlightOwner;
  readonly #statements: Statement[] = [];
  /** Of the first exchange, those that are answered already. */
  #answered = 0;
  #refused = false;

  constructor(connection: PgConnection, owner: FlightOwner) {
    this.#connection = connection;
    this.#owner = owner;
  }

  get count(): number {
    return this.#statements.length;
  }

  /** How many times the server will say that it is ready. */
  get exchanges(): number {
    return this.#statements.filter(({ endsExchange }) => endsExchange).length;
  }

  /** The one whose answer is being read. */
  get current(): Statement | undefined {
    return this.#statements[this.#answered];
  }

  push(statement: Statement): void {
    this.#statements.push(statement);
  }

  /** The server is ready: the first exchange, taken out. Empty when nothing was in flight. */
  takeExchange(): Exchange {
    let count = this.#answered;
    while (count < this.#statements.length && !this.#statements[count++]!.endsExchange);
    const refused = this.#refused;
    this.#answered = 0;
    this.#refused = false;
    return { statements: this.#statements.splice(0, count), refused };
  }

  takeAll(): Statement[] {
    this.#answered = 0;
    return this.#statements.splice(0);
  }

  /** A message of the server's; those that are not named here tell nothing that anyone waits for. */
  readonly take = (kind: number, bytes: Buffer, at: number, end: number): void => {
    const { current } = this;
    switch (kind) {
      case DATA_ROW:
        if (end - at < 2) throw new Error('a row without a number of columns came from the server');
        current?.handleRow(bytes, (bytes[at]! << 8) | bytes[at + 1]!, at + 2, end);
        break;
      case COMMAND_COMPLETE: {
        const selected = readSelected(bytes, at, end);
        if (selected >= 0) current?.handleSelected(selected);
        else current?.handleCommandComplete({ text: readTag(bytes, at, end) });
        this.#advance();
        break;
      }
      case READY_FOR_QUERY:
        if (end - at !== 1) throw new Error('a readiness without a status came from the server');
        this.#owner.onReady(String.fromCharCode(bytes[at]!) as TransactionStatus);
        break;
      case ROW_DESCRIPTION:
        current?.handleRowDescription({ fields: readFields(bytes, at, end) });
        break;
      case EMPTY_QUERY:
        current?.handleEmptyQuery();
        this.#advance();
        break;
      case PORTAL_SUSPENDED:
        current?.handlePortalSuspended();
        break;
      case COPY_IN_RESPONSE:
        current?.handleCopyInResponse(this.#connection);
        break;
      case ERROR_RESPONSE:
        if (current === undefined) this.#owner.onUnasked(readReport(bytes, at, end));
        else current.handleError(readReport(bytes, at, end));
        this.#refused = true;
        break;
      default:
    }
  };

  /** The current one is answered whole. The last of an exchange stays current until the server is ready: its text may hold several statements. */
  #advance(): void {
    if (this.current?.endsExchange === false) this.#answered++;
  }
}
