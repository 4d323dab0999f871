/**
 * B1: Fibonacci's numbers by the recursive definition, 21,891 calls for the twentieth, and by adding upwards, 20
 * additions. The gain is the algorithm's alone; the case also shows that the harness can read tens of nanoseconds.
 */

import type { Case, Operation } from '../harness/case.ts';

const N = 20;

function recursive(n: number): number {
  return n < 2 ? n : recursive(n - 1) + recursive(n - 2);
}

function iterative(n: number): number {
  let before = 0;
  let current = 1;
  for (let left = n; left > 0; left--) {
    const next = before + current;
    before = current;
    current = next;
  }
  return before;
}

function operation(fib: (n: number) => number): Operation {
  // Out of an object, so that no compiler may take the answer for a constant.
  const input = { n: N };
  return { run: () => fib(input.n), answer: () => Array.from({ length: N + 1 }, (_, n) => fib(n)) };
}

const cases: readonly Case[] = [
  {
    id: 'B1',
    case: 'fib(20)',
    package: 'benchmarks',
    tier: 'guide',
    params: { n: N },
    guide: { text: '26.5 µs → 45.4 ns (583×)', ratio: 583, basis: 'ratio' },
    async: false,
    variants: {
      naive: { kind: 'naive', setup: () => operation(recursive) },
      ours: { kind: 'ours', setup: () => operation(iterative) },
    },
  },
];

export default cases;
