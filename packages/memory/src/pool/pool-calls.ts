import { describe } from '../check.ts';
import { ArgumentTypeError } from '../errors.ts';
import { checkTimeout } from './options.ts';

/** How one acquire may wait. */
export interface AcquireOptions {
  /** Gives up the place in the line; the acquire rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Overrides the pool's `acquireTimeoutMs`. */
  readonly timeoutMs?: number;
}

/** How a pool is closed. */
export interface ClosePoolOptions {
  /** Longest wait for the leases that are out, in milliseconds. Default 30 000; `Infinity` waits for ever. */
  readonly timeoutMs?: number;
}

/** A pool at one moment. */
export interface PoolStats {
  /** Blocks waiting for an acquire, and their bytes. */
  readonly idleBlockCount: number;
  readonly idleBytes: number;
  /** Leases that are out, overflow ones and those in other threads included. */
  readonly leasedCount: number;
  readonly peakLeasedCount: number;
  /** Of these, leases that other threads hold, or returned since the pool last looked. */
  readonly remoteCount: number;
  /** Bytes of all blocks that the pool owns, idle or leased; overflow blocks are not the pool's. */
  readonly ownedBytes: number;
  /** Acquires in line now. */
  readonly waitingCount: number;
  /** Since the start: leases given, blocks made for the pool, overflow blocks, acquires that ran into their time limit. */
  readonly acquiredCount: number;
  readonly createdCount: number;
  readonly overflowCount: number;
  readonly timedOutCount: number;
  /** Since the start: leases collected unreleased (only those watched), blocks whose buffer the user transferred away. */
  readonly leakedCount: number;
  readonly detachedCount: number;
}

/** What trimming a pool did. */
export interface PoolTrim {
  readonly reclaimedBytes: number;
}

/** @throws ArgumentTypeError, ArgumentRangeError when an option of an acquire is invalid. */
export function checkAcquireOptions(options: AcquireOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentTypeError(`options: expected an object, got ${describe(options)}`);
  }
  const { timeoutMs, signal } = options;
  if (timeoutMs !== undefined) checkTimeout('timeoutMs', timeoutMs);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new ArgumentTypeError(`signal: expected an AbortSignal, got ${describe(signal)}`);
  }
}
