import { describe, expect, test } from 'vitest';
import {
  bootstrapGeometric,
  bootstrapMean,
  looksBimodal,
  median,
  quantileSorted,
  smallSampleFactor,
} from '../../dist/harness/statistics.js';
import { createRandom } from '../../dist/workloads/random.js';

describe('median and quantiles', () => {
  test('median of an even count is the mean of the middle two, whatever the order', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([9])).toBe(9);
  });

  test('quantiles are linear between neighbours and exact at the ends', () => {
    const sorted = [10, 20, 30, 40, 50];
    expect(quantileSorted(sorted, 0)).toBe(10);
    expect(quantileSorted(sorted, 1)).toBe(50);
    expect(quantileSorted(sorted, 0.875)).toBe(45);
  });
});

describe('bootstrap', () => {
  test('the same values and seed give the same interval', () => {
    const groups = [
      [1, 2, 3],
      [2, 3, 4],
      [1, 3, 5],
    ];
    expect(bootstrapMean(groups, 5)).toEqual(bootstrapMean(groups, 5));
  });

  test('values that agree give an interval of no width', () => {
    const groups = Array.from({ length: 7 }, () => [2, 2, 2]);
    expect(bootstrapGeometric(groups)).toEqual({
      value: expect.closeTo(2, 12) as number,
      low: expect.closeTo(2, 12) as number,
      high: expect.closeTo(2, 12) as number,
    });
  });

  test('processes that differ widen the interval though every process agrees with itself', () => {
    const steady = Array.from({ length: 7 }, () => [1, 1, 1, 1]);
    const spread = [0.8, 0.9, 1, 1, 1, 1.1, 1.2].map((level) => [level, level, level, level]);
    const width = (groups: number[][]): number => bootstrapMean(groups).high - bootstrapMean(groups).low;
    expect(width(steady)).toBe(0);
    expect(width(spread)).toBeGreaterThan(0.1);
  });

  test('the interval covers the true mean about nineteen times in twenty', () => {
    const random = createRandom(11);
    const normal = (): number =>
      Math.sqrt(-2 * Math.log(random() || 1e-12)) * Math.cos(2 * Math.PI * random());
    let covered = 0;
    const runs = 60;
    for (let run = 0; run < runs; run++) {
      const groups = Array.from({ length: 7 }, () => {
        const shift = 0.05 * normal();
        return Array.from({ length: 12 }, () => Math.exp(shift + 0.03 * normal()));
      });
      const { low, high } = bootstrapGeometric(groups, run);
      if (low <= 1 && high >= 1) covered++;
    }
    expect(covered / runs).toBeGreaterThan(0.88);
  });

  test('with fewer than three processes the rounds are the units', () => {
    const { value, low, high } = bootstrapMean([[1, 2, 3, 4, 5]]);
    expect(value).toBe(3);
    expect(low).toBeLessThan(3);
    expect(high).toBeGreaterThan(3);
  });

  test('empty groups are passed over, and none at all is an error', () => {
    expect(bootstrapMean([[], [3], []]).value).toBe(3);
    expect(() => bootstrapMean([[], []])).toThrow(RangeError);
  });

  test('few processes widen by Student, many by nothing', () => {
    expect(smallSampleFactor(3)).toBeCloseTo(4.3 / 1.96, 5);
    expect(smallSampleFactor(7)).toBeCloseTo(2.45 / 1.96, 5);
    expect(smallSampleFactor(200)).toBe(1);
    expect(smallSampleFactor(1)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('two modes', () => {
  test('processes in two clusters are told from one noisy cluster', () => {
    expect(looksBimodal([10, 10.1, 10.2, 15, 15.1, 15.2, 15.3])).toBe(true);
    expect(looksBimodal([10, 10.3, 10.5, 10.9, 11.2, 11.5, 11.9])).toBe(false);
    expect(looksBimodal([10, 10.1, 10.2, 10.1, 10.2, 10.1, 30])).toBe(false);
  });
});
