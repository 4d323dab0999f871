import { invalidType } from '../errors.ts';
import type { Queryable } from '../queryable.ts';
import { type AnyQuery, queryParts } from '../session.ts';
import type { Sql } from '../sql/sql.ts';
import { Folder } from './folder.ts';
import { type NestSpec, type Nested, planNest } from './spec.ts';

/** Folds the rows of a JOIN into objects. */
export interface Nest<Row extends object, Result> {
  /**
   * The objects of the root, in the order in which they first appear, each once, and the same for those below. An object
   * without children has an empty list, or null for `one`.
   *
   * Rows may come in any order; in the order of the keys they cost least. O(rows); the result shares nothing with the rows
   * but their values.
   *
   * @throws {ArgumentTypeError} when `rows` is no array.
   * @throws {FoldError} when a column is missing, a root object has no key, or `one` has two.
   */
  fold(rows: readonly Row[]): Result[];
  /**
   * Runs a query and folds its rows. Where `db` is ours, they are folded while they come from the server: what a row repeats of
   * the rows before it is not even decoded, and no row is ever made. With anything else with `query` it is {@link fold} of its rows.
   *
   * @throws {ArgumentTypeError} for what cannot be a database, a query or values.
   * @throws what the query throws, and {@link fold}.
   */
  load(db: Queryable, text: string, values?: readonly unknown[]): Promise<Result[]>;
  load(db: Queryable, query: Sql<object>): Promise<Result[]>;
}

/**
 * Plans the fold of a JOIN's rows into nested objects: one query instead of one for each parent.
 *
 * The first call names the type of the rows; the second's argument says which columns become what, and from both the type of the
 * result follows. Make it once and keep it: it compiles a function.
 *
 * Two lists side by side (`many` twice at one level) are folded rightly, but their JOIN multiplies their rows: two queries are
 * cheaper then.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError} for a spec that cannot be.
 *
 * @example
 * ```ts
 * const users = nest<{ id: number; name: string; post_id: number | null; title: string | null }>()({
 *   key: 'id',
 *   fields: { id: 'id', name: 'name' },
 *   many: { posts: { key: 'post_id', fields: { id: 'post_id', title: 'title' } } },
 * });
 * await users.load(db, `SELECT … FROM users u LEFT JOIN posts p ON p.user_id = u.id ORDER BY u.id, p.id`);
 * // [{ id, name, posts: [{ id, title }, …] }, …]
 * ```
 */
export function nest<Row extends object>(): <const Spec extends NestSpec<Row>>(
  spec: Spec,
) => Nest<Row, Nested<Row, Spec>> {
  return (spec) => {
    const folder = new Folder(planNest(spec));
    return {
      fold: (rows) => folder.fold(rows) as never,
      // Async, so that what is wrong rejects instead of throwing.
      load: async (db: Queryable, query: AnyQuery<object>, given?: readonly unknown[]) => {
        if (typeof db?.query !== 'function') throw invalidType('db', 'an object with query()', db);
        const { text, values } = queryParts(query, given, undefined);
        return (await folder.load(db, text, values ?? [])) as never;
      },
    };
  };
}
