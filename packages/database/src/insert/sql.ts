import { ArgumentRangeError, invalidType } from '../errors.ts';
import { quoteIdentifier } from './identifier.ts';
import type { ValueKind } from './literal.ts';

/** What happens to a row whose key is in the table already. */
export type OnConflict<Column extends string = string> =
  | 'ignore'
  | {
      /** Columns of the unique index. */
      readonly columns: readonly Column[];
      /** Columns to take over from the new row, or `'ignore'`. Default: every inserted column but the key's. */
      readonly update?: readonly Column[] | 'ignore' | undefined;
    };

/** A column of an insert, ready for SQL. */
export interface ColumnPlan {
  readonly name: string;
  /** The type, as SQL writes it. */
  readonly type: string;
  /** True when an array of the type can be sent as it is; else it goes as text and is cast row by row. */
  readonly direct: boolean;
  /** OID of the elements that an array of the column is sent with, where their binary form is their text; else 0. */
  readonly textOid: number;
  readonly kind: ValueKind;
  /** True when it is known that COPY does to this column what INSERT does: no rules, no row security, no view, no identity that is always generated. */
  readonly copies: boolean;
}

export interface InsertPlan {
  /** Quoted. */
  readonly table: string;
  readonly columns: readonly ColumnPlan[];
  readonly onConflict: OnConflict | undefined;
  /** Names, or `*`. */
  readonly returning: readonly string[] | '*' | undefined;
}

/**
 * One array a column, whatever the number of rows, so the text and its plan are always the same:
 * `INSERT INTO "t" ("a","b") SELECT pg_catalog.unnest($1::text[]),pg_catalog.unnest($2::text[])::int4`.
 *
 * Of the same length, so they are unnested side by side; as the select's own columns without a table in between that holds all rows.
 */
export function unnestSql(plan: InsertPlan): string {
  const { columns } = plan;
  const names = columns.map((column) => quoteIdentifier(column.name)).join(',');
  const arrays = columns.map(({ direct, type }, index) => `$${index + 1}::${direct ? type : 'text'}[]`);
  const cast = (from: (index: number) => string): string =>
    columns.map(({ direct, type }, index) => (direct ? from(index) : `${from(index)}::${type}`)).join(',');
  // Of several arrays side by side the parser makes Postgres's own, and only of the plain name.
  const from = arrays.length === 1 ? 'pg_catalog.unnest' : 'unnest';
  const rows =
    plan.returning === undefined
      ? // Named in full, for the path may have an unnest of somebody's for just this type.
        cast((index) => `pg_catalog.unnest(${arrays[index]!})`)
      : // Rows are inserted, and so returned, in the order of the select; only ORDER BY makes that a promise.
        `${cast((index) => `c${index + 1}`)} FROM ${from}(${arrays.join(',')}) WITH ORDINALITY ` +
        `AS u(${columns.map((_, index) => `c${index + 1}`).join(',')},n) ORDER BY n`;
  return `INSERT INTO ${plan.table} (${names}) SELECT ${rows}${tailSql(plan)}`;
}

/** One parameter a value: `INSERT INTO "t" ("a","b") VALUES ($1,$2),($3,$4)`. */
export function valuesSql(plan: InsertPlan, rows: number): string {
  const { columns } = plan;
  const names = columns.map((column) => quoteIdentifier(column.name)).join(',');
  let text = `INSERT INTO ${plan.table} (${names}) VALUES `;
  let parameter = 1;
  for (let row = 0; row < rows; row++) {
    text += row === 0 ? '(' : ',(';
    for (let column = 0; column < columns.length; column++) {
      text += column === 0 ? `$${parameter++}` : `,$${parameter++}`;
    }
    text += ')';
  }
  return text + tailSql(plan);
}

/** Text format with its own defaults: tabs, lines, `\\N`. */
export function copySql(plan: InsertPlan): string {
  return `COPY ${plan.table} (${plan.columns.map((column) => quoteIdentifier(column.name)).join(',')}) FROM STDIN`;
}

function tailSql(plan: InsertPlan): string {
  return conflictSql(plan) + returningSql(plan.returning);
}

function conflictSql(plan: InsertPlan): string {
  const { onConflict } = plan;
  if (onConflict === undefined) return '';
  if (onConflict === 'ignore') return ' ON CONFLICT DO NOTHING';
  if (typeof onConflict !== 'object' || onConflict === null || !Array.isArray(onConflict.columns)) {
    throw invalidType('onConflict', "'ignore' or an object with columns", onConflict);
  }
  const { columns, update } = onConflict;
  if (columns.length === 0)
    throw new ArgumentRangeError('onConflict.columns: expected one or more, got none');
  const key = columns.map((name) => quoteIdentifier(name, 'onConflict.columns')).join(',');
  if (update === 'ignore') return ` ON CONFLICT (${key}) DO NOTHING`;
  if (update !== undefined && !Array.isArray(update)) {
    throw invalidType('onConflict.update', "an array of columns or 'ignore'", update);
  }
  const updated =
    update ?? plan.columns.map((column) => column.name).filter((name) => !columns.includes(name));
  if (updated.length === 0) {
    throw new ArgumentRangeError("onConflict.update: expected one or more columns, got none; or 'ignore'");
  }
  const set = updated.map((name) => {
    const quoted = quoteIdentifier(name, 'onConflict.update');
    return `${quoted}=EXCLUDED.${quoted}`;
  });
  return ` ON CONFLICT (${key}) DO UPDATE SET ${set.join(',')}`;
}

function returningSql(returning: readonly string[] | '*' | undefined): string {
  if (returning === undefined) return '';
  if (returning === '*') return ' RETURNING *';
  if (!Array.isArray(returning) || returning.length === 0) {
    throw invalidType('returning', "one or more columns or '*'", returning);
  }
  return ` RETURNING ${returning.map((name: string) => quoteIdentifier(name, 'returning')).join(',')}`;
}
