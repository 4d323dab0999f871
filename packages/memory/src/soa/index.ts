/** `@hotpath/memory/soa`: many rows with the same fields, a column a field. */

export type {
  ColumnOf,
  ColumnsOf,
  Cursor,
  CursorField,
  FieldType,
  LayoutSpec,
  RowInput,
  RowOf,
  SortableField,
  ValueOf,
  VectorCursor,
} from './field-types.ts';
export { type BorrowTableOptions, type CreateTableOptions, defineLayout, type Layout } from './layout.ts';
export type { Table } from './table.ts';
export type { SortOptions, TableDescriptor } from './table-descriptor.ts';
export { BufferDetachedError, ResizableBufferError } from '../bytes/errors.ts';
export { CapacityError, DisposedError, LayoutError, LayoutMismatchError } from '../errors.ts';
export { ArgumentRangeError, ArgumentTypeError, MemoryError } from '../errors.ts';
