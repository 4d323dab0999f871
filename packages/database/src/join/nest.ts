import { FoldError, invalidType } from '../errors.ts';
import { compile } from './compile.ts';
import { type Fold, interpret } from './interpret.ts';
import { type NestSpec, type Nested, columnsOf, planNest } from './spec.ts';

/** Folds the rows of a JOIN into objects. */
export interface Nest<Row extends object, Result> {
  /**
   * The objects of the root, in the order in which they first appear, each once, and the same for those below. An object
   * without children has an empty list, or null for `one`.
   *
   * Rows may come in any order; in the order of the keys they cost least. O(rows); the result shares nothing with the rows
   * but their values.
   *
   * @throws {InvalidTypeError} when `rows` is no array.
   * @throws {FoldError} when a column is missing, a root object has no key, or `one` has two.
   */
  fold(rows: readonly Row[]): Result[];
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
 * @throws {InvalidTypeError} {InvalidValueError} for a spec that cannot be.
 *
 * @example
 * ```ts
 * const users = nest<{ id: number; name: string; post_id: number | null; title: string | null }>()({
 *   key: 'id',
 *   fields: { id: 'id', name: 'name' },
 *   many: { posts: { key: 'post_id', fields: { id: 'post_id', title: 'title' } } },
 * });
 * const { rows } = await db.query<UserPost>(`SELECT … FROM users u LEFT JOIN posts p ON p.user_id = u.id ORDER BY u.id, p.id`);
 * users.fold(rows); // [{ id, name, posts: [{ id, title }, …] }, …]
 * ```
 */
export function nest<Row extends object>(): <const Spec extends NestSpec<Row>>(
  spec: Spec,
) => Nest<Row, Nested<Row, Spec>> {
  return (spec) => {
    const plan = planNest(spec);
    const fold: Fold = compile(plan) ?? interpret(plan);
    const columns = columnsOf(plan);
    return {
      fold: (rows) => {
        if (!Array.isArray(rows)) throw invalidType('rows', 'an array', rows);
        if (rows.length > 0) checkColumns(rows[0], columns);
        return fold(rows) as never;
      },
    };
  };
}

/** All rows of a result have the same columns, so the first one tells. */
function checkColumns(row: unknown, columns: readonly string[]): void {
  if (typeof row !== 'object' || row === null) throw invalidType('rows[0]', 'an object', row);
  for (const column of columns) {
    if (!Object.hasOwn(row, column)) {
      throw new FoldError(
        `rows: expected a column ${JSON.stringify(column)}, got ${Object.keys(row).join(', ')}`,
      );
    }
  }
}
