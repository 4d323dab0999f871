import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { gatherRows, moveRow, moveRows, permuteRows, unpackBits } from './column-moves.ts';
import { columnLength, type Field, fieldIndex, planColumns, sameFieldIndex } from './fields.ts';
import type { ColumnsOf, Cursor, LayoutSpec, RowInput, RowOf, SortableField } from './field-types.ts';
import { iterateCursor } from './iterate-cursor.ts';
import type { Layout } from './layout.ts';
import type { AnyCursor, RowCode } from './row-code.ts';
import { jsonValue, stringifyRows } from './row-json.ts';
import { sortOrder } from './sort-order.ts';
import { CAPACITY_MAXIMUM, TableCore, type TableShape } from './table-core.ts';
import type { SortOptions, TableDescriptor } from './table-descriptor.ts';
import type { TableMemory } from './table-memory.ts';

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
 */
export class Table<S extends LayoutSpec, B extends ArrayBufferLike = SharedArrayBuffer> {
  /** What the rows are made of. */
  readonly layout: Layout<S>;
  readonly #core: TableCore;

  /** @internal Made by layouts. */
  constructor(
    layout: Layout<S>,
    fields: readonly Field[],
    code: RowCode,
    memory: TableMemory,
    shape: TableShape,
  ) {
    this.layout = layout;
    this.#core = new TableCore(fields, code, memory, shape);
  }

  /** Number of rows. */
  get length(): number {
    return this.#core.length;
  }

  /** Rows that fit without growing. */
  get capacity(): number {
    return this.#core.capacity;
  }

  /** Bytes of all columns, spare rows and alignment included. */
  get sizeBytes(): number {
    return planColumns(this.#core.fields, this.#core.capacity).sizeBytes;
  }

  /**
   * The columns, as long as the **capacity**: loop to {@link Table.length}. The same object until the table grows.
   *
   * @throws DisposedError after `dispose`. @throws BufferDetachedError when lent memory was taken away.
   */
  get columns(): ColumnsOf<S, B> {
    this.#core.check();
    return this.#core.columns as unknown as ColumnsOf<S, B>;
  }

  /**
   * The column of a field, exactly {@link Table.length} rows long: a new view, for kernels. As `columns`, valid until the table
   * grows. Booleans come as whole bytes.
   */
  column<K extends keyof S & string>(name: K): ColumnsOf<S, B>[K] {
    this.#core.check();
    const i = fieldIndex(this.#core.fields, name);
    const view = this.#core.memory.views[i]!;
    return view.subarray(0, columnLength(this.#core.fields[i]!, this.#core.length)) as ColumnsOf<S, B>[K];
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
    this.#core.check();
    return this.#core.code.cursor(this.#core.state) as unknown as Cursor<S>;
  }

  /** Iterates with one cursor, which is moved; about twice the cost of a loop over `index`. */
  [Symbol.iterator](): IterableIterator<Cursor<S>> {
    return iterateCursor(this.cursor(), () => this.#core.length);
  }

  /**
   * Copies a row out.
   *
   * @throws ArgumentRangeError when there is no such row.
   */
  get(index: number): RowOf<S> {
    this.#core.checkRow(index);
    return this.#core.code.read(this.#core.state, index) as RowOf<S>;
  }

  /**
   * Overwrites a row. Integers wrap and floats round as in typed arrays.
   *
   * @throws ArgumentTypeError, ArgumentRangeError when a field is missing or of the wrong type; nothing is written then.
   */
  set(index: number, row: RowInput<S>): void {
    this.#core.checkRow(index);
    this.#core.code.write(this.#core.state, index, checkObject(row));
  }

  /**
   * Appends a row and returns its index. O(1) amortised.
   *
   * @throws ArgumentTypeError, ArgumentRangeError as `set`.
   * @throws CapacityError when the length is fixed, or growth is not allowed (`share`).
   * @throws HeapExhaustedError when the heap has no room.
   */
  push(row: RowInput<S>): number {
    this.#core.checkResizable();
    const index = this.#core.length;
    if (index === this.#core.capacity) this.#core.grow(index + 1);
    this.#core.code.write(this.#core.state, index, checkObject(row));
    this.#core.length = index + 1;
    return index;
  }

  /** Inserts a row before row `index`, and keeps the order. O(length). Throws as `push`. */
  insert(index: number, row: RowInput<S>): void {
    this.#core.checkResizable();
    checkInteger('index', index, 0, this.#core.length);
    if (this.#core.length === this.#core.capacity) this.#core.grow(this.#core.length + 1);
    // Written behind the last row first, so that a bad row moves nothing.
    this.#core.code.write(this.#core.state, this.#core.length, checkObject(row));
    const written = this.#core.code.read(this.#core.state, this.#core.length);
    for (const column of this.#core.moves) moveRows(column, index + 1, index, this.#core.length - index);
    this.#core.code.write(this.#core.state, index, written);
    this.#core.length++;
  }

  /** Removes a row and fills its place with the last one. O(1). */
  swapRemove(index: number): void {
    this.#core.checkResizable();
    this.#core.checkRow(index);
    const last = --this.#core.length;
    if (index !== last) for (const column of this.#core.moves) moveRow(column, index, last);
  }

  /** Removes a row and keeps the order. O(length). */
  remove(index: number): void {
    this.#core.checkResizable();
    this.#core.checkRow(index);
    this.#core.length--;
    for (const column of this.#core.moves) moveRows(column, index, index + 1, this.#core.length - index);
  }

  /** Drops the rows from `length` on; keeps the capacity. */
  truncate(length: number): void {
    this.#core.checkResizable();
    checkInteger('length', length, 0, this.#core.length);
    this.#core.length = length;
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
    this.#core.checkResizable();
    checkInteger('length', length, 0, CAPACITY_MAXIMUM);
    if (length > this.#core.capacity) this.#core.grow(length);
    this.#core.length = length;
  }

  /** Makes room for `capacity` rows in all, at once and exactly. Throws as `push`. */
  reserve(capacity: number): void {
    this.#core.checkResizable();
    checkInteger('capacity', capacity, 0, CAPACITY_MAXIMUM);
    if (capacity > this.#core.capacity) this.#core.moveTo(capacity);
  }

  /** Gives back the memory of spare rows; moves the columns. Does nothing on lent memory. */
  shrinkToFit(): void {
    this.#core.checkResizable();
    if (this.#core.fixedness === 'growable' && this.#core.length < this.#core.capacity)
      this.#core.moveTo(this.#core.length);
  }

  /**
   * Sorts the rows by one field: numbers in their order (-0 before +0, NaN last), `false` before `true`, words in the
   * order of their list. Stable. O(length) for each column, with a copy of one column at a time.
   *
   * @throws ArgumentTypeError when the field does not exist or is a vector.
   */
  sortBy(name: SortableField<S>, options: SortOptions = {}): void {
    this.#core.check();
    const i = fieldIndex(this.#core.fields, name);
    if (this.#core.fields[i]!.kind === 'vector')
      throw new ArgumentTypeError(`name: rows cannot be sorted by the vector '${name}'`);
    const keys =
      this.#core.fields[i]!.kind === 'bool'
        ? unpackBits(this.#core.memory.views[i] as Uint8Array, this.#core.length)
        : this.#core.memory.views[i]!;
    const order = sortOrder(keys, this.#core.length, options.descending === true);
    for (const column of this.#core.moves) permuteRows(column, order);
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
    this.#core.checkResizable();
    const indexes = this.#matching(predicate);
    // Row k comes from a row at or after k, so moving in order overwrites nothing that is still needed.
    for (const column of this.#core.moves) {
      for (let k = 0; k < indexes.length; k++) if (indexes[k] !== k) moveRow(column, k, indexes[k]!);
    }
    const gone = this.#core.length - indexes.length;
    this.#core.length = indexes.length;
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
    this.#core.check();
    if (!(target instanceof Table))
      throw new ArgumentTypeError(`target: expected a Table, got ${describe(target)}`);
    if ((target as unknown) === this) throw new ArgumentRangeError('target: expected another table');
    for (let i = 0; i < indexes.length; i++) this.#core.checkRow(indexes[i]!);
    const rows = indexes instanceof Uint32Array ? indexes : Uint32Array.from(indexes);
    const sources = target.#core.fields.map(
      (field) => this.#core.moves[sameFieldIndex(this.#core.fields, field)]!,
    );
    const at = target.#core.length;
    target.resize(at + rows.length);
    for (const [i, column] of target.#core.moves.entries())
      gatherRows(column, at, sources[i]!, rows, rows.length);
    return rows.length;
  }

  /** Appends each object; returns how many. Rows before a bad one stay. Throws as `push`. */
  pushAll(rows: Iterable<RowInput<S>>): number {
    const before = this.#core.length;
    for (const row of rows) this.push(row);
    return this.#core.length - before;
  }

  /** All rows as objects: a copy. */
  toObjects(): RowOf<S>[] {
    this.#core.check();
    const rows: RowOf<S>[] = [];
    for (let i = 0; i < this.#core.length; i++)
      rows.push(this.#core.code.read(this.#core.state, i) as RowOf<S>);
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
    this.#core.check();
    return stringifyRows(this.#core.fields, this.#core.memory.views, this.#core.length);
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
    this.#core.check();
    const { buffer, byteOffset } = this.#core.memory;
    if (!(buffer instanceof SharedArrayBuffer)) {
      throw new ArgumentTypeError(
        'The table is over an ordinary ArrayBuffer and cannot be shared: lend a SharedArrayBuffer',
      );
    }
    this.#core.isShared = true;
    return {
      kind: 'hotpath.table.v1',
      fingerprint: this.layout.fingerprint,
      layout: this.layout.text,
      buffer,
      byteOffset,
      capacity: this.#core.capacity,
      length: this.#core.length,
    };
  }

  /** Says that no other thread uses the table any more. */
  unshare(): void {
    this.#core.isShared = false;
  }

  /**
   * Gives the memory back. Later calls throw, cursors and kernels too; columns taken before are raw memory. Only the
   * first call does anything. Other threads must not use the table any more.
   */
  dispose(): void {
    this.#core.dispose();
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
    this.#core.checkInvariants();
  }

  #matching(predicate: (row: Cursor<S>) => boolean): Uint32Array {
    return this.#core.matching(this.cursor(), predicate as unknown as (row: AnyCursor) => boolean);
  }
}

function checkObject(row: unknown): Record<string, unknown> {
  if (typeof row !== 'object' || row === null)
    throw new ArgumentTypeError(`row: expected an object, got ${describe(row)}`);
  return row as Record<string, unknown>;
}
