/** C1: how near an addition of vectors far beyond the caches comes to what the memory gives. */

import type { Case, Findings, Variant } from '../harness/case.ts';
import { kernelCase } from './kernel-case.ts';
import { compileTriad, compilerMissing } from './peers/c-triad.ts';

/**
 * The addition at memory's speed against a C loop built for this machine. Both are measured inside: one thread, the same vectors
 * one behind the other, every page written before, the median of equally many rounds.
 */
function limit(length: number): Case {
  const ROUNDS = 15;
  const finding = (value: number): Findings => ({
    measurements: [{ metric: 'time', unit: 'ns an addition of 1e7', value, better: 'less' }],
  });
  const triad = (isHuge: boolean): Variant => ({
    kind: 'floor',
    skip: compilerMissing,
    setup({ scratch }) {
      const measure = compileTriad(scratch, length, isHuge);
      let median = 0;
      return { run: () => (median = measure(ROUNDS)), answer: () => 0, findings: () => finding(median) };
    },
  });
  return {
    ...kernelCase('add 1e7 limit', length, 0, {}),
    params: { length, type: 'f32', vectors: 3, vectorMB: (length * 4) / 1e6, rounds: ROUNDS },
    experiment: true,
    variants: {
      ours: {
        kind: 'ours',
        async setup() {
          const { add } = await import('@hotpath/cpu/kernels');
          const { allocate } = await import('@hotpath/memory');
          const [a, b, out] = ['a', 'b', 'out'].map(() => allocate('f32', length).fill(1));
          let median = 0;
          return {
            run() {
              const times = Array.from({ length: ROUNDS }, () => {
                const started = performance.now();
                add(a!, b!, out!);
                return performance.now() - started;
              });
              median = times.toSorted((x, y) => x - y)[ROUNDS >> 1]! * 1e6;
              return median;
            },
            answer: () => 0,
            findings: () => finding(median),
          };
        },
      },
      'floor:c': triad(false),
      'floor:c, huge pages': triad(true),
    },
  };
}

const cases: readonly Case[] = [limit(10_000_000)];

export default cases;
