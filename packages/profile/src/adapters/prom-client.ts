import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Monitor } from '../monitor/monitor.ts';
import { FIGURES, GC_DURATION } from './figures.ts';
import type { Figure } from './figures.ts';

/**
 * Shows a monitor in a registry of prom-client, under the names that OpenTelemetry's semantic conventions have in
 * Prometheus: `nodejs_eventloop_delay_p99_seconds`, `v8js_gc_duration_seconds` … They do not clash with prom-client's own
 * default metrics. Delays, utilization, resources and the resident set are those of the window that ended last; times
 * and heap spaces are read when it is scraped.
 *
 * @returns what takes them out again. The monitor goes on.
 * @throws what prom-client throws when the registry has a metric of one of these names: one monitor a registry. None of
 *   them is then added.
 * @example
 * ```ts
 * const remove = registerMetrics(monitor(), register);
 * ```
 */
export function registerMetrics(monitor: Monitor, registry: Registry): () => void {
  const added: string[] = [];
  const remove = (): void => {
    for (const name of added) registry.removeSingleMetric(name);
  };
  let pauses: Histogram;
  try {
    for (const figure of FIGURES) {
      addMetric(monitor, registry, figure);
      added.push(promName(figure.name, figure.unit, figure.kind));
    }
    pauses = addPauses(registry);
    added.push(promName(GC_DURATION.name, GC_DURATION.unit));
  } catch (error) {
    remove();
    throw error;
  }
  const end = monitor.onGcPause((kind, durationMs) => {
    pauses.observe({ [promLabel(GC_DURATION.attribute)]: kind }, durationMs / 1000);
  });
  return () => {
    end();
    remove();
  };
}

const SUFFIXES: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes', '1': '_ratio' };

/** By OpenTelemetry's rules of translation: dots to underscores, the unit at the end, a counter in `_total`. */
function promName(name: string, unit: string, kind?: Figure['kind']): string {
  return `${promLabel(name)}${SUFFIXES[unit] ?? ''}${kind === 'counter' ? '_total' : ''}`;
}

function promLabel(name: string): string {
  return name.replaceAll('.', '_');
}

function addPauses(registry: Registry): Histogram {
  return new Histogram({
    name: promName(GC_DURATION.name, GC_DURATION.unit),
    help: GC_DURATION.description,
    labelNames: [promLabel(GC_DURATION.attribute)],
    buckets: [...GC_DURATION.boundaries],
    registers: [registry],
  });
}

/** The registry keeps it. */
function addMetric(monitor: Monitor, registry: Registry, figure: Figure): Counter | Gauge {
  const shared = {
    name: promName(figure.name, figure.unit, figure.kind),
    help: figure.description,
    labelNames: figure.attributes.map(promLabel),
    registers: [registry],
  };
  const samples = (): readonly { readonly labels: Record<string, string>; readonly value: number }[] =>
    figure.read(monitor).map(({ attributes, value }) => ({
      labels: Object.fromEntries(Object.entries(attributes).map(([name, text]) => [promLabel(name), text])),
      value,
    }));
  if (figure.kind === 'counter') {
    return new Counter({
      ...shared,
      collect() {
        this.reset();
        for (const { labels, value } of samples()) this.inc(labels, value);
      },
    });
  }
  return new Gauge({
    ...shared,
    collect() {
      // What is gone, a kind of resource, must not stay at its last value.
      this.reset();
      for (const { labels, value } of samples()) this.set(labels, value);
    },
  });
}
