/**
 * What every kernel asks of its operands. Checks are a comparison in the kernel itself; messages are built here, only
 * when thrown, so that a call stays near 20 ns.
 */

import { addressOf } from '@hotpath/memory';
import type { Heap } from '@hotpath/memory';

import { describe } from '../describe.ts';
import { ArgumentRangeError, ArgumentTypeError, FreedVectorError } from '../errors.ts';

/** What kernels work on. */
export type Vector = Float32Array | Float64Array | Int32Array;

/** What kernels of fractions work on. */
export type FloatVector = Float32Array | Float64Array;

/** A vector of the same element type as `V`, wherever it lives. */
export type Like<V extends Vector> = V extends Float32Array
  ? Float32Array
  : V extends Float64Array
    ? Float64Array
    : Int32Array;

/**
 * Where vectors of `@hotpath/memory` carry their address: a registered symbol with a version, which is that package's
 * contract with readers. Each kernel reads it by itself, so that V8 learns the vectors of each kernel apart: one shared
 * `addressOf` meets every kind of array, and then costs a look-up a vector.
 */
export const ADDRESS: unique symbol = Symbol.for('hotpath.address.v1') as never;

export interface Addressed {
  readonly [ADDRESS]?: number;
}

/**
 * Address of a vector that does not carry one (a `subarray`), 0 where it lives outside the heap.
 *
 * @throws FreedVectorError when it was freed, or its buffer was detached.
 */
export function locate(name: string, view: ArrayBufferView): number {
  const address = addressOf(view);
  if (address === 0) refuseStale(name, view);
  return address;
}

/** Whether a write that begins at `target` would overtake the reads of `bytes` bytes from `origin`. */
export function overtakes(target: number, origin: number, bytes: number): boolean {
  return target > origin && target - origin < bytes;
}

/** Whether two ranges of bytes share none. */
export function isApart(a: number, aBytes: number, b: number, bBytes: number): boolean {
  return a + aBytes <= b || b + bBytes <= a;
}

/** Whether two views share bytes, wherever they live. */
export function overlaps(a: ArrayBufferView, b: ArrayBufferView): boolean {
  return (
    !isApart(a.byteOffset, a.byteLength, b.byteOffset, b.byteLength) &&
    (a.buffer === b.buffer || (isInHeap(a) && isInHeap(b)))
  );
}

/** `origin`, or a copy of it where a loop that writes to `target` would overtake its own reads. */
export function isolate<V extends Vector>(origin: V, target: Vector): V {
  const isOvertaken =
    (target as ArrayBufferView) !== origin &&
    overtakes(target.byteOffset, origin.byteOffset, origin.byteLength) &&
    overlaps(target, origin);
  return isOvertaken ? (origin.slice() as V) : origin;
}

/** As {@link isolate}, for inputs whose elements are not as large as those of the output. */
export function isolateMask<V extends Vector | Uint8Array>(origin: V, target: ArrayBufferView): V {
  return overlaps(origin, target) ? (origin.slice() as V) : origin;
}

/** Where `@hotpath/memory` keeps the heap, if this thread has one: to ask for it by `heap()` would make it. */
const REGISTRY: unique symbol = Symbol.for('hotpath.heap.v1') as never;

interface HeapHolder {
  readonly [REGISTRY]?: { readonly heap: Heap | undefined };
}

/** Whether the view lies in the heap of this process. */
export function isInHeap(view: ArrayBufferView): boolean {
  if (!(view.buffer instanceof SharedArrayBuffer)) return false;
  return (globalThis as unknown as HeapHolder)[REGISTRY]?.heap?.owns(view.buffer) === true;
}

/** The name of the type of a vector that `instanceof` did not know: one of another realm (a vm context) is as good. */
export function foreignKind(name: string, view: unknown, expected: string): string {
  const kind = kindOf(view);
  if (kind === undefined || !expected.includes(kind)) {
    throw new ArgumentTypeError(`${name}: expected a ${expected}, got ${describe(view)}`);
  }
  return kind;
}

/** @throws ArgumentTypeError unless the view is one of another realm. */
export function refuseType(name: string, view: unknown, expected: string): void {
  if (kindOf(view) !== expected) {
    throw new ArgumentTypeError(`${name}: expected a ${expected}, got ${describe(view)}`);
  }
}

export function refuseLength(
  name: string,
  view: { readonly length: number },
  length: number,
  other: string,
): never {
  throw new ArgumentRangeError(`${name}: expected ${length} elements like ${other}, got ${view.length}`);
}

export function refuseRoom(name: string, view: { readonly length: number }, length: number): never {
  throw new ArgumentRangeError(`${name}: expected room for ${length} elements, got ${view.length}`);
}

export function refuseNumber(name: string, value: unknown): never {
  throw new ArgumentTypeError(`${name}: expected a number, got ${describe(value)}`);
}

/** @throws ArgumentTypeError, ArgumentRangeError when `value` is no 32-bit integer. */
export function checkInt32(name: string, value: number): void {
  // The type first: of a bigint or a symbol there is no `| 0`.
  if (typeof value !== 'number') refuseNumber(name, value);
  if ((value | 0) === value) return;
  throw new ArgumentRangeError(`${name}: expected an integer of 32 bits for a vector of i32, got ${value}`);
}

/** @throws ArgumentRangeError when the bounds are in the wrong order, or one is NaN. */
export function checkBounds(low: number, high: number): void {
  if (!(low <= high)) throw new ArgumentRangeError(`low: expected at most high, got ${low} and ${high}`);
}

/** @throws ArgumentTypeError when `accumulate` is something else than `f64`. */
export function isWide(accumulate: string): boolean {
  if (accumulate === 'f64') return true;
  throw new ArgumentTypeError(`accumulate: expected 'f64' or nothing, got ${describe(accumulate)}`);
}

function kindOf(view: unknown): string | undefined {
  return ArrayBuffer.isView(view)
    ? (view as unknown as Record<symbol, string>)[Symbol.toStringTag]
    : undefined;
}

function refuseStale(name: string, view: ArrayBufferView): void {
  if (view.byteLength === 0) {
    if (isDetached(view)) throw new FreedVectorError(`${name}: the buffer of the vector was detached`);
    // An empty view may begin where its block ends, in memory that nobody has taken.
    if ((view as Addressed)[ADDRESS] === undefined) return;
  }
  if (isInHeap(view))
    throw new FreedVectorError(`${name}: the vector was freed; take a new one with allocate`);
}

/** Node 20 cannot ask a buffer; to look at it is the way. */
function isDetached({ buffer }: ArrayBufferView): boolean {
  if (buffer instanceof SharedArrayBuffer) return false;
  try {
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}
