import { describe, expect, test } from 'vitest';
import { FULL, QUICK, orderOfRound, planCase } from '../../dist/harness/plan.js';

describe('plan', () => {
  test('a fast operation gets every process and round', () => {
    expect(planCase(FULL, 20_000, 500, 40)).toEqual({ groups: FULL.groups, rounds: FULL.rounds });
  });

  test('a slower one loses rounds while enough are left, then processes', () => {
    const fewer = planCase(FULL, 20_000, 500, 250);
    expect(fewer.groups).toBe(FULL.groups);
    expect(fewer.rounds).toBeLessThan(FULL.rounds);
    expect(fewer.rounds).toBeGreaterThanOrEqual(FULL.enoughRounds);
    const slower = planCase(FULL, 20_000, 500, 600);
    expect(slower.groups).toBeLessThan(FULL.groups);
    expect(slower.groups).toBeGreaterThanOrEqual(3);
  });

  test('three processes of few rounds come before one of many', () => {
    expect(planCase(FULL, 20_000, 500, 1500)).toEqual({ groups: 3, rounds: 4 });
  });

  test('one that takes seconds gets one process and the fewest rounds, whatever the budget', () => {
    expect(planCase(QUICK, 2500, 12_000, 7000)).toEqual({ groups: 1, rounds: QUICK.fewestRounds });
  });

  test('what is planned fits the budget whenever the fewest rounds in one process do', () => {
    for (const roundMs of [1, 10, 100, 400, 1000, 3000]) {
      for (const startMs of [100, 600, 2000]) {
        const { groups, rounds } = planCase(FULL, 20_000, startMs, roundMs);
        expect(groups * (startMs + rounds * roundMs)).toBeLessThanOrEqual(20_000);
      }
    }
  });
});

describe('order of a round', () => {
  test('neighbouring rounds run forth and back', () => {
    expect(orderOfRound(['a', 'b'], 0)).toEqual(['a', 'b']);
    expect(orderOfRound(['a', 'b'], 1)).toEqual(['b', 'a']);
  });

  test('over enough rounds every variant stands in every place equally often', () => {
    const items = ['a', 'b', 'c'];
    const places = new Map<string, number>();
    for (let round = 0; round < 6; round++) {
      for (const [place, item] of orderOfRound(items, round).entries()) {
        places.set(`${item}${place}`, (places.get(`${item}${place}`) ?? 0) + 1);
      }
    }
    expect([...places.values()]).toEqual(Array.from({ length: 9 }, () => 2));
  });
});
