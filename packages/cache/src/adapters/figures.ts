import type { Cache } from '../cache.ts';

/** One number of a cache, as monitoring systems name it. */
export interface Figure {
  readonly name: string;
  readonly help: string;
  /** A counter only grows. */
  readonly kind: 'counter' | 'gauge';
  readonly read: (cache: Cache) => readonly Sample[];
}

/** The value of a figure under its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Regions = ReturnType<Cache['stats']>['regions'];
type Tiers = ReturnType<Cache['stats']>['tiers'];

function ofRegions(
  name: string,
  help: string,
  kind: Figure['kind'],
  value: (region: Regions[number]) => number,
): Figure {
  return {
    name: `hotpath_cache_${name}`,
    help,
    kind,
    read: (cache) =>
      cache.stats().regions.map((region) => ({ labels: { definition: region.name }, value: value(region) })),
  };
}

function ofTiers(name: string, help: string, value: (tier: Tiers[number]) => number): Figure {
  return {
    name: `hotpath_cache_${name}`,
    help,
    kind: 'counter',
    read: (cache) => cache.stats().tiers.map((tier) => ({ labels: { tier: tier.name }, value: value(tier) })),
  };
}

/** What both adapters show. Labels are names of definitions and tiers: there are few, and none comes from a key. */
export const FIGURES: readonly Figure[] = [
  ofRegions('memory_hits_total', 'Hits in memory', 'counter', (region) => region.memoryHitCount),
  ofRegions('misses_total', 'Reads that memory could not answer', 'counter', (region) => region.missCount),
  {
    name: 'hotpath_cache_tier_hits_total',
    help: 'Hits in a tier below memory',
    kind: 'counter',
    read: (cache) =>
      cache.stats().regions.flatMap((region) =>
        Object.entries(region.tierHitCounts).map(([tier, value]) => ({
          labels: { definition: region.name, tier },
          value,
        })),
      ),
  },
  ofRegions('loads_total', 'Calls of the loader', 'counter', (region) => region.loadCount),
  ofRegions(
    'load_errors_total',
    'Calls of the loader that failed',
    'counter',
    (region) => region.loadErrorCount,
  ),
  ofRegions('stale_served_total', 'Values served stale', 'counter', (region) => region.staleServedCount),
  ofRegions(
    'refused_fills_total',
    'Loads overtaken by a change',
    'counter',
    (region) => region.refusedFillCount,
  ),
  ofRegions('entries', 'Entries in memory', 'gauge', (region) => region.entryCount),
  {
    name: 'hotpath_cache_entry_bytes',
    help: 'Size of the entries in memory, where it has a limit',
    kind: 'gauge',
    read: (cache) =>
      cache
        .stats()
        .regions.flatMap(({ name, entryBytes }) =>
          entryBytes === undefined ? [] : [{ labels: { definition: name }, value: entryBytes }],
        ),
  },
  ofRegions('flights', 'Reads under way', 'gauge', (region) => region.flightCount),
  ofRegions('queued_deletions', 'Deletions yet to be confirmed', 'gauge', (region) => region.queuedCount),
  ofTiers('tier_errors_total', 'Calls of a tier that failed', (tier) => tier.errorCount),
  ofTiers('tier_timeouts_total', 'Calls of a tier that missed the deadline', (tier) => tier.timeoutCount),
  ofTiers('tier_skipped_total', 'Calls of a tier that were not made', (tier) => tier.skippedCount),
];
