import { planColumns } from '../insert/columns.ts';
import { quoteIdentifier } from '../insert/identifier.ts';
import type { ColumnPlan } from '../insert/sql.ts';
import type { Queryable } from '../queryable.ts';

/** Keys as a table of their own in a statement: one array a column, so the text is the same for any number of keys. */
export interface KeysSql {
  /** `unnest($1::int4[]) WITH ORDINALITY AS k(k1,n)`: `n` is the key's place in the list, from 1. */
  readonly from: string;
  /** `t."id"=k.k1`, for a table with the alias that was given. */
  on(alias: string): string;
}

/**
 * The keys' part of a look-up. The server compares them with its own equality and says which row belongs to which, so it does not
 * matter how a value is written (`'A0…'` and `'a0…'` are one uuid), nor how it comes back.
 *
 * @throws {ArgumentRangeError} when there is no such table or column.
 */
export async function keysSql(
  db: Queryable,
  table: string,
  columns: readonly string[],
  types: Readonly<Record<string, string | undefined>>,
): Promise<KeysSql> {
  const plans = await planColumns(db, table, columns, types);
  const arrays = plans.map((plan, at) => `$${at + 1}::${plan.direct ? plan.type : 'text'}[]`);
  const names = plans.map((_, at) => `k${at + 1}`);
  return {
    from: `unnest(${arrays.join(',')}) WITH ORDINALITY AS k(${names.join(',')},n)`,
    on: (alias) =>
      plans.map((plan, at) => `${alias}.${quoteIdentifier(plan.name)}=${keyOf(plan, at)}`).join(' AND '),
  };
}

function keyOf(plan: ColumnPlan, at: number): string {
  return plan.direct ? `k.k${at + 1}` : `k.k${at + 1}::${plan.type}`;
}

/** Keys, each a list of its columns' values, as one list a column. */
export function columnsOfKeys(keys: readonly (readonly unknown[])[], count: number): unknown[][] {
  return Array.from({ length: count }, (_, at) => keys.map((key) => key[at]));
}
