import { checkInteger, describe } from '../check.ts';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  CapacityError,
  DisposedError,
  HeapCorruptionError,
} from '../errors.ts';
import {
  type Column,
  columnOf,
  gatherRows,
  moveRow,
  moveRows,
  permuteRows,
  unpackBits,
} from './column-moves.ts';
import { columnLength, type Field, fieldIndex, planColumns, sameFieldIndex } from './fields.ts';
import type { ColumnsOf, Cursor, LayoutSpec, RowInput, RowOf, SortableField } from './field-types.ts';
import { iterateCursor } from './iterate-cursor.ts';
import type { Layout } from './layout.ts';
import { closeState, type ColumnState, type RowCode, setColumns } from './row-code.ts';
import { jsonValue, stringifyRows } from './row-json.ts';
import { sortOrder } from './sort-order.ts';
import type { Fixedness, SortOptions, TableDescriptor } from './table-descriptor.ts';
import { checkColumns, copyRows, heapMemory, type TableMemory } from './table-memory.ts';

/** The capacity that the first growth of an empty table gives. */
const CAPACITY_MINIMUM = 64;

/** Row numbers are kept in 32 bits. */
export const CAPACITY_MAXIMUM = 0xffff_ffff;

/**
 * A struct of arrays: rows whose fields are kept each in a column of its own.
 *
 * ```
 * block  ┌──────────────┬──────────────┬────────┬───────────────────┐
 *        │ x x x x x · ·│ y y y y y · ·│ bits · │ pos pos pos … · · │   each column 64-byte aligned
 *        └──────────────┴──────────────┴────────┴───────────────────┘
 *          0 … length-1, then spare rows up to the capacity
 * ```
 *
 * Columns are plain typed arrays in the process's heap, so loops, kernels and threads work on them directly. The table
 * owns its block: call {@link Table.dispose}. Growth moves the columns: take {@link Table.columns} again after a call
 * that may grow (`push`, `insert`, `reserve`, and filters into the table). Kernels refuse a column of before; raw
 * indexing into one cannot be caught.
 *
 * Invariants: `length <= capacity`; column `i` starts at the offset that the layout plans for the capacity.
 */
export class Table<S extends LayoutSpec, B extends ArrayBufferLike = SharedArrayBuffer> {
  /** What the rows are made of. */
  readonly layout: Layout<S>;
  readonly #fields: readonly Field[];
  readonly #code: RowCode;
  readonly #fixedness: Fixedness;
  readonly #state: ColumnState;
  #memory: TableMemory;
  #moves: readonly Column[] = [];
  #columns: ColumnsOf<S, B> | undefined;
  #capacity: number;
  #length: number;
  #isShared = false;

  /** Made by layouts. */
  constructor(
    layout: Layout<S>,
    fields: readonly Field[],
    code: RowCode,
    memory: TableMemory,
    shape: { readonly capacity: number; readonly length: number; readonly fixedness: Fixedness },
  ) {
    this.layout = layout;
    this.#fields = fields;
    this.#code = code;
    this.#memory = memory;
    this.#capacity = shape.capacity;
    this.#length = shape.length;
    this.#fixedness = shape.fixedness;
    this.#state = code.state(memory.views);
    this.#useMemory(memory);
  }

  /** Number of rows. */
  get length(): number {
    return this.#length;
  }

  /** Rows that fit without growing. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Bytes of all columns, spare rows and alignment included. */
  get sizeBytes(): number {
    return planColumns(this.#fields, this.#capacity).sizeBytes;
  }

  /**
   * The columns, as long as the **capacity**: loop to {@link Table.length}. The same object until the table grows.
   *
   * @throws DisposedError after `dispose`. @throws BufferDetachedError when lent memory was taken away.
   */
  get columns(): ColumnsOf<S, B> {
    this.#check();
    return this.#columns!;
  }

  /**
   * The column of a field, exactly {@link Table.length} rows long: a new view, for kernels. As `columns`, valid until the table
   * grows. Booleans come as whole bytes.
   */
  column<K extends keyof S & string>(name: K): ColumnsOf<S, B>[K] {
    this.#check();
    const i = fieldIndex(this.#fields, name);
    const view = this.#memory.views[i]!;
    return view.subarray(0, columnLength(this.#fields[i]!, this.#length)) as ColumnsOf<S, B>[K];
  }

  /**
   * A window on one row, whose fields read and write the columns. Make one and move it: in a loop it costs about as much
   * as indexing the columns.
   *
   * @example
   * const p = particles.cursor();
   * for (p.index = 0; p.index < particles.length; p.index++) p.x += p.vx * dt;
   */
  cursor(): Cursor<S> {
    this.#check();
    return this.#code.cursor(this.#state) as unknown as Cursor<S>;
  }

  /** Iterates with one cursor, which is moved; about twice the cost of a loop over `index`. */
  [Symbol.iterator](): IterableIterator<Cursor<S>> {
    return iterateCursor(this.cursor(), () => this.#length);
  }

  /**
   * Copies a row out.
   *
   * @throws ArgumentRangeError when there is no such row.
   */
  get(index: number): RowOf<S> {
    this.#checkRow(index);
    return this.#code.read(this.#state, index) as RowOf<S>;
  }

  /**
   * Overwrites a row. Integers wrap and floats round as in typed arrays.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when a field is missing or of the wrong type; nothing is written then.
   */
  set(index: number, row: RowInput<S>): void {
    this.#checkRow(index);
    this.#code.write(this.#state, index, checkObject(row));
  }

  /**
   * Appends a row and returns its index. O(1) amortised.
   *
   * @throws ArgumentTypeError, ArgumentRangeError as `set`.
   * @throws CapacityError when the length is fixed, or growth is not allowed (`share`).
   * @throws HeapExhaustedError when the heap has no room.
   */
  push(row: RowInput<S>): number {
    this.#checkResizable();
    const index = this.#length;
    if (index === this.#capacity) this.#grow(index + 1);
    this.#code.write(this.#state, index, checkObject(row));
    this.#length = index + 1;
    return index;
  }

  /** Inserts a row before row `index`, and keeps the order. O(length). Throws as `push`. */
  insert(index: number, row: RowInput<S>): void {
    this.#checkResizable();
    checkInteger('index', index, 0, this.#length);
    if (this.#length === this.#capacity) this.#grow(this.#length + 1);
    // Written behind the last row first, so that a bad row moves nothing.
    this.#code.write(this.#state, this.#length, checkObject(row));
    const written = this.#code.read(this.#state, this.#length);
    for (const column of this.#moves) moveRows(column, index + 1, index, this.#length - index);
    this.#code.write(this.#state, index, written);
    this.#length++;
  }

  /** Removes a row and fills its place with the last one. O(1). */
  swapRemove(index: number): void {
    this.#checkResizable();
    this.#checkRow(index);
    const last = --this.#length;
    if (index !== last) for (const column of this.#moves) moveRow(column, index, last);
  }

  /** Removes a row and keeps the order. O(length). */
  remove(index: number): void {
    this.#checkResizable();
    this.#checkRow(index);
    this.#length--;
    for (const column of this.#moves) moveRows(column, index, index + 1, this.#length - index);
  }

  /** Drops the rows from `length` on; keeps the capacity. */
  truncate(length: number): void {
    this.#checkResizable();
    checkInteger('length', length, 0, this.#length);
    this.#length = length;
  }

  /** Drops all rows; keeps the capacity. */
  clear(): void {
    this.truncate(0);
  }

  /**
   * Sets the number of rows: new ones hold whatever spare rows hold, zeros unless rows were there before. For columns
   * that are filled from outside.
   */
  resize(length: number): void {
    this.#checkResizable();
    checkInteger('length', length, 0, CAPACITY_MAXIMUM);
    if (length > this.#capacity) this.#grow(length);
    this.#length = length;
  }

  /** Makes room for `capacity` rows in all, at once and exactly. Throws as `push`. */
  reserve(capacity: number): void {
    this.#checkResizable();
    checkInteger('capacity', capacity, 0, CAPACITY_MAXIMUM);
    if (capacity > this.#capacity) this.#moveTo(capacity);
  }

  /** Gives back the memory of spare rows; moves the columns. Does nothing on lent memory. */
  shrinkToFit(): void {
    this.#checkResizable();
    if (this.#fixedness === 'growable' && this.#length < this.#capacity) this.#moveTo(this.#length);
  }

  /**
   * Sorts the rows by one field: numbers in their order (-0 before +0, NaN last), `false` before `true`, words in the
   * order of their list. Stable. O(length) for each column, with a copy of one column at a time.
   *
   * @throws ArgumentTypeError when the field does not exist or is a vector.
   */
  sortBy(name: SortableField<S>, options: SortOptions = {}): void {
    this.#check();
    const i = fieldIndex(this.#fields, name);
    if (this.#fields[i]!.kind === 'vector')
      throw new ArgumentTypeError(`name: rows cannot be sorted by the vector '${name}'`);
    const keys =
      this.#fields[i]!.kind === 'bool'
        ? unpackBits(this.#memory.views[i] as Uint8Array, this.#length)
        : this.#memory.views[i]!;
    const order = sortOrder(keys, this.#length, options.descending === true);
    for (const column of this.#moves) permuteRows(column, order);
  }

  /**
   * A new table of the rows for which `predicate` is true, which the caller disposes.
   *
   * @param predicate is given one cursor, which is moved; it must not change the table's length.
   */
  filter(predicate: (row: Cursor<S>) => boolean): Table<S> {
    const indexes = this.#matching(predicate);
    const target = this.layout.create({ capacity: indexes.length });
    this.selectInto(target, indexes);
    return target;
  }

  /** Appends the rows for which `predicate` is true to `target`; returns how many. See {@link Table.selectInto}. */
  filterInto<T extends Partial<S> & LayoutSpec>(
    target: Table<T, ArrayBufferLike>,
    predicate: (row: Cursor<S>) => boolean,
  ): number {
    return this.selectInto(target, this.#matching(predicate));
  }

  /** Keeps the rows for which `predicate` is true, in their order; returns how many went. O(length). */
  retain(predicate: (row: Cursor<S>) => boolean): number {
    this.#checkResizable();
    const indexes = this.#matching(predicate);
    // Row k comes from a row at or after k, so moving in order overwrites nothing that is still needed.
    for (const column of this.#moves) {
      for (let k = 0; k < indexes.length; k++) if (indexes[k] !== k) moveRow(column, k, indexes[k]!);
    }
    const gone = this.#length - indexes.length;
    this.#length = indexes.length;
    return gone;
  }

  /**
   * Appends the rows at `indexes`, in that order, to `target`, whose layout has the same fields or some of them.
   *
   * @returns how many rows were appended.
   * @throws ArgumentRangeError when an index is not one of a row, or the target is this table.
   * @throws LayoutMismatchError when the target has a field that this table has not, or of another type.
   * @throws CapacityError, HeapExhaustedError when the target cannot take them; nothing is appended then.
   */
  selectInto<T extends Partial<S> & LayoutSpec>(
    target: Table<T, ArrayBufferLike>,
    indexes: ArrayLike<number>,
  ): number {
    this.#check();
    if (!(target instanceof Table))
      throw new ArgumentTypeError(`target: expected a Table, got ${describe(target)}`);
    if ((target as unknown) === this) throw new ArgumentRangeError('target: expected another table');
    for (let i = 0; i < indexes.length; i++) this.#checkRow(indexes[i]!);
    const rows = indexes instanceof Uint32Array ? indexes : Uint32Array.from(indexes);
    const sources = target.#fields.map((field) => this.#moves[sameFieldIndex(this.#fields, field)]!);
    const at = target.#length;
    target.resize(at + rows.length);
    for (const [i, column] of target.#moves.entries()) gatherRows(column, at, sources[i]!, rows, rows.length);
    return rows.length;
  }

  /** Appends each object; returns how many. Rows before a bad one stay. Throws as `push`. */
  pushAll(rows: Iterable<RowInput<S>>): number {
    const before = this.#length;
    for (const row of rows) this.push(row);
    return this.#length - before;
  }

  /** All rows as objects: a copy. */
  toObjects(): RowOf<S>[] {
    this.#check();
    const rows: RowOf<S>[] = [];
    for (let i = 0; i < this.#length; i++) rows.push(this.#code.read(this.#state, i) as RowOf<S>);
    return rows;
  }

  /** For `JSON.stringify`: the rows as objects, their bigints as strings. */
  toJSON(): unknown[] {
    return this.toObjects().map((row) => jsonValue(row));
  }

  /**
   * The rows as JSON, `[{"x":1,…},…]`, without an object a row. As `JSON.stringify` writes it: NaN and infinities are
   * null; bigints are strings. `layout.parse` reads it back.
   */
  stringify(): string {
    this.#check();
    return stringifyRows(this.#fields, this.#memory.views, this.#length);
  }

  /**
   * What another thread passes to `layout.attach`. From then on the table does not grow or shrink its memory, as that
   * would move it away from under the other thread; {@link Table.unshare} allows it again.
   *
   * The memory is plain: threads that write the same rows must take turns.
   *
   * @throws ArgumentTypeError when the memory is lent and not shared.
   */
  share(): TableDescriptor {
    this.#check();
    const { buffer, byteOffset } = this.#memory;
    if (!(buffer instanceof SharedArrayBuffer)) {
      throw new ArgumentTypeError(
        'The table is over an ordinary ArrayBuffer and cannot be shared: lend a SharedArrayBuffer',
      );
    }
    this.#isShared = true;
    return {
      kind: 'hotpath.table.v1',
      fingerprint: this.layout.fingerprint,
      layout: this.layout.text,
      buffer,
      byteOffset,
      capacity: this.#capacity,
      length: this.#length,
    };
  }

  /** Says that no other thread uses the table any more. */
  unshare(): void {
    this.#isShared = false;
  }

  /**
   * Gives the memory back. Later calls throw, cursors and kernels too; columns taken before are raw memory. Only the
   * first call does anything. Other threads must not use the table any more.
   */
  dispose(): void {
    if (this.#columns === undefined) return;
    this.#columns = undefined;
    this.#length = 0;
    this.#capacity = 0;
    this.#moves = [];
    closeState(this.#state);
    this.#memory.free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * Checks the structure, for tests.
   *
   * @throws HeapCorruptionError naming what does not hold.
   */
  checkInvariants(): void {
    this.#check();
    if (this.#length > this.#capacity)
      throw new HeapCorruptionError(`${this.#length} rows in a capacity of ${this.#capacity}`);
    checkColumns(this.#fields, this.#capacity, this.#memory);
    for (const [i, view] of this.#memory.views.entries()) {
      if (this.#state[`c${i}`] !== view)
        throw new HeapCorruptionError(`Cursors see another column '${this.#fields[i]!.name}'`);
    }
  }

  #useMemory(memory: TableMemory): void {
    this.#memory = memory;
    this.#columns = this.#code.columns(memory.views) as unknown as ColumnsOf<S, B>;
    this.#moves = this.#fields.map((field, i) => columnOf(field, memory.views[i]!));
  }

  #grow(needed: number): void {
    if (needed > CAPACITY_MAXIMUM)
      throw new CapacityError(`The table is full: ${CAPACITY_MAXIMUM} rows are the most`);
    this.#moveTo(Math.min(CAPACITY_MAXIMUM, Math.max(needed, this.#capacity * 2, CAPACITY_MINIMUM)));
  }

  /** Moves the rows to memory for `capacity` rows, which all of them fit. */
  #moveTo(capacity: number): void {
    if (this.#fixedness === 'borrowed') {
      throw new CapacityError(`The table is full: the memory lent to it holds ${this.#capacity} rows`);
    }
    if (this.#isShared) {
      throw new CapacityError(
        'The table is shared with another thread and cannot move: reserve enough before share(), or unshare() it',
      );
    }
    const old = this.#memory;
    const next = heapMemory(this.#fields, capacity);
    copyRows(this.#fields, old, next, this.#length);
    this.#capacity = capacity;
    this.#useMemory(next);
    setColumns(this.#state, next.views);
    old.free();
  }

  /** Row numbers that `predicate` accepts. */
  #matching(predicate: (row: Cursor<S>) => boolean): Uint32Array {
    if (typeof predicate !== 'function') {
      throw new ArgumentTypeError(`predicate: expected a function, got ${describe(predicate)}`);
    }
    const cursor = this.cursor();
    const length = this.#length;
    const indexes = new Uint32Array(length);
    let count = 0;
    for (let i = 0; i < length; i++) {
      cursor.index = i;
      if (predicate(cursor)) indexes[count++] = i;
    }
    if (this.#length !== length) throw new ArgumentTypeError('predicate: it changed the length of the table');
    return indexes.subarray(0, count);
  }

  #check(): void {
    if (this.#columns === undefined) throw new DisposedError('The table was disposed');
    this.#memory.check();
  }

  #checkResizable(): void {
    this.#check();
    if (this.#fixedness === 'attached') {
      throw new CapacityError('The table belongs to another thread: only that one changes its length');
    }
  }

  #checkRow(index: number): void {
    this.#check();
    if (!(index >= 0 && index < this.#length && Number.isInteger(index))) {
      checkInteger('index', index, 0, Math.max(0, this.#length - 1));
      throw new ArgumentRangeError(`index: the table has no rows, got ${index}`);
    }
  }
}

function checkObject(row: unknown): Record<string, unknown> {
  if (typeof row !== 'object' || row === null)
    throw new ArgumentTypeError(`row: expected an object, got ${describe(row)}`);
  return row as Record<string, unknown>;
}
