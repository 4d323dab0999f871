import type { TierGuard } from './guard/guard.ts';
import type { Region } from './region/region.ts';
import type { MemoryRegion } from './tiers/memory.ts';

/** What one tier below memory has been through. */
export interface TierStats {
  readonly name: string;
  readonly errorCount: number;
  readonly timeoutCount: number;
  /** Calls not made, because the tier was known to be out of reach. */
  readonly skippedCount: number;
  readonly breaker: 'closed' | 'open' | 'probing';
  /**
   * Reads of entries that were none: written by something else, or by another codec, or, with `values: 'copied'`, decoded to
   * something that cannot be copied.
   */
  readonly corruptCount: number;
}

/** What one definition, or the plain keys (the name is then empty), has been through. */
export interface RegionStats {
  readonly name: string;
  /** Entries in memory. */
  readonly entryCount: number;
  /** What they take in memory, by `sizeOf`; `undefined` where `maxBytes` is not set. */
  readonly entryBytes: number | undefined;
  /** Values that memory did not keep, because one alone exceeds `maxBytes` or `sizeOf` failed for it. */
  readonly oversizedCount: number;
  /** Hits in memory. */
  readonly memoryHitCount: number;
  /** Reads that memory could not answer; of these … */
  readonly missCount: number;
  /** … joined another read of the same key … */
  readonly joinedCount: number;
  /** … or hit in a tier, by its name. */
  readonly tierHitCounts: Readonly<Record<string, number>>;
  /** Calls of a loader, and those that failed. */
  readonly loadCount: number;
  readonly loadErrorCount: number;
  /** Waits for another process that was loading the same key. */
  readonly leaseWaitCount: number;
  /** Loaded values that were not stored, because their key changed during the load. */
  readonly refusedFillCount: number;
  /** Values served after their life, while or because they could not be loaded anew. */
  readonly staleServedCount: number;
  /** Loads begun in the background. */
  readonly refreshCount: number;
  /** Loads whose value was older than its key's version: a replica lagged. */
  readonly lagCount: number;
  /** Values that a codec could not write. */
  readonly encodeErrorCount: number;
  /** Reads under way. */
  readonly flightCount: number;
  /** Deletions that a tier has yet to confirm; `Infinity` when everything is to be deleted. */
  readonly queuedCount: number;
  /**
   * The longest that a value lives, in ms, by default or of those that this process has given a life of their own: for so long
   * a deletion that was queued when a process died can go unmade.
   */
  readonly lifeMsMax: number;
}

/** Whether a process is fit to serve. */
export interface Readiness {
  /** All of the following, and no warm-up under way. */
  readonly ready: boolean;
  /** Changes made by other processes are heard, or there are none to hear of. */
  readonly listening: boolean;
  /** Every scheduled value has been there once. */
  readonly computed: boolean;
  /** Warm-ups under way. */
  readonly warmingCount: number;
}

/** A snapshot. */
export interface CacheStats {
  readonly tiers: readonly TierStats[];
  readonly regions: readonly RegionStats[];
  /** Whether changes made by other processes are heard; `undefined` when no tier tells of them. */
  readonly listening: boolean | undefined;
}

export function statsOfTier(guard: TierGuard): TierStats {
  return {
    name: guard.tier.name,
    errorCount: guard.errorCount,
    timeoutCount: guard.timeoutCount,
    skippedCount: guard.skippedCount,
    breaker: guard.breaker,
    corruptCount: (guard.tier.corruptCount ?? 0) + guard.unusableCount,
  };
}

export function statsOfRegion(region: Region<never>, memory: MemoryRegion | undefined): RegionStats {
  return {
    name: region.name,
    entryCount: region.entryCount,
    entryBytes: memory?.sizeBytes,
    oversizedCount: memory?.oversizedCount ?? 0,
    memoryHitCount: region.hitCount,
    missCount: region.missCount,
    joinedCount: region.joinedCount,
    tierHitCounts: Object.fromEntries(
      region.levels.tiers.map((tier) => [tier.guard.tier.name, tier.hitCount]),
    ),
    loadCount: region.loader?.loadCount ?? 0,
    loadErrorCount: region.loader?.errorCount ?? 0,
    leaseWaitCount: region.levels.leaseWaitCount,
    ...region.counts,
    encodeErrorCount: region.levels.fills.encodeErrorCount,
    flightCount: region.flightCount,
    queuedCount: region.levels.queuedCount,
    lifeMsMax: region.lifeMsMax,
  };
}
