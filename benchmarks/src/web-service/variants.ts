/** The naive service, each optimisation alone in it, and all of them together. */

import type { Parts, ServiceConfig } from './parts.ts';

export type VariantName = 'naive' | 'optimised' | StepName;

/** The naive service with one thing changed. */
export type StepName = 'pool' | 'join' | 'index' | 'cache' | 'log' | 'buffers';

export const STEPS: readonly StepName[] = ['pool', 'join', 'index', 'cache', 'log', 'buffers'];

/** Which data a variant works on: those with an index on `posts(user_id)` and `users(views)`, or those without. */
export function isIndexed(name: VariantName): boolean {
  return name === 'optimised' || name === 'index';
}

/** Each is loaded alone, so that a process holds nothing but what it measures. */
export const PARTS: Readonly<Record<VariantName, () => Promise<(config: ServiceConfig) => Parts>>> = {
  naive: async () => (await import('./naive/service.ts')).naiveParts,
  optimised: async () => (await import('./optimised/service.ts')).optimisedParts,
  pool: async () => (await import('./steps/pool.ts')).poolStep,
  join: async () => (await import('./steps/join.ts')).joinStep,
  index: async () => (await import('./naive/service.ts')).naiveParts,
  cache: async () => (await import('./steps/cache.ts')).cacheStep,
  log: async () => (await import('./steps/log.ts')).logStep,
  buffers: async () => (await import('./steps/buffers.ts')).buffersStep,
};
