import { ArgumentTypeError, ArgumentRangeError, describe, invalidType } from '../errors.ts';
import { ArrayLiteral, toText } from './literal.ts';
import type { ColumnPlan } from './sql.ts';

/** Rows on their way into one statement. */
export interface Chunk {
  /** Parameters of the statement. */
  readonly values: unknown[];
  readonly rows: number;
  /** Index of the first of them, from 0. */
  readonly firstRow: number;
}

/** A chunk is sent early when its text is this long: 8 Mi characters, so that large rows do not pile up. */
const MAX_CHUNK_CHARACTERS = 8 * 2 ** 20;

/** A frame of a COPY: of 16 to 128 Ki characters none is faster than another; this one fits a socket's buffers. */
const COPY_FRAME_CHARACTERS = 32 * 2 ** 10;

/** How a strategy turns rows into parameters. */
interface Encoding {
  add(value: unknown, column: number): void;
  /** The parameters, or the one text of a COPY. */
  take(): unknown[];
  readonly characters: number;
  /** A chunk is sent when its text is this long. */
  readonly maxCharacters: number;
}

/** Collects rows until a chunk is full. */
export class ChunkBuilder {
  readonly #names: readonly string[];
  /** Names that a row may have; `undefined` when other members are none of our business. */
  readonly #allowed: ReadonlySet<string> | undefined;
  /** May be lowered between chunks. */
  maxRows: number;
  readonly #encoding: Encoding;
  #firstRow: number;
  #rows = 0;

  constructor(
    columns: readonly ColumnPlan[],
    strict: boolean,
    maxRows: number,
    encoding: Encoding,
    firstRow = 0,
  ) {
    this.#names = columns.map((column) => column.name);
    this.#allowed = strict ? new Set(this.#names) : undefined;
    this.maxRows = maxRows;
    this.#encoding = encoding;
    this.#firstRow = firstRow;
  }

  get rows(): number {
    return this.#rows;
  }

  get full(): boolean {
    return this.#rows >= this.maxRows || this.#encoding.characters >= this.#encoding.maxCharacters;
  }

  /**
   * Adds a row.
   *
   * @throws {ArgumentTypeError} {ArgumentRangeError} that name the row and the column.
   */
  add(row: unknown): void {
    const index = this.#firstRow + this.#rows;
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw invalidType(`rows[${index}]`, 'an object', row);
    }
    if (this.#allowed !== undefined) {
      for (const name in row) {
        if (!this.#allowed.has(name)) {
          throw new ArgumentTypeError(
            `rows[${index}]: expected the columns of the first row, got ${JSON.stringify(name)} as well; name the columns in options`,
          );
        }
      }
    }
    const names = this.#names;
    for (let column = 0; column < names.length; column++) {
      const name = names[column]!;
      try {
        this.#encoding.add((row as Record<string, unknown>)[name], column);
      } catch (error) {
        throw relabel(error, `rows[${index}].${name}`);
      }
    }
    this.#rows++;
  }

  /**
   * The chunk; the builder starts the next one.
   *
   * @throws {ArgumentRangeError} when there is half a surrogate pair in it, which could not be written.
   */
  take(): Chunk {
    const chunk = { values: this.#encoding.take(), rows: this.#rows, firstRow: this.#firstRow };
    // Looked for here, where it costs next to nothing: a text of Latin-1 says at once that it has none.
    for (const value of chunk.values) {
      if (typeof value === 'string' && !value.isWellFormed()) throw halfPair(chunk);
    }
    this.#firstRow += this.#rows;
    this.#rows = 0;
    return chunk;
  }
}

/** One array literal a column. */
export function unnestEncoding(columns: readonly ColumnPlan[]): Encoding {
  const literals = columns.map((column) => new ArrayLiteral(column.kind));
  return {
    add: (value, column) => {
      literals[column]!.add(value);
    },
    take: () => literals.map((literal) => literal.take()),
    get characters() {
      let sum = 0;
      for (const literal of literals) sum += literal.length;
      return sum;
    },
    maxCharacters: MAX_CHUNK_CHARACTERS,
  };
}

/** One parameter a value, row after row. */
export function valuesEncoding(columns: readonly ColumnPlan[]): Encoding {
  let values: unknown[] = [];
  let characters = 0;
  return {
    add: (value, column) => {
      const encoded = value instanceof Uint8Array ? value : toText(value, columns[column]!.kind);
      if (encoded !== null) characters += encoded.length;
      values.push(encoded);
    },
    take: () => {
      const taken = values;
      values = [];
      characters = 0;
      return taken;
    },
    get characters() {
      return characters;
    },
    maxCharacters: MAX_CHUNK_CHARACTERS,
  };
}

const COPY_ESCAPED = /[\\\n\r\t]/u;
const COPY_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** Lines of COPY's text format: values between tabs, `\N` for NULL. */
export function copyEncoding(columns: readonly ColumnPlan[]): Encoding {
  const last = columns.length - 1;
  let lines = '';
  return {
    add: (value, column) => {
      const text = toText(value, columns[column]!.kind);
      if (text === null) lines += '\\N';
      else if (COPY_ESCAPED.test(text))
        lines += text.replace(/[\\\n\r\t]/gu, (found) => COPY_ESCAPES[found]!);
      else lines += text;
      lines += column === last ? '\n' : '\t';
    },
    take: () => {
      const taken = [lines];
      lines = '';
      return taken;
    },
    get characters() {
      return lines.length;
    },
    maxCharacters: COPY_FRAME_CHARACTERS,
  };
}

function halfPair({ firstRow, rows }: Chunk): ArgumentRangeError {
  return new ArgumentRangeError(
    `rows[${firstRow}] to rows[${firstRow + rows - 1}]: expected well-formed texts, got half a surrogate pair`,
  );
}

/** Says of a value's error where the value was. */
function relabel(error: unknown, where: string): unknown {
  if (error instanceof ArgumentTypeError || error instanceof ArgumentRangeError) {
    const message = error.message.replace(/^value: /u, `${where}: `);
    return error instanceof ArgumentTypeError
      ? new ArgumentTypeError(message, { cause: error.cause })
      : new ArgumentRangeError(message);
  }
  return new ArgumentTypeError(`${where}: cannot be written as text (${describe(error)})`, { cause: error });
}
