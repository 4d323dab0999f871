/** What one tier below memory has been through. */
export interface TierStats {
  readonly name: string;
  readonly errorCount: number;
  readonly timeoutCount: number;
  /** Calls not made, because the tier was known to be out of reach. */
  readonly skippedCount: number;
  readonly breaker: 'closed' | 'open' | 'probing';
}

/** What one definition, or the plain keys (the name is then empty), has been through. */
export interface RegionStats {
  readonly name: string;
  /** Entries in memory. */
  readonly entryCount: number;
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
  /** Values that a codec could not write. */
  readonly encodeErrorCount: number;
  /** Reads under way. */
  readonly flightCount: number;
  /** Deletions that a tier has yet to confirm; `Infinity` when everything is to be deleted. */
  readonly queuedCount: number;
}

/** A snapshot. */
export interface CacheStats {
  readonly tiers: readonly TierStats[];
  readonly regions: readonly RegionStats[];
  /** Whether changes made by other processes are heard; `undefined` when no tier tells of them. */
  readonly listening: boolean | undefined;
}
