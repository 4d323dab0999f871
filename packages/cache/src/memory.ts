/** `@hotpath/cache/memory`: the tier alone, as of the root. */

export { type MemoryPolicy, MemoryTier, memoryTier, type MemoryTierOptions } from './tiers/memory.ts';
