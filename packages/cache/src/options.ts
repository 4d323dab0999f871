import { checkCount, checkFunction, checkName, checkObject, checkTimerMs, checkTtlMs } from './check.ts';
import { type Clock, CoarseClock } from './clock.ts';
import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';
import { Breaker, type BreakerOptions } from './guard/breaker.ts';
import { TierGuard } from './guard/guard.ts';
import { Hearing } from './hearing.ts';
import type { Surroundings } from './region/keeper.ts';
import type { Tier } from './tier.ts';
import { MemoryTier } from './tiers/memory.ts';

/** How long a read waits for a tier that does not say so itself. */
const DEFAULT_DEADLINE_MS = 50;

/** Options of {@link createCache}. */
export interface CacheOptions {
  /** The levels, nearest first: at most one `memoryTier`, at the front, then any others. At least one. */
  readonly tiers: readonly Tier[];
  /** Goes before every key, and keeps caches apart that share a Redis or a table; `hotpath` by default. */
  readonly namespace?: string;
  /** Life of a value, in ms; 3,600,000, an hour, by default. */
  readonly ttlMs?: number;
  /** Lives are shortened at random by up to this share, so that they do not end together; 0.1 by default, 0 to 0.9. */
  readonly jitter?: number;
  /**
   * Longest life in memory while messages of other processes cannot be received, in ms; 1000 by default. What was in
   * memory when the connection was lost goes after the same time.
   *
   * With 0 memory is served only under a heartbeat: two seconds after the last one, by whatever cause, the process reads
   * the levels below. `confirm: 'all'` needs it, in every process.
   *
   * Also, with strategy `'versioned'`, for a value that was loaded while a tier did not answer. Not without a tier below memory,
   * and not 0 without one that tells of changes, as Redis does.
   */
  readonly disconnectedTtlMs?: number;
  /**
   * `frozen`, the default: arrays and plain objects are frozen when they enter the cache, because those who read a key
   * share one value. `copied`: each read gets a copy of its own, and what is stored is one, too, as by `structuredClone`,
   * but of a typed array or Buffer just its own bytes; that takes far longer than a hit. `shared`: left as they are, and whoever changes one changes it for all.
   */
  readonly values?: 'frozen' | 'copied' | 'shared';
  /** When a tier that does not answer is no longer asked. Not without a tier below memory. */
  readonly breaker?: BreakerOptions;
  /** Milliseconds since the epoch; for tests. `Date.now`, read at most every 5 ms, by default. */
  readonly now?: () => number;
  /** From 0 up to, but not including, 1; for tests. `Math.random` by default. */
  readonly random?: () => number;
}

/** {@link CacheOptions}, checked and complete. */
export interface ResolvedOptions {
  readonly memory: MemoryTier | undefined;
  /** Of the tiers below memory. */
  readonly guards: readonly TierGuard[];
  readonly namespace: string;
  readonly ttlMs: number;
  readonly jitter: number;
  readonly disconnectedTtlMs: number;
  readonly values: 'frozen' | 'copied' | 'shared';
  readonly clock: Clock;
  /** Of hits in memory, which `clock` would slow down. */
  readonly memoryClock: Clock;
  /** What `memoryClock` reads; `undefined` when the user gave one. */
  readonly coarseClock: CoarseClock | undefined;
  readonly random: () => number;
  readonly surroundings: Surroundings;
}

/** @throws {ArgumentTypeError | ArgumentRangeError} */
export function resolveOptions(options: CacheOptions): ResolvedOptions {
  checkObject('options', options);
  const { now, random = Math.random, jitter = 0.1, values = 'frozen' } = options;
  if (now !== undefined) checkFunction('now', now);
  checkFunction('random', random);
  if (typeof jitter !== 'number')
    throw new ArgumentTypeError(`jitter: expected a number, got ${typeof jitter}`);
  if (!(jitter >= 0 && jitter <= 0.9))
    throw new ArgumentRangeError(`jitter: expected 0 to 0.9, got ${jitter}`);
  if (values !== 'frozen' && values !== 'copied' && values !== 'shared') {
    throw new ArgumentRangeError(`values: expected 'frozen', 'copied' or 'shared'`);
  }
  const clock = { now: now ?? Date.now };
  const { disconnectedTtlMs = 1000 } = options;
  if (options.breaker !== undefined) checkObject('breaker', options.breaker);
  const breaker = {
    failures: checkCount('breaker.failures', options.breaker?.failures ?? 3),
    openMs: checkTtlMs('breaker.openMs', options.breaker?.openMs ?? 1000),
  };
  const [memory, below] = splitTiers(options.tiers);
  const isTold = below.some((tier) => tier.subscribe !== undefined);
  // What was loaded while a tier did not answer heeds it as well, whether or not that tier tells of changes.
  if (options.disconnectedTtlMs !== undefined && below.length === 0)
    throw new ArgumentRangeError('disconnectedTtlMs: expected a tier below memory, got none');
  if (disconnectedTtlMs === 0 && !isTold)
    throw new ArgumentRangeError(
      'disconnectedTtlMs: expected more than 0 without a tier that tells of changes, as Redis does',
    );
  if (below.length === 0 && options.breaker !== undefined)
    throw new ArgumentRangeError('breaker: expected a tier below memory, got none');
  const hearing = new Hearing(disconnectedTtlMs === 0 && isTold);
  const coarseClock = now === undefined ? new CoarseClock() : undefined;
  return {
    memory,
    guards: below.map((tier) => {
      const deadlineMs = checkTimerMs(`${tier.name}: deadlineMs`, tier.deadlineMs ?? DEFAULT_DEADLINE_MS);
      return new TierGuard(tier, deadlineMs, new Breaker(breaker), clock);
    }),
    namespace: checkName('namespace', options.namespace ?? 'hotpath'),
    ttlMs: checkTtlMs('ttlMs', options.ttlMs ?? 3_600_000),
    jitter,
    disconnectedTtlMs: disconnectedTtlMs === 0 ? 0 : checkTimerMs('disconnectedTtlMs', disconnectedTtlMs),
    values,
    clock,
    coarseClock,
    memoryClock: hearing.clockOver(coarseClock ?? clock),
    random,
    surroundings: { memoryLimitMs: Infinity, disconnectedTtlMs, closed: false, hearing },
  };
}

function splitTiers(
  tiers: readonly Tier[],
): readonly [memory: MemoryTier | undefined, below: readonly Tier[]] {
  if (!Array.isArray(tiers)) throw new ArgumentTypeError(`tiers: expected an array, got ${typeof tiers}`);
  if (tiers.length === 0) throw new ArgumentRangeError('tiers: expected at least one, got none');
  const names = new Set<string>();
  for (const [index, tier] of (tiers as readonly Tier[]).entries()) {
    if (typeof tier?.open !== 'function')
      throw new ArgumentTypeError(`tiers[${index}]: expected a tier, got ${typeof tier}`);
    if (typeof tier.name !== 'string')
      throw new ArgumentTypeError(`tiers[${index}].name: expected a string, got ${typeof tier.name}`);
    if (index > 0 && tier instanceof MemoryTier) {
      throw new ArgumentRangeError(`tiers[${index}]: expected memory as the first tier only`);
    }
    if (names.has(tier.name))
      throw new ArgumentRangeError(
        `tiers[${index}]: expected tiers of different names, got ${tier.name} twice`,
      );
    names.add(tier.name);
  }
  const [first, ...rest] = tiers as readonly Tier[];
  return first instanceof MemoryTier ? [first, rest] : [undefined, tiers as readonly Tier[]];
}
