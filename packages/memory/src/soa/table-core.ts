import { checkInteger, describe } from '../check.ts';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  CapacityError,
  DisposedError,
  HeapCorruptionError,
} from '../errors.ts';
import { type Column, columnOf } from './column-moves.ts';
import type { Field } from './fields.ts';
import {
  type AnyCursor,
  closeState,
  type ColumnState,
  type NamedColumns,
  type RowCode,
  setColumns,
} from './row-code.ts';
import type { Fixedness } from './table-descriptor.ts';
import { checkColumns, copyRows, heapMemory, type TableMemory } from './table-memory.ts';

/** The capacity that the first growth of an empty table gives. */
const CAPACITY_MINIMUM = 64;

/** Row numbers are kept in 32 bits. */
export const CAPACITY_MAXIMUM = 0xffff_ffff;

/** What a table begins with. */
export interface TableShape {
  readonly capacity: number;
  readonly length: number;
  readonly fixedness: Fixedness;
}

/**
 * The memory of a table, and all that looks at it or replaces it: what is behind `Table`, which has the calls of users.
 *
 * Invariants: `length <= capacity`; column `i` starts at the offset that the layout plans for the capacity; the state,
 * the named columns and the moves are of the current memory.
 */
export class TableCore {
  readonly fields: readonly Field[];
  readonly code: RowCode;
  readonly fixedness: Fixedness;
  /** What cursors read through. */
  readonly state: ColumnState;
  memory: TableMemory;
  /** Undefined once disposed. */
  columns: NamedColumns | undefined;
  moves: readonly Column[];
  capacity: number;
  length: number;
  /** Whether another thread may look at the memory, so that it must stay where it is. */
  isShared = false;

  constructor(fields: readonly Field[], code: RowCode, memory: TableMemory, shape: TableShape) {
    this.fields = fields;
    this.code = code;
    this.fixedness = shape.fixedness;
    this.state = code.state(memory.views);
    this.capacity = shape.capacity;
    this.length = shape.length;
    this.memory = memory;
    this.columns = code.columns(memory.views);
    this.moves = movesOf(fields, memory);
  }

  /** Makes room for `needed` rows in all, and for as many again as there are. */
  grow(needed: number): void {
    if (needed > CAPACITY_MAXIMUM)
      throw new CapacityError(`The table is full: ${CAPACITY_MAXIMUM} rows are the most`);
    this.moveTo(Math.min(CAPACITY_MAXIMUM, Math.max(needed, this.capacity * 2, CAPACITY_MINIMUM)));
  }

  /** Moves the rows to memory for `capacity` rows, which all of them fit. */
  moveTo(capacity: number): void {
    if (this.fixedness === 'borrowed') {
      throw new CapacityError(`The table is full: the memory lent to it holds ${this.capacity} rows`);
    }
    if (this.isShared) {
      throw new CapacityError(
        'The table is shared with another thread and cannot move: reserve enough before share(), or unshare() it',
      );
    }
    const old = this.memory;
    const next = heapMemory(this.fields, capacity);
    copyRows(this.fields, old, next, this.length);
    this.capacity = capacity;
    this.memory = next;
    this.columns = this.code.columns(next.views);
    this.moves = movesOf(this.fields, next);
    setColumns(this.state, next.views);
    old.free();
  }

  /** Gives the memory back; only the first time. */
  dispose(): void {
    if (this.columns === undefined) return;
    this.columns = undefined;
    this.length = 0;
    this.capacity = 0;
    this.moves = [];
    closeState(this.state);
    this.memory.free();
  }

  /** Row numbers that `predicate` accepts, given one cursor. */
  matching(cursor: AnyCursor, predicate: (row: AnyCursor) => boolean): Uint32Array {
    if (typeof predicate !== 'function') {
      throw new ArgumentTypeError(`predicate: expected a function, got ${describe(predicate)}`);
    }
    const { length } = this;
    const indexes = new Uint32Array(length);
    let count = 0;
    for (let i = 0; i < length; i++) {
      cursor.index = i;
      if (predicate(cursor)) indexes[count++] = i;
    }
    if (this.length !== length) throw new ArgumentTypeError('predicate: it changed the length of the table');
    return indexes.subarray(0, count);
  }

  /** @throws DisposedError after `dispose`. @throws BufferDetachedError when lent memory was taken away. */
  check(): void {
    if (this.columns === undefined) throw new DisposedError('The table was disposed');
    this.memory.check();
  }

  /** @throws CapacityError when the length is not this thread's to change. */
  checkResizable(): void {
    this.check();
    if (this.fixedness === 'attached') {
      throw new CapacityError('The table belongs to another thread: only that one changes its length');
    }
  }

  /** @throws ArgumentRangeError when there is no such row. */
  checkRow(index: number): void {
    this.check();
    if (!(index >= 0 && index < this.length && Number.isInteger(index))) {
      checkInteger('index', index, 0, Math.max(0, this.length - 1));
      throw new ArgumentRangeError(`index: the table has no rows, got ${index}`);
    }
  }

  /** @throws HeapCorruptionError naming what does not hold. */
  checkInvariants(): void {
    this.check();
    if (this.length > this.capacity)
      throw new HeapCorruptionError(`${this.length} rows in a capacity of ${this.capacity}`);
    checkColumns(this.fields, this.capacity, this.memory);
    for (const [i, view] of this.memory.views.entries()) {
      if (this.state[`c${i}`] !== view)
        throw new HeapCorruptionError(`Cursors see another column '${this.fields[i]!.name}'`);
    }
  }
}

function movesOf(fields: readonly Field[], memory: TableMemory): readonly Column[] {
  return fields.map((field, i) => columnOf(field, memory.views[i]!));
}
