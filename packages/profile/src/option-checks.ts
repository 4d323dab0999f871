/** Checks of options that several functions of this package take. Pure. */

import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';

/** How a wrong value is named in a message: never the value itself, which may be long or secret. */
export function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

/**
 * @param what what is expected, where a unit helps: `a number of milliseconds`.
 * @throws {ArgumentTypeError} not a number.
 * @throws {ArgumentRangeError} fractional, NaN or out of range.
 */
export function integerOption(
  name: string,
  value: unknown,
  least: number,
  most: number,
  what = 'an integer',
): number {
  if (typeof value !== 'number') {
    throw new ArgumentTypeError(`${name}: expected ${what}, got ${kindOf(value)}`);
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new ArgumentRangeError(`${name}: expected an integer from ${least} to ${most}, got ${value}`);
  }
  return value;
}

/** @throws {ArgumentTypeError} not an object; arrays and functions are not objects here. */
export function objectOption(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ArgumentTypeError(
      `${name}: expected an object, got ${Array.isArray(value) ? 'array' : kindOf(value)}`,
    );
  }
}

/** @throws {ArgumentTypeError} not a function. */
export function functionOption(name: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new ArgumentTypeError(`${name}: expected a function, got ${kindOf(value)}`);
  }
}

/** @throws {ArgumentTypeError} neither missing nor an `AbortSignal`. */
export function signalOption(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new ArgumentTypeError(`signal: expected an AbortSignal, got ${kindOf(signal)}`);
  }
}
