import { ArgumentTypeError, RolledBackError } from '../errors.ts';
import type { Queryable, QueryableResult } from '../queryable.ts';

/** A `pg.Client`, a pooled one, or a connection of ours: one session, which knows whether it is in a transaction. */
interface OneSession extends Queryable {
  getTransactionStatus?(): string | null;
  readonly inTransaction?: boolean;
}

/** Ours. */
interface Transactional extends Queryable {
  transaction<Result>(
    f: (session: Queryable) => Promise<Result>,
    options: { readonly signal: AbortSignal | undefined },
  ): Promise<Result>;
}

/** A `pg.Pool`. */
interface ClientPool extends Queryable {
  connect(): Promise<OneSession & { release(error?: Error | boolean): void }>;
  readonly totalCount: number;
}

/** True when `db` is known to be in a transaction. */
export function inTransaction(db: Queryable): boolean {
  const session = db as OneSession;
  if (session.inTransaction !== undefined) return session.inTransaction;
  const status = session.getTransactionStatus?.();
  return status === 'T' || status === 'E';
}

/**
 * Runs `f` in a transaction of `db`, the one it is in or a new one.
 *
 * @throws {ArgumentTypeError} when nobody knows how to open one on it.
 */
export async function withinTransaction(
  db: Queryable,
  signal: AbortSignal | undefined,
  f: (session: Queryable) => Promise<void>,
): Promise<void> {
  if (inTransaction(db)) {
    await f(db);
  } else if (isTransactional(db)) {
    await db.transaction(f, { signal });
  } else if (isClientPool(db)) {
    const client = await db.connect();
    try {
      await beginAndCommit(client, f);
    } finally {
      // What is in an unknown state is not given back.
      client.release(client.getTransactionStatus?.() !== 'I');
    }
  } else if (isOneSession(db)) {
    await beginAndCommit(db, f);
  } else {
    throw new ArgumentTypeError(
      "db: expected a database that can open a transaction (ours, a pg.Pool, a pg.Client) for several chunks; or transaction: 'chunk' or 'none'",
    );
  }
}

async function beginAndCommit(session: Queryable, f: (session: Queryable) => Promise<void>): Promise<void> {
  await session.query('BEGIN');
  try {
    await f(session);
  } catch (error) {
    // The first failure is the one to tell.
    await session.query('ROLLBACK').catch(() => {});
    throw error;
  }
  const result = (await session.query('COMMIT')) as QueryableResult & { readonly command?: unknown };
  if (result.command === 'ROLLBACK') throw new RolledBackError();
}

function isTransactional(db: Queryable): db is Transactional {
  return typeof (db as Partial<Transactional>).transaction === 'function';
}

export function isClientPool(db: Queryable): db is ClientPool {
  return (
    typeof (db as Partial<ClientPool>).connect === 'function' &&
    typeof (db as Partial<ClientPool>).totalCount === 'number'
  );
}

function isOneSession(db: Queryable): db is OneSession {
  return 'inTransaction' in db || 'getTransactionStatus' in db;
}
