/**
 * C2: the parallel map at sizes where no thread can win, with a function of a cycle and with one of 4 µs. What is to be seen is that the
 * call then costs its promise and its checks, a microsecond, and nothing else. The naive variant is the serial loop, awaited.
 */

import type { Case } from '../harness/case.ts';
import { cheap, crunch, crunchInput } from '../workloads/crunch.ts';

const FUNCTIONS = { cheap, crunch };

function sizeCase(name: keyof typeof FUNCTIONS, size: string): Case {
  const length = Number(size);
  const isTiny = length < (name === 'cheap' ? 10_000 : 100);
  return {
    id: 'C2',
    case: `map ${name} ${size}`,
    package: 'cpu',
    tier: 'peers',
    params: { length },
    guide: null,
    async: true,
    share: 0.3,
    ...(isTiny
      ? { limit: 'A call is a promise, checks and a claim: 1 to 1.5 µs, whatever it computes.' }
      : {}),
    variants: {
      naive: {
        kind: 'naive',
        setup() {
          const input = crunchInput(length);
          const output = new Int32Array(length);
          const fn = FUNCTIONS[name];
          const run = async (): Promise<number> => {
            for (let i = 0; i < length; i++) output[i] = fn(input[i]!);
            return output[length - 1]!;
          };
          return {
            run,
            async answer() {
              await run();
              return [output[0], output[length >> 1], output[length - 1]];
            },
          };
        },
      },
      ours: {
        kind: 'ours',
        async setup() {
          const { createParallel, moduleTask } = await import('@hotpath/cpu/parallel');
          const { adopt, allocate } = await import('@hotpath/memory');
          const input = adopt<'i32'>(crunchInput(length));
          const output = allocate('i32', length);
          const parallel = createParallel();
          const task = await moduleTask<number, number>({
            module: new URL('../workloads/crunch.js', import.meta.url),
            export: name,
          });
          const run = async (): Promise<number> => {
            await parallel.mapInto(input, output, task);
            return output[length - 1]!;
          };
          return {
            run,
            async answer() {
              output.fill(-1);
              await run();
              return [output[0], output[length >> 1], output[length - 1]];
            },
            close: () => parallel.close(),
          };
        },
      },
    },
  };
}

// Crunch of 1K and more have cases of their own (parallel.bench.ts).
const cases: readonly Case[] = [
  ...['1', '10', '100', '1e3', '1e4', '1e5', '1e6'].map((size) => sizeCase('cheap', size)),
  ...['1', '10', '100'].map((size) => sizeCase('crunch', size)),
];

export default cases;
