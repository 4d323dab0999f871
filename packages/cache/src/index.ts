export { Cache, createCache, type ReadyOptions, type SetOptions } from './cache.ts';
export type { Clock } from './clock.ts';
export { type Codec, jsonCodec } from './codec.ts';
export type { DefineOptions, StaleOptions, Strategy } from './define-options.ts';
export { Definition, type GetOptions, type InvalidateOptions, type Invalidation } from './definition.ts';
export type { Explanation, LevelExplanation } from './explain.ts';
export type { ChangedEvent, LoadEvent, TierEvent } from './diagnostics.ts';
export {
  ArgumentRangeError,
  ArgumentTypeError,
  CacheClosedError,
  CacheError,
  DuplicateDefinitionError,
  EncodeError,
  LoadManyContractError,
  LoadTimeoutError,
  NotModifiedError,
  RemoteLoadError,
  ReplicaLagError,
  WriteBehindError,
} from './errors.ts';
export type { BreakerOptions } from './guard/breaker.ts';
export type { CacheOptions } from './options.ts';
export type { Confirmation } from './region/levels.ts';
export {
  type Load,
  type LoadContext,
  type LoadMany,
  notModified,
  type NotModified,
} from './region/loader.ts';
export type { CacheStats, Readiness, RegionStats, TierStats } from './stats.ts';
export type {
  LeaseAnswer,
  RegionOptions,
  Tier,
  TierEntry,
  TierLease,
  TierListener,
  TierRegion,
  TierSubscription,
  TierUndecoded,
  TierVersions,
  TierWrite,
} from './tier.ts';
export type { HotKeysOptions } from './warm/hot-keys.ts';
export { Precomputed, type PrecomputeOptions } from './warm/precompute.ts';
export type { HotKey } from './warm/sketch.ts';
export type { WarmOptions, WarmProgress } from './warm/warm.ts';
export type { WriteBehindOptions } from './write/write-behind.ts';
export { type MemoryPolicy, MemoryTier, memoryTier, type MemoryTierOptions } from './tiers/memory.ts';
