import { checkCount, checkFunction, checkName, checkObject, checkTimerMs, checkTtlMs } from './check.ts';
import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';
import type { ResolvedOptions } from './options.ts';
import type { Load, LoadMany } from './region/loader.ts';
import type { HotKeysOptions } from './warm/hot-keys.ts';
import type { WriteBehindOptions } from './write/write-behind.ts';

/**
 * What `write` does, after or before the value is in the database.
 *
 * - `lease`: persists, then deletes the key; the next read loads. The default.
 * - `versioned`: persists, then stores the value unless something newer is there; needs `versionOf`.
 * - `writeThrough`: persists, then stores the value at every level.
 * - `delayedDoubleDelete`: deletes, persists, deletes, and deletes once more after `secondDeleteMs`.
 * - `writeBehind`: stores the value at every level and persists it later, in batches; needs `persist` or `persistMany`.
 * - `ttl`, `lru`: persists, and leaves the cache alone: the old value goes when its life ends, or for want of room.
 */
export type Strategy =
  | 'lease'
  | 'versioned'
  | 'writeThrough'
  | 'delayedDoubleDelete'
  | 'writeBehind'
  | 'ttl'
  | 'lru';

const STRATEGIES: readonly string[] = [
  'lease',
  'versioned',
  'writeThrough',
  'delayedDoubleDelete',
  'writeBehind',
  'ttl',
  'lru',
];

/** When a value that is no longer fresh may be served. An invalidated one never is. */
export interface StaleOptions {
  /** At once, while it is loaded anew in the background, for so long after its life, in ms; 0 by default. */
  readonly whileRevalidateMs?: number;
  /** When the loader fails or is slow, for so long after its life, in ms; 0 by default. */
  readonly onErrorMs?: number;
  /** How slow, in ms: the load then goes on in the background. Not at all by default. Needs `onErrorMs`. */
  readonly softTimeoutMs?: number;
}

/** Options of {@link Cache.define}. */
export interface DefineOptions<V, Id> {
  /** Goes into every key and statistic; letters, digits, `_`, `.` and `-`. */
  readonly name: string;
  /** Raise it when the shape of the values changes: values of other versions are then never read. 1 by default. */
  readonly version?: number;
  /** The key of an id, one to one; `String(id)` by default, for ids that are strings, numbers or the like. */
  readonly key?: (id: Id) => string;
  /** Loads one value; `undefined` says that there is none. */
  readonly load?: Load<V, Id>;
  /**
   * Loads several; misses of one turn of the event loop go to it together. With `load` as well, a single miss goes
   * there. At least one of the two is needed.
   */
  readonly loadMany?: LoadMany<V, Id>;
  /** Life of a value, in ms, or what tells it from the value (0: not kept); that of the cache by default. */
  readonly ttlMs?: number | ((value: V, id: Id) => number);
  /** How long it is remembered that there is no value (`undefined`, not `null`), in ms; 0, not at all, by default. */
  readonly negativeTtlMs?: number;
  /** When something stale may be served. */
  readonly stale?: StaleOptions;
  /**
   * Loads anew in the background before the life ends: `'xfetch'`, at random, the earlier the longer a load takes; or
   * after this share of the life, above 0 and below 1. Not at all by default. Needs a memory tier.
   */
  readonly refresh?: 'xfetch' | number;
  /**
   * How long one process may load while the others wait for it, in ms; 3000 by default. More than a load takes. Needs a tier
   * below memory.
   */
  readonly leaseMs?: number;
  /** When a loader that has not answered is given up, in ms; 30,000 by default. */
  readonly loadTimeoutMs?: number;
  /** Entries in memory; that of the memory tier by default. Not without one. */
  readonly maxEntries?: number;
  /** Bytes in memory; that of the memory tier by default. Not without one, and not with its policy `'arc'`. */
  readonly maxBytes?: number;
  /** Marks by which several values are invalidated together, at most 32 an id. */
  readonly tags?: (id: Id) => readonly string[];
  /** `'lease'` by default. */
  readonly strategy?: Strategy;
  /** The version of a value: a whole number that grows with each write of its row. For `'versioned'`. */
  readonly versionOf?: (value: V) => number;
  /** Writes to the database, for `write`; without it the caller has done so before. */
  readonly persist?: (id: Id, value: V) => Promise<unknown>;
  /** As `persist`, for several; `'writeBehind'` prefers it. All or nothing: a batch that rejects is tried again. */
  readonly persistMany?: (entries: readonly (readonly [id: Id, value: V])[]) => Promise<unknown>;
  /**
   * For `'delayedDoubleDelete'`, 500 by default; with the others it makes the second delete as well, also of `invalidate`. Not with
   * `'versioned'`: a deletion takes what keeps older rows out with it.
   */
  readonly secondDeleteMs?: number;
  /** For `'writeBehind'`. */
  readonly writeBehind?: WriteBehindOptions;
  /** Counts which keys are read most, so that the next process can be warmed with them. Off by default. */
  readonly hotKeys?: HotKeysOptions<Id>;
}

/** {@link DefineOptions}, checked and complete. */
export interface ResolvedDefinition {
  readonly ttlMs: number;
  readonly ttlOf: ((value: unknown, id: never) => number) | undefined;
  readonly negativeTtlMs: number;
  readonly whileRevalidateMs: number;
  readonly onErrorMs: number;
  readonly softTimeoutMs: number | undefined;
  readonly refresh: number | 'xfetch';
  readonly leaseMs: number;
  readonly loadTimeoutMs: number;
  readonly maxEntries: number | undefined;
  readonly maxBytes: number | undefined;
  readonly strategy: Strategy;
  readonly secondDeleteMs: number | undefined;
}

function checkLength(name: string, value: number | undefined): number {
  return value === undefined || value === 0 ? 0 : checkTtlMs(name, value);
}

/** @throws {ArgumentTypeError | ArgumentRangeError} for an option alone, and for those that contradict each other. */
export function resolveDefinition<V, Id>(
  options: Omit<DefineOptions<V, Id>, 'name'>,
  cacheTtlMs: number,
): ResolvedDefinition {
  for (const name of ['key', 'load', 'loadMany', 'tags', 'versionOf', 'persist', 'persistMany'] as const) {
    if (options[name] !== undefined) checkFunction(name, options[name]);
  }
  const { ttlMs, stale = {}, refresh = 1, strategy = 'lease' } = options;
  checkObject('stale', stale);
  if (!STRATEGIES.includes(strategy))
    throw new ArgumentRangeError(`strategy: expected one of ${STRATEGIES.join(', ')}, got ${strategy}`);
  if (refresh !== 'xfetch' && !(refresh > 0 && refresh <= 1))
    throw new ArgumentRangeError(`refresh: expected 'xfetch' or a number between 0 and 1, got ${refresh}`);
  const onErrorMs = checkLength('stale.onErrorMs', stale.onErrorMs);
  const loadTimeoutMs = checkTimerMs('loadTimeoutMs', options.loadTimeoutMs ?? 30_000);
  const { softTimeoutMs } = stale;
  if (softTimeoutMs !== undefined) {
    checkTimerMs('stale.softTimeoutMs', softTimeoutMs);
    if (onErrorMs === 0)
      throw new ArgumentRangeError('stale.softTimeoutMs: expected stale.onErrorMs as well, got none');
    if (softTimeoutMs >= loadTimeoutMs)
      throw new ArgumentRangeError(
        `stale.softTimeoutMs: expected less than loadTimeoutMs (${loadTimeoutMs}), got ${softTimeoutMs}`,
      );
  }
  if ((strategy === 'versioned') !== (options.versionOf !== undefined))
    throw new ArgumentRangeError("versionOf: expected together with strategy 'versioned', and only there");
  const behind = strategy === 'writeBehind';
  if (behind && options.persist === undefined && options.persistMany === undefined)
    throw new ArgumentTypeError("persist: expected persist or persistMany with 'writeBehind', got neither");
  if (!behind && options.writeBehind !== undefined)
    throw new ArgumentRangeError("writeBehind: expected only with strategy 'writeBehind'");
  const secondDeleteMs = options.secondDeleteMs ?? (strategy === 'delayedDoubleDelete' ? 500 : undefined);
  return {
    ttlMs: ttlMs === undefined || typeof ttlMs === 'function' ? cacheTtlMs : checkTtlMs('ttlMs', ttlMs),
    ttlOf: typeof ttlMs === 'function' ? (ttlMs as ResolvedDefinition['ttlOf']) : undefined,
    negativeTtlMs: checkLength('negativeTtlMs', options.negativeTtlMs),
    whileRevalidateMs: checkLength('stale.whileRevalidateMs', stale.whileRevalidateMs),
    onErrorMs,
    softTimeoutMs,
    refresh,
    leaseMs: checkTimerMs('leaseMs', options.leaseMs ?? 3000),
    loadTimeoutMs,
    maxEntries: options.maxEntries === undefined ? undefined : checkCount('maxEntries', options.maxEntries),
    maxBytes: options.maxBytes === undefined ? undefined : checkCount('maxBytes', options.maxBytes),
    strategy,
    secondDeleteMs: secondDeleteMs === undefined ? undefined : checkTimerMs('secondDeleteMs', secondDeleteMs),
  };
}

/**
 * An option that nothing here would heed is refused: who gives it relies on it.
 *
 * @throws {ArgumentRangeError}
 */
export function checkHeeded<V, Id>(
  options: DefineOptions<V, Id>,
  { ttlMs, ttlOf, whileRevalidateMs, onErrorMs, strategy }: ResolvedDefinition,
  { memory, guards }: Pick<ResolvedOptions, 'memory' | 'guards'>,
): void {
  const { secondDeleteMs, hotKeys } = options;
  if (memory === undefined) {
    for (const name of ['maxEntries', 'maxBytes', 'refresh'] as const)
      if (options[name] !== undefined)
        throw new ArgumentRangeError(`${name}: expected a memory tier, got none`);
  }
  if (guards.length === 0 && options.leaseMs !== undefined)
    throw new ArgumentRangeError('leaseMs: expected a tier below memory, got none');
  if (ttlOf === undefined && ttlMs === Infinity && whileRevalidateMs + onErrorMs > 0)
    throw new ArgumentRangeError('stale: expected a ttlMs that ends, got Infinity');
  if (secondDeleteMs !== undefined && strategy === 'versioned')
    throw new ArgumentRangeError("secondDeleteMs: expected another strategy than 'versioned'");
  if (hotKeys !== undefined && options.key !== undefined && hotKeys.idOf === undefined)
    throw new ArgumentRangeError('hotKeys.idOf: expected together with key, got none');
}

/** @throws {ArgumentTypeError | ArgumentRangeError} */
export function checkWriteBehind(options: WriteBehindOptions = {}): Required<WriteBehindOptions> {
  checkObject('writeBehind', options);
  const { lingerMs = 50, drainMs = 5000 } = options;
  const maxPending = checkCount('writeBehind.maxPending', options.maxPending ?? 10_000);
  const maxBatch = checkCount('writeBehind.maxBatch', options.maxBatch ?? Math.min(100, maxPending));
  if (maxBatch > maxPending)
    throw new ArgumentRangeError(
      `writeBehind.maxBatch: expected at most maxPending (${maxPending}), got ${maxBatch}`,
    );
  return {
    maxPending,
    maxBatch,
    lingerMs: checkTimerMs('writeBehind.lingerMs', lingerMs),
    drainMs: checkTimerMs('writeBehind.drainMs', drainMs),
  };
}

/** Name of a region in all processes. */
export function regionNameOf(name: unknown, version: unknown): string {
  return `${checkName('name', name)}@${checkCount('version', version ?? 1, 0)}`;
}
