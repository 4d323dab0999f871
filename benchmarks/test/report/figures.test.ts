import { describe, expect, test } from 'vitest';
import { figuresOf, withFigures } from '../../dist/report/figures.js';
import type { Report, Row } from '../../dist/report/record.js';
import { EMPTY, ROW } from './fixtures.ts';

const row: Row = {
  ...ROW,
  ratios: [
    { of: 'ours', over: 'naive', metric: 'time', ratio: 67, low: 55, high: 84 },
    { of: 'ours', over: 'sonic-boom', metric: 'time', ratio: 0.5, low: 0.4, high: 0.6 },
    { of: 'ours', over: 'floor:<b>', metric: 'time', ratio: 0.9, low: 0.8, high: 0.95 },
  ],
};
const report: Report = { ...EMPTY, rows: [row] };

describe('the table of a README', () => {
  test('has every ratio with its interval, marks losses and leaves floors out', () => {
    const text = figuresOf(report, 'io');
    expect(text).toContain('67.0× (55.0 – 84.0) over naive');
    expect(text).toContain('**loss** 0.500× (0.400 – 0.600) over sonic-boom');
    expect(text).not.toContain('floor');
    expect(text).toContain('| 40.0× | reproduced |');
  });

  test('cannot be broken by what a record says', () => {
    expect(figuresOf(report, 'io')).toContain(String.raw`I2 1000 \| lines`);
  });

  test('tells of the machine, Node and the date', () => {
    const { cpu, node } = report.environment;
    expect(figuresOf(report, 'io')).toContain(`${cpu} (`);
    expect(figuresOf(report, 'io')).toContain(`Node ${node}`);
  });

  test('says so when the record has no row of the package', () => {
    expect(figuresOf(report, 'cpu')).toBe('No record holds figures of this package yet.');
  });
});

describe('a text with markers', () => {
  test('keeps everything around the block, and a second write changes nothing', () => {
    const text = 'a\n<!-- figures:begin -->\nold\n<!-- figures:end -->\nz\n';
    const once = withFigures(text, 'new')!;
    expect(once).toBe('a\n<!-- figures:begin -->\nnew\n<!-- figures:end -->\nz\n');
    expect(withFigures(once, 'new')).toBe(once);
  });

  test.each([
    ['none'],
    ['<!-- figures:end --> <!-- figures:begin -->'],
    ['<!-- figures:begin --> <!-- figures:begin --> <!-- figures:end -->'],
  ])('that are missing or out of order is refused: %s', (text) => {
    expect(withFigures(text, 'new')).toBeUndefined();
  });
});
