/** Checks of arguments and options: each returns the value, or the default for `undefined`, or throws naming what it got. */

import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';

/** setTimeout turns anything above this into 1 ms. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

export function object(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) {
    throw new ArgumentTypeError(`${name}: expected an object, got ${describe(value)}`);
  }
}

export function integer(
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`${name}: expected a number, got ${describe(value)}`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ArgumentRangeError(`${name}: expected an integer from ${min} to ${max}, got ${value}`);
  }
  return value;
}

export function duration(name: string, value: number | undefined, fallback: number, min: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`${name}: expected a number, got ${describe(value)}`);
  if (Number.isNaN(value) || value < min || (value > MAX_TIMER_MS && value !== Infinity)) {
    throw new ArgumentRangeError(
      `${name}: expected milliseconds from ${min} to ${MAX_TIMER_MS}, or Infinity, got ${value}`,
    );
  }
  return value;
}

export function boolean(name: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean')
    throw new ArgumentTypeError(`${name}: expected a boolean, got ${describe(value)}`);
  return value;
}

export function oneOf<T extends string>(
  name: string,
  value: T | undefined,
  allowed: readonly [T, ...T[]],
): T {
  if (value === undefined) return allowed[0];
  if (!allowed.includes(value)) {
    throw new ArgumentRangeError(`${name}: expected ${allowed.join(', ')}, got ${describe(value)}`);
  }
  return value;
}

export function optionalFunction<T>(name: string, value: T | undefined): T | undefined {
  if (value !== undefined && typeof value !== 'function') {
    throw new ArgumentTypeError(`${name}: expected a function, got ${describe(value)}`);
  }
  return value;
}

export function abortSignal(value: AbortSignal | undefined): AbortSignal | undefined {
  if (value !== undefined && typeof (value as Partial<AbortSignal> | null)?.addEventListener !== 'function') {
    throw new ArgumentTypeError(`signal: expected an AbortSignal, got ${describe(value)}`);
  }
  return value;
}

/** A value for a message: its type, and itself where that is short and says something. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`;
  return typeof value;
}
