import type { Socket } from 'node:net';
import { GROUP_MAX, exchangesOf, joinCalls } from './groups.ts';
import type { Statement, StatementHost } from './statement.ts';

/** How statements go out. */
export interface GatheringHost extends StatementHost {
  /** Puts a statement behind those in flight; it is written by whoever calls. */
  enter(statement: Statement): void;
  /** The same, and writes it with a Sync of its own. */
  write(statement: Statement): void;
}

/**
 * Statements that are to be written at the end of this turn of the event loop: in one system call, and with one Sync for those that may
 * share it; a full group goes out at once.
 */
export class Gathering {
  readonly #socket: Socket;
  readonly #host: GatheringHost;
  #statements: Statement[] = [];

  constructor(socket: Socket, host: GatheringHost) {
    this.#socket = socket;
    this.#host = host;
  }

  get count(): number {
    return this.#statements.length;
  }

  add(statement: Statement): void {
    const count = this.#statements.push(statement);
    if (count === GROUP_MAX) this.send();
    else if (count === 1) process.nextTick(this.send);
  }

  /** Writes all now. */
  readonly send = (): void => {
    const statements = this.takeAll();
    if (statements.length === 0) return;
    if (statements.length === 1) {
      this.#host.write(statements[0]!);
      return;
    }
    const { prepared, toClose } = this.#host;
    const isPrepared = (name: string): boolean =>
      toClose.length === 0 && prepared.get(name)?.shape !== undefined;
    this.#socket.cork();
    for (const exchange of exchangesOf(statements, isPrepared)) {
      if (exchange.length === 1) this.#host.write(exchange[0]!);
      else this.#writeGroup(exchange);
    }
    this.#socket.uncork();
  };

  /** Takes them out unwritten. */
  takeAll(): Statement[] {
    const statements = this.#statements;
    this.#statements = [];
    return statements;
  }

  #writeGroup(group: readonly Statement[]): void {
    const shape = this.#host.prepared.get(group[0]!.request.name)?.shape;
    if (shape === undefined) {
      // It was closed, or is parsed again, for one that was written before this group: small caches hold few.
      for (const statement of group) this.#host.write(statement);
      return;
    }
    const last = group.at(-1);
    for (const statement of group) {
      this.#host.enter(statement);
      statement.join(shape, statement === last);
    }
    this.#socket.write(joinCalls(group));
  }
}
