import { BufferDetachedError } from '../bytes/errors.ts';
import { checkInteger, describe } from '../check.ts';
import { ArgumentTypeError, DoubleFreeError, ForeignMemoryError } from '../errors.ts';
import {
  type AnyTypedArray,
  ELEMENT_SIZE_BYTES,
  type ElementType,
  elementTypeOf,
  isElementType,
  type TypedArrayOf,
  viewOf,
} from './element-type.ts';
import { heap, heapIfAny } from './process-heap.ts';
import { WASM_MAXIMUM_BYTES } from './wasm-memory.ts';

/**
 * Where a view carries its address. A registered symbol, so that two copies of this package read each other's views; not enumerable,
 * so that a view still compares equal to a plain one.
 */
const ADDRESS = Symbol.for('hotpath.address.v1');

interface Addressed {
  [ADDRESS]?: number;
}

const DESCRIPTOR = { value: 0, writable: true, enumerable: false, configurable: false };

/**
 * Takes a typed array inside the heap: zero-filled, 64-byte aligned, ready for kernels and for every thread.
 *
 * It is a real typed array over a SharedArrayBuffer. Whoever calls this owns it and frees it with {@link free}; garbage
 * collection does not. About 200 ns and the time to zero it.
 *
 * @throws ArgumentTypeError when `type` is no element type.
 * @throws ArgumentRangeError when `length` is negative, fractional, NaN or over 4 GiB in bytes.
 * @throws HeapExhaustedError when the heap's maximum is reached.
 * @throws HeapOwnerError in a thread that only attached.
 * @example
 * const x = allocate('f32', 1024);
 * x.fill(1);
 * free(x);
 */
export function allocate<T extends ElementType>(type: T, length: number): TypedArrayOf<T> {
  if (!isElementType(type)) {
    throw new ArgumentTypeError(
      `type: expected one of ${Object.keys(ELEMENT_SIZE_BYTES).join(', ')}, got ${describe(type)}`,
    );
  }
  const elementBytes = ELEMENT_SIZE_BYTES[type];
  checkInteger('length', length, 0, WASM_MAXIMUM_BYTES / elementBytes);
  return viewAt(type, heap().allocateZeroed(length * elementBytes), length);
}

/**
 * Gives the memory of a view that {@link allocate} or {@link adopt} returned back to the heap. The view's address
 * becomes 0, so kernels refuse it from then on; the view itself can still be indexed, and then touches what another
 * owner may have: drop it.
 *
 * @throws DoubleFreeError when it was freed already.
 * @throws ForeignMemoryError when the view is not one that the heap returned (a `subarray` of one is not).
 * @throws HeapOwnerError in a thread that only attached.
 */
export function free(view: ArrayBufferView): void {
  const address = (view as Addressed | undefined)?.[ADDRESS];
  if (address === undefined) {
    throw new ForeignMemoryError(
      `view: expected one that allocate returned, got ${describe(view)} without an address`,
    );
  }
  if (address === 0) throw new DoubleFreeError('view: it was freed already');
  heap().free(address);
  (view as Addressed)[ADDRESS] = 0;
}

/**
 * The byte address of a view in the heap; 0 when its memory is elsewhere or was freed. About 20 ns for a view that the
 * heap returned; a `subarray`, or a view made over the heap's buffer, is recognised by its buffer and costs more.
 *
 * @throws ArgumentTypeError when it is no view.
 */
export function addressOf(view: ArrayBufferView): number {
  const address = (view as Addressed | undefined)?.[ADDRESS];
  return address === undefined ? addressByBuffer(view) : address;
}

/**
 * Whether a view was freed: its {@link addressOf} is 0 although it once lay in the heap. Kernels use it to refuse such a
 * view, where one of ordinary memory is welcome. Only a view that carries its address tells; a `subarray` does not.
 */
export function isFreed(view: ArrayBufferView): boolean {
  return (view as Addressed | undefined)?.[ADDRESS] === 0;
}

/**
 * Copies a typed array into the heap and returns the new view, which the caller owns.
 *
 * @throws ArgumentTypeError when `view` is not a typed array.
 * @throws BufferDetachedError when its buffer was transferred away.
 * @throws HeapExhaustedError, HeapOwnerError as {@link allocate}.
 */
export function adopt<V extends AnyTypedArray>(view: V): AdoptedOf<V>;
export function adopt<T extends ElementType>(view: TypedArrayOf<T, ArrayBufferLike>): TypedArrayOf<T>;
export function adopt(view: AnyTypedArray): AnyTypedArray<SharedArrayBuffer> {
  const type = ArrayBuffer.isView(view) ? elementTypeOf(view) : undefined;
  if (type === undefined) throw new ArgumentTypeError(`view: expected a typed array, got ${describe(view)}`);
  const bytes = bytesOf(view);
  const address = heap().allocate(bytes.length);
  heap().write(address, bytes);
  return viewAt(type, address, view.length);
}

/** The bytes of a view; asked before anything is taken from the heap, as a buffer that is gone refuses. */
function bytesOf({ buffer, byteOffset, byteLength }: AnyTypedArray): Uint8Array {
  try {
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (cause) {
    throw new BufferDetachedError('view: its buffer was transferred away', { cause });
  }
}

/** The typed array in the heap that a copy of `V` is. */
export type AdoptedOf<V> = {
  [T in ElementType]: V extends TypedArrayOf<T, ArrayBufferLike> ? TypedArrayOf<T> : never;
}[ElementType];

/**
 * A view over memory of the heap that is in use already, carrying its address: for structures that cut several views
 * from one block, and for worker threads that were told an address. The view owns nothing.
 *
 * Unchecked: `address` must be a multiple of the element size, and address and length must lie inside a live block.
 */
export function viewAt<T extends ElementType>(type: T, address: number, length: number): TypedArrayOf<T> {
  const view = viewOf(type, heap().memory.buffer, address, length);
  DESCRIPTOR.value = address;
  Object.defineProperty(view, ADDRESS, DESCRIPTOR);
  return view;
}

/** Makes views that {@link viewAt} returned say 0, because their block is about to be freed. */
export function revoke(view: AnyTypedArray): void {
  (view as Addressed)[ADDRESS] = 0;
}

function addressByBuffer(view: ArrayBufferView): number {
  if (!ArrayBuffer.isView(view)) throw new ArgumentTypeError(`view: expected a view, got ${describe(view)}`);
  const { buffer } = view;
  if (!(buffer instanceof SharedArrayBuffer)) return 0;
  const current = heapIfAny();
  if (current === undefined || !current.owns(buffer)) return 0;
  return current.isUsed(view.byteOffset) ? view.byteOffset : 0;
}
