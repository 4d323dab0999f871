import { ArgumentTypeError, invalidType } from '../errors.ts';
import type { Sql } from '../sql/sql.ts';
import type { Lease } from './lease.ts';
import { checkOptionsObject, checkSignal, integer } from './options.ts';
import type { Pool } from './pool.ts';
import { type Batch, Portal, type PortalQuery } from './portal.ts';
import { rollBack } from './roll-back.ts';
import { checkText } from './statement-texts.ts';

/** Options of `stream`. */
export interface StreamOptions {
  /** Rows of a batch, 1 to 1,000,000. Default 1,000. */
  readonly batchRows?: number | undefined;
  /** Cancels on the server what is under way when aborted, and ends the loop with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The rows of a query, in batches as they come from the server. Each loop over it runs the query anew; it sends nothing before.
 *
 * The next batches are asked for while one is worked on, two ahead at most: memory is bounded by three batches, whatever the
 * length of the result. A batch is the loop's own. Leave the loop at any time: what was asked for is awaited, the portal is closed
 * and the connection given back.
 */
export interface RowStream<Row extends object> extends AsyncIterable<Row[]> {
  [Symbol.asyncIterator](): AsyncGenerator<Row[], void, undefined>;
  /** The same row by row, which costs a promise a row. */
  rows(): AsyncGenerator<Row, void, undefined>;
}

/** What results that do not fit in memory are read from: a database, or a transaction of it. */
export interface Streaming {
  /**
   * The rows of a query, in batches: `for await (const rows of db.stream(…))`.
   *
   * A database gives it a connection and a transaction of its own, from the loop's begin to its end; a loop that is left early
   * commits, too, as the server may have executed a writing query whole by then. Within a transaction, its other statements may run
   * between the batches, also from within the loop.
   *
   * @throws {ArgumentTypeError} {ArgumentRangeError} at once; in the loop, what `query` and `acquire` throw.
   *
   * @example
   * ```ts
   * for await (const rows of db.stream(sql<{ id: number }>`SELECT id FROM events WHERE day = ${day}`)) {
   *   await send(rows);
   * }
   * ```
   */
  stream<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: StreamOptions,
  ): RowStream<Row>;
  stream<Row extends object = Record<string, unknown>>(
    query: Sql<Row>,
    options?: StreamOptions,
  ): RowStream<Row>;
}

/** Where the batches come from: a transaction of the stream's own, or one that is there already. */
export interface StreamHost {
  readonly lease: Lease;
  /** Batches that are asked for before the ones before them have come. */
  readonly ahead: number;
  /** The loop is over. */
  end(portal: Portal, failed: boolean): Promise<void>;
}

export type OpenHost = (portal: Portal, signal: AbortSignal | undefined) => Promise<StreamHost>;

/** A transaction of its own, on a connection of its own: committed at the end and when the loop is left, rolled back on a failure. */
export async function ownHost(
  lend: (signal: AbortSignal | undefined) => Promise<Lease>,
  pool: Pool,
  portal: Portal,
  signal: AbortSignal | undefined,
): Promise<StreamHost> {
  const lease = await lend(signal);
  const { cancelGraceMs } = pool.options;
  const end = async (_portal: Portal, failed: boolean): Promise<void> => {
    if (!failed) {
      try {
        await lease.query('COMMIT');
        lease.release();
        return;
      } catch (error) {
        await rollBack(lease, cancelGraceMs);
        throw error;
      }
    }
    await rollBack(lease, cancelGraceMs);
  };
  try {
    // Rows that come by way of `pg` come as texts.
    if (pool.plain) await lease.query('BEGIN', undefined, { signal });
    else await lease.fetch(portal, 'open', signal, false);
  } catch (error) {
    await rollBack(lease, cancelGraceMs);
    throw error;
  }
  return { lease, ahead: 2, end };
}

/** Within the transaction of a lease: other statements of it go between the batches. */
export function sharedHost(lease: Lease): StreamHost {
  return {
    lease,
    ahead: 1,
    async end(portal, failed) {
      if (!lease.inTransaction) return;
      const closed = lease.fetch(portal, 'close', undefined, false);
      // An abort between two batches leaves the transaction as it was, and the portal open. The failure is the one to tell.
      if (failed) closed.catch(() => {});
      else await closed;
    },
  };
}

/**
 * Makes a stream; sends nothing.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError} for what cannot be.
 */
export function openStream<Row extends object>(
  text: string,
  values: readonly unknown[] | undefined,
  options: StreamOptions | undefined,
  host: OpenHost,
): RowStream<Row> {
  if (typeof text !== 'string') throw invalidType('text', 'a string', text);
  checkText(text);
  if (values !== undefined && !Array.isArray(values)) throw invalidType('values', 'an array', values);
  const { batchRows, signal } = streamOptions(options);
  return new PortalRows<Row>({ text, values: values ?? [], batchRows }, signal, host);
}

function streamOptions(options: StreamOptions = {}): { batchRows: number; signal: AbortSignal | undefined } {
  checkOptionsObject(options);
  for (const name of Object.keys(options)) {
    if (name !== 'batchRows' && name !== 'signal') {
      throw new ArgumentTypeError(`options.${name}: expected no such option`);
    }
  }
  const { batchRows, signal } = options;
  checkSignal(signal);
  return { batchRows: integer('batchRows', batchRows, 1_000, 1, 1_000_000), signal };
}

class PortalRows<Row extends object> implements RowStream<Row> {
  readonly #query: PortalQuery;
  readonly #signal: AbortSignal | undefined;
  readonly #host: OpenHost;

  constructor(query: PortalQuery, signal: AbortSignal | undefined, host: OpenHost) {
    this.#query = query;
    this.#signal = signal;
    this.#host = host;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row[], void, undefined> {
    const signal = this.#signal;
    signal?.throwIfAborted();
    const portal = new Portal(this.#query);
    const host = await this.#host(portal, signal);
    const asked: Promise<Batch>[] = [];
    const ask = (step: 'first' | 'next'): void => {
      const batch = host.lease.fetch(portal, step, signal, host.ahead > 1);
      // Awaited in its turn, or when the loop is left.
      batch.catch(() => {});
      asked.push(batch);
    };
    let failed = false;
    try {
      ask('first');
      for (let more = true; more;) {
        const batch = await asked.shift()!;
        more = batch.more;
        // Only now: a statement without rows must not be executed twice.
        for (let wanted = more ? host.ahead - asked.length : 0; wanted > 0; wanted--) ask('next');
        signal?.throwIfAborted();
        if (batch.rows.length > 0) yield batch.rows as Row[];
      }
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      for (const rest of await Promise.allSettled(asked)) if (rest.status === 'rejected') failed = true;
      await host.end(portal, failed);
    }
  }

  async *rows(): AsyncGenerator<Row, void, undefined> {
    for await (const batch of this) yield* batch;
  }
}
