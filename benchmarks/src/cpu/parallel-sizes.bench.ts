/**
 * C2: the parallel map at sizes where no thread can win, with a function of a cycle and with one of 4 µs. What is to be seen is that the
 * call then costs its promise and its checks, half a microsecond, and nothing else. The naive variant is the serial loop, awaited.
 */

import type { Case, Operation } from '../harness/case.ts';
import { cheap, cheapReading, type Reading } from '../workloads/crunch.ts';
import type { CrunchMap } from './crunch-map.ts';
import { parallelMap, serialFunction, serialMap } from './crunch-map.ts';

/** What all of these cases are. */
const SIZES = { id: 'C2', package: 'cpu', guide: null, async: true, share: 0.3 } as const;

function sizeCase(name: CrunchMap['name'], size: string): Case {
  const length = Number(size);
  const map: CrunchMap = {
    length,
    name,
    answerOf: (output) => [output[0], output[length >> 1], output[length - 1]],
  };
  const isTiny = length < (name === 'cheap' ? 10_000 : 100);
  return {
    ...SIZES,
    case: `map ${name} ${size}`,
    tier: name === 'cheap' ? 'peers' : 'plain',
    params: { length },
    ...(isTiny ? { limit: 'A call is a promise and checks: 0.5 to 0.8 µs, whatever it computes.' } : {}),
    variants: {
      naive: serialMap(map),
      ...(name === 'cheap' && length >= 100_000 ? { 'naive:function': serialFunction(map) } : {}),
      ours: parallelMap(map),
    },
  };
}

/** A plain array, which threads cannot share: they would be sent clones, and the question is whether ours knows better. */
function plainCase<I>(name: string, size: string, task: (item: I) => number, itemOf: (i: number) => I): Case {
  const length = Number(size);
  const answerOf = (output: readonly number[]): readonly unknown[] => [
    output[0],
    output[length >> 1],
    output[length - 1],
  ];
  const operation = (map: () => Promise<number[]>, close?: () => Promise<void>): Operation => ({
    run: map,
    answer: async () => answerOf(await map()),
    ...(close === undefined ? {} : { close }),
  });
  return {
    ...SIZES,
    case: `map plain ${name} ${size}`,
    tier: 'plain',
    params: { length },
    variants: {
      naive: {
        kind: 'naive',
        setup() {
          const items = Array.from({ length }, (_, i) => itemOf(i));
          return operation(async () => {
            const output = new Array<number>(length);
            for (let i = 0; i < length; i++) output[i] = task(items[i]!);
            return output;
          });
        },
      },
      ours: {
        kind: 'ours',
        async setup() {
          const { createParallel, moduleTask } = await import('@hotpath/cpu/parallel');
          const items = Array.from({ length }, (_, i) => itemOf(i));
          const parallel = createParallel();
          const loaded = await moduleTask<I, number>({
            module: new URL('../workloads/crunch.js', import.meta.url),
            export: task.name,
          });
          return operation(
            () => parallel.map(items, loaded),
            () => parallel.close(),
          );
        },
      },
    },
  };
}

const readingOf = (i: number): Reading => ({ id: i, name: `sensor ${i % 100}`, value: i });

// Crunch of 1K and more have cases of their own (parallel.bench.ts).
const cases: readonly Case[] = [
  ...['1', '10', '100', '1e3', '1e4', '1e5', '1e6', '1e7'].map((size) => sizeCase('cheap', size)),
  ...['1', '10', '100'].map((size) => sizeCase('crunch', size)),
  ...['1e3', '1e6'].map((size) => plainCase('numbers', size, cheap, (i) => i)),
  plainCase('objects', '1e5', cheapReading, readingOf),
];

export default cases;
