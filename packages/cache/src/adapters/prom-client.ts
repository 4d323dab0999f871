import { Counter, Gauge, type Registry } from 'prom-client';
import type { Cache } from '../cache.ts';
import { type Figure, FIGURES } from './figures.ts';

/**
 * Shows the statistics of a cache in a registry of prom-client; they are read when it is scraped.
 *
 * @returns what takes them out again.
 * @throws what prom-client throws when the registry has metrics of these names: one cache a registry.
 * @example
 * ```ts
 * const remove = registerMetrics(cache, register);
 * ```
 */
export function registerMetrics(cache: Cache, registry: Registry): () => void {
  for (const figure of FIGURES) addMetric(cache, registry, figure);
  return () => {
    for (const { name } of FIGURES) registry.removeSingleMetric(name);
  };
}

/** The registry keeps it. */
function addMetric(cache: Cache, registry: Registry, { name, help, kind, read }: Figure): Counter | Gauge {
  const labelNames = name.includes('tier_hits')
    ? ['definition', 'tier']
    : [name.includes('_tier_') ? 'tier' : 'definition'];
  const shared = { name, help, labelNames, registers: [registry] };
  if (kind === 'gauge') {
    return new Gauge({
      ...shared,
      collect() {
        for (const { labels, value } of read(cache)) this.set(labels, value);
      },
    });
  }
  return new Counter({
    ...shared,
    collect() {
      this.reset();
      for (const { labels, value } of read(cache)) this.inc(labels, value);
    },
  });
}
