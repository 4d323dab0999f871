import { observeMonitor } from '@hotpath/profile/opentelemetry';
import { registerMetrics } from '@hotpath/profile/prom-client';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { Gauge, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { HostMonitor } from '../dist/monitor/monitor.js';
import { resolveOptions } from '../dist/monitor/options.js';
import { FakeHost } from './fake-host.ts';

class Reader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function busyMonitor(): { readonly host: FakeHost; readonly health: HostMonitor } {
  const host = new FakeHost();
  const health = new HostMonitor(resolveOptions({ windowMs: 1000, resolutionMs: 10 }), host);
  return { host, health };
}

/** A window with one stall of 200 ms, a collection, two timers. */
function stall(host: FakeHost): void {
  host.types = ['Timeout', 'Timeout', 'TCPSocketWrap'];
  host.collect('major', 20);
  host.block(200);
  host.tick(10);
  host.ticks(79);
}

test('prom-client shows the window that ended last, and is left as it was', async () => {
  const { host, health } = busyMonitor();
  const registry = new Registry();
  const remove = registerMetrics(health, registry);
  stall(host);
  const text = await registry.metrics();
  expect(text).toContain('nodejs_eventloop_delay_max_seconds 0.2\n');
  expect(text).toContain('nodejs_eventloop_delay_min_seconds 0\n');
  expect(text).toContain('nodejs_eventloop_utilization_ratio 0.2\n');
  expect(text).toMatch(/nodejs_eventloop_time_seconds_total\{nodejs_eventloop_state="active"\} [\d.]+\n/);
  expect(text).toMatch(/v8js_memory_heap_used_bytes\{v8js_heap_space_name="old_space"\} \d+\n/);
  expect(text).toContain('v8js_memory_heap_limit_bytes 3\n');
  expect(text).toContain('process_memory_usage_bytes 6\n');
  expect(text).toContain('v8js_resource_active{v8js_resource_type="Timeout"} 2\n');
  expect(text).toContain('v8js_gc_duration_seconds_bucket{le="0.01",v8js_gc_type="major"} 0\n');
  expect(text).toContain('v8js_gc_duration_seconds_bucket{le="0.1",v8js_gc_type="major"} 1\n');
  expect(text).toContain('v8js_gc_duration_seconds_sum{v8js_gc_type="major"} 0.02\n');

  host.types = [];
  host.ticks(100);
  expect(await registry.metrics()).not.toContain('TCPSocketWrap');
  expect(() => registerMetrics(health, registry)).toThrow('already been registered');
  remove();
  host.collect('major', 20);
  host.ticks(100);
  expect((await registry.metrics()).trim()).toBe('');
});

test('OpenTelemetry shows the same, under the names of its conventions', async () => {
  const { host, health } = busyMonitor();
  const reader = new Reader();
  const provider = new MeterProvider({ readers: [reader] });
  const end = observeMonitor(health, provider.getMeter('test'));
  stall(host);
  const { resourceMetrics } = await reader.collect();
  const metrics = new Map(
    resourceMetrics.scopeMetrics
      .flatMap((scope) => scope.metrics)
      .map(({ descriptor, dataPoints }) => [descriptor.name, { unit: descriptor.unit, dataPoints }]),
  );
  expect([...metrics.keys()].sort()).toEqual([
    'nodejs.eventloop.delay.max',
    'nodejs.eventloop.delay.mean',
    'nodejs.eventloop.delay.min',
    'nodejs.eventloop.delay.p50',
    'nodejs.eventloop.delay.p90',
    'nodejs.eventloop.delay.p99',
    'nodejs.eventloop.delay.stddev',
    'nodejs.eventloop.time',
    'nodejs.eventloop.utilization',
    'process.memory.usage',
    'v8js.gc.duration',
    'v8js.memory.heap.limit',
    'v8js.memory.heap.space.available_size',
    'v8js.memory.heap.space.physical_size',
    'v8js.memory.heap.space.size',
    'v8js.memory.heap.used',
    'v8js.resource.active',
  ]);
  expect(metrics.get('nodejs.eventloop.delay.max')).toMatchObject({
    unit: 's',
    dataPoints: [{ value: 0.2 }],
  });
  expect(metrics.get('v8js.memory.heap.limit')).toMatchObject({ unit: 'By', dataPoints: [{ value: 3 }] });
  expect(metrics.get('v8js.resource.active')!.dataPoints).toContainEqual(
    expect.objectContaining({ value: 2, attributes: { 'v8js.resource.type': 'Timeout' } }),
  );
  expect(metrics.get('v8js.gc.duration')).toMatchObject({
    unit: 's',
    dataPoints: [
      {
        attributes: { 'v8js.gc.type': 'major' },
        value: { count: 1, sum: 0.02, buckets: { boundaries: [0.01, 0.1, 1, 10], counts: [0, 1, 0, 0, 0] } },
      },
    ],
  });
  end();
  await provider.shutdown();
});

test.each(['process_memory_usage_bytes', 'v8js_gc_duration_seconds'])(
  'prom-client: a registry that has a metric %s already is left as it was',
  (name) => {
    const { host, health } = busyMonitor();
    const registry = new Registry();
    const theirs = new Gauge({ name, help: 'of somebody else', registers: [registry] });
    expect(() => registerMetrics(health, registry)).toThrow('already been registered');
    expect(registry.getMetricsAsArray().map((metric) => metric.name)).toEqual([name]);
    expect(registry.getSingleMetric(name)).toBe(theirs);
    // Nobody listens to pauses: that would have all of them watched.
    for (let collected = 0; collected < 200; collected++) host.collect('minor', 0.2);
    host.tellCollections();
    host.ticks(50);
    expect(health.stats().gc.watchedShare).toBeLessThan(1);
  },
);
