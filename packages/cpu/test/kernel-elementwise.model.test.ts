/**
 * Every elementwise kernel against a naive oracle, on the SIMD path, with SIMD off, and on arrays outside the heap: all
 * lengths up to four turns of the loop and a tail, every misalignment, special values, and random ones.
 */

import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';

import { redecide } from '../dist/kernels/instance.js';
import {
  ARRAYS,
  ELEMENTWISE,
  freeNow,
  inHeap,
  KINDS,
  lengthsOf,
  make,
  PATHS,
  prepare,
  specialPairs,
  vector,
} from './kernel-oracles.ts';
import type { Kind, Vector } from './kernel-oracles.ts';

afterEach(() => {
  freeNow();
  redecide();
});

describe.each(PATHS)('$path', ({ path, place, simd }) => {
  describe.each(Object.entries(ELEMENTWISE))(
    '%s',
    (name, { inputs, numbers = 0, floatsOnly, oracle, run }) => {
      const check = (kind: Kind, sources: Vector[], misalignments: number[], values: number[]): void => {
        const expected = new ARRAYS[kind](sources[0]!.length);
        for (let i = 0; i < expected.length; i++) {
          expected[i] = oracle(kind, ...sources.map((source) => source[i]!), ...values);
        }
        const placed = sources.map((source, k) => place(kind, source, misalignments[k]));
        const out = place(kind, new Array<number>(expected.length).fill(0), misalignments[3]);
        expect([...run(placed, values, out)], `${name} ${kind} of ${expected.length}`).toEqual([...expected]);
        freeNow();
      };
      const kinds = KINDS.filter((kind) => !floatsOnly || kind !== 'i32');
      const values = (kind: Kind): number[] => (numbers === 0 ? [] : [kind === 'i32' ? -65_539 : 0.3]);

      test('equals the oracle at every length, misalignment and pair of special values', () => {
        prepare(simd);
        for (const kind of kinds) {
          for (const n of lengthsOf(path, kind)) {
            check(
              kind,
              [1, 2, 3].slice(0, inputs).map((seed) => vector(kind, n, seed)),
              [0, 0, 0, 0],
              values(kind),
            );
          }
          for (let m = 0; m < 16; m++) {
            check(
              kind,
              [1, 2, 3].slice(0, inputs).map((seed) => vector(kind, 41, seed)),
              [m, (m * 3) % 16, (m * 5) % 16, (m * 7) % 16],
              values(kind),
            );
          }
          const [a, b] = specialPairs(kind);
          check(kind, [a, b, a].slice(0, inputs), [0, 1, 0, 3], values(kind));
        }
      });

      test('in place, into a tail, and into a front equals what copies would give', () => {
        prepare(simd);
        for (const kind of kinds) {
          const n = 77;
          for (const shift of [0, 1, 3, 5, 20]) {
            for (const outAt of [0, 20]) {
              const whole = place(kind, vector(kind, n + 40, 1));
              const rest = [2, 3].map((seed) => vector(kind, n, seed));
              const a = whole.subarray(
                outAt === 0 ? shift : 20 - Math.min(shift, 20),
                (outAt === 0 ? shift : 20 - Math.min(shift, 20)) + n,
              );
              const out = whole.subarray(outAt, outAt + n);
              const sources = [a.slice() as Vector, ...rest].slice(0, inputs);
              const expected = new ARRAYS[kind](n);
              if (name === 'axpy') continue;
              for (let i = 0; i < n; i++)
                expected[i] = oracle(kind, ...sources.map((s) => s[i]!), ...values(kind));
              const placed = [a, ...rest.map((r) => place(kind, r))].slice(0, inputs);
              expect([...run(placed, values(kind), out)], `${kind} shifted ${shift} ${outAt}`).toEqual([
                ...expected,
              ]);
              freeNow();
            }
          }
        }
      });
    },
  );
});

describe('random values', () => {
  const element: Readonly<Record<Kind, fc.Arbitrary<number>>> = {
    f32: fc.float(),
    f64: fc.double(),
    i32: fc.integer(),
  };
  test.each(KINDS)('of %s: every elementwise kernel equals its oracle at any misalignment', (kind) => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          ...Object.entries(ELEMENTWISE).filter(([, e]) => kind !== 'i32' || e.floatsOnly !== true),
        ),
        fc.array(fc.tuple(element[kind], element[kind], element[kind]), { maxLength: 150, size: 'max' }),
        fc.array(fc.nat(15), { minLength: 4, maxLength: 4 }),
        element[kind],
        ([name, { inputs, numbers = 0, oracle, run }], rows, shifts, number) => {
          try {
            const sources = [0, 1, 2].slice(0, inputs).map((k) =>
              make(
                kind,
                rows.map((row) => row[k]!),
              ),
            );
            const expected = new ARRAYS[kind](rows.length);
            const values = numbers === 0 ? [] : [number];
            for (let i = 0; i < rows.length; i++)
              expected[i] = oracle(kind, ...sources.map((s) => s[i]!), ...values);
            const out = run(
              sources.map((s, k) => inHeap(kind, s, shifts[k])),
              values,
              inHeap(kind, new ARRAYS[kind](rows.length), shifts[3]),
            );
            expect([...out], name).toEqual([...expected]);
          } finally {
            freeNow();
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
