/**
 * C2: a kernel over all cores against the kernel itself. Below some milliseconds no thread can win, and what is seen is what it costs
 * to find that out: a promise and the checks, 1 to 2 µs. The naive variant is the kernel in one thread.
 */

import type { Case, Operation } from '../harness/case.ts';
import { threadsUp } from './threads-up.ts';

type Name = 'add' | 'sqrt';

interface Vectors {
  readonly inputs: readonly Float32Array[];
  readonly out: Float32Array;
}

async function take(name: Name, length: number): Promise<Vectors> {
  const { allocate } = await import('@hotpath/memory');
  const [a, b, out] = [allocate('f32', length), allocate('f32', length), allocate('f32', length)];
  for (let i = 0; i < length; i++) {
    a[i] = i % 1021;
    b[i] = i % 509;
  }
  return { inputs: name === 'add' ? [a, b] : [a], out };
}

function operation(
  { out }: Vectors,
  compute: () => Promise<unknown>,
  close?: () => Promise<void>,
): Operation {
  const run = async (): Promise<number> => {
    await compute();
    return out[1]!;
  };
  return {
    run,
    async answer() {
      out.fill(-1);
      await run();
      return Array.from({ length: 1000 }, (_, i) => out[Math.floor((i * (out.length - 1)) / 999)]);
    },
    ...(close === undefined ? {} : { close }),
  };
}

function kernelCase(name: Name, size: string): Case {
  const length = Number(size);
  return {
    id: 'C2',
    case: `kernel ${name} ${size}`,
    package: 'cpu',
    tier: 'plain',
    params: { length, type: 'f32' },
    guide: null,
    async: true,
    variants: {
      naive: {
        kind: 'naive',
        async setup() {
          const { add, sqrt } = await import('@hotpath/cpu/kernels');
          const vectors = await take(name, length);
          const { inputs, out } = vectors;
          return operation(vectors, async () =>
            name === 'add' ? add(inputs[0]!, inputs[1]!, out) : sqrt(inputs[0]!, out),
          );
        },
      },
      ours: {
        kind: 'ours',
        async setup() {
          const { createParallel } = await import('@hotpath/cpu/parallel');
          const parallel = createParallel();
          const vectors = await take(name, length);
          const { inputs, out } = vectors;
          const compute = (): Promise<unknown> =>
            name === 'add'
              ? parallel.kernel('add', [inputs[0]!, inputs[1]!, out])
              : parallel.kernel('sqrt', [inputs[0]!, out]);
          await threadsUp(compute);
          return operation(vectors, compute, () => parallel.close());
        },
      },
    },
  };
}

const cases: readonly Case[] = [
  kernelCase('add', '1e4'),
  kernelCase('add', '1e6'),
  kernelCase('add', '1e7'),
  kernelCase('sqrt', '1e7'),
];

export default cases;
