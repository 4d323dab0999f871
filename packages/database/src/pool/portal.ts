import type { QueryResult, ResultField } from '../queryable.ts';
import { EXECUTE_SYNC_BYTES, encodeCall } from './bind.ts';
import type { ResultShape, RowDecoders } from './decode.ts';
import type { PgConnection } from './pg-internals.ts';
import { type Request, Statement } from './statement.ts';

let portals = 0;

/** A query whose rows are to be fetched in batches. */
export interface PortalQuery {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly batchRows: number;
}

/**
 * One run of a query whose rows are fetched in batches: a named portal of the server, which lives within one transaction.
 *
 * ```
 *   in a transaction of its own
 *     open:         Parse, Bind, Execute BEGIN | Parse "" | Describe statement | Sync
 *     first batch:  Bind portal | Execute portal, n rows | Sync
 *   in another's
 *     first batch:  Parse "" | Bind portal | Describe portal | Execute portal, n rows | Sync
 *   each further:   Execute portal, n rows | Sync
 *   end:            Close portal | Sync
 * ```
 *
 * Who knows the columns before Bind can have them in their binary form, which costs the server and us less than a text does. Where
 * other statements may come between, the unnamed statement cannot be relied on, and all comes as text.
 *
 * Each line is a statement of its own, so between two the connection is free for others of the same transaction, and each can be
 * cancelled as any statement.
 */
export class Portal {
  readonly text: string;
  /** Columns, once the server has described them. */
  shape: ResultShape | undefined;
  readonly execute: Buffer;
  readonly describe: Buffer;
  readonly close: Buffer;
  readonly #bind: Buffer;

  /** @throws {ArgumentTypeError} {ArgumentRangeError} for values that cannot be parameters. */
  constructor({ text, values, batchRows }: PortalQuery) {
    const name = `hp_${++portals}`;
    const named = Buffer.from(`${name}\0`, 'latin1');
    const bind = encodeCall('', values, name);
    this.text = text;
    this.#bind = bind.subarray(0, bind.length - EXECUTE_SYNC_BYTES);
    this.describe = message(0x44, PORTAL, named);
    this.execute = Buffer.concat([message(0x45, named, int32(batchRows)), SYNC]);
    this.close = Buffer.concat([message(0x43, PORTAL, named), SYNC]);
  }

  /** Bind, with the columns in the form that their shape wants. */
  bind(): Buffer {
    const binary = this.shape?.binary;
    if (binary === undefined) return this.#bind;
    // It ends with the number of formats, which is 0: everything as text.
    const formats = Buffer.alloc(2 + 2 * binary.length);
    formats.writeUInt16BE(binary.length);
    for (const [index, reader] of binary.entries()) {
      if (reader !== undefined) formats.writeUInt16BE(1, 2 + 2 * index);
    }
    const bind = Buffer.concat([this.#bind.subarray(0, -2), formats]);
    bind.writeInt32BE(bind.length - 1, 1);
    return bind;
  }
}

const PORTAL = Buffer.from('P');
const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);
const DESCRIBE_UNNAMED = Buffer.concat([message(0x44, Buffer.from('S\0')), SYNC]);
/** Bind and Execute of the unnamed statement, without a Sync. */
const EXECUTE_UNNAMED = encodeCall('', []).subarray(0, -SYNC.length);

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
export type PortalStep = 'open' | 'first' | 'next' | 'close';

/** One exchange with a portal. */
export class PortalStatement extends Statement {
  readonly #portal: Portal;
  readonly #step: PortalStep;
  /** True when the server has more rows. */
  suspended = false;

  constructor(
    request: Request,
    resolve: (result: QueryResult<never>) => void,
    reject: (error: unknown) => void,
    portal: Portal,
    step: PortalStep,
  ) {
    super(request, 'lease', resolve, reject);
    this.#portal = portal;
    this.#step = step;
  }

  override submit(connection: PgConnection): null {
    const { stream } = connection;
    const portal = this.#portal;
    const { text, shape } = portal;
    this.shape = shape;
    switch (this.#step) {
      case 'open':
        stream.cork();
        connection.parse({ text: 'BEGIN', name: '' });
        stream.write(EXECUTE_UNNAMED);
        connection.parse({ text, name: '' });
        stream.write(DESCRIBE_UNNAMED);
        stream.uncork();
        break;
      case 'first':
        stream.cork();
        if (shape === undefined) connection.parse({ text, name: '' });
        stream.write(portal.bind());
        if (shape === undefined) stream.write(portal.describe);
        stream.write(portal.execute);
        stream.uncork();
        break;
      case 'next':
        stream.write(portal.execute);
        break;
      case 'close':
      default:
        stream.write(portal.close);
    }
    return null;
  }

  override handlePortalSuspended(): void {
    this.suspended = true;
  }

  protected override describe(decoders: RowDecoders, fields: readonly ResultField[]): ResultShape {
    const shape = decoders.for(fields, this.#step === 'open');
    this.#portal.shape = shape;
    return shape;
  }
}
