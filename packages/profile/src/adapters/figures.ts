/** The figures of a monitor under the names of OpenTelemetry's semantic conventions, for both adapters. */

import { performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import type { HeapSpaceInfo } from 'node:v8';
import type { Monitor } from '../monitor/monitor.ts';
import type { EventLoopStats, MonitorStats } from '../monitor/stats.ts';

/** The value of a figure under its attributes. */
export interface Sample {
  readonly attributes: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Figure {
  /** As the conventions name it: `nodejs.eventloop.delay.p99`. */
  readonly name: string;
  readonly description: string;
  /** By UCUM: `s`, `By`, `1`. */
  readonly unit: string;
  /** A counter only grows; an up-down counter may be summed over its attributes and over processes, a gauge may not. */
  readonly kind: 'counter' | 'upDownCounter' | 'gauge';
  /** Names of the attributes that every sample has. */
  readonly attributes: readonly string[];
  readonly read: (monitor: Monitor) => readonly Sample[];
}

/** `v8js.gc.duration`: a histogram of pauses, with the boundaries that the conventions ask for, in seconds. */
export const GC_DURATION = {
  name: 'v8js.gc.duration',
  description: 'Garbage collection duration.',
  unit: 's',
  attribute: 'v8js.gc.type',
  boundaries: [0.01, 0.1, 1, 10],
} as const;

/** The window that ended last, so that its length does not depend on who asks when; in the first, what there is of it. */
function windowOf(monitor: Monitor): MonitorStats {
  return monitor.lastWindow() ?? monitor.stats();
}

const one = (value: number): readonly Sample[] => [{ attributes: {}, value }];

function delay(which: string, description: string, read: (stats: EventLoopStats) => number): Figure {
  return {
    name: `nodejs.eventloop.delay.${which}`,
    description,
    unit: 's',
    kind: 'gauge',
    attributes: [],
    read: (monitor) => one(read(windowOf(monitor).eventLoop) / 1000),
  };
}

const SPACE = 'v8js.heap.space.name';

function ofSpaces(name: string, description: string, read: (space: HeapSpaceInfo) => number): Figure {
  return {
    name: `v8js.memory.heap.${name}`,
    description,
    unit: 'By',
    kind: 'upDownCounter',
    attributes: [SPACE],
    read: () =>
      getHeapSpaceStatistics().map((space) => ({
        attributes: { [SPACE]: space.space_name },
        value: read(space),
      })),
  };
}

const STATE = 'nodejs.eventloop.state';
const RESOURCE = 'v8js.resource.type';

export const FIGURES: readonly Figure[] = [
  delay('min', 'Event loop minimum delay.', (stats) => stats.delayMsMin),
  delay('max', 'Event loop maximum delay.', (stats) => stats.delayMsMax),
  delay('mean', 'Event loop mean delay.', (stats) => stats.delayMsMean),
  delay('stddev', 'Event loop standard deviation delay.', (stats) => stats.delayMsStddev),
  delay('p50', 'Event loop 50 percentile delay.', (stats) => stats.delayMsP50),
  delay('p90', 'Event loop 90 percentile delay.', (stats) => stats.delayMsP90),
  delay('p99', 'Event loop 99 percentile delay.', (stats) => stats.delayMsP99),
  {
    name: 'nodejs.eventloop.utilization',
    description: 'Event loop utilization.',
    unit: '1',
    kind: 'gauge',
    attributes: [],
    read: (monitor) => one(windowOf(monitor).eventLoop.utilization),
  },
  {
    name: 'nodejs.eventloop.time',
    description: 'Cumulative duration of time the event loop has been in each state.',
    unit: 's',
    kind: 'counter',
    attributes: [STATE],
    read: () => {
      const { active, idle } = performance.eventLoopUtilization();
      return [
        { attributes: { [STATE]: 'active' }, value: active / 1000 },
        { attributes: { [STATE]: 'idle' }, value: idle / 1000 },
      ];
    },
  },
  ofSpaces('used', 'Heap memory in use.', (space) => space.space_used_size),
  ofSpaces('space.size', 'Heap memory reserved.', (space) => space.space_size),
  ofSpaces('space.available_size', 'Heap space available size.', (space) => space.space_available_size),
  ofSpaces('space.physical_size', 'Committed size of a heap space.', (space) => space.physical_space_size),
  {
    name: 'v8js.memory.heap.limit',
    description: 'Heap size at which V8 gives up.',
    unit: 'By',
    kind: 'upDownCounter',
    attributes: [],
    read: (monitor) => one(windowOf(monitor).memory.heapLimitBytes),
  },
  {
    name: 'process.memory.usage',
    description: 'Physical memory in use.',
    unit: 'By',
    kind: 'upDownCounter',
    attributes: [],
    read: (monitor) => one(windowOf(monitor).memory.rssBytes),
  },
  {
    name: 'v8js.resource.active',
    description: 'Resources that keep the event loop alive.',
    unit: '{resource}',
    kind: 'upDownCounter',
    attributes: [RESOURCE],
    read: (monitor) =>
      Object.entries(windowOf(monitor).resources.byType).map(([type, value]) => ({
        attributes: { [RESOURCE]: type },
        value,
      })),
  },
];
