/**
 * B3: whether what is measured is what was allocated, and what is left behind what was kept. The truth is known: objects
 * of 56 bytes, four fields behind three words of header. A measurement is how close it
 * comes: measured over true or true over measured, whichever is less; 1.00 is right. The naive variants are what a newcomer writes: `heapUsed` before and after.
 */

import type { Case, CaseContext, Findings, Operation, VariantKind } from '../harness/case.ts';

const OBJECT_BYTES = 56;
const CALLS = 1_000_000;
/** One call in so many keeps its object, in a list that was reserved. */
const KEPT_IN = 20;
const LEAKED_BYTES = OBJECT_BYTES / KEPT_IN;
/** Less than this share was not seen at all: negative growth, too, which no ratio can be made of. */
const LEAST_SHARE = 1e-3;

class Point {
  readonly x: number;
  readonly y = 2;
  readonly z = 3;
  readonly t = 4;

  constructor(x: number) {
    this.x = x;
  }
}

type Measure = (operation: () => unknown) => Promise<number> | number;

function variant(
  kind: VariantKind,
  open: () => Promise<Measure> | Measure,
  makeOperation: () => () => unknown,
  truthBytes: number,
  unit: string,
): { kind: VariantKind; setup: (context: CaseContext) => Promise<Operation> } {
  return {
    kind,
    setup: async ({ quick }) => {
      const measure = await open();
      const shares: number[] = [];
      return {
        run: async () => {
          for (let left = quick ? 2 : 10; left > 0; left--) {
            const share = Math.max(LEAST_SHARE, (await measure(makeOperation())) / truthBytes);
            shares.push(Math.min(share, 1 / share));
          }
        },
        answer: () => truthBytes,
        findings: (): Findings => ({
          measurements: shares.splice(0).map((value) => ({ metric: 'rate', unit, value, better: 'more' })),
        }),
      };
    },
  };
}

function heapUsedAround(operation: () => unknown): number {
  const before = process.memoryUsage().heapUsed;
  let last: unknown;
  for (let left = CALLS; left > 0; left--) last = operation();
  const grown = process.memoryUsage().heapUsed - before;
  return last === undefined ? 0 : grown / CALLS;
}

const allocating = (): (() => unknown) => () => new Point(1);

/** Keeps one object in twenty in a list that it holds itself: the list goes with the operation. */
function leaking(): () => unknown {
  // Reserved, so that the list does not grow in jumps of its own.
  const kept = new Array<unknown>(2_000_000).fill(undefined);
  let calls = 0;
  return () => {
    const point = new Point(calls++);
    if (calls % KEPT_IN === 0) kept[(calls / KEPT_IN) % kept.length] = point;
    return point;
  };
}

const SEEN = 'closeness to the bytes allocated';
const LEAKED = 'closeness to the bytes leaked';

const shared = {
  id: 'B3',
  package: 'profile',
  tier: 'guide',
  guide: null,
  async: true,
  experiment: true,
} as const;

const cases: readonly Case[] = [
  {
    ...shared,
    case: 'bytes a call',
    params: { objectBytes: OBJECT_BYTES, naiveCalls: CALLS },
    processes: 1,
    variants: {
      naive: variant('naive', () => heapUsedAround, allocating, OBJECT_BYTES, SEEN),
      ours: variant(
        'ours',
        async () => {
          const { bytesPerOp } = await import('@hotpath/profile');
          return async (operation) => (await bytesPerOp(operation)).bytes;
        },
        allocating,
        OBJECT_BYTES,
        SEEN,
      ),
      'ours:allocations': variant(
        'ours',
        async () => {
          const { allocations } = await import('@hotpath/profile');
          return async (operation) => (await allocations(() => repeat(operation))).bytes / REPEATS;
        },
        allocating,
        OBJECT_BYTES,
        SEEN,
      ),
    },
  },
  {
    ...shared,
    case: 'a leak of one object in twenty',
    params: { objectBytes: OBJECT_BYTES, keptIn: KEPT_IN, naiveCalls: CALLS },
    processes: 1,
    variants: {
      naive: variant('naive', () => heapUsedAround, leaking, LEAKED_BYTES, LEAKED),
      ours: variant(
        'ours',
        async () => {
          const { leakCheck } = await import('@hotpath/profile');
          return async (operation) => {
            const { verdict, bytesPerIteration } = await leakCheck(operation, { iterations: 20_000 });
            return verdict === 'leak' ? bytesPerIteration : 0;
          };
        },
        leaking,
        LEAKED_BYTES,
        LEAKED,
      ),
    },
  },
];

const REPEATS = 100_000;

function repeat(operation: () => unknown): unknown {
  let last: unknown;
  for (let left = REPEATS; left > 0; left--) last = operation();
  return last;
}

export default cases;
