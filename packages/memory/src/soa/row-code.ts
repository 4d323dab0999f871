import { describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError, DisposedError } from '../errors.ts';
import type { AnyTypedArray } from '../heap/element-type.ts';
import type { Field } from './fields.ts';

/**
 * The columns of a table, as the code of its layout reads them: `c0`, `c1` … in the order of the fields. Cursors hold
 * the state and not the columns, so that growth, which replaces the columns, reaches every cursor.
 */
export type ColumnState = Record<string, AnyTypedArray>;

/** The columns of a table by the names of its fields, as the user sees them. */
export type NamedColumns = Readonly<Record<string, AnyTypedArray>>;

/** What a cursor is to the code that makes it; its fields are added by name. */
export interface AnyCursor {
  index: number;
  toObject(): Record<string, unknown>;
}

/** The code of one layout: made once with the layout, and of the same speed as code written for it by hand. */
export interface RowCode {
  /** Copies the row `index` out. */
  read(state: ColumnState, index: number): Record<string, unknown>;
  /** Checks the whole row, then writes it; throws through {@link refuse} before anything is written. */
  write(state: ColumnState, index: number, row: Record<string, unknown>): void;
  /**
   * Makes the state and the named columns of a table. Each is one object literal, which lets V8 see fields that are never
   * written again as constants: it then compiles a column's address into the loop, at 2 ns instead of 6 an item for
   * three updates. Growth writes the state's fields and gives that up.
   */
  state(views: readonly AnyTypedArray[]): ColumnState;
  columns(views: readonly AnyTypedArray[]): NamedColumns;
  /** Makes a cursor on row 0. */
  cursor(state: ColumnState): AnyCursor;
}

/** Replaces the columns of a state. */
export function setColumns(state: ColumnState, columns: readonly AnyTypedArray[]): void {
  for (const [i, column] of columns.entries()) state[`c${i}`] = column;
}

/** Makes cursors on the state throw from now on. */
export function closeState(state: ColumnState): void {
  for (const key of Object.keys(state)) {
    Object.defineProperty(state, key, {
      get(): never {
        throw new DisposedError('The table of this cursor was disposed');
      },
    });
  }
}

/** Throws for a value that a field does not take. */
export function refuse(field: Field, value: unknown): never {
  const { name, kind, lanes, isBig, words } = field;
  if (kind === 'enum') {
    const shown = words.slice(0, 8).join(', ');
    const more = words.length > 8 ? ' …' : '';
    if (typeof value === 'string')
      throw new ArgumentRangeError(`row.${name}: expected one of ${shown}${more}, got ${describe(value)}`);
    throw new ArgumentTypeError(`row.${name}: expected a string, got ${describe(value)}`);
  }
  const number = isBig ? 'bigint' : 'number';
  if (kind === 'vector')
    throw new ArgumentTypeError(
      `row.${name}: expected ${lanes} values of type ${number}, got ${describe(value)}`,
    );
  throw new ArgumentTypeError(
    `row.${name}: expected a ${kind === 'bool' ? 'boolean' : number}, got ${describe(value)}`,
  );
}

/** Whether `value` is a list of as many numbers as the vector field has. */
export function isVector(field: Field, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const list = value as ArrayLike<unknown>;
  if (list.length !== field.lanes) return false;
  const type = field.isBig ? 'bigint' : 'number';
  for (let lane = 0; lane < field.lanes; lane++) if (typeof list[lane] !== type) return false;
  return true;
}
