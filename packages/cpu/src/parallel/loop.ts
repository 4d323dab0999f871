import { describe } from '../describe.ts';
import { TaskResultError } from '../errors.ts';

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

/** What an output accepts; chooses the check that follows each call of the function. */
export type ResultKind = 'number' | 'bigint' | 'any';

/**
 * Compiles a loop for one function. V8 keeps its knowledge of a call's targets with the source position, so a loop
 * that all functions share cannot inline any of them (an item of `x * 2 + 1`: 6.9 ns against 1.6). Each function
 * gets source text of its own; the id in it, unique in the thread, keeps V8's compilation cache from merging two loops again.
 *
 * The loop catches to learn the index, and checks the result's type, both of which cost nothing measurable once
 * compiled. Where the process forbids code generation from strings, all functions share {@link genericLoop}.
 */
export function compileLoop(id: string, fn: ItemFunction, kind: ResultKind): Loop {
  try {
    // eslint-disable-next-line typescript/no-implied-eval -- the text is ours: only numbers and names of ours are put in
    const factory = new Function('fn', 'refuse', loopSource(id, kind)) as (
      fn: ItemFunction,
      refuse: typeof refuseResult,
    ) => Loop;
    return factory(fn, refuseResult);
  } catch (error) {
    if (error instanceof EvalError) return genericLoop(fn, kind);
    throw error;
  }
}

function loopSource(id: string, kind: ResultKind): string {
  const isWrong =
    kind === 'any'
      ? `typeof result === 'object' ? result !== null && typeof result.then === 'function' : typeof result === 'function' || typeof result === 'symbol'`
      : `typeof result !== '${kind}'`;
  return `'use strict';
return function loop${id}_${kind}(input, output, start, end, offset, position) {
  let i = start;
  try {
    for (; i < end; i++) {
      const result = fn(input[i], i + offset);
      if (${isWrong}) refuse(result, i + offset, '${kind}');
      output[i] = result;
    }
  } catch (error) {
    position.index = i + offset;
    throw error;
  }
};`;
}

/** The loop without generated code: the same behaviour, and one call target for all functions. */
export function genericLoop(fn: ItemFunction, kind: ResultKind): Loop {
  return (input, output, start, end, offset, position) => {
    let i = start;
    try {
      for (; i < end; i++) {
        const result = fn(input[i], i + offset);
        if (kind === 'any' ? isThenable(result) || cannotTravel(result) : typeof result !== kind)
          refuseResult(result, i + offset, kind);
        output[i] = result;
      }
    } catch (error) {
      position.index = i + offset;
      throw error;
    }
  };
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
    kind === 'any' ? 'a value that can be cloned' : `a ${kind}, because the output is a typed array`;
  throw new TaskResultError(`the result for item ${index}: expected ${expected}, got ${got}`, index);
}
