import { describe } from '../describe.ts';
import { TaskResultError } from '../errors.ts';
import { mergeLoop, orderLoop, sortLoop } from './sort-loop.ts';

/** A function that a task runs for every item. */
export type ItemFunction = (value: unknown, index: number) => unknown;

/** Anything that items are read from or written to by index. */
export interface Indexed {
  readonly length: number;
  [index: number]: unknown;
}

/** Where a loop was when it threw. */
export interface Position {
  index: number;
}

/**
 * Runs items `start` to `end` of `input` into `output`. `offset` is added to the index that the function sees. On a
 * throw, `position.index` is the index that the function saw.
 */
export type Loop = (
  input: Indexed,
  output: Indexed,
  start: number,
  end: number,
  offset: number,
  position: Position,
) => void;

/**
 * What the function is called for, and the check that follows: for `number`, `bigint` and `any` once an item, and the result is
 * stored; for `flag` likewise, and 1 or 0 is stored; for `range` once a grain, as `fn(start, end, data)`; for `fold` once
 * an element of each block, as `fn(accumulated, element, index)`, and the block's result is stored; for `gather` as `fold`, over
 * blocks of a plain array; for `sort`, `merge` and `order` as a comparator (sort-loop.ts).
 */
export type ResultKind = 'number' | 'bigint' | 'any' | 'flag' | 'range' | 'fold' | 'gather' | SortKind;

/** The kinds of {@link ResultKind} whose function is a comparator. */
export type SortKind = 'sort' | 'merge' | 'order';

/** The kinds of {@link ResultKind} that work on clones. */
export type CloneKind = 'any' | 'gather' | 'order';

/** An item of the `input` of a `gather`. */
export interface GatherBlock {
  readonly items: readonly unknown[];
  readonly initial: unknown;
  /** Index of the first item, and how far the indices of two neighbours are apart. */
  readonly first: number;
  readonly step: number;
}

/** The `input` of a `range`. */
export interface RangeInput extends Indexed {
  readonly data: unknown;
}

/** The `input` of a `fold`: item b is the elements from `b * block` on. */
export interface FoldInput extends Indexed {
  readonly array: ArrayLike<number>;
  readonly block: number;
  readonly initial: number;
}

/**
 * Compiles a loop for one function. V8 keeps its knowledge of a call's targets with the source position, so a loop
 * that all functions share cannot inline any of them (an item of `x * 2 + 1`: 6.9 ns against 1.6). Each function
 * gets source text of its own; the id in it, unique in the thread, keeps V8's compilation cache from merging two loops again.
 *
 * The loop catches to learn the index, and checks the result's type, both of which cost nothing measurable once
 * compiled. Where the process forbids code generation from strings, all functions share {@link genericLoop}.
 */
export function compileLoop(id: string, fn: ItemFunction, kind: ResultKind): Loop {
  if (kind === 'range') return rangeLoop(fn);
  if (kind === 'gather') return gatherLoop(fn);
  if (kind === 'sort') return sortLoop(fn);
  if (kind === 'order') return orderLoop(fn);
  if (kind === 'merge') return mergeLoop(id, fn);
  try {
    // eslint-disable-next-line typescript/no-implied-eval -- the text is ours: only numbers and names of ours are put in
    const factory = new Function('fn', 'refuse', loopSource(id, kind, turnOf(fn))) as (
      fn: ItemFunction,
      refuse: typeof refuseResult,
    ) => Loop;
    return factory(fn, refuseResult);
  } catch (error) {
    if (error instanceof EvalError) return genericLoop(fn, kind);
    throw error;
  }
}

/**
 * Items a turn of a loop over a short function. V8 reads the place and the length of both arrays anew in each turn, and looks whether
 * it is to be interrupted: an item of `x * 2 + 1` takes 1.24 ns one by one, 0.82 by fours, 0.64 by eights.
 */
const TURN_ITEMS = 8;

/**
 * V8 inlines 920 bytes of bytecode into one loop and no more, and a function that is not inlined allocates each result above 2^31 and each
 * fraction. Eight copies of up to a hundred characters of arithmetic stay below that; a call or a destructured array may not.
 */
const SHORT_TEXT_MAX = 100;

/** What hides bytecode behind few characters: calls, arrays made or taken apart, templates, loops. */
const HIDES_WORK = /[\w$\])]\s*\(|(?<![\w$\])])\[|`|\.\.\.|\b(?:new|for|while|do|class)\b/;

const PARAMETERS = /^(?:function\b[^(]*)?\([^)]*\)/;
const NO_CALLS = /\b(?:Math\.\w+|if|return)\s*\(/g;

function turnOf(fn: ItemFunction): number {
  const text = Function.prototype.toString.call(fn);
  const isShort =
    text.length <= SHORT_TEXT_MAX && !HIDES_WORK.test(text.replace(PARAMETERS, '').replaceAll(NO_CALLS, ''));
  return isShort ? TURN_ITEMS : 1;
}

function loopSource(id: string, kind: ResultKind, turns: number): string {
  if (kind === 'fold') {
    return `'use strict';
return function loop${id}_fold({ array, block, initial }, output, start, end, offset, position) {
  let i = 0;
  try {
    for (let b = start + offset; b < end + offset; b++) {
      let result = initial;
      const stop = Math.min((b + 1) * block, array.length);
      for (i = b * block; i < stop; i++) {
        result = fn(result, array[i], i);
        if (typeof result !== 'number') refuse(result, i, 'number');
      }
      output[b - offset] = result;
    }
  } catch (error) {
    position.index = i;
    throw error;
  }
};`;
  }
  const isWrong =
    kind === 'any'
      ? `typeof result === 'object' ? result !== null && typeof result.then === 'function' : typeof result === 'function' || typeof result === 'symbol'`
      : kind === 'flag'
        ? `typeof result !== 'boolean' && typeof result !== 'number'`
        : `typeof result !== '${kind}'`;
  const item = `const result = fn(input[i], i + offset);
      if (${isWrong}) refuse(result, i + offset, '${kind}');
      output[i] = ${kind === 'flag' ? '(result ? 1 : 0)' : 'result'};`;
  // `i` counts each item, so that it is the index of the one that throws.
  return `'use strict';
return function loop${id}_${kind}(input, output, start, end, offset, position) {
  let i = start;
  try {
    ${turns > 1 ? `for (const last = end - ${turns}; i <= last;) { ${`{ ${item} i++; }`.repeat(turns)} }` : ''}
    for (; i < end; i++) { ${item} }
  } catch (error) {
    position.index = i + offset;
    throw error;
  }
};`;
}

/** Calls the function once for a whole grain: it brings the loop, which V8 then compiles as its own. */
function rangeLoop(fn: ItemFunction): Loop {
  const run = fn as (...values: unknown[]) => unknown;
  return (input, _output, start, end, offset, position) => {
    try {
      const result = run(start + offset, end + offset, (input as RangeInput).data);
      if (isThenable(result)) refuseResult(result, start + offset, 'any');
    } catch (error) {
      position.index = start + offset;
      throw error;
    }
  };
}

function gatherLoop(fn: ItemFunction): Loop {
  const fold = fn as (...values: unknown[]) => unknown;
  return (input, output, start, end, _offset, position) => {
    for (let b = start; b < end; b++) {
      const { items, initial, first, step } = input[b] as GatherBlock;
      let result = initial;
      for (let i = 0; i < items.length; i++) {
        const index = first + i * step;
        position.index = index;
        result = fold(result, items[i], index);
        if (isThenable(result) || cannotTravel(result)) refuseResult(result, index, 'any');
      }
      output[b] = result;
    }
  };
}

function genericFold(fn: ItemFunction): Loop {
  const step = fn as (...values: unknown[]) => unknown;
  return (input, output, start, end, offset, position) => {
    const { array, block, initial } = input as FoldInput;
    let i = 0;
    try {
      for (let b = start + offset; b < end + offset; b++) {
        let result: unknown = initial;
        const stop = Math.min((b + 1) * block, array.length);
        for (i = b * block; i < stop; i++) {
          result = step(result, array[i], i);
          if (typeof result !== 'number') refuseResult(result, i, 'number');
        }
        output[b - offset] = result;
      }
    } catch (error) {
      position.index = i;
      throw error;
    }
  };
}

/** The loop without generated code: the same behaviour, and one call target for all functions. */
export function genericLoop(fn: ItemFunction, kind: ResultKind): Loop {
  if (kind === 'fold') return genericFold(fn);
  return (input, output, start, end, offset, position) => {
    let i = start;
    try {
      for (; i < end; i++) {
        const result = fn(input[i], i + offset);
        if (isWrong(result, kind)) refuseResult(result, i + offset, kind);
        output[i] = kind === 'flag' ? Number(Boolean(result)) : result;
      }
    } catch (error) {
      position.index = i + offset;
      throw error;
    }
  };
}

function isWrong(result: unknown, kind: ResultKind): boolean {
  if (kind === 'any') return isThenable(result) || cannotTravel(result);
  if (kind === 'flag') return typeof result !== 'boolean' && typeof result !== 'number';
  return typeof result !== kind;
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** Functions and symbols alone: what is inside an object shows when it is cloned. */
function cannotTravel(value: unknown): boolean {
  return typeof value === 'function' || typeof value === 'symbol';
}

function refuseResult(result: unknown, index: number, kind: ResultKind): never {
  const got = isThenable(result)
    ? 'a promise: the function of a parallel map must be synchronous'
    : describe(result);
  const expected =
    kind === 'any'
      ? 'a value that can be cloned'
      : kind === 'flag'
        ? 'a boolean'
        : `a ${kind}, because the output is a typed array`;
  throw new TaskResultError(`the result for item ${index}: expected ${expected}, got ${got}`, index);
}
