import type { FoldInput, Indexed, ResultKind } from './loop.ts';

/**
 * Numbers on their way between threads.
 *
 * A plain array that was cloned into another thread has lost what V8 knew of its elements: they are "anything", also
 * where all of them are numbers, and a loop over them may keep its values in tagged form. Once a function over such an array was seen to
 * take twice as long; on Zen 4 and V8 11 and 14 it does not. An array of numbers travels as a typed array all the same: it is
 * cheaper to clone, and nothing has to be guessed of it.
 */
export type Packed = Int32Array | Float64Array | readonly unknown[];

/** A typed array of equal values where all of them are numbers; else `values` itself. NaN and −0 are kept. */
export function pack(values: readonly unknown[]): Packed {
  const kind = kindOf(values);
  if (kind === 'i32') return Int32Array.from(values as number[]);
  if (kind === 'f64') return Float64Array.from(values as number[]);
  return values;
}

/** Writes what {@link pack} made back into an array, from `start` on. */
export function unpackInto(packed: Packed, output: unknown[], start: number): void {
  for (let i = 0; i < packed.length; i++) output[start + i] = packed[i];
}

/** Whether {@link pack} would make a typed array. */
export function areNumbers(values: readonly unknown[]): values is readonly number[] {
  return kindOf(values) !== 'any';
}

function kindOf(values: readonly unknown[]): 'i32' | 'f64' | 'any' {
  let isInteger = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number') return 'any';
    if (isInteger && !((value | 0) === value && !Object.is(value, -0))) isInteger = false;
  }
  return isInteger ? 'i32' : 'f64';
}

/** Which kinds of array a loop reads and writes: each combination has a loop of its own, so that it sees one shape. */
export function shapeOf(input: Indexed, output: Indexed, kind: ResultKind): string {
  return `${kind} ${tagOf(sourceOf(input, kind))} ${tagOf(output)}`;
}

/** What a loop reads its elements from. */
export function sourceOf(input: Indexed, kind: ResultKind): unknown {
  return kind === 'fold' || kind === 'sort' || kind === 'merge' ? (input as FoldInput).array : input;
}

/** The name of a kind of typed array; `undefined` for anything else. */
export function tagOf(array: unknown): string | undefined {
  return (array as Record<symbol, string | undefined>)[Symbol.toStringTag];
}
