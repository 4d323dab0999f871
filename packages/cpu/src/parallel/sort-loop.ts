import { describe } from '../describe.ts';
import { TaskResultError } from '../errors.ts';
import type { NumericArray } from './arrays.ts';
import type { Indexed, ItemFunction, Loop } from './loop.ts';

/** The `input` of a `sort`: item r is the run of `run` elements from `r * run` on. */
export interface SortInput extends Indexed {
  readonly array: NumericArray;
  readonly run: number;
}

/**
 * The `input` of a `merge`: item b writes `block` elements of `to` from `b * block` on, out of the two runs of `width` elements around
 * it. `block` divides `width`, so a block lies within one pair of runs.
 */
export interface MergeInput extends Indexed {
  readonly array: NumericArray;
  readonly to: NumericArray;
  readonly width: number;
  readonly block: number;
  /** Two words an item: elements of the first run that lie before the block, and those that lie before its end. */
  readonly cuts: Int32Array;
}

type Compare = (a: unknown, b: unknown) => number;

/** Stands for the order of `TypedArray.prototype.sort` without a comparator, in every thread: it is never called. */
export function ascending(): number {
  return 0;
}

export function sortLoop(fn: ItemFunction): Loop {
  const compare = (fn as unknown) === ascending ? undefined : checked(fn);
  return (input, _output, start, end, offset, position) => {
    const { array, run } = input as SortInput;
    for (let r = start + offset; r < end + offset; r++) {
      position.index = r * run;
      array.subarray(r * run, Math.min((r + 1) * run, array.length)).sort(compare);
    }
  };
}

/** Items of a run with a comparator; the last one may be shorter. */
export const ORDER_RUN: number = 1 << 11;

/** Sorts plain runs of {@link ORDER_RUN}: each result is the order of one, as indices into it. */
export function orderLoop(fn: ItemFunction): Loop {
  const isAfter = afterOf(fn);
  return (input, output, start, end, offset, position) => {
    for (let r = start; r < end; r++) {
      position.index = (r + offset) * ORDER_RUN;
      const run = input[r] as readonly unknown[];
      const order = Uint32Array.from(run, (_, i) => i);
      output[r] = order.sort((i, j) => (isAfter(run[i], run[j]) ? 1 : isAfter(run[j], run[i]) ? -1 : 0));
    }
  };
}

/** Whether `a` must come after `b`: as `Array.prototype.sort` asks, with `undefined` after everything. */
export function afterOf(fn: ItemFunction): IsAfter {
  const compare = checked(fn);
  return (a, b) => {
    if (a === undefined || b === undefined) return a === undefined && b !== undefined;
    return compare(a, b) > 0;
  };
}

function checked(fn: ItemFunction): Compare {
  const compare = fn as Compare;
  return (a, b) => {
    const order: unknown = compare(a, b);
    if (typeof order === 'number') return order;
    throw new TaskResultError(`the comparator: expected a number, got ${describe(order)}`, -1);
  };
}

type IsAfter = (x: unknown, y: unknown) => boolean;

/** The order of floats without a comparator: −0 before 0, NaN last. */
function isFloatAfter(x: number, y: number): boolean {
  if (x > y) return true;
  if (x < y) return false;
  if (x === y) return x === 0 && Object.is(y, -0) && !Object.is(x, -0);
  return y === y;
}

function isIntegerAfter(x: number | bigint, y: number | bigint): boolean {
  return x > y;
}

/**
 * Merges neighbouring runs, block by block of the result. Like every loop it gets code of its own for each task and shape of
 * array: {@link makeMerge} is compiled again from its own text.
 */
export function mergeLoop(id: string, fn: ItemFunction): Loop {
  const isAscending = (fn as unknown) === ascending;
  const compare = isAscending ? undefined : checked(fn);
  const orderOf = (array: NumericArray): IsAfter => {
    if (compare !== undefined) return (x, y) => compare(x, y) > 0;
    const isFloat = array instanceof Float64Array || array instanceof Float32Array;
    return (isFloat ? isFloatAfter : isIntegerAfter) as IsAfter;
  };
  try {
    // eslint-disable-next-line typescript/no-implied-eval -- the text is that of a function of ours
    const make = new Function(`'use strict'; return ${String(makeMerge)} // ${id}`) as () => typeof makeMerge;
    return make()(orderOf);
  } catch (error) {
    if (error instanceof EvalError) return makeMerge(orderOf);
    throw error;
  }
}

/**
 * Where a block begins in the two runs is found by a binary search along the diagonal (Odeh, Green and others, "Merge Path",
 * 2012): the first `low` elements of the left run and `at - low` of the right one are what comes before it. So every block is
 * merged alone, by any thread, and all of them take equally long. Of equal elements those of the left run come first: stable.
 *
 * A comparator that contradicts itself could give neighbouring blocks different cuts, and then elements would be doubled and
 * lost; where each block began and ended in the left run is noted, for the caller to see.
 *
 * Self-contained: it uses its arguments alone.
 */
function makeMerge(orderOf: (array: NumericArray) => IsAfter): Loop {
  return (input, _output, start, end, offset, position) => {
    const { array, to, width, block, cuts } = input as MergeInput;
    const isAfter = orderOf(array);
    for (let b = start + offset; b < end + offset; b++) {
      const first = b * block;
      position.index = first;
      const left = first - (first % (2 * width));
      const middle = Math.min(left + width, array.length);
      const stop = Math.min(left + 2 * width, array.length);
      const at = first - left;
      let low = Math.max(0, at - (stop - middle));
      let high = Math.min(at, middle - left);
      while (low < high) {
        const half = (low + high) >>> 1;
        if (isAfter(array[left + half], array[middle + at - half - 1])) high = half;
        else low = half + 1;
      }
      let i = left + low;
      let j = middle + at - low;
      cuts[2 * b] = low;
      const last = Math.min(first + block, array.length);
      let w = first;
      while (w < last && i < middle && j < stop) {
        const x = array[i]!;
        const y = array[j]!;
        if (isAfter(x, y)) {
          to[w++] = y;
          j++;
        } else {
          to[w++] = x;
          i++;
        }
      }
      while (w < last && i < middle) to[w++] = array[i++]!;
      while (w < last) to[w++] = array[j++]!;
      cuts[2 * b + 1] = i - left;
    }
  };
}
