export { Cache, createCache, type SetOptions } from './cache.ts';
export type { Clock } from './clock.ts';
export { type Codec, jsonCodec } from './codec.ts';
export { type DefineOptions, Definition, type Invalidation } from './definition.ts';
export type { ChangedEvent, LoadEvent, TierEvent } from './diagnostics.ts';
export {
  ArgumentRangeError,
  ArgumentTypeError,
  CacheClosedError,
  CacheError,
  type CacheErrorLike,
  DuplicateDefinitionError,
  EncodeError,
  LoadManyContractError,
  LoadTimeoutError,
} from './errors.ts';
export type { BreakerOptions } from './guard/breaker.ts';
export type { CacheOptions } from './options.ts';
export type { Confirmation } from './region/levels.ts';
export type { Load, LoadContext, LoadMany } from './region/loader.ts';
export type { CacheStats, RegionStats, TierStats } from './stats.ts';
export type {
  LeaseAnswer,
  RegionOptions,
  Tier,
  TierEntry,
  TierLease,
  TierListener,
  TierRegion,
  TierWrite,
} from './tier.ts';
export { type MemoryPolicy, MemoryTier, memoryTier, type MemoryTierOptions } from './tiers/memory.ts';
