import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderComparison } from '../../dist/report/compare-terminal.js';
import { compareReports, worseRatios } from '../../dist/report/compare.js';
import type { Comparison } from '../../dist/report/compare.js';
import { widthOf } from '../../dist/report/plain-text.js';
import type { Environment, Report, Row } from '../../dist/report/record.js';
import { EMPTY, ENVIRONMENT, figure, FULL, HOSTILE, ratio, row, time } from './fixtures.ts';

function run(overrides: Partial<Row>, environment: Partial<Environment> = {}): Report {
  return { schema: 1, environment: { ...ENVIRONMENT, ...environment }, rows: [row(overrides)] };
}

function only(comparison: Comparison): Comparison['rows'][number] {
  expect(comparison.rows).toHaveLength(1);
  return comparison.rows[0]!;
}

const of = (value: number, spread: number): Partial<Row> => ({
  ratios: [ratio('ours', 'naive', value, spread)],
});

describe('a ratio between two records', () => {
  test.each<[verdict: string, base: number, now: number, spread: number]>([
    ['faster', 10, 20, 0.02],
    ['slower', 20, 10, 0.02],
    ['same', 10, 10.05, 0.01],
    ['inconclusive', 10, 10.05, 0.2],
    ['inconclusive', 10, 10.6, 0.02],
    ['inconclusive', 10, 14, 0.4],
  ])('is %s from %d to %d, ± %d', (verdict, base, now, spread) => {
    const { ratios } = only(compareReports(run(of(base, spread)), run(of(now, spread))));
    expect(ratios[0]).toMatchObject({ name: 'ours over naive', verdict, unit: '×' });
    expect(ratios[0]!.change).toBeCloseTo(now / base, 10);
  });

  test('gets its verdict whatever the machines', () => {
    const { ratios } = only(
      compareReports(run(of(10, 0.02)), run(of(20, 0.02), { cpu: 'other', node: '26.0.0' })),
    );
    expect(ratios[0]!.verdict).toBe('faster');
  });

  test('with a wider tolerance counts a small change as none', () => {
    const [base, now] = [run(of(10, 0.01)), run(of(11, 0.01))];
    expect(only(compareReports(base, now)).ratios[0]!.verdict).toBe('faster');
    expect(only(compareReports(base, now, { tolerance: 0.2 })).ratios[0]!.verdict).toBe('same');
  });

  test('is never both faster and slower, and swapping the records swaps the verdict', () => {
    const swapped: Readonly<Record<string, string>> = { faster: 'slower', slower: 'faster' };
    const value = fc.double({ min: 0.01, max: 1e5, noNaN: true });
    const spread = fc.double({ min: 0.001, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(value, value, spread, spread, (a, b, sa, sb) => {
        const [base, now] = [run(of(a, sa)), run(of(b, sb))];
        const forth = only(compareReports(base, now)).ratios[0]!;
        const back = only(compareReports(now, base)).ratios[0]!;
        expect(back.verdict).toBe(swapped[forth.verdict] ?? forth.verdict);
        expect(forth.low).toBeLessThanOrEqual(forth.change);
        expect(forth.high).toBeGreaterThanOrEqual(forth.change);
      }),
    );
  });
});

test('a gate over many ratios is not closed by what one of them does by chance', () => {
  const ofMany = (...values: number[]): Report =>
    run({ ratios: values.map((value, index) => ratio(`ours:${index}`, 'naive', value, 0.05)) });
  const others = Array.from({ length: 300 }, () => 10);
  const worse = (value: number, rest: number[]): string[] =>
    worseRatios(compareReports(ofMany(10, ...rest), ofMany(value, ...rest)));
  // By itself 8.6 of 10 is beyond doubt; among 300 such a one is to be expected.
  expect(worse(8.6, [])).toEqual(['M2 1000 × 64 KiB: ours:0 over naive']);
  expect(worse(8.6, others)).toEqual([]);
  expect(worse(7, others)).toHaveLength(1);
});

describe('an absolute figure between two records', () => {
  const times = (ns: number): Partial<Row> => ({ results: [time('ours', 'ours', ns)] });

  test('that was measured once, and so has no interval, is not judged by its change', () => {
    const once = (ns: number): Partial<Row> => ({
      results: [{ ...time('ours', 'ours', ns), low: ns, high: ns }],
    });
    expect(only(compareReports(run(once(100)), run(once(50)))).absolutes[0]!.verdict).toBe('inconclusive');
    expect(only(compareReports(run(once(100)), run(once(100)))).absolutes[0]!.verdict).toBe('same');
  });

  test('on one machine: less time is faster, a higher rate is faster', () => {
    expect(only(compareReports(run(times(100)), run(times(50)))).absolutes[0]).toMatchObject({
      verdict: 'faster',
    });
    const rate = (value: number): Partial<Row> => ({
      results: [{ ...figure('ours', 'ours', 'rate', 'op/s', value), low: value * 0.98 }],
    });
    expect(only(compareReports(run(rate(100)), run(rate(50)))).absolutes[0]).toMatchObject({
      verdict: 'slower',
    });
  });

  test.each<Partial<Environment>>([
    { cpu: 'other' },
    { cores: 8 },
    { node: '26.0.0' },
    { v8: '14' },
    { os: 'Darwin' },
    { governor: 'powersave' },
    { memoryBytes: 1 },
    { caches: '' },
  ])('gets no verdict when %j differs, and the reason names it', (environment) => {
    const comparison = compareReports(run(times(100)), run(times(50), environment));
    const field = Object.keys(environment)[0]!;
    expect(comparison.machine).toEqual([field]);
    expect(only(comparison).absolutes[0]).toMatchObject({ verdict: 'refused' });
    expect(only(comparison).absolutes[0]!.reason).toContain(field);
  });

  test('other services count only where rows use them', () => {
    const services = { redis: '8' };
    const cached = (ns: number): Partial<Row> => ({ ...times(ns), package: 'cache' });
    expect(only(compareReports(run(cached(100)), run(cached(50), { services }))).absolutes[0]!.verdict).toBe(
      'refused',
    );
    expect(only(compareReports(run(times(100)), run(times(50), { services }))).absolutes[0]!.verdict).toBe(
      'faster',
    );
  });

  test('zero in both records is the same, zero in one is undecided', () => {
    const bytes = (value: number): Partial<Row> => ({
      results: [figure('ours', 'ours', 'bytes', 'B/op', value)],
    });
    expect(only(compareReports(run(bytes(0)), run(bytes(0)))).absolutes[0]!.verdict).toBe('same');
    expect(only(compareReports(run(bytes(0)), run(bytes(5)))).absolutes[0]!.verdict).toBe('inconclusive');
  });
});

describe('two records', () => {
  test('differ in environment, but not in date, commit and load', () => {
    const now = {
      ...EMPTY,
      environment: { ...ENVIRONMENT, date: 'x', commit: 'y', load: 9, services: { redis: '8' } },
    };
    expect(compareReports(EMPTY, now).environment).toEqual([
      { field: 'services.postgres', base: ENVIRONMENT.services['postgres'], now: 'absent' },
      { field: 'services.redis', base: ENVIRONMENT.services['redis'], now: '8' },
    ]);
    expect(compareReports(EMPTY, now).machine).toEqual([]);
  });

  test('with other parameters of a row are other work, and not compared', () => {
    const compared = only(
      compareReports(run({ ...of(1, 0.1), params: { n: 1 } }), run({ ...of(9, 0.1), params: { n: 2 } })),
    );
    expect(compared.refused).toContain('parameters differ');
    expect(compared.ratios).toEqual([]);
  });

  test('name the rows that only one has', () => {
    const comparison = compareReports(run({ id: 'A' }), run({ id: 'B' }));
    expect(comparison).toMatchObject({
      rows: [],
      onlyInBase: ['A 1000 × 64 KiB'],
      onlyInNow: ['B 1000 × 64 KiB'],
    });
  });

  test.each([0, 1, -1, Number.NaN])('a tolerance of %d is refused', (tolerance) => {
    expect(() => compareReports(EMPTY, EMPTY, { tolerance })).toThrow(RangeError);
  });
});

describe('a comparison in a terminal', () => {
  const now: Report = {
    ...FULL,
    environment: { ...ENVIRONMENT, cpu: 'other' },
    rows: [
      { ...FULL.rows[0]!, verdict: 'short', ratios: [ratio('ours', 'naive', 99)] },
      ...FULL.rows.slice(2),
    ],
  };

  test('keeps within the width, and passes no control character on', () => {
    const comparisons = [
      compareReports(FULL, now),
      compareReports(HOSTILE, HOSTILE),
      compareReports(EMPTY, FULL),
    ];
    for (const comparison of comparisons) {
      const text = renderComparison(comparison, { color: false, width: 80 });
      for (const line of text.split('\n')) expect(widthOf(line), line).toBeLessThanOrEqual(80);
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202E]/u);
    }
  });

  test('tells the environment, the changed verdict, each change, and the sum', () => {
    const text = renderComparison(compareReports(FULL, now), { color: false, width: 80 }).replaceAll(
      /\s+/g,
      ' ',
    );
    expect(text).toContain('cpu: AMD EPYC 7571 → other');
    expect(text).toContain('absolute times get no verdict, ratios do');
    expect(text).toContain('verdict: reproduced → short');
    expect(text).toContain('vs naive 154× → 99.0× 0.643× 0.617 – 0.671 slower');
    expect(text).toContain('Only in the base: M5 10,000 fresh');
    expect(text).toContain('5 ratios: 0 faster, 1 slower, 3 same, 1 inconclusive');
  });
});
