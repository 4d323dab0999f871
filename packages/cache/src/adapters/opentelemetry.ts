import type { Meter, Observable, ObservableResult } from '@opentelemetry/api';
import type { Cache } from '../cache.ts';
import { FIGURES } from './figures.ts';

/**
 * Shows the statistics of a cache as observable instruments of a meter of OpenTelemetry; they are read when it exports.
 *
 * @returns what ends it.
 * @example
 * ```ts
 * const end = observeCache(cache, metrics.getMeter('cache'));
 * ```
 */
export function observeCache(cache: Cache, meter: Meter): () => void {
  const ends = FIGURES.map(({ name, help, kind, read }) => {
    const options = { description: help };
    const instrument: Observable =
      kind === 'gauge'
        ? meter.createObservableGauge(name, options)
        : meter.createObservableCounter(name, options);
    const observe = (result: ObservableResult): void => {
      for (const { labels, value } of read(cache)) result.observe(value, labels);
    };
    instrument.addCallback(observe);
    return () => {
      instrument.removeCallback(observe);
    };
  });
  return () => {
    for (const end of ends) end();
  };
}
