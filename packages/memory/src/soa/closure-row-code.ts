import type { Field } from './fields.ts';
import { type AnyCursor, type ColumnState, isVector, refuse, type RowCode } from './row-code.ts';

/** A column whatever its element type; the checks before a write keep number and bigint apart. */
type LooseColumn = Record<number, unknown>;

/** The code of a layout without code generation: the same behaviour by closures over the fields. */
export function closureRowCode(fields: readonly Field[]): RowCode {
  const codes = fields.map(({ words }) => new Map(words.map((word, code) => [word, code])));

  function read(state: ColumnState, index: number): Record<string, unknown> {
    const row: Record<string, unknown> = {};
    for (const [i, field] of fields.entries()) row[field.name] = readField(field, state[`c${i}`]!, index);
    return row;
  }

  function write(state: ColumnState, index: number, row: Record<string, unknown>): void {
    for (const [i, field] of fields.entries()) {
      if (!fits(field, row[field.name], codes[i]!)) refuse(field, row[field.name]);
    }
    for (const [i, field] of fields.entries()) {
      writeField(field, state[`c${i}`]!, index, row[field.name], codes[i]!);
    }
  }

  class Cursor implements AnyCursor {
    index = 0;
    readonly $state: ColumnState;
    constructor(state: ColumnState) {
      this.$state = state;
      for (const [i, field] of fields.entries()) {
        if (field.kind === 'vector')
          Object.defineProperty(this, field.name, { value: vectorOf(this, field, i), enumerable: true });
      }
    }
    toObject(): Record<string, unknown> {
      return read(this.$state, this.index);
    }
  }
  for (const [i, field] of fields.entries()) {
    if (field.kind === 'vector') continue;
    Object.defineProperty(Cursor.prototype, field.name, {
      configurable: true,
      get(this: Cursor) {
        return readField(field, this.$state[`c${i}`]!, this.index);
      },
      set(this: Cursor, value: unknown) {
        if (field.kind === 'enum' && !fits(field, value, codes[i]!)) refuse(field, value);
        writeField(field, this.$state[`c${i}`]!, this.index, value, codes[i]!);
      },
    });
  }
  return {
    read,
    write,
    state: (views) => Object.fromEntries(views.map((view, i) => [`c${i}`, view])),
    columns: (views) => Object.fromEntries(fields.map(({ name }, i) => [name, views[i]!])),
    cursor: (state) => new Cursor(state),
  };
}

function vectorOf(cursor: { index: number; readonly $state: ColumnState }, field: Field, i: number): object {
  const { lanes } = field;
  const column = (): LooseColumn => cursor.$state[`c${i}`]!;
  const get = (lane: number): unknown => column()[cursor.index * lanes + lane];
  const set = (lane: number, value: unknown): void => {
    column()[cursor.index * lanes + lane] = value;
  };
  const toArray = (): unknown[] => Array.from({ length: lanes }, (_, lane) => get(lane));
  const vector = { lanes, get, set, toArray };
  for (const [lane, name] of ['x', 'y', 'z', 'w'].slice(0, lanes).entries()) {
    Object.defineProperty(vector, name, {
      get: () => get(lane),
      set: (value: unknown) => {
        set(lane, value);
      },
    });
  }
  return vector;
}

function readField({ kind, lanes, words }: Field, column: LooseColumn, index: number): unknown {
  if (kind === 'number') return column[index];
  if (kind === 'enum') return words[column[index] as number];
  if (kind === 'bool') return ((column[index >>> 3] as number) & (1 << (index & 7))) !== 0;
  return Array.from({ length: lanes }, (_, lane) => column[index * lanes + lane]);
}

function writeField(
  { kind, lanes }: Field,
  column: LooseColumn,
  index: number,
  value: unknown,
  codes: ReadonlyMap<string, number>,
): void {
  if (kind === 'number') column[index] = value;
  else if (kind === 'enum') column[index] = codes.get(value as string);
  else if (kind === 'bool') {
    const bit = 1 << (index & 7);
    const byte = column[index >>> 3] as number;
    // As in the generated code, a cursor takes any truth value; rows were checked.
    column[index >>> 3] = value ? byte | bit : byte & ~bit;
  } else
    for (let lane = 0; lane < lanes; lane++)
      column[index * lanes + lane] = (value as ArrayLike<unknown>)[lane];
}

function fits(field: Field, value: unknown, codes: ReadonlyMap<string, number>): boolean {
  if (field.kind === 'enum') return codes.has(value as string);
  if (field.kind === 'vector') return isVector(field, value);
  return typeof value === (field.kind === 'bool' ? 'boolean' : field.isBig ? 'bigint' : 'number');
}
