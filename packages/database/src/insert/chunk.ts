import { ArgumentTypeError, ArgumentRangeError, describe, invalidType } from '../errors.ts';
import type { ColumnPlan } from './sql.ts';

/** Rows on their way into one statement. */
export interface Chunk {
  /** Parameters of the statement. */
  readonly values: unknown[];
  readonly rows: number;
  /** Index of the first of them, from 0. */
  readonly firstRow: number;
}

/** How a strategy turns rows into parameters. */
export interface Encoding {
  /** @throws {ArgumentTypeError} {ArgumentRangeError} with a message about `value`. */
  add(value: unknown, column: number): void;
  /** The parameters, or the one message of a COPY. */
  take(): unknown[];
  /** Characters or bytes, whichever it is made of. */
  readonly size: number;
  /** A chunk is sent when it is this large. */
  readonly maxSize: number;
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
    return this.#rows >= this.maxRows || this.#encoding.size >= this.#encoding.maxSize;
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

  /** The chunk; the builder starts the next one. */
  take(): Chunk {
    const chunk = { values: this.#encoding.take(), rows: this.#rows, firstRow: this.#firstRow };
    this.#firstRow += this.#rows;
    this.#rows = 0;
    return chunk;
  }
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
