import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';

/** A value as an error message may show it: short, and never the content of a buffer. */
export function describe(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 40 ? `a string of ${value.length} characters` : `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object' && value !== null)
    return `an instance of ${value.constructor?.name ?? 'Object'}`;
  if (typeof value === 'function') return 'a function';
  return String(value);
}

/**
 * Checks that `value` is an integer from `minimum` to `maximum`, both included.
 *
 * @throws ArgumentTypeError when it is not a number.
 * @throws ArgumentRangeError when it is fractional, NaN or out of range.
 */
export function checkInteger(
  name: string,
  value: unknown,
  minimum: number,
  maximum: number,
): asserts value is number {
  if (typeof value !== 'number') {
    throw new ArgumentTypeError(`${name}: expected a number, got ${describe(value)}`);
  }
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new ArgumentRangeError(`${name}: expected an integer from ${minimum} to ${maximum}, got ${value}`);
  }
}
