import { constants } from 'node:buffer';
import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { type BorrowedMemory, checkBorrowed, type LentMemory } from '../heap/borrowed-memory.ts';
import { type LeakDetection, type LeakReport, parseLeakDetection, warnOfLeak } from './leak-detector.ts';
import { nodeTimers, type Timers } from './waiters.ts';

/** When a block is filled with zeros. */
export type ClearPolicy = 'never' | 'on-release' | 'on-acquire';

/** What an acquire does when the pool is at its limit. */
export type OverflowPolicy = 'wait' | 'allocate' | 'throw';

/** What the options of both kinds of buffer pool have in common. */
export interface CommonPoolOptions {
  /** Named in leak reports and errors. Default: `pool`. */
  readonly name?: string;
  /**
   * `never` (default): a lease shows what the last user left, and a new block whatever memory held, as with
   * `Buffer.allocUnsafe`. `on-acquire`: nobody reads what another left. `on-release`: besides, secrets do not stay in
   * idle blocks. Zeroing 64 KiB costs about 2 µs, 50 times the lease itself.
   */
  readonly clear?: ClearPolicy;
  /**
   * At the limit, `acquire` waits in line (`wait`, default), gives a block of its own that is dropped at its release
   * (`allocate`), or throws (`throw`). `tryAcquire` gives `undefined` whatever the policy.
   */
  readonly overflow?: OverflowPolicy;
  /** Longest wait of an acquire, in milliseconds. Default 30 000; `Infinity` waits for ever. */
  readonly acquireTimeoutMs?: number;
  /** Most acquires that may wait at once; the next one throws. Default 10 000. */
  readonly maxWaiters?: number;
  /** Which leases are watched for a missing release. Default `off`. */
  readonly leakDetection?: LeakDetection;
  /** Called with each leak. Default: a process warning. The channel `hotpath:memory:leak` has them too. */
  readonly onLeak?: (report: LeakReport) => void;
  /** For tests. Default: Node's timers, unref'd. */
  readonly timers?: Timers;
}

/** Options of a pool of equal blocks. */
export interface PoolOptions extends CommonPoolOptions {
  /** Bytes of every block, from 1. */
  readonly blockSize: number;
  /** Blocks that the pool owns at most, leased and idle ones together. */
  readonly maxBlocks: number;
  /** Blocks made at once: a number, or `true` for all. Default 0: made when first needed. */
  readonly preallocate?: number | boolean;
  /**
   * Cuts blocks from the process's heap, so that leases can be passed to other threads. Such memory is refused by fetch
   * bodies on Node 20 and by WebCrypto. Default `false`: an ArrayBuffer a block.
   */
  readonly shared?: boolean;
  /** Cuts blocks from memory that you lend, which must have room for `maxBlocks` from the first multiple of 64 on. */
  readonly memory?: BorrowedMemory;
}

/** Options of a pool of size classes. */
export interface SizeClassPoolOptions extends CommonPoolOptions {
  /** Smallest class, in bytes, rounded up to a power of two. Default 1024. */
  readonly minBlockSize?: number;
  /** Largest class, in bytes, rounded up to a power of two, at most `maxBytes`. Default: 1 MiB, or as much as `maxBytes` allows. */
  readonly maxBlockSize?: number;
  /** Bytes that the pool owns at most, leased and idle ones together. Idle blocks of other classes make way first. */
  readonly maxBytes: number;
  /** Blocks that the pool owns at most. Default 65 536. */
  readonly maxBlocks?: number;
  /** As {@link PoolOptions.shared}. */
  readonly shared?: boolean;
  /**
   * Cuts blocks from memory that you lend, from the first multiple of 64 on, which must have room for one of `maxBlockSize`.
   * Blocks of all classes share it by halving, so it may be in too small pieces before `maxBytes` is reached.
   */
  readonly memory?: BorrowedMemory;
}

/** Options, resolved; what the core takes. */
export interface ResolvedPoolOptions {
  readonly name: string;
  /** Block size of each class, ascending. */
  readonly classes: readonly number[];
  readonly maxBlocks: number;
  readonly maxBytes: number;
  readonly clearsOnAcquire: boolean;
  readonly clearsOnRelease: boolean;
  readonly overflow: OverflowPolicy;
  readonly acquireTimeoutMs: number;
  readonly maxWaiters: number;
  readonly leakOneIn: number;
  readonly onLeak: (report: LeakReport) => void;
  readonly timers: Timers;
  readonly isShared: boolean;
  readonly lent: LentMemory | undefined;
}

/** Options of a pool of equal blocks, resolved. */
export interface ResolvedFixedPoolOptions extends ResolvedPoolOptions {
  readonly preallocate: number;
}

const ACQUIRE_TIMEOUT_MS = 30_000;
const MAX_WAITERS = 10_000;
const MIN_BLOCK_BYTES = 1024;
const MAX_BLOCK_BYTES = 1 << 20;
const MAX_BLOCKS = 65_536;

/** More blocks than this are a mistake, and would not fit the control words of a shared pool. */
const BLOCK_COUNT_LIMIT = 1 << 24;

/** The longest delay that Node's timers can take. */
const LONGEST_TIMEOUT_MS = 0x7fff_ffff;

/** Checks and completes the options of a pool of equal blocks; `preallocate` comes out as a number. */
export function parsePoolOptions(options: PoolOptions): ResolvedFixedPoolOptions {
  checkObject(options);
  const { blockSize, maxBlocks, preallocate = 0, shared = false, memory } = options;
  checkInteger('blockSize', blockSize, 1, constants.MAX_LENGTH);
  checkInteger('maxBlocks', maxBlocks, 1, BLOCK_COUNT_LIMIT);
  if (typeof preallocate !== 'boolean') checkInteger('preallocate', preallocate, 0, maxBlocks);
  return {
    ...parseCommon(options, shared),
    classes: [blockSize],
    maxBlocks,
    maxBytes: Infinity,
    preallocate: preallocate === true ? maxBlocks : Number(preallocate),
    lent: memory === undefined ? undefined : parseLent(memory, blockSize * maxBlocks, shared),
  };
}

function parseLent(memory: BorrowedMemory, neededBytes: number, shared: unknown): LentMemory {
  if (shared === true)
    throw new ArgumentTypeError('memory: lent memory cannot be combined with shared: true');
  const lent = checkBorrowed(memory);
  if (lent.byteLength < neededBytes) {
    throw new ArgumentRangeError(
      `memory: expected ${neededBytes} bytes from the first multiple of 64 on, got ${lent.byteLength}`,
    );
  }
  return lent;
}

/** Checks and completes the options of a pool of size classes. */
export function parseSizeClassPoolOptions(options: SizeClassPoolOptions): ResolvedPoolOptions {
  checkObject(options);
  const { minBlockSize = MIN_BLOCK_BYTES, maxBlockSize, maxBytes, maxBlocks = MAX_BLOCKS } = options;
  checkInteger('minBlockSize', minBlockSize, 1, 1 << 30);
  const smallest = powerOfTwo(minBlockSize);
  checkInteger('maxBytes', maxBytes, smallest, Number.MAX_SAFE_INTEGER);
  checkInteger('maxBlocks', maxBlocks, 1, BLOCK_COUNT_LIMIT);
  if (maxBlockSize !== undefined) checkInteger('maxBlockSize', maxBlockSize, minBlockSize, 1 << 30);
  const largest = powerOfTwo(maxBlockSize ?? Math.max(MAX_BLOCK_BYTES, minBlockSize));
  const classes: number[] = [];
  for (let size = smallest; size <= largest && size <= maxBytes; size *= 2) classes.push(size);
  // A request of a class that the limit has no room for would wait for ever, and hold up the line.
  if (maxBlockSize !== undefined && classes.at(-1) !== largest) {
    throw new ArgumentRangeError(`maxBytes: expected room for a block of ${largest} bytes, got ${maxBytes}`);
  }
  const { shared = false, memory } = options;
  const lent = memory === undefined ? undefined : parseLent(memory, classes.at(-1)!, shared);
  return { ...parseCommon(options, shared), classes, maxBlocks, maxBytes, lent };
}

/** The smallest power of two that is at least `value`. */
export function powerOfTwo(value: number): number {
  return 2 ** (32 - Math.clz32(value - 1));
}

/** Checks a time limit in milliseconds. */
export function checkTimeout(name: string, value: unknown): asserts value is number {
  if (value === Infinity) return;
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`${name}: expected a number, got ${describe(value)}`);
  if (!(value >= 0 && value <= LONGEST_TIMEOUT_MS)) {
    throw new ArgumentRangeError(`${name}: expected 0 to ${LONGEST_TIMEOUT_MS}, or Infinity, got ${value}`);
  }
}

function parseCommon(
  options: CommonPoolOptions,
  shared: unknown,
): Omit<ResolvedPoolOptions, 'classes' | 'maxBlocks' | 'maxBytes' | 'lent'> {
  const {
    name = 'pool',
    clear = 'never',
    overflow = 'wait',
    acquireTimeoutMs = ACQUIRE_TIMEOUT_MS,
    maxWaiters = MAX_WAITERS,
    leakDetection = 'off',
    onLeak = warnOfLeak,
    timers = nodeTimers,
  } = options;
  if (typeof name !== 'string') throw new ArgumentTypeError(`name: expected a string, got ${describe(name)}`);
  if (typeof shared !== 'boolean')
    throw new ArgumentTypeError(`shared: expected a boolean, got ${describe(shared)}`);
  checkChoice('clear', clear, ['never', 'on-release', 'on-acquire']);
  checkChoice('overflow', overflow, ['wait', 'allocate', 'throw']);
  checkTimeout('acquireTimeoutMs', acquireTimeoutMs);
  checkInteger('maxWaiters', maxWaiters, 0, Number.MAX_SAFE_INTEGER);
  if (typeof onLeak !== 'function')
    throw new ArgumentTypeError(`onLeak: expected a function, got ${describe(onLeak)}`);
  return {
    name,
    clearsOnAcquire: clear === 'on-acquire',
    clearsOnRelease: clear === 'on-release',
    overflow,
    acquireTimeoutMs,
    maxWaiters,
    leakOneIn: parseLeakDetection(leakDetection),
    onLeak,
    timers,
    isShared: shared,
  };
}

function checkObject(options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentTypeError(`options: expected an object, got ${describe(options)}`);
  }
}

function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (typeof value !== 'string' || !choices.includes(value)) {
    throw new ArgumentTypeError(
      `${name}: expected ${choices.map((choice) => `'${choice}'`).join(', ')}, got ${describe(value)}`,
    );
  }
}
