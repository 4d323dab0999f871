import type { ElementType, TypedArrayOf } from '../heap/element-type.ts';

/** Numbers that a vector field may have of one kind in a row. */
export type Lanes = 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16;

/**
 * What a field of a row may be: a number (`f32`, `i64` …), a boolean (kept as one bit), a fixed vector (`f32x3`: three
 * numbers, side by side in one column), or one of up to 256 words (`['idle', 'busy']`: kept as one byte).
 */
export type FieldType = ElementType | 'bool' | `${ElementType}x${Lanes}` | readonly [string, ...string[]];

/** A layout: the fields of a row, by name, in the order of their columns. */
export type LayoutSpec = Readonly<Record<string, FieldType>>;

/** The JavaScript value of one number of an element type. */
export type NumberOf<E extends ElementType> = E extends 'i64' | 'u64' ? bigint : number;

/** The JavaScript value of a field. */
export type ValueOf<F extends FieldType> = F extends ElementType
  ? NumberOf<F>
  : F extends 'bool'
    ? boolean
    : F extends `${infer E extends ElementType}x${infer L extends number}`
      ? Tuple<NumberOf<E>, L>
      : F extends readonly (infer Word extends string)[]
        ? Word
        : never;

/** The array that holds a field's column. Booleans have bits: row `i` is bit `i & 7` of byte `i >>> 3`. */
export type ColumnOf<
  F extends FieldType,
  B extends ArrayBufferLike = SharedArrayBuffer,
> = F extends ElementType
  ? TypedArrayOf<F, B>
  : F extends `${infer E extends ElementType}x${number}`
    ? TypedArrayOf<E, B>
    : Uint8Array<B>;

/** The columns of a table, by field. */
export type ColumnsOf<S extends LayoutSpec, B extends ArrayBufferLike = SharedArrayBuffer> = {
  readonly [K in keyof S]: ColumnOf<S[K], B>;
};

/** A row as a plain object. */
export type RowOf<S extends LayoutSpec> = { -readonly [K in keyof S]: ValueOf<S[K]> };

/** A row as it may be given: vectors also as typed arrays. */
export type RowInput<S extends LayoutSpec> = {
  readonly [K in keyof S]: ValueOf<S[K]> extends readonly unknown[]
    ? ValueOf<S[K]> | ArrayLike<ValueOf<S[K]>[number]>
    : ValueOf<S[K]>;
};

/** The fields that rows can be sorted by: all but vectors. */
export type SortableField<S extends LayoutSpec> = {
  [K in keyof S]: ValueOf<S[K]> extends readonly unknown[] ? never : K;
}[keyof S] &
  string;

/** A vector field of the row that a cursor stands on; reads and writes go to the column. */
export type VectorCursor<N extends number | bigint, L extends number> = {
  /** How many numbers it has. */
  readonly lanes: L;
  /** One number, by its place from 0; unchecked. */
  get(lane: number): N;
  set(lane: number, value: N): void;
  /** Copies the vector out. */
  toArray(): Tuple<N, L>;
  x: N;
  y: N;
} & (L extends 2 ? unknown : { z: N }) &
  (L extends 2 | 3 ? unknown : { w: N });

/** A field as a cursor shows it. */
export type CursorField<F extends FieldType> =
  F extends `${infer E extends ElementType}x${infer L extends number}`
    ? VectorCursor<NumberOf<E>, L>
    : ValueOf<F>;

/** A movable window on one row: see `Table.cursor`. */
export type Cursor<S extends LayoutSpec> = {
  /** The row it stands on. Unchecked: outside the table, reads give what is there or `undefined`. */
  index: number;
  /** Copies the row out. */
  toObject(): RowOf<S>;
} & { -readonly [K in keyof S as IsVector<S[K]> extends true ? never : K]: CursorField<S[K]> } & {
  readonly [K in keyof S as IsVector<S[K]> extends true ? K : never]: CursorField<S[K]>;
};

type IsVector<F> = F extends `${ElementType}x${number}` ? true : false;

/** A tuple of `L` values. */
export type Tuple<T, L extends number, Built extends T[] = []> = Built['length'] extends L
  ? Built
  : Tuple<T, L, [...Built, T]>;
