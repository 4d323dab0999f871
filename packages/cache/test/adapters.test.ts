import { createCache, memoryTier } from '@hotpath/cache';
import { observeCache } from '@hotpath/cache/opentelemetry';
import { registerMetrics } from '@hotpath/cache/prom-client';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { DoubleStore } from './tier-double.ts';

class Reader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

test('prom-client shows what stats count, and is left as it was', async () => {
  const cache = createCache({ tiers: [memoryTier(), new DoubleStore().tier()] });
  const users = cache.define<string>({ name: 'user', load: (id) => id });
  const registry = new Registry();
  const remove = registerMetrics(cache, registry);
  await users.get('a');
  await users.get('a');
  await registry.metrics();
  const text = await registry.metrics();
  expect(text).toContain('hotpath_cache_loads_total{definition="user@1"} 1');
  expect(text).toContain('hotpath_cache_entries{definition="user@1"} 1');
  expect(text).toContain('hotpath_cache_tier_errors_total{tier="double"} 0');
  remove();
  expect(await registry.metrics()).not.toContain('hotpath');
});

test('OpenTelemetry shows what stats count', async () => {
  const cache = createCache({ tiers: [memoryTier(), new DoubleStore().tier()] });
  const users = cache.define<string>({ name: 'user', load: (id) => id });
  const reader = new Reader();
  const provider = new MeterProvider({ readers: [reader] });
  const end = observeCache(cache, provider.getMeter('test'));
  await users.get('a');
  const { resourceMetrics } = await reader.collect();
  const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  const loads = metrics.find(({ descriptor }) => descriptor.name === 'hotpath_cache_loads_total');
  expect(loads?.dataPoints).toContainEqual(
    expect.objectContaining({ value: 1, attributes: { definition: 'user@1' } }),
  );
  end();
  await provider.shutdown();
});
