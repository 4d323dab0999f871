/** S1: cases whose answer is known. They measure the harness, and belong to no row of the guide. */

import type { Case, Operation } from '../harness/case.ts';

/** A power of two, so that a mask wraps it. */
const MASKED_SLOTS = 1024;
/** No power of two: V8 would replace the remainder by a mask of its own. */
const DIVIDED_SLOTS = 1000;

/** Reads a ring buffer at a running index, wrapped by mask or by remainder. */
function ringReader(wrap: 'mask' | 'modulo'): Operation {
  const ring = Float64Array.from(
    { length: wrap === 'mask' ? MASKED_SLOTS : DIVIDED_SLOTS },
    (_, index) => index,
  );
  const slots = ring.length;
  const mask = slots - 1;
  let at = 0;
  const masked = (): number => ring[at++ & mask]!;
  const modulo = (): number => ring[at++ % slots]!;
  const run = wrap === 'mask' ? masked : modulo;
  const answer = (): number[] => {
    at = slots;
    return [run(), run(), run(), run()];
  };
  return { run, answer };
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

const cases: readonly Case[] = [
  {
    id: 'S1',
    case: 'control A/A',
    package: 'benchmarks',
    tier: 'all',
    params: {},
    guide: null,
    async: false,
    variants: {
      naive: { kind: 'naive', setup: () => hypotenuse() },
      ours: { kind: 'ours', setup: () => hypotenuse() },
    },
  },
  {
    id: 'S1',
    case: 'control ring mask/modulo',
    package: 'benchmarks',
    tier: 'all',
    params: { maskedSlots: MASKED_SLOTS, dividedSlots: DIVIDED_SLOTS },
    guide: null,
    async: false,
    variants: {
      naive: { kind: 'naive', setup: () => ringReader('modulo') },
      ours: { kind: 'ours', setup: () => ringReader('mask') },
    },
  },
];

export default cases;
