import { ArgumentRangeError, invalidType } from '../errors.ts';
import type { Queryable } from '../queryable.ts';
import { type TableName, quoteTable } from './identifier.ts';
import { type InsertManyOptions, type InsertManyResult, checkOptions } from './insert-options.ts';
import { Insert } from './insert.ts';
import { type Rows, RowSource } from './row-source.ts';
import { inTransaction, withinTransaction } from './within-transaction.ts';

/**
 * Inserts many rows in few statements. One chunk is in flight at a time, and no row is taken from the source meanwhile, so a
 * stream of any length needs the memory of one chunk.
 *
 * Works on our database, connections and transactions, and on anything else with `query(text, values)`; for several chunks in one
 * transaction that must be a `pg.Pool` or a `pg.Client`.
 *
 * JSON columns take any value as JSON, strings too; array columns take arrays of any depth.
 *
 * @throws {InsertError} when a chunk fails; `cause` is why.
 * @throws {ArgumentTypeError} {ArgumentRangeError} for arguments and rows that cannot be inserted.
 * @throws what the source or `onProgress` throws, and the signal's reason.
 *
 * @example
 * ```ts
 * await insertMany(db, 'users', [
 *   { name: 'Ada', email: 'ada@example.com' },
 *   { name: 'Alan', email: 'alan@example.com' },
 * ], { onConflict: { columns: ['email'], update: ['name'] } });
 * ```
 */
export async function insertMany<Row extends object, Returned extends object = Record<string, unknown>>(
  db: Queryable,
  table: TableName,
  rows: Rows<Row>,
  options: InsertManyOptions<Row> = {},
): Promise<InsertManyResult<Returned>> {
  if (typeof db?.query !== 'function') throw invalidType('db', 'an object with query()', db);
  const quoted = quoteTable(table);
  checkOptions(options);
  const { signal } = options;
  const mode = options.transaction ?? 'all';
  if (mode === 'chunk' && inTransaction(db)) {
    throw new ArgumentRangeError(
      "transaction: expected 'all' or 'none' inside a transaction, which 'chunk' would have to commit",
    );
  }
  const source = new RowSource(rows, signal);
  try {
    signal?.throwIfAborted();
    const first = await source.first();
    if (first === undefined) return { rowCount: 0, chunks: 0, rows: [] };
    const count = Array.isArray(rows) ? rows.length : undefined;
    const insert = await Insert.plan<Returned>(
      db,
      quoted,
      first,
      count,
      options as InsertManyOptions<object>,
    );
    if (insert.copiesAtOnce || mode !== 'all') {
      // One statement is all or nothing by itself, and a COPY takes all rows.
      while (!(await insert.next(db, source, mode !== 'all')));
      return insert.result;
    }
    if (await insert.take(source)) {
      await insert.flush(db);
      return insert.result;
    }
    await withinTransaction(db, signal, async (session) => {
      await insert.flush(session);
      while (!(await insert.next(session, source, false)));
    });
    return insert.result;
  } catch (error) {
    // The first failure is the one to tell. Without one, the source has ended by itself.
    await source.close().catch(() => {});
    throw error;
  }
}
