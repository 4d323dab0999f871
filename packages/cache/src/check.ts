import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';

function show(value: unknown): string {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : typeof value;
}

/** A whole number from `low` up. */
export function checkCount(name: string, value: unknown, low = 1): number {
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`${name}: expected a number, got ${show(value)}`);
  if (!Number.isSafeInteger(value) || value < low) {
    throw new ArgumentRangeError(`${name}: expected a whole number ≥ ${low}, got ${value}`);
  }
  return value;
}

/** A timer's length: setTimeout turns anything past 2^31 − 1 into one millisecond. */
export function checkTimerMs(name: string, value: unknown): number {
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`${name}: expected a number, got ${show(value)}`);
  if (!(value >= 1 && value <= 0x7fffffff)) {
    throw new ArgumentRangeError(`${name}: expected 1 to 2147483647 ms, got ${value}`);
  }
  return value;
}

/** A hundred years, which fits every tier's way to write an expiry; what lives longer does not expire. */
const LONGEST_TTL_MS = 100 * 365.25 * 86_400_000;

/** A life: above zero, `Infinity` when asked for by name. */
export function checkTtlMs(name: string, value: unknown): number {
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`${name}: expected a number, got ${show(value)}`);
  if (!(value > 0)) throw new ArgumentRangeError(`${name}: expected more than 0 ms, got ${value}`);
  return value > LONGEST_TTL_MS ? Infinity : value;
}

export function checkObject(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null)
    throw new ArgumentTypeError(`${name}: expected an object, got ${value === null ? 'null' : show(value)}`);
}

export function checkArray(name: string, value: unknown): void {
  if (!Array.isArray(value)) throw new ArgumentTypeError(`${name}: expected an array, got ${show(value)}`);
}

/** A version: a whole number from 0. */
export function checkVersion(version: unknown): number {
  return checkCount('version', version, 0);
}

export function checkSignal(signal: unknown): void {
  if (typeof (signal as Partial<AbortSignal> | null)?.addEventListener !== 'function')
    throw new ArgumentTypeError(`signal: expected an AbortSignal, got ${show(signal)}`);
}

export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function')
    throw new ArgumentTypeError(`${name}: expected a function, got ${show(value)}`);
}

/** A short name that is safe inside a Redis key and a glob pattern. */
export function checkName(name: string, value: unknown): string {
  if (typeof value !== 'string')
    throw new ArgumentTypeError(`${name}: expected a string, got ${show(value)}`);
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(value)) {
    throw new ArgumentRangeError(`${name}: expected 1 to 100 letters, digits, "_", "." or "-"`);
  }
  return value;
}
