/**
 * C2: an expensive function over an integer array. The naive variant is the serial loop; every pool has its threads up
 * before the clock starts, and all arrays of the parallel variants are in shared memory.
 */

import type { Case, Operation } from '../harness/case.ts';
import { crunch, crunchInput } from '../workloads/crunch.ts';
import { seededFloats } from '../workloads/floats.ts';
import type { CrunchMap } from './crunch-map.ts';
import { parallelMap, serialMap } from './crunch-map.ts';
import { threadsUp } from './threads-up.ts';

function parallelCase(name: string, length: number, text: string, ratio: number): Case {
  const map: CrunchMap = { length, name: 'crunch', answerOf: (output) => [...output] };
  return {
    id: 'C2',
    case: name,
    package: 'cpu',
    tier: 'guide',
    params: { length, rounds: 1000 },
    guide: { text, ratio, basis: 'efficiency', cores: 8 },
    async: true,
    variants: {
      naive: serialMap(map),
      ours: parallelMap(map, threadsUp),
      piscina: {
        kind: 'peer',
        async setup() {
          const { openPiscina } = await import('./peers/piscina.ts');
          return openPiscina(length);
        },
      },
      ...(length > 1000
        ? {}
        : {
            'piscina:item': {
              kind: 'peer' as const,
              async setup() {
                const { openPiscinaItems } = await import('./peers/piscina.ts');
                return openPiscinaItems(length);
              },
            },
          }),
      workerpool: {
        kind: 'peer',
        async setup() {
          const { openWorkerpool } = await import('./peers/workerpool.ts');
          return openWorkerpool(length);
        },
      },
    },
  };
}

/** The last eighth of the items costs twenty times the others: equal halves of the array are unequal work. */
function skewedCase(): Case {
  const length = 10_000;
  const map: CrunchMap = { length, name: 'skewed', answerOf: (output) => [...output] };
  const rest = parallelCase('skewed 10K', length, '', 1);
  return {
    ...rest,
    guide: null,
    tier: 'peers',
    variants: {
      naive: serialMap(map),
      ours: parallelMap(map, threadsUp),
      piscina: {
        kind: 'peer',
        async setup() {
          const { openPiscina } = await import('./peers/piscina.ts');
          return await openPiscina(length, 'skewedChunk');
        },
      },
    },
  };
}

/**
 * The same items in a plain array, which no threads can share. Chunks that are cloned lose what V8 knew of their numbers; here
 * numbers travel as typed arrays.
 */
function plainCase(): Case {
  const length = 10_000;
  const rest = parallelCase('plain 10K', length, '', 1);
  const serial = async (): Promise<number[]> => Array.from(crunchInput(length)).map((value) => crunch(value));
  return {
    ...rest,
    guide: null,
    tier: 'plain',
    variants: {
      naive: { kind: 'naive', setup: () => ({ run: serial, answer: serial }) },
      ours: {
        kind: 'ours',
        async setup() {
          const { createParallel } = await import('@hotpath/cpu/parallel');
          const input = Array.from(crunchInput(length));
          const parallel = createParallel();
          const task = { module: new URL('../workloads/crunch.js', import.meta.url), export: 'crunch' };
          const run = (): Promise<number[]> => parallel.map<number, number>(input, task);
          await threadsUp(run);
          return { run, answer: run, close: () => parallel.close() };
        },
      },
      'piscina:cloned': {
        kind: 'peer',
        async setup() {
          const { openPiscinaClones } = await import('./peers/piscina.ts');
          return await openPiscinaClones(length);
        },
      },
    },
  };
}

/** A million doubles in random order; the copy that each round needs is timed in both. */
function sortCase(): Case {
  const length = 1_000_000;
  const operation = (
    values: Float64Array,
    sort: (values: Float64Array) => unknown,
    close?: () => Promise<void>,
  ): Operation => {
    const start = values.slice();
    const run = async (): Promise<number> => {
      values.set(start);
      await sort(values);
      return values[0]!;
    };
    return {
      run,
      async answer() {
        await run();
        return Array.from({ length: 1000 }, (_, i) => values[i * 1000]);
      },
      ...(close === undefined ? {} : { close }),
    };
  };
  const values = (seed: number): Float64Array<ArrayBuffer> => Float64Array.from(seededFloats(length, seed));
  return {
    ...parallelCase('sort 1e6', length, '', 1),
    params: { length, type: 'f64' },
    guide: null,
    tier: 'plain',
    variants: {
      naive: { kind: 'naive', setup: ({ seed }) => operation(values(seed), (array) => array.sort()) },
      ours: {
        kind: 'ours',
        async setup({ seed }) {
          const { createParallel } = await import('@hotpath/cpu/parallel');
          const { adopt } = await import('@hotpath/memory');
          const parallel = createParallel();
          return operation(
            adopt<'f64'>(values(seed)),
            (array) => parallel.sort(array),
            () => parallel.close(),
          );
        },
      },
    },
  };
}

const cases: readonly Case[] = [
  skewedCase(),
  plainCase(),
  sortCase(),
  parallelCase('1K', 1000, '10 ms → 2 ms (5×)', 5),
  parallelCase('10K', 10_000, '100 ms → 15 ms (6.7×)', 6.7),
  parallelCase('100K', 100_000, '1000 ms → 140 ms (7.1×)', 7.1),
];

export default cases;
