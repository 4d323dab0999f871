/** The options of `cpu` and their check. Pure. */

import { ArgumentTypeError } from '../errors.ts';
import { integerOption, kindOf, objectOption, signalOption } from '../option-checks.ts';

export interface CpuOptions {
  /**
   * Microseconds between samples, an integer from 50 to 1,000,000. Default 1000. What is profiled becomes slower:
   * that was measured as 3 % at 1000, 14 % at 200 and 34 % at 50.
   */
  readonly intervalUs?: number;
  /**
   * How long a function may take, in milliseconds, an integer from 1 to 3,600,000. Default 60,000. It ends the wait for
   * a promise; a function that never gives the event loop back cannot be ended from within its own thread.
   */
  readonly timeoutMs?: number;
  /** Whether places in compiled files are told as places in their sources. Default `true`. */
  readonly sourceMaps?: boolean;
  /** Ends the profile early, which then fails with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A window of the whole thread, whatever runs in it. */
export interface CpuWindow {
  /** An integer of milliseconds from 1 to 3,600,000. */
  readonly durationMs: number;
}

/** Options that were checked, with the defaults filled in. */
export interface ResolvedCpuOptions {
  readonly intervalUs: number;
  readonly timeoutMs: number;
  readonly sourceMaps: boolean;
  readonly signal: AbortSignal | undefined;
}

const HOUR_MS = 3_600_000;

/**
 * @throws {ArgumentTypeError} an option has the wrong type.
 * @throws {ArgumentRangeError} a number is fractional or out of its range.
 */
export function resolveCpuOptions(options: CpuOptions = {}): ResolvedCpuOptions {
  objectOption('options', options);
  const { intervalUs = 1000, timeoutMs = 60_000, sourceMaps = true, signal } = options;
  if (typeof sourceMaps !== 'boolean') {
    throw new ArgumentTypeError(`sourceMaps: expected a boolean, got ${kindOf(sourceMaps)}`);
  }
  signalOption(signal);
  return {
    intervalUs: integerOption('intervalUs', intervalUs, 50, 1_000_000, 'a number of microseconds'),
    timeoutMs: integerOption('timeoutMs', timeoutMs, 1, HOUR_MS, 'a number of milliseconds'),
    sourceMaps,
    signal,
  };
}

/** The window's length, or `undefined` where a function was given. */
export function resolveTarget(target: unknown): number | undefined {
  if (typeof target === 'function') return undefined;
  if (typeof target !== 'object' || target === null) {
    throw new ArgumentTypeError(`target: expected a function or { durationMs }, got ${kindOf(target)}`);
  }
  const { durationMs } = target as Partial<CpuWindow>;
  return integerOption('durationMs', durationMs, 1, HOUR_MS, 'a number of milliseconds');
}
