import type { ResultField } from '../queryable.ts';
import { PgDatabaseError } from './pg-internals.ts';

/** Kinds of the server's messages, by the protocol's letters. */
export const COMMAND_COMPLETE = 0x43;
export const COPY_IN_RESPONSE = 0x47;
export const DATA_ROW = 0x44;
export const EMPTY_QUERY = 0x49;
export const ERROR_RESPONSE = 0x45;
export const PORTAL_SUSPENDED = 0x73;
export const READY_FOR_QUERY = 0x5a;
export const ROW_DESCRIPTION = 0x54;

/** What a column's name is followed by: table, column, type, size, modifier, format. */
const FIELD_BYTES = 18;
/** Table and column come before the type. */
const TYPE_AT = 6;

/** Where the text that begins at `at` ends, before its NUL. */
function textEnd(bytes: Buffer, at: number, end: number): number {
  const nul = bytes.indexOf(0, at);
  if (nul < 0 || nul >= end) throw new Error('a text without an end came from the server');
  return nul;
}

/** The columns of a RowDescription. */
export function readFields(bytes: Buffer, at: number, end: number): ResultField[] {
  const fields: ResultField[] = [];
  if (at + 2 > end) throw new Error('a description without a number of columns came from the server');
  const count = bytes.readUInt16BE(at);
  at += 2;
  for (let index = 0; index < count; index++) {
    const nameEnd = textEnd(bytes, at, end);
    const name = bytes.toString('utf8', at, nameEnd);
    at = nameEnd + 1 + FIELD_BYTES;
    if (at > end) throw new Error('a description of too few columns came from the server');
    fields.push({ name, dataTypeID: bytes.readUInt32BE(at - FIELD_BYTES + TYPE_AT) });
  }
  return fields;
}

/** The members of a report by the letters of its fields, as `pg` names them. */
const REPORT_FIELDS: Readonly<Record<string, string>> = {
  S: 'severity',
  C: 'code',
  D: 'detail',
  H: 'hint',
  P: 'position',
  p: 'internalPosition',
  q: 'internalQuery',
  W: 'where',
  s: 'schema',
  t: 'table',
  c: 'column',
  d: 'dataType',
  n: 'constraint',
  F: 'file',
  L: 'line',
  R: 'routine',
};

/** The report of an ErrorResponse, as `pg` gives it. */
export function readReport(bytes: Buffer, at: number, end: number): Error {
  let message = '';
  const members: Record<string, string> = {};
  const length = end - at;
  while (at < end && bytes[at] !== 0) {
    const letter = String.fromCharCode(bytes[at]!);
    const valueEnd = textEnd(bytes, at + 1, end);
    const value = bytes.toString('utf8', at + 1, valueEnd);
    const name = REPORT_FIELDS[letter];
    if (letter === 'M') message = value;
    else if (name !== undefined) members[name] = value;
    at = valueEnd + 1;
  }
  return Object.assign(new PgDatabaseError(message, length, 'error'), members);
}

/** The tag of a CommandComplete, such as `SELECT 1`. */
export function readTag(bytes: Buffer, at: number, end: number): string {
  return bytes.toString('latin1', at, textEnd(bytes, at, end));
}

const SELECT = Buffer.from('SELECT ');
const NUL = 0;

/** The count of the tag `SELECT n`, or -1 for any other tag. The hot one: no string is made of it. */
export function readSelected(bytes: Buffer, at: number, end: number): number {
  for (let index = 0; index < SELECT.length; index++) if (bytes[at + index] !== SELECT[index]) return -1;
  let count = 0;
  let digit = at + SELECT.length;
  for (; digit < end && bytes[digit] !== NUL; digit++) count = count * 10 + bytes[digit]! - 0x30;
  return digit === end - 1 ? count : -1;
}
