import { channel } from 'node:diagnostics_channel';
import { describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';

/**
 * Which leases are watched. `off` (default) costs nothing; `sampled` watches one in 128; `every` all, at some
 * microseconds each: for tests. `{ oneIn }` sets the rate.
 */
export type LeakDetection = 'off' | 'sampled' | 'every' | { readonly oneIn: number };

/** A lease that was garbage-collected without a release. */
export interface LeakReport {
  /** Name of the pool. */
  readonly pool: string;
  /** Where it was acquired: the caller's frame, `at handler (file:///app.js:10:22)`. */
  readonly site: string;
  /** The whole stack of the acquire. */
  readonly stack: string;
  /** Bytes of the block that it held. */
  readonly blockBytes: number;
}

/** Watches one lease in so many unless told otherwise. */
const SAMPLED_ONE_IN = 128;

/** Frames of the acquire that are kept; each costs about half a microsecond to write down. */
const STACK_FRAMES = 8;

/** What reports are published on, whatever pool they come from. */
export const LEAK_CHANNEL = 'hotpath:memory:leak';

const leaks = channel(LEAK_CHANNEL);

interface Watch<K> {
  readonly key: K;
  readonly stack: string;
  readonly blockBytes: number;
}

/**
 * Notices leases that are collected unreleased, by a FinalizationRegistry. Collection comes when it comes: a leak is
 * reported late, or not at all when the process ends first.
 */
export class LeakDetector<K> {
  readonly #oneIn: number;
  readonly #pool: string;
  readonly #onLeak: (report: LeakReport) => void;
  readonly #registry: FinalizationRegistry<Watch<K>>;
  #untilNext = 1;

  /** @param onLost takes back what the lease held, before anything is reported. */
  constructor(pool: string, oneIn: number, onLeak: (report: LeakReport) => void, onLost: (key: K) => void) {
    this.#oneIn = oneIn;
    this.#pool = pool;
    this.#onLeak = onLeak;
    this.#registry = new FinalizationRegistry((watch) => {
      onLost(watch.key);
      this.#report(watch);
    });
  }

  /** Whether the acquire under way is to be watched. */
  isDue(): boolean {
    if (--this.#untilNext > 0) return false;
    this.#untilNext = this.#oneIn;
    return true;
  }

  /**
   * The stack from above `entry`, the pool's function that the user called. As text: an unread stack keeps the objects
   * alive whose methods are on it, and so every lease that a handler holds in a field.
   */
  capture(entry: EntryPoint): string {
    const trace = { stack: '' };
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = STACK_FRAMES;
    Error.captureStackTrace(trace, entry);
    Error.stackTraceLimit = limit;
    return trace.stack;
  }

  /** Watches `lease`, which must not be reachable from `key`. */
  watch(lease: object, key: K, blockBytes: number, stack: string): void {
    this.#registry.register(lease, { key, stack, blockBytes }, lease);
  }

  /** Forgets a lease that was released. */
  unwatch(lease: object): void {
    this.#registry.unregister(lease);
  }

  #report({ stack, blockBytes }: Watch<K>): void {
    const [, ...frames] = stack.split('\n');
    const report: LeakReport = {
      pool: this.#pool,
      site: frames[0]?.trim() ?? 'unknown',
      stack: frames.join('\n'),
      blockBytes,
    };
    leaks.publish(report);
    this.#onLeak(report);
  }
}

/** A function of the pool, only named to cut the stack above it. */
// oxlint-disable-next-line typescript/no-unsafe-function-type -- what captureStackTrace takes is exactly any function
export type EntryPoint = Function;

/** What happens with a leak unless `onLeak` is given: a process warning, which says where. */
export function warnOfLeak(report: LeakReport): void {
  process.emitWarning(
    `A lease of ${report.blockBytes} bytes of the pool '${report.pool}' was collected unreleased. Acquired:\n${report.stack}`,
    { type: 'HotpathLeakWarning', code: 'HOTPATH_MEMORY_LEAK' },
  );
}

/** Rate of a setting: one lease in so many; 0 for off. */
export function parseLeakDetection(value: LeakDetection): number {
  if (value === 'off') return 0;
  if (value === 'sampled') return SAMPLED_ONE_IN;
  if (value === 'every') return 1;
  if (typeof value !== 'object' || value === null) {
    throw new ArgumentTypeError(
      `leakDetection: expected 'off', 'sampled', 'every' or { oneIn }, got ${describe(value)}`,
    );
  }
  if (!Number.isSafeInteger(value.oneIn) || value.oneIn < 1) {
    throw new ArgumentRangeError(
      `leakDetection.oneIn: expected an integer of at least 1, got ${describe(value.oneIn)}`,
    );
  }
  return value.oneIn;
}
