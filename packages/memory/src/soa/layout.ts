import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError, CapacityError, LayoutMismatchError } from '../errors.ts';
import { compileRowCode } from './compile-row-code.ts';
import {
  COLUMN_ALIGNMENT_BYTES,
  describeFields,
  type Field,
  parseFields,
  planColumns,
  rowsThatFit,
} from './fields.ts';
import type { LayoutSpec, RowInput } from './field-types.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { RowCode } from './row-code.ts';
import { rowFromJson } from './row-json.ts';
import { Table } from './table.ts';
import { CAPACITY_MAXIMUM } from './table-core.ts';
import type { TableDescriptor } from './table-descriptor.ts';
import { foreignMemory, heapMemory, rowBytes } from './table-memory.ts';
import { type BorrowedMemory, checkBorrowed } from '../heap/borrowed-memory.ts';

/** How a table is made. */
export interface CreateTableOptions {
  /** Rows to make room for; it grows beyond by doubling. Default 0. */
  readonly capacity?: number;
}

/** How a table is made over memory that the caller lends. */
export interface BorrowTableOptions<B extends ArrayBufferLike> {
  /** The table holds the rows that fit, never grows, and gives nothing back. Neither read nor cleared at first. */
  readonly memory: BorrowedMemory<B>;
  /** Rows to make room for. Default: as many as fit. */
  readonly capacity?: number;
  /** Rows that the memory holds already. Default 0. */
  readonly length?: number;
}

/**
 * What a table's rows are made of. Make it once, with {@link defineLayout}, where the rows' type would be declared.
 */
export class Layout<S extends LayoutSpec> {
  /** The fields and their types, as given. */
  readonly spec: S;
  /** The layout as text, equal for equal layouts: `x:f32,alive:bool`. */
  readonly text: string;
  /** A 64-bit hash of the text. */
  readonly fingerprint: string;
  /** Bytes of a row without padding; a boolean counts an eighth. */
  readonly rowBytes: number;
  readonly #fields: readonly Field[];
  readonly #code: RowCode;

  /** Use {@link defineLayout}. */
  constructor(spec: S) {
    this.#fields = parseFields(spec);
    this.#code = compileRowCode(this.#fields);
    this.spec = spec;
    this.text = describeFields(this.#fields);
    this.fingerprint = fingerprintOf(this.text);
    this.rowBytes = rowBytes(this.#fields);
  }

  /** Bytes that the columns of `capacity` rows take, with each column aligned to 64 bytes. */
  bytesFor(capacity: number): number {
    checkInteger('capacity', capacity, 0, CAPACITY_MAXIMUM);
    return planColumns(this.#fields, capacity).sizeBytes;
  }

  /**
   * An empty table, in the process's heap or over memory that you lend.
   *
   * @throws ArgumentRangeError when the capacity is invalid, or does not fit the lent memory.
   * @throws HeapExhaustedError when the heap has no room. @throws HeapOwnerError in a thread that attached to it.
   * @throws ResizableBufferError when the lent buffer can be resized.
   */
  create(options?: CreateTableOptions): Table<S>;
  create<B extends ArrayBufferLike>(options: BorrowTableOptions<B>): Table<S, B>;
  create(options: CreateTableOptions | BorrowTableOptions<ArrayBufferLike> = {}): object {
    if (typeof options !== 'object' || options === null) {
      throw new ArgumentTypeError(`options: expected an object, got ${describe(options)}`);
    }
    if ('memory' in options && options.memory !== undefined) return this.#borrow(options);
    const { capacity = 0 } = options;
    checkInteger('capacity', capacity, 0, CAPACITY_MAXIMUM);
    const memory = heapMemory(this.#fields, capacity);
    return new Table<S>(this, this.#fields, this.#code, memory, {
      capacity,
      length: 0,
      fixedness: 'growable',
    });
  }

  /**
   * A table of the given rows, in the heap. Disposed again when a row is bad.
   *
   * @throws ArgumentTypeError, ArgumentRangeError as `Table.set`.
   */
  from(rows: Iterable<RowInput<S>>): Table<S> {
    const table = this.create({ capacity: Array.isArray(rows) ? rows.length : 0 });
    try {
      table.pushAll(rows);
    } catch (error) {
      table.dispose();
      throw error;
    }
    return table;
  }

  /**
   * A table of the rows in a JSON text, as `Table.stringify` writes it. Fields that the layout does not have are
   * ignored.
   *
   * @throws SyntaxError when it is not JSON. @throws ArgumentTypeError when it is no list of rows.
   */
  parse(text: string): Table<S> {
    const rows: unknown = JSON.parse(text);
    if (!Array.isArray(rows))
      throw new ArgumentTypeError(`text: expected a list of objects, got ${describe(rows)}`);
    return this.from(rows.map((row) => rowFromJson(this.#fields, row) as unknown as RowInput<S>));
  }

  /**
   * The table of another thread: the same memory, a fixed number of rows. Valid as long as that thread keeps it.
   *
   * @throws ArgumentTypeError when `descriptor` is not one of `Table.share`.
   * @throws LayoutMismatchError when it is of a table with another layout.
   */
  attach(descriptor: TableDescriptor): Table<S> {
    if (
      typeof descriptor !== 'object' ||
      descriptor === null ||
      descriptor.kind !== 'hotpath.table.v1' ||
      !(descriptor.buffer instanceof SharedArrayBuffer)
    ) {
      throw new ArgumentTypeError(
        `descriptor: expected what Table.share returned, got ${describe(descriptor)}`,
      );
    }
    const { fingerprint, layout, buffer, byteOffset, capacity, length } = descriptor;
    if (fingerprint !== this.fingerprint) {
      throw new LayoutMismatchError(
        `descriptor: expected a table of the layout ${this.text}, got one of ${layout}`,
      );
    }
    checkInteger('descriptor.capacity', capacity, 0, CAPACITY_MAXIMUM);
    checkInteger('descriptor.length', length, 0, capacity);
    checkInteger('descriptor.byteOffset', byteOffset, 0, buffer.byteLength);
    const end = byteOffset + this.bytesFor(capacity);
    if (byteOffset % COLUMN_ALIGNMENT_BYTES !== 0 || end > buffer.byteLength) {
      throw new ArgumentRangeError(
        `descriptor: bytes ${byteOffset} to ${end} are not aligned, or not in a buffer of ${buffer.byteLength}`,
      );
    }
    const memory = foreignMemory(this.#fields, capacity, buffer, byteOffset);
    return new Table<S>(this, this.#fields, this.#code, memory, { capacity, length, fixedness: 'attached' });
  }

  #borrow(options: BorrowTableOptions<ArrayBufferLike>): Table<S, ArrayBufferLike> {
    const { buffer, byteOffset, byteLength } = checkBorrowed(options.memory);
    const most = Math.min(rowsThatFit(this.#fields, byteLength), CAPACITY_MAXIMUM);
    const { capacity = most, length = 0 } = options;
    checkInteger('capacity', capacity, 0, CAPACITY_MAXIMUM);
    if (capacity > most) {
      throw new CapacityError(
        `memory: expected ${this.bytesFor(capacity)} bytes for ${capacity} rows, got ${byteLength} from the first multiple of 64 on`,
      );
    }
    if (most === 0)
      throw new ArgumentRangeError(`memory: expected room for a row at least, got ${byteLength} bytes`);
    checkInteger('length', length, 0, capacity);
    const memory = foreignMemory(this.#fields, capacity, buffer, byteOffset);
    return new Table<S, ArrayBufferLike>(this, this.#fields, this.#code, memory, {
      capacity,
      length,
      fixedness: 'borrowed',
    });
  }
}

/**
 * Describes the rows of tables, and compiles the code for them: do it once for each layout, when the module loads.
 *
 * Field names are ASCII letters, digits, `_` and `$`, beginning with a letter or `_`; `index`, `toObject`, `toJSON`, `then` and the
 * names that every object has are reserved.
 *
 * @throws LayoutError when there is no field, a name is reserved or malformed, or a type is unknown.
 * @example
 * const Particle = defineLayout({ x: 'f32', vx: 'f32', alive: 'bool', kind: ['dust', 'smoke'] });
 * using particles = Particle.create({ capacity: 10_000 });
 * particles.push({ x: 0, vx: 1, alive: true, kind: 'dust' });
 * const { x, vx } = particles.columns;
 * for (let i = 0; i < particles.length; i++) x[i] += vx[i] * 0.016;
 */
export function defineLayout<const S extends LayoutSpec>(spec: S): Layout<S> {
  return new Layout(spec);
}
