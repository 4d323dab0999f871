import type { QueryResult } from '../queryable.ts';
import { EXECUTE_SYNC_BYTES, encodeCall } from './bind.ts';
import type { PgConnection } from './pg-internals.ts';
import type { ResultShape } from './decode.ts';
import { type Request, Statement } from './statement.ts';

let portals = 0;

/**
 * A query whose rows are fetched in batches: a named portal of the server, which lives within one transaction.
 *
 * ```
 *   first batch:  Parse "" | Bind portal | Describe portal | Execute portal, n rows | Sync
 *   each further:                                            Execute portal, n rows | Sync
 *   end:                                                     Close portal | Sync
 * ```
 *
 * Each is a statement of its own, so between two the connection is free for others of the same transaction, and each can be
 * cancelled as any statement.
 */
export class Portal {
  readonly text: string;
  readonly batchRows: number;
  readonly #values: readonly unknown[];
  /** Columns, once the server has described them. */
  shape: ResultShape | undefined;

  constructor(text: string, values: readonly unknown[], batchRows: number) {
    this.text = text;
    this.batchRows = batchRows;
    this.#values = values;
  }

  /** The messages of one run of the query. */
  open(): PortalMessages {
    const name = `hp_${++portals}`;
    const bind = encodeCall('', this.#values, name);
    const named = Buffer.from(`${name}\0`, 'latin1');
    return {
      bind: bind.subarray(0, bind.length - EXECUTE_SYNC_BYTES),
      describe: message(0x44, Buffer.from('P'), named),
      execute: Buffer.concat([message(0x45, named, int32(this.batchRows)), SYNC]),
      close: Buffer.concat([message(0x43, Buffer.from('P'), named), SYNC]),
    };
  }
}

export interface PortalMessages {
  readonly bind: Buffer;
  readonly describe: Buffer;
  readonly execute: Buffer;
  readonly close: Buffer;
}

const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);

function message(kind: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([kind]), int32(4 + body.length), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** What a portal gave. */
export interface Batch {
  readonly rows: object[];
  /** The portal has more, or does not know yet. */
  readonly more: boolean;
}

/** What a portal is asked for. */
export type PortalStep = 'first' | 'next' | 'close';

/** One exchange with a portal. */
export class PortalStatement extends Statement {
  readonly #portal: Portal;
  readonly #messages: PortalMessages;
  readonly #step: PortalStep;
  /** True when the server has more rows. */
  suspended = false;

  constructor(
    request: Request,
    resolve: (result: QueryResult<never>) => void,
    reject: (error: unknown) => void,
    portal: Portal,
    messages: PortalMessages,
    step: PortalStep,
  ) {
    super(request, 'lease', resolve, reject);
    this.#portal = portal;
    this.#messages = messages;
    this.#step = step;
  }

  override submit(connection: PgConnection): null {
    const { stream } = connection;
    const messages = this.#messages;
    if (this.#step === 'first') {
      stream.cork();
      connection.parse({ text: this.request.text, name: '' });
      stream.write(messages.bind);
      stream.write(messages.describe);
      stream.write(messages.execute);
      stream.uncork();
    } else {
      this.shape = this.#portal.shape;
      stream.write(this.#step === 'next' ? messages.execute : messages.close);
    }
    return null;
  }

  override handlePortalSuspended(): void {
    this.suspended = true;
    if (this.#step === 'first') this.#portal.shape = this.shape;
  }
}
