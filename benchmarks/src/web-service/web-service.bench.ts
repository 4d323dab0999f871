/**
 * W1: the web service as the guide begins and as it ends, under open-loop load. One comparison is made a run, and each
 * row reads one figure out of it; see `experiment.ts` for how it is made.
 */

import type {
  Case,
  CaseContext,
  Curve,
  Findings,
  GuideFigure,
  Measurement,
  Operation,
  Variant,
  VariantKind,
} from '../harness/case.ts';
import type { Comparison, ScaledOut, ServiceRun, Window } from './experiment.ts';
import type { Usage } from './serve.ts';
import { QUICK_SIZE } from './size.ts';
import type { StepName } from './variants.ts';

type Side = 'naive' | 'ours';

const SETTINGS =
  'the service has a core of its own; Postgres, Redis and the generator share the other; 75 % GET /users/:id, 10 % its posts, 10 % pages, 5 % writes; zipf keys';

async function compared(context: CaseContext): Promise<Comparison> {
  const { memo } = await import('./memo.ts');
  return await memo(context.postgresUrl, 'comparison', async () => {
    const { Experiment } = await import('./experiment.ts');
    await using experiment = await Experiment.open(context);
    return await experiment.compare();
  });
}

/** Reads this variant's figures of the comparison. */
function read<Kind extends VariantKind>(
  kind: Kind,
  find: (comparison: Comparison, kind: Kind) => Findings,
): Variant {
  return {
    kind,
    async setup(context): Promise<Operation> {
      let comparison: Comparison | undefined;
      return {
        async run() {
          comparison = await compared(context);
        },
        // That they answer alike is the contract test's.
        answer: () => 'contract.int.test.ts',
        findings: () => find(comparison!, kind),
      };
    },
  };
}

/** The same figure of every window. */
function each(
  runs: readonly ServiceRun[],
  measurement: Omit<Measurement, 'value'>,
  valueOf: (window: Window) => number,
): Measurement[] {
  return runs.flatMap(({ windows }) => windows.map((window) => ({ ...measurement, value: valueOf(window) })));
}

const less = (metric: Measurement['metric'], unit: string): Omit<Measurement, 'value'> => ({
  metric,
  unit,
  better: 'less',
});
const more = (metric: Measurement['metric'], unit: string): Omit<Measurement, 'value'> => ({
  metric,
  unit,
  better: 'more',
});
const QUICK_PARAMS = { users: QUICK_SIZE.users };
const NS_PER_MS = 1e6;
const NS_PER_US = 1e3;
const cpuNsPerRequest = ({ usage, load }: Window): number =>
  (usage.cpuMicros * NS_PER_US) / Math.max(1, load.answered);

/** The first row makes the comparison, the others read it. */
const COMPARISON_MS = { quick: 12_000, plain: 205_000 };
const STEPS_MS = { quick: 12_000, plain: 75_000 };
const PROCESSES_MS = { quick: 6500, plain: 25_000 };
const ONLY_READ_MS = { quick: 600, plain: 600 };

function row(
  name: string,
  guide: GuideFigure,
  limit: string,
  find: (comparison: Comparison, side: Side) => Findings,
  fixedMs: NonNullable<Case['fixedMs']> = ONLY_READ_MS,
): Case {
  return {
    id: 'W1',
    case: name,
    package: 'benchmarks',
    tier: 'guide',
    params: { routes: 5, objectiveP99Ms: 50 },
    quickParams: QUICK_PARAMS,
    guide,
    needs: ['postgres', 'redis'],
    async: true,
    experiment: true,
    processes: 1,
    fixedMs,
    settings: SETTINGS,
    limit,
    variants: { naive: read('naive', find), ours: read('ours', find) },
  };
}

const withFloor = (base: Case, name: string, floor: Variant): Case => ({
  ...base,
  variants: { ...base.variants, [name]: floor },
});

const ratio = (text: string, times: number): GuideFigure => ({ text, ratio: times, basis: 'ratio' });

function latency(quantile: 'p50' | 'p99') {
  return (comparison: Comparison, side: Side): Findings => ({
    measurements: [
      ...each(
        comparison[side],
        less('time', `ns ${quantile}`),
        ({ load }) => load.latencyMs[quantile] * NS_PER_MS,
      ),
      ...(quantile === 'p50'
        ? []
        : [
            ...each(
              comparison[side],
              less('time', 'ns p99.9'),
              ({ load }) => load.latencyMs.p999 * NS_PER_MS,
            ),
            ...each(
              comparison[side],
              less('time', 'ns p99 event-loop delay'),
              ({ usage }) => usage.eventLoopDelayMsP99 * NS_PER_MS,
            ),
            ...each(
              comparison[side],
              less('time', 'ns p99 lateness of the generator'),
              ({ load }) => load.lateness.p99 * NS_PER_MS,
            ),
          ]),
      ...(side === 'ours' && quantile === 'p99' && comparison.cold !== undefined
        ? [
            {
              ...less('time', 'ns p99 cold: no warm-up, empty Redis'),
              value: comparison.cold.load.latencyMs.p99 * NS_PER_MS,
            },
          ]
        : []),
    ],
  });
}

function capacity(comparison: Comparison, side: Side): Findings {
  const { sweep } = comparison.sweep;
  const curve = (name: string, y: (point: (typeof sweep)[number]) => number): Curve => ({
    name,
    x: sweep.map(({ rate }) => rate),
    y: sweep.map(y),
  });
  return {
    // One a run, however many windows it has.
    measurements: comparison[side].map((run) => ({ ...more('rate', 'requests/s'), value: run.capacity })),
    ...(side === 'naive'
      ? {}
      : {
          curves: [
            curve('latency in ms over requests/s / p50', ({ p50 }) => p50),
            curve('latency in ms over requests/s / p99', ({ p99 }) => p99),
            curve('latency in ms over requests/s / p99.9', ({ p999 }) => p999),
          ],
        }),
  };
}

function cpu(comparison: Comparison, side: Side): Findings {
  return {
    measurements: [
      ...each(comparison[side], less('time', 'ns CPU/request'), cpuNsPerRequest),
      ...(side === 'ours' && comparison.sweep.capacity > 0
        ? [
            {
              ...less('time', 'ns CPU/request at its capacity'),
              value: comparison.sweep.cpuMicrosAtCapacity * NS_PER_US,
            },
          ]
        : []),
    ],
  };
}

/** The peak, which decides, and where it is: Node's own code, the heap, and what is held on it after a collection. */
function memory(comparison: Comparison, side: Side): Findings {
  const { bytes, kinds } = comparison.held[side];
  const part = (unit: string, valueOf: (usage: Usage) => number): Measurement[] =>
    each(comparison[side], less('bytes', unit), ({ usage }) => valueOf(usage));
  return {
    measurements: [
      ...part('B peak RSS', ({ peakRssBytes }) => peakRssBytes),
      ...part('B files (Node itself)', ({ fileBytes }) => fileBytes),
      ...part('B heap with garbage', ({ heapBytes }) => heapBytes),
      { ...less('bytes', 'B held on the heap'), value: bytes },
      ...kinds.slice(0, HELD_KINDS).map(({ name, selfBytes }) => ({
        ...less('bytes', `B in ${name}`),
        value: selfBytes,
      })),
    ],
  };
}

/** Kinds of objects in the row, the largest. */
const HELD_KINDS = 4;

const bareNode = ({ bareNodeBytes }: Comparison): Findings => ({
  measurements: [{ ...less('bytes', 'B peak RSS'), value: bareNodeBytes }],
});

/** The naive service with one thing changed, asked by clients that never pause. */
function step(kind: VariantKind, name: StepName | 'naive' | 'optimised'): Variant {
  return {
    kind,
    async setup(context): Promise<Operation> {
      let window: Window | undefined;
      return {
        async run() {
          const { memo } = await import('./memo.ts');
          window = await memo(context.postgresUrl, `step ${name}`, async () => {
            const { Experiment } = await import('./experiment.ts');
            await using experiment = await Experiment.open(context);
            return await experiment.step(name);
          });
        },
        answer: () => 'contract.int.test.ts',
        findings: () => ({
          measurements: [
            { ...more('rate', 'requests/s'), value: window!.load.answeredPerSecond },
            { ...less('time', 'ns p50'), value: window!.load.latencyMs.p50 * NS_PER_MS },
            { ...less('time', 'ns CPU/request'), value: cpuNsPerRequest(window!) },
          ],
        }),
      };
    },
  };
}

/** Parts of the machine, in the order in which the report names them. */
const CORES_OF = ['service', 'postgres', 'redis', 'generator'];

/** The optimised service as so many processes behind one port; the generator and the servers take turns on the same cores. */
function processes(kind: VariantKind, workers: number): Variant {
  return {
    kind,
    async setup(context): Promise<Operation> {
      let found: ScaledOut | undefined;
      return {
        async run() {
          const { Experiment } = await import('./experiment.ts');
          await using experiment = await Experiment.open(context);
          found = await experiment.scaledOut(workers);
        },
        answer: () => 'contract.int.test.ts',
        findings() {
          const { load, cores } = found!;
          return {
            measurements: [
              { ...more('rate', 'requests/s'), value: load.answeredPerSecond },
              { ...less('count', 'stale reads'), value: load.reads.stale },
              { ...more('count', 'reads judged'), value: load.reads.judged },
              ...CORES_OF.flatMap((name) =>
                cores[name] === undefined ? [] : [{ ...more('count', `cores: ${name}`), value: cores[name] }],
              ),
            ],
          };
        },
      };
    },
  };
}

const cases: readonly Case[] = [
  row(
    'capacity',
    ratio('100 → 5000 req/s (50×)', 50),
    'the naive service misses the objective at any rate and is given all that it answers, so the ratio is a lower bound',
    capacity,
    COMPARISON_MS,
  ),
  row(
    'p50 at the naive capacity',
    ratio('500 → 10 ms (50×)', 50),
    'on loopback a connection costs milliseconds, not a network; our floor is the timers and the JIT of an idle process',
    latency('p50'),
  ),
  row(
    'p99 at the naive capacity',
    ratio('2000 → 50 ms (40×)', 40),
    'Postgres, Redis and the generator share a core, whose queue is in our tail as well',
    latency('p99'),
  ),
  row(
    'CPU a request',
    ratio('80 % at 100 req/s → 30 % at 5000 req/s; the bar is 4× less a request', 4),
    'at the naive rate ours is nearly idle, and what it does anyway (timers, the monitor) is shared by few requests',
    cpu,
  ),
  withFloor(
    row(
      'memory',
      ratio('2 GB → 500 MB (4×)', 4),
      'the naive service keeps nothing, and a quarter of what it takes is less than a Node process that does nothing (the floor): files are Node itself, most of the rest the heap with the garbage that V8 lets gather, and ours holds users on it',
      memory,
    ),
    'floor:bare Node',
    read('floor', bareNode),
  ),
  {
    id: 'W1',
    case: 'each step alone',
    package: 'benchmarks',
    tier: 'plain',
    params: { clients: 16 },
    quickParams: QUICK_PARAMS,
    guide: null,
    needs: ['postgres', 'redis'],
    async: true,
    experiment: true,
    processes: 1,
    fixedMs: STEPS_MS,
    settings: SETTINGS,
    variants: {
      naive: step('naive', 'naive'),
      ours: step('ours', 'optimised'),
      'naive:pool': step('naive', 'pool'),
      'naive:join': step('naive', 'join'),
      'naive:index': step('naive', 'index'),
      'naive:cache': step('naive', 'cache'),
      'naive:log': step('naive', 'log'),
      'naive:buffers': step('naive', 'buffers'),
    },
  },
  {
    id: 'W1',
    case: 'several processes',
    package: 'benchmarks',
    tier: 'plain',
    params: { clientsPerProcess: 16 },
    quickParams: QUICK_PARAMS,
    guide: null,
    needs: ['postgres', 'redis'],
    async: true,
    experiment: true,
    processes: 1,
    fixedMs: PROCESSES_MS,
    settings:
      'ours as 2 and as 4 processes behind one port, over one; a stale read is one older than 500 ms after a change was acknowledged; the processes share the cores with Postgres, Redis and the generator, and how many cores each of these took is in the row',
    limit:
      'of the processor time of a request one process takes two thirds, and Postgres, Redis and the generator a third, so two cores have at most a third more to give; two processes take more of it a request, since each warms a compiler and a memory of its own',
    variants: {
      'naive:one process': processes('naive', 1),
      ours: processes('ours', 2),
      'ours:4 processes': processes('ours', 4),
    },
  },
];

export default cases;
