/** S1: cases whose answer is known. They measure the harness, and belong to no row of the guide. */

import type { Case, Operation } from '../harness/case.ts';
import { DIVIDED_SLOTS, MASKED_SLOTS, ringReader } from './ring.ts';
import type { Wrap } from './ring.ts';

/** Steps of the two sides of the pair that is 1.815× by construction. */
const FEWER_STEPS = 2000;
const MORE_STEPS = 3630;

function ring(wrap: Wrap): Operation {
  return { run: ringReader(wrap), answer: () => [ringReader(wrap)(), ringReader(wrap)()] };
}

/** A chain in which every step needs the one before: nothing can be skipped, reordered or run side by side. */
function chain(steps: number): Operation {
  let x = 1;
  const run = (): number => {
    for (let i = 0; i < steps; i++) x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
    return x;
  };
  return { run, answer: () => 0 };
}

function hypotenuse(): Operation {
  let x = 1;
  const run = (): number => {
    x = x > 1e6 ? 1 : x + 1;
    return Math.sqrt(x * x + 1);
  };
  const answer = (): number => Math.sqrt(2);
  return { run, answer };
}

const CONTROL = { id: 'S1', package: 'benchmarks', tier: 'all', guide: null, async: false } as const;

const cases: readonly Case[] = [
  {
    ...CONTROL,
    case: 'control A/A',
    params: {},
    variants: {
      naive: { kind: 'naive', setup: () => hypotenuse() },
      ours: { kind: 'ours', setup: () => hypotenuse() },
    },
  },
  {
    ...CONTROL,
    case: 'control 1.815',
    params: { fewerSteps: FEWER_STEPS, moreSteps: MORE_STEPS },
    variants: {
      naive: { kind: 'naive', setup: () => chain(MORE_STEPS) },
      ours: { kind: 'ours', setup: () => chain(FEWER_STEPS) },
    },
  },
  {
    ...CONTROL,
    case: 'control ring mask/modulo',
    params: { maskedSlots: MASKED_SLOTS, dividedSlots: DIVIDED_SLOTS },
    variants: {
      naive: { kind: 'naive', setup: () => ring('modulo') },
      ours: { kind: 'ours', setup: () => ring('mask') },
    },
  },
];

export default cases;
