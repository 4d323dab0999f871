import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DelayHistogram } from '../dist/monitor/delay-histogram.js';

const QUANTILES = [0, 0.01, 0.5, 0.9, 0.99, 0.999, 1];
const GREATEST_US = 2 ** 36 - 1;
const WORST_ERROR = 1 / 64;

const duration = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  fc.integer({ min: 2 ** 31 - 5, max: 2 ** 31 + 5 }),
  fc.integer({ min: 0, max: GREATEST_US }),
  fc.integer({ min: 0, max: 35 }).map((power) => 2 ** power),
  fc.integer({ min: 1, max: 36 }).map((power) => 2 ** power - 1),
);

test('quantiles agree with a sorted list within 1/64, count, mean and maximum exactly', () => {
  const program = fc.array(fc.tuple(duration, fc.integer({ min: 1, max: 5 })), {
    minLength: 1,
    maxLength: 200,
  });
  fc.assert(
    fc.property(program, (records) => {
      const histogram = new DelayHistogram();
      for (const [value, times] of records) histogram.record(value, times);
      const sorted = records
        .flatMap(([value, times]) => Array<number>(times).fill(value))
        .sort((a, b) => a - b);
      expect(histogram.count).toBe(sorted.length);
      expect(histogram.maxUs).toBe(sorted.at(-1));
      const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
      expect(Math.abs(histogram.meanUs - mean)).toBeLessThanOrEqual(1e-9 * mean);
      expect(histogram.minUs).toBe(sorted[0]);
      const variance = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / sorted.length;
      // Of squares that nearly cancel, some of 53 bits are lost.
      expect(Math.abs(histogram.stddevUs - Math.sqrt(variance))).toBeLessThanOrEqual(
        1e-6 * (1 + histogram.maxUs),
      );
      let before = 0;
      for (const p of QUANTILES) {
        const exact = sorted[Math.max(1, Math.ceil(p * sorted.length)) - 1]!;
        const read = histogram.quantileUs(p);
        expect(Math.abs(read - exact)).toBeLessThanOrEqual(exact * WORST_ERROR);
        expect(read).toBeGreaterThanOrEqual(before);
        before = read;
      }
    }),
  );
});

test('what is out of range is counted at the ends', () => {
  const histogram = new DelayHistogram();
  histogram.record(-5);
  histogram.record(2 ** 50);
  expect([histogram.count, histogram.quantileUs(0.5), histogram.maxUs]).toEqual([2, 0, GREATEST_US]);
});

test('empty, it reads 0, also after clear()', () => {
  const histogram = new DelayHistogram();
  const read = (): number[] => [
    histogram.count,
    histogram.meanUs,
    histogram.minUs,
    histogram.maxUs,
    histogram.stddevUs,
    histogram.quantileUs(0.99),
  ];
  expect(read()).toEqual([0, 0, 0, 0, 0, 0]);
  histogram.record(1e6);
  histogram.clear();
  expect(read()).toEqual([0, 0, 0, 0, 0, 0]);
});
