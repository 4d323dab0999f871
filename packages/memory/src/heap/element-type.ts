/** The name of a numeric type: its signedness and width in bits. */
export type ElementType = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'f32' | 'f64' | 'i64' | 'u64';

/** The typed array that holds elements of type `T`, over shared memory unless said otherwise. */
export type TypedArrayOf<
  T extends ElementType,
  B extends ArrayBufferLike = SharedArrayBuffer,
> = ElementArrays<B>[T];

interface ElementArrays<B extends ArrayBufferLike> {
  i8: Int8Array<B>;
  u8: Uint8Array<B>;
  i16: Int16Array<B>;
  u16: Uint16Array<B>;
  i32: Int32Array<B>;
  u32: Uint32Array<B>;
  f32: Float32Array<B>;
  f64: Float64Array<B>;
  i64: BigInt64Array<B>;
  u64: BigUint64Array<B>;
}

/** Any typed array that the package hands out or takes. */
export type AnyTypedArray<B extends ArrayBufferLike = ArrayBufferLike> = TypedArrayOf<ElementType, B>;

/** Bytes of one element. */
export const ELEMENT_SIZE_BYTES: Readonly<Record<ElementType, number>> = {
  i8: 1,
  u8: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  u32: 4,
  f32: 4,
  f64: 8,
  i64: 8,
  u64: 8,
};

const CONSTRUCTORS: Readonly<Record<ElementType, AnyConstructor>> = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
};

type AnyConstructor = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => AnyTypedArray;

/** Makes the typed array of `type` over `length` elements of `buffer` from `byteOffset` on; nothing is checked. */
export function viewOf<T extends ElementType, B extends ArrayBufferLike>(
  type: T,
  buffer: B,
  byteOffset: number,
  length: number,
): TypedArrayOf<T, B> {
  return new CONSTRUCTORS[type](buffer, byteOffset, length) as TypedArrayOf<T, B>;
}

/** Which element type a view has; `undefined` for a DataView and for types that the heap does not offer. */
export function elementTypeOf(view: ArrayBufferView): ElementType | undefined {
  if (view instanceof Float32Array) return 'f32';
  if (view instanceof Float64Array) return 'f64';
  if (view instanceof Uint8Array || view instanceof Uint8ClampedArray) return 'u8';
  if (view instanceof Int32Array) return 'i32';
  if (view instanceof Uint32Array) return 'u32';
  if (view instanceof Int8Array) return 'i8';
  if (view instanceof Int16Array) return 'i16';
  if (view instanceof Uint16Array) return 'u16';
  if (view instanceof BigInt64Array) return 'i64';
  if (view instanceof BigUint64Array) return 'u64';
  return undefined;
}

/** Whether `value` names an element type. */
export function isElementType(value: unknown): value is ElementType {
  return typeof value === 'string' && Object.hasOwn(ELEMENT_SIZE_BYTES, value);
}
