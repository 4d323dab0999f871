import { allocate, free } from '@hotpath/memory';
import type { ElementType } from '@hotpath/memory';

import { describe } from '../describe.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { isApart, isInHeap, locate } from '../kernels/operands.ts';
import { COUNT_MAX } from './grain.ts';
import type { Indexed, ResultKind } from './loop.ts';

/** Any typed array whose elements are numbers. */
export type NumberArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Any typed array that a parallel call reads from or writes to. */
export type NumericArray = NumberArray | BigInt64Array | BigUint64Array;

/** What a typed array holds. */
export type ElementOf<A extends NumericArray> = A extends NumberArray ? number : bigint;

/** The typed array of the same elements as `A` over ordinary memory, which is what `map` returns. */
export type OwnArray<A extends NumericArray> = A extends Int8Array
  ? Int8Array<ArrayBuffer>
  : A extends Uint8Array
    ? Uint8Array<ArrayBuffer>
    : A extends Uint8ClampedArray
      ? Uint8ClampedArray<ArrayBuffer>
      : A extends Int16Array
        ? Int16Array<ArrayBuffer>
        : A extends Uint16Array
          ? Uint16Array<ArrayBuffer>
          : A extends Int32Array
            ? Int32Array<ArrayBuffer>
            : A extends Uint32Array
              ? Uint32Array<ArrayBuffer>
              : A extends Float32Array
                ? Float32Array<ArrayBuffer>
                : A extends Float64Array
                  ? Float64Array<ArrayBuffer>
                  : A extends BigInt64Array
                    ? BigInt64Array<ArrayBuffer>
                    : BigUint64Array<ArrayBuffer>;

type NumericConstructor = new (
  lengthOrBuffer: number | ArrayBufferLike,
  byteOffset?: number,
  length?: number,
) => NumericArray;

/** The heap's name for each kind, and the plain constructor (a Buffer is a Uint8Array here). */
const KINDS: Readonly<Record<string, { readonly type: ElementType; readonly make: NumericConstructor }>> = {
  Int8Array: { type: 'i8', make: Int8Array },
  Uint8Array: { type: 'u8', make: Uint8Array },
  Uint8ClampedArray: { type: 'u8', make: Uint8ClampedArray },
  Int16Array: { type: 'i16', make: Int16Array },
  Uint16Array: { type: 'u16', make: Uint16Array },
  Int32Array: { type: 'i32', make: Int32Array },
  Uint32Array: { type: 'u32', make: Uint32Array },
  Float32Array: { type: 'f32', make: Float32Array },
  Float64Array: { type: 'f64', make: Float64Array },
  BigInt64Array: { type: 'i64', make: BigInt64Array },
  BigUint64Array: { type: 'u64', make: BigUint64Array },
};

/** Whether `value` is a typed array that a parallel call takes. */
export function isNumericArray(value: unknown): value is NumericArray {
  return ArrayBuffer.isView(value) && kindOf(value) !== undefined;
}

/** A new array of the same kind as `like`, in ordinary memory. */
export function makeLike(like: NumericArray, length: number): NumericArray {
  return new (kindOf(like)!.make)(length);
}

/** What the function must give for `output` to hold it. */
export function resultKindOf(output: NumericArray): ResultKind {
  return output instanceof BigInt64Array || output instanceof BigUint64Array ? 'bigint' : 'number';
}

/**
 * Checks input and output of a call.
 *
 * @throws ArgumentTypeError when one is no typed array.
 * @throws ArgumentRangeError when the input is too long, the output too short, or they overlap without being element by
 *   element the same memory.
 * @throws FreedVectorError when one was freed, or its buffer detached.
 */
export function checkArrays(input: NumericArray, output: NumericArray): void {
  if (!isNumericArray(input))
    throw new ArgumentTypeError(`input: expected a typed array, got ${describe(input)}`);
  if (!isNumericArray(output))
    throw new ArgumentTypeError(`output: expected a typed array, got ${describe(output)}`);
  checkInput('input', input);
  locate('output', output);
  if (output.length < input.length) {
    throw new ArgumentRangeError(`output: expected room for ${input.length} elements, got ${output.length}`);
  }
  const isSame =
    input.byteOffset === output.byteOffset && input.BYTES_PER_ELEMENT === output.BYTES_PER_ELEMENT;
  const writtenBytes = input.length * output.BYTES_PER_ELEMENT;
  if (isSame || isApart(input.byteOffset, input.byteLength, output.byteOffset, writtenBytes)) return;
  // The heap's memory is seen by another buffer after each growth.
  if (input.buffer !== output.buffer && !(isInHeap(input) && isInHeap(output))) return;
  throw new ArgumentRangeError(
    'output: it overlaps input and is not the same elements, so items would be overwritten before they are read',
  );
}

/**
 * @throws ArgumentRangeError when there are more items than the shared counter can count.
 * @throws FreedVectorError when the array was freed, or its buffer detached.
 */
export function checkInput(name: string, input: NumericArray): void {
  checkCount(input.length);
  locate(name, input);
}

/** @throws ArgumentRangeError when there are more items than the shared counter can count. */
export function checkCount(length: number): void {
  if (length > COUNT_MAX)
    throw new ArgumentRangeError(`input: expected at most ${COUNT_MAX} items, got ${length}`);
}

/** An array of the same kind as `like` that every thread can see, and what gives its memory back. */
export function takeLike(like: NumericArray, length: number): { readonly view: NumericArray; free(): void } {
  const { type, make } = kindOf(like)!;
  const block = allocate(type, length);
  return { view: new make(block.buffer, block.byteOffset, length), free: () => free(block) };
}

/** Bringing a byte into shared memory, or back, with the first touch of what is taken: 0.1 to 0.2 ns. */
const COPY_MS_PER_BYTE = 1.5e-7;

/** What it costs to copy an element for the other threads, in milliseconds; nothing where they see it anyway. */
export function copyCostMs(view: NumericArray): number {
  return view.buffer instanceof SharedArrayBuffer ? 0 : view.BYTES_PER_ELEMENT * COPY_MS_PER_BYTE;
}

/** Input and output as every thread can see them, from item `base` on. */
export interface Stage {
  readonly input: Indexed;
  readonly output: Indexed;
  /** Copies the results to where the caller wants them. */
  finish(): void;
  /** Frees what was taken; no thread may touch the stage any more. */
  release(): void;
}

/** Arrays in shared memory are used as they are, others are copied into the heap. */
export function createStage(input: NumericArray, output: NumericArray, base: number): Stage {
  const count = input.length - base;
  const taken: ArrayBufferView[] = [];
  const share = (view: NumericArray): NumericArray => {
    const part = view.subarray(base, base + count);
    if (view.buffer instanceof SharedArrayBuffer) return part;
    const { type, make } = kindOf(view)!;
    const block = allocate(type, count);
    taken.push(block);
    return new make(block.buffer, block.byteOffset, count);
  };
  try {
    const sharedOutput = share(output);
    const isInPlace = output.buffer === input.buffer && output.byteOffset === input.byteOffset;
    let sharedInput = input.subarray(base, base + count);
    if (!(input.buffer instanceof SharedArrayBuffer)) {
      const { make } = kindOf(input)!;
      sharedInput = isInPlace ? new make(sharedOutput.buffer, sharedOutput.byteOffset, count) : share(input);
      (sharedInput as Uint8Array).set(input.subarray(base) as Uint8Array);
    }
    const isStaged = !(output.buffer instanceof SharedArrayBuffer);
    return {
      input: sharedInput,
      output: sharedOutput,
      finish: () => {
        if (!isStaged) return;
        if (output.length === 0) locate('output', output);
        (output as Uint8Array).set(sharedOutput as Uint8Array, base);
      },
      release: () => taken.splice(0).forEach((block) => free(block)),
    };
  } catch (error) {
    taken.forEach((block) => free(block));
    throw error;
  }
}

function kindOf(view: ArrayBufferView): { type: ElementType; make: NumericConstructor } | undefined {
  return KINDS[(view as unknown as Record<symbol, string>)[Symbol.toStringTag] ?? ''];
}
