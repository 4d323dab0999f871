import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judge } from '../dist/heap/leak-verdict.js';

const ITERATIONS = 1000;
const TOLERANCE_BYTES = 1;

/** Readings of so many rounds; noise is a few kilobytes at most, as measured. */
function readings(rounds: number, heldAfter: (round: number) => number, noise: readonly number[]): number[] {
  return Array.from({ length: rounds }, (_, round) => 5e6 + heldAfter(round) + noise[round % noise.length]!);
}

const noise = fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 48, maxLength: 48 });

test('steady growth is never taken for none', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 10_000 }),
      fc.constantFrom(12, 24, 48),
      noise,
      (slope, rounds, noise) => {
        const { verdict } = judge(
          readings(rounds, (round) => slope * ITERATIONS * round, noise),
          ITERATIONS,
          TOLERANCE_BYTES,
        );
        expect(verdict).not.toBe('no leak');
        // Five times the tolerance and above the noise it is always told.
        if (slope >= 5) expect(verdict).toBe('leak');
      },
    ),
  );
});

test('growth that ended before the later half is never accused', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 10_000 }),
      fc.integer({ min: 1, max: 6 }),
      noise,
      (slope, full, noise) => {
        const { verdict } = judge(
          readings(12, (round) => slope * ITERATIONS * Math.min(round, full), noise),
          ITERATIONS,
          TOLERANCE_BYTES,
        );
        expect(verdict).not.toBe('leak');
      },
    ),
  );
});

test('growth that slows down is left open until it has ended', () => {
  const saturating = (round: number): number => 1e6 * (1 - Math.exp(-round / 4));
  expect(judge(readings(12, saturating, [0]), ITERATIONS, TOLERANCE_BYTES).verdict).toBe('inconclusive');
  expect(judge(readings(48, saturating, [0]), ITERATIONS, TOLERANCE_BYTES).verdict).toBe('no leak');
});

test('one wild reading changes no verdict', () => {
  for (const at of [0, 3, 6, 9, 11]) {
    const wild = (slope: number): number[] =>
      readings(12, (round) => slope * ITERATIONS * round + (round === at ? 4e5 : 0), [0]);
    expect(judge(wild(20), ITERATIONS, TOLERANCE_BYTES).verdict).not.toBe('no leak');
    expect(judge(wild(0), ITERATIONS, TOLERANCE_BYTES).verdict).not.toBe('leak');
  }
});
