/**
 * What every kernel asks of its operands. The checks are small enough for V8 to inline into each kernel, and messages
 * are built only when thrown, so that a call stays near 20 ns.
 */

import { addressOf, heap } from '@hotpath/memory';

import { describe } from '../describe.ts';
import { ArgumentRangeError, ArgumentTypeError, FreedVectorError } from '../errors.ts';

/** @throws ArgumentTypeError when `view` is no Float32Array. */
export function checkF32(name: string, view: Float32Array): void {
  if (!(view instanceof Float32Array)) refuseType(name, view, 'Float32Array');
}

/** @throws ArgumentRangeError when `view` has not `length` elements. */
export function checkLength(
  name: string,
  view: { readonly length: number },
  length: number,
  other: string,
): void {
  if (view.length !== length) {
    throw new ArgumentRangeError(`${name}: expected ${length} elements like ${other}, got ${view.length}`);
  }
}

/** @throws ArgumentRangeError when `view` has fewer than `length` elements. */
export function checkRoom(name: string, view: { readonly length: number }, length: number): void {
  if (view.length < length) {
    throw new ArgumentRangeError(`${name}: expected room for ${length} elements, got ${view.length}`);
  }
}

/**
 * Address of a vector in the heap; 0 for one that lives elsewhere.
 *
 * @throws FreedVectorError when it lives in the heap and was freed.
 */
export function locate(name: string, view: ArrayBufferView): number {
  const address = addressOf(view);
  if (address === 0) refuseFreed(name, view);
  return address;
}

/** Whether a write that begins at `target` would overtake the reads of `bytes` bytes from `origin`. */
export function overtakes(target: number, origin: number, bytes: number): boolean {
  return target > origin && target - origin < bytes;
}

/** As {@link overtakes}, for views wherever they live. */
export function overtakesView(target: ArrayBufferView, origin: ArrayBufferView): boolean {
  if (target === origin) return false;
  if (!overtakes(target.byteOffset, origin.byteOffset, origin.byteLength)) return false;
  return target.buffer === origin.buffer || (isInHeap(target) && isInHeap(origin));
}

function isInHeap(view: ArrayBufferView): boolean {
  return view.buffer instanceof SharedArrayBuffer && heap().owns(view.buffer);
}

function refuseFreed(name: string, view: ArrayBufferView): void {
  if (isInHeap(view))
    throw new FreedVectorError(`${name}: the vector was freed; take a new one with allocate`);
}

function refuseType(name: string, view: unknown, expected: string): void {
  // An array of another realm (a vm context) fails instanceof and is just as good.
  if (
    ArrayBuffer.isView(view) &&
    (view as unknown as Record<symbol, unknown>)[Symbol.toStringTag] === expected
  )
    return;
  throw new ArgumentTypeError(`${name}: expected a ${expected}, got ${describe(view)}`);
}
