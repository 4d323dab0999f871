/** An index as data, and as DDL. Pure but for a hash. */

import { createHash } from 'node:crypto';
import { ArgumentRangeError, invalidType } from '../errors.ts';
import { type TableName, quoteIdentifier, quoteTable } from '../insert/identifier.ts';
import { checkExpression } from './sql-tokens.ts';

/** One key of an index. */
export interface IndexKey {
  /** A column; or give `expression`. */
  readonly column?: string | undefined;
  /** SQL over the columns, such as `lower(email)`. Part of the statement as it is: never from outside. */
  readonly expression?: string | undefined;
  /** Operator class: `text_pattern_ops` for `LIKE 'john%'` where the collation is not C. */
  readonly opclass?: string | undefined;
  readonly descending?: boolean | undefined;
  /** Default: as `descending`. */
  readonly nullsFirst?: boolean | undefined;
}

/** An index to be made. */
export interface IndexDefinition {
  readonly table: TableName;
  /** Columns, or keys with more to them; 1 to 32. */
  readonly keys: readonly (string | IndexKey)[];
  /** Condition of a partial index: SQL over the columns, part of the statement as it is: never from outside. */
  readonly where?: string | undefined;
  readonly unique?: boolean | undefined;
  /** Access method. Default `btree`. */
  readonly method?: string | undefined;
  /** Default: made of the table and the keys, the same each time. */
  readonly name?: string | undefined;
}

/** The server cuts longer names. */
const NAME_BYTES_MAX = 63;
const KEYS_MAX = 32;
const HASH_DIGITS = 8;

/** A key in SQL. */
export function renderKey(key: string | IndexKey): string {
  if (typeof key === 'string') return quoteIdentifier(key, 'keys');
  if (typeof key !== 'object' || key === null) throw invalidType('keys', 'names or objects', key);
  const { column, expression, opclass, descending = false, nullsFirst = descending } = key;
  if ((column === undefined) === (expression === undefined)) {
    throw new ArgumentRangeError('keys: expected a column or an expression in each');
  }
  if (expression !== undefined) checkExpression(expression, 'expression');
  let text = column === undefined ? `(${expression})` : quoteIdentifier(column, 'keys');
  if (opclass !== undefined)
    text += ` ${opclass
      .split('.')
      .map((part) => quoteIdentifier(part, 'opclass'))
      .join('.')}`;
  if (descending) text += ' DESC';
  if (nullsFirst !== descending) text += nullsFirst ? ' NULLS FIRST' : ' NULLS LAST';
  return text;
}

/** What comes after the name of an index: `ON "users" ("email") WHERE …`. */
function renderBody({ table, keys, where, method }: IndexDefinition): string {
  if (!Array.isArray(keys)) throw invalidType('keys', 'an array', keys);
  if (keys.length === 0 || keys.length > KEYS_MAX) {
    throw new ArgumentRangeError(`keys: expected 1 to ${KEYS_MAX}, got ${keys.length}`);
  }
  if (where !== undefined) {
    if (typeof where !== 'string') throw invalidType('where', 'a string', where);
    checkExpression(where, 'where');
  }
  const using = method === undefined ? '' : ` USING ${quoteIdentifier(method, 'method')}`;
  const condition = where === undefined ? '' : ` WHERE ${where}`;
  return `ON ${quoteTable(table)}${using} (${keys.map(renderKey).join(', ')})${condition}`;
}

/**
 * The statement that makes an index.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError} for a definition that cannot be.
 */
export function renderIndex(definition: IndexDefinition, concurrently: boolean): string {
  const unique = definition.unique === true ? 'UNIQUE ' : '';
  const how = concurrently ? 'CONCURRENTLY ' : '';
  return `CREATE ${unique}INDEX ${how}${quoteIdentifier(nameOf(definition))} ${renderBody(definition)}`;
}

/** The name of an index: the given one, or one that only the same definition gets. */
export function nameOf(definition: IndexDefinition): string {
  if (definition.name !== undefined) {
    quoteIdentifier(definition.name, 'name');
    if (Buffer.byteLength(definition.name) > NAME_BYTES_MAX) {
      throw new ArgumentRangeError(`name: expected at most ${NAME_BYTES_MAX} bytes`);
    }
    return definition.name;
  }
  const body = renderBody(definition);
  const { table, keys, where, unique } = definition;
  const names = keys.map((key) => (typeof key === 'string' ? key : (key.column ?? 'expr')));
  const parts = [typeof table === 'string' ? table : table[1], ...names];
  const name = [...parts, unique === true ? 'key' : 'idx'].join('_');
  const isTold = where === undefined && definition.method === undefined && keys.every(isPlain);
  if (isTold && Buffer.byteLength(name) <= NAME_BYTES_MAX) return name;
  const hash = createHash('sha256').update(`${unique} ${body}`).digest('hex').slice(0, HASH_DIGITS);
  return `${cut(parts.join('_'), NAME_BYTES_MAX - HASH_DIGITS - 5)}_${hash}_${unique === true ? 'key' : 'idx'}`;
}

/** Its name says all of it. */
function isPlain(key: string | IndexKey): boolean {
  if (typeof key === 'string') return true;
  const { column, opclass, descending = false, nullsFirst = descending } = key;
  return column !== undefined && opclass === undefined && !descending && !nullsFirst;
}

/** As many whole characters as fit. */
function cut(text: string, bytes: number): string {
  let result = '';
  let used = 0;
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    result += character;
  }
  return result;
}

/** The schema and the name of an index, for statements about it. */
export function qualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
