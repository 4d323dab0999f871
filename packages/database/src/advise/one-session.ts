import type { LeasedConnection } from '../pool/lease.ts';
import { inTransaction, isClientPool } from '../insert/within-transaction.ts';
import type { Queryable } from '../queryable.ts';

/** One connection, whose statements follow each other. */
export interface OneSession {
  readonly session: Queryable;
  /** True when it is in a transaction. */
  inTransaction(): boolean;
  /** Runs a statement that the server is asked to cancel when the signal is aborted; only where there is a way to ask. */
  cancellable(text: string, signal: AbortSignal | undefined): Promise<unknown>;
}

/** Ours. */
interface Lender extends Queryable {
  acquire(options: { readonly signal: AbortSignal | undefined }): Promise<LeasedConnection>;
}

/**
 * Runs `f` on one connection of `db`: one that is lent by ours or by a `pg.Pool`, else `db` itself. A lent one is destroyed when its
 * state is not known: of a `pg.Pool` when `f` fails; ours, which puts it in order, when an abort has kept `f` from tidying up what
 * nobody else sees, such as indexes of hypopg.
 */
export async function onOneSession<Result>(
  db: Queryable,
  signal: AbortSignal | undefined,
  f: (on: OneSession) => Promise<Result>,
): Promise<Result> {
  if (isLender(db)) {
    const lease = await db.acquire({ signal });
    try {
      return await f({
        session: unlimited(lease, signal),
        inTransaction: () => lease.inTransaction,
        cancellable: (text, signal) => lease.query(text, undefined, { timeoutMs: 0, signal }),
      });
    } finally {
      if (signal?.aborted) lease.destroy();
      else lease.release();
    }
  }
  if (isClientPool(db)) {
    const client = await db.connect();
    let failed = true;
    try {
      const result = await f({
        session: client,
        inTransaction: () => inTransaction(client),
        cancellable: (text, signal) => cancelledFrom(db, client, text, signal),
      });
      failed = client.getTransactionStatus?.() !== 'I';
      return result;
    } finally {
      client.release(failed);
    }
  }
  return await f({
    session: db,
    inTransaction: () => inTransaction(db),
    cancellable: (text) => db.query(text),
  });
}

/** Asks for the cancel on another connection of the pool, and returns when both have ended. */
async function cancelledFrom(
  pool: Queryable,
  session: Queryable,
  text: string,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (signal === undefined) return await session.query(text);
  const { rows } = await session.query('SELECT pg_backend_pid() AS pid');
  let asked: Promise<unknown> = Promise.resolve();
  const onAbort = (): void => {
    asked = pool.query('SELECT pg_cancel_backend($1)', [(rows[0] as { pid: number }).pid]).catch(() => {});
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await session.query(text);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await asked;
  }
}

function isLender(db: Queryable): db is Lender {
  return typeof (db as Partial<Lender>).acquire === 'function';
}

/** Without the database's time limit, which is for an application's statements. */
function unlimited(lease: LeasedConnection, signal: AbortSignal | undefined): Queryable {
  return { query: (text, values) => lease.query(text, values, { timeoutMs: 0, prepare: false, signal }) };
}
