import fc from 'fast-check';
import { expect, test } from 'vitest';
import { median, medianInterval, slopeInterval } from '../dist/heap/statistics.js';

const readings = fc.array(fc.integer({ min: -1e9, max: 1e9 }), { minLength: 3, maxLength: 60 });

test('the median splits the readings in half, and its interval holds it', () => {
  fc.assert(
    fc.property(readings, (values) => {
      const { value, low, high } = medianInterval(values);
      expect(median(values)).toBe(value);
      const atMost = values.filter((reading) => reading <= value).length;
      const atLeast = values.filter((reading) => reading >= value).length;
      expect(Math.min(atMost, atLeast)).toBeGreaterThanOrEqual(values.length / 2);
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
    }),
  );
});

test('a line is read with its slope, whatever a fifth of the readings say', () => {
  const wild = fc.record({
    slope: fc.integer({ min: -1000, max: 1000 }),
    count: fc.integer({ min: 10, max: 40 }),
    outliers: fc.array(fc.record({ at: fc.nat(39), by: fc.integer({ min: -1e9, max: 1e9 }) }), {
      maxLength: 2,
    }),
  });
  fc.assert(
    fc.property(wild, ({ slope, count, outliers }) => {
      const x = Array.from({ length: count }, (_, at) => at * 100);
      const y = x.map((at) => 5000 + slope * at);
      for (const { at, by } of outliers) y[at % count]! += by;
      const read = slopeInterval(x, y);
      expect(read.value).toBe(slope);
      expect(read.low).toBeLessThanOrEqual(slope);
      expect(read.high).toBeGreaterThanOrEqual(slope);
    }),
  );
});

test('intervals hold the truth about 95 times in 100', () => {
  let seed = 12_345;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const noise = (): number => random() + random() + random() - 1.5;
  const TRIALS = 1000;
  let medians = 0;
  let slopes = 0;
  for (let trial = 0; trial < TRIALS; trial++) {
    const middle = medianInterval(Array.from({ length: 15 }, noise));
    if (middle.low <= 0 && middle.high >= 0) medians++;
    const x = Array.from({ length: 12 }, (_, at) => at);
    const slope = slopeInterval(
      x,
      x.map((at) => 3 * at + noise()),
    );
    if (slope.low <= 3 && slope.high >= 3) slopes++;
  }
  expect(medians / TRIALS).toBeGreaterThan(0.93);
  expect(slopes / TRIALS).toBeGreaterThan(0.93);
  expect(slopes / TRIALS).toBeLessThan(0.995);
});
