import type { Parser } from './decode.ts';

/** How `pg` reads whole numbers and booleans; a parser of the user's looks different and is called. */
const PG_INTEGER = /^function\s*\(value\)\s*\{\s*return parseInt\(value, 10\);?\s*\}$/u;
const PG_BOOLEAN =
  /^function parseBool\s*\(value\)\s*\{\s*if \(value === null\) return value\s+return value === 'TRUE'/u;

/** Whether a column's values are whole numbers, read without making a string of them. */
export function readsInteger(parser: Parser | undefined): boolean {
  return parser !== undefined && PG_INTEGER.test(Function.prototype.toString.call(parser));
}

/** Whether a column's values are read as `pg` reads booleans. */
export function isPgBoolean(parser: Parser | undefined): boolean {
  return parser !== undefined && PG_BOOLEAN.test(Function.prototype.toString.call(parser));
}
