import { describe, expect, test } from 'vitest';
import { keptBackMs, shareOf, weightOf } from '../../dist/harness/budget.js';
import { ALL, FULL, QUICK } from '../../dist/harness/plan.js';

describe('the time of a run', () => {
  test('is shared out by variants, and a case that ends early leaves its time to the others', () => {
    // 100 cases of 4 variants: 500 ms a variant.
    expect(shareOf(QUICK, 4, 400, 200_000)).toBe(2000);
    // The first ended at once.
    expect(shareOf(QUICK, 4, 396, 200_000)).toBeGreaterThan(2000);
  });

  test('is no more than a case can use, however few cases there are', () => {
    expect(shareOf(QUICK, 2, 2, QUICK.totalMs)).toBe(2 * QUICK.mostMs);
    expect(shareOf(ALL, 2, 2000, ALL.totalMs)).toBe(2 * FULL.mostMs);
  });

  test('leaves every case the least it needs when others took it all', () => {
    expect(shareOf(FULL, 3, 300, -5000)).toBe(3 * FULL.leastMs);
  });

  test('is met by 120 cases of four variants when each takes its share', () => {
    for (const tempo of [QUICK, FULL]) {
      let left = tempo.totalMs;
      for (let weight = 480; weight > 0; weight -= 4) left -= shareOf(tempo, 4, weight, left);
      expect(left).toBeGreaterThanOrEqual(-1);
    }
  });

  test('weighs a case by its variants and its share', () => {
    const variant = { kind: 'ours', setup: () => ({ run: () => 1, answer: () => 1 }) } as const;
    const variants = { ours: variant, naive: { ...variant, kind: 'naive' } } as const;
    expect(weightOf({ variants })).toBe(2);
    expect(weightOf({ variants, share: 0.25 })).toBe(0.5);
  });

  test('is kept back for a case whose length is its own, and such a case takes it whole', () => {
    const fixed = { variants: {}, fixedMs: { quick: 3000, plain: 60_000 } };
    expect(keptBackMs(fixed, true)).toBe(3000);
    expect(keptBackMs(fixed, false)).toBe(60_000);
    expect(keptBackMs({}, false)).toBe(0);
    expect(weightOf(fixed)).toBe(0);
    expect(shareOf(QUICK, weightOf(fixed), 0, -5000)).toBe(Infinity);
  });
});
