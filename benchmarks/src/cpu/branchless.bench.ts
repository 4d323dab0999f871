/** C4: how many of random integers are above 0. The branchy loop guesses wrong for every other one. */

import type { Case, CaseContext, Operation } from '../harness/case.ts';

const LENGTH = 100_000;

function integers({ seed }: CaseContext): Int32Array<ArrayBuffer> {
  const values = new Int32Array(LENGTH);
  let state = seed | 0;
  for (let i = 0; i < LENGTH; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    // The low bits of this generator alternate; the high ones do not.
    values[i] = state ^ (state << 7);
  }
  return values;
}

const counted = (run: () => number): Operation => ({ run, answer: run });

const cases: readonly Case[] = [
  {
    id: 'C4',
    case: 'countPositive 1e5',
    package: 'cpu',
    tier: 'guide',
    params: { length: LENGTH, type: 'i32' },
    guide: null,
    async: false,
    variants: {
      naive: {
        kind: 'naive',
        setup(context) {
          const values = integers(context);
          return counted(() => {
            let count = 0;
            for (let i = 0; i < values.length; i++) if (values[i]! > 0) count++;
            return count;
          });
        },
      },
      ours: {
        kind: 'ours',
        async setup(context) {
          const { countPositive } = await import('@hotpath/cpu/kernels');
          const { adopt } = await import('@hotpath/memory');
          const values = adopt<'i32'>(integers(context));
          return counted(() => countPositive(values));
        },
      },
      'ours:scalar': {
        kind: 'ours',
        async setup(context) {
          const { countPositive } = await import('@hotpath/cpu/kernels');
          // Outside the heap: the branchless loop of JavaScript.
          const values = integers(context);
          return counted(() => countPositive(values));
        },
      },
    },
  },
];

export default cases;
