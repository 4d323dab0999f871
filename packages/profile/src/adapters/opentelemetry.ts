import type { Meter, Observable, ObservableResult } from '@opentelemetry/api';
import type { Monitor } from '../monitor/monitor.ts';
import { FIGURES, GC_DURATION } from './figures.ts';
import type { Figure } from './figures.ts';

/**
 * Shows a monitor as instruments of a meter of OpenTelemetry, under the names, units and attributes of its semantic
 * conventions for Node and V8. Delays, utilization, resources and the resident set are those of the window that ended
 * last; times and heap spaces are read when the meter exports; each pause goes to the histogram as it is told.
 *
 * @returns what ends it. The monitor goes on.
 * @example
 * ```ts
 * const end = observeMonitor(monitor(), metrics.getMeter('runtime'));
 * ```
 */
export function observeMonitor(monitor: Monitor, meter: Meter): () => void {
  const ends = FIGURES.map((figure) => {
    const instrument = instrumentOf(figure, meter);
    const observe = (result: ObservableResult): void => {
      for (const { attributes, value } of figure.read(monitor)) result.observe(value, attributes);
    };
    instrument.addCallback(observe);
    return () => {
      instrument.removeCallback(observe);
    };
  });
  const pauses = meter.createHistogram(GC_DURATION.name, {
    description: GC_DURATION.description,
    unit: GC_DURATION.unit,
    advice: { explicitBucketBoundaries: [...GC_DURATION.boundaries] },
  });
  ends.push(
    monitor.onGcPause((kind, durationMs) => {
      pauses.record(durationMs / 1000, { [GC_DURATION.attribute]: kind });
    }),
  );
  return () => {
    for (const end of ends) end();
  };
}

function instrumentOf({ name, description, unit, kind }: Figure, meter: Meter): Observable {
  const options = { description, unit };
  if (kind === 'counter') return meter.createObservableCounter(name, options);
  if (kind === 'upDownCounter') return meter.createObservableUpDownCounter(name, options);
  return meter.createObservableGauge(name, options);
}
