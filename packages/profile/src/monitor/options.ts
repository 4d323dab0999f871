/** The monitor's options and their check. Pure. */

import { functionOption, integerOption, objectOption } from '../option-checks.ts';
import type { MonitorStats } from './stats.ts';

export interface MonitorOptions {
  /**
   * Length of a window in milliseconds, an integer from `resolutionMs` to 86,400,000. Windows end at the first look
   * at the clock after that long, so a blocked event loop makes one longer. Default 10,000.
   */
  readonly windowMs?: number;
  /**
   * How often the event loop's delay is looked at, in milliseconds, an integer from 1 to 1000. Stalls shorter than
   * this may fall between two looks. Each look wakes an idle process: that was measured as 1.6 % of a core at 10 ms and
   * 0.8 % at 20; under load it is next to nothing. Default 20.
   */
  readonly resolutionMs?: number;
  /**
   * Given each window as it ends. What it throws, or rejects with, does not reach the service: it is counted in
   * `failedCallbacks`, and the first is told by `process.emitWarning`.
   */
  readonly onSample?: (stats: MonitorStats) => void;
}

/** Options that were checked, with the defaults filled in. */
export interface ResolvedOptions {
  readonly windowMs: number;
  readonly resolutionMs: number;
  readonly onSample: ((stats: MonitorStats) => unknown) | undefined;
}

const DEFAULT_WINDOW_MS = 10_000;
const MOST_WINDOW_MS = 86_400_000;
const DEFAULT_RESOLUTION_MS = 20;
const MOST_RESOLUTION_MS = 1000;

const MILLISECONDS = 'a number of milliseconds';

/**
 * @throws {ArgumentTypeError} an option has the wrong type.
 * @throws {ArgumentRangeError} a number is fractional or out of its range.
 */
export function resolveOptions(options: MonitorOptions = {}): ResolvedOptions {
  objectOption('options', options);
  const { windowMs = DEFAULT_WINDOW_MS, resolutionMs = DEFAULT_RESOLUTION_MS, onSample } = options;
  if (onSample !== undefined) functionOption('onSample', onSample);
  const resolution = integerOption('resolutionMs', resolutionMs, 1, MOST_RESOLUTION_MS, MILLISECONDS);
  return {
    resolutionMs: resolution,
    windowMs: integerOption('windowMs', windowMs, resolution, MOST_WINDOW_MS, MILLISECONDS),
    onSample,
  };
}
