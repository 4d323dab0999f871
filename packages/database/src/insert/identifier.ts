import { ArgumentRangeError, invalidType } from '../errors.ts';

/**
 * Quotes one name for SQL: `"` around it, every `"` in it doubled. Whatever the name holds, it stays one identifier.
 *
 * @throws {ArgumentTypeError} when it is not a string.
 * @throws {ArgumentRangeError} when it is empty, or holds a NUL or half a surrogate pair, which no identifier can.
 */
export function quoteIdentifier(name: string, argument = 'name'): string {
  if (typeof name !== 'string') throw invalidType(argument, 'a string', name);
  if (name === '') throw new ArgumentRangeError(`${argument}: expected a name, got an empty string`);
  if (name.includes('\0')) throw new ArgumentRangeError(`${argument}: expected no NUL character`);
  if (!name.isWellFormed()) throw new ArgumentRangeError(`${argument}: expected no half of a surrogate pair`);
  return `"${name.replaceAll('"', '""')}"`;
}

/** A table: its name as the catalogue has it, case and all, or its schema and name. A dot in a name is part of the name. */
export type TableName = string | readonly [schema: string, table: string];

/** Quotes a table's name. */
export function quoteTable(table: TableName): string {
  if (typeof table === 'string') return quoteIdentifier(table, 'table');
  if (!Array.isArray(table) || table.length !== 2) {
    throw invalidType('table', 'a name, or a schema and a name', table);
  }
  return `${quoteIdentifier(table[0], 'schema')}.${quoteIdentifier(table[1], 'table')}`;
}

const NAME = String.raw`(?:[a-z_][\w$]*|"(?:[^"\0]|"")+")`;

/**
 * A type's name as SQL writes it: a name, schemas before it, or one of the types of several words; then brackets. Nothing
 * else gets through, so a name from outside cannot end the cast that it is put into.
 */
const TYPE_NAME = new RegExp(
  String.raw`^(?:double precision|character varying|bit varying|(?:time|timestamp) with(?:out)? time zone|${NAME}(?:\.${NAME})*)((?:\[\])*)$`,
  'iu',
);

/** Names that mean a length of 1 unless one is given: a cast would cut the value off. */
const ONE_LONG: Readonly<Record<string, string>> = {
  char: 'bpchar',
  character: 'bpchar',
  nchar: 'bpchar',
  bit: '"bit"',
};

/**
 * Checks the name of a type that the caller gave, and returns how to write it in a cast that loses nothing.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError}
 */
export function checkTypeName(type: string, column: string): string {
  if (typeof type !== 'string') throw invalidType(`types.${column}`, 'a string', type);
  const match = type.length > 256 ? null : TYPE_NAME.exec(type);
  if (match === null) {
    throw new ArgumentRangeError(
      `types.${column}: expected the name of a type without a length, as in 'text' or 'numeric[]'`,
    );
  }
  const brackets = match[1]!;
  const name = type.slice(0, type.length - brackets.length);
  return (ONE_LONG[name.toLowerCase()] ?? name) + brackets;
}
