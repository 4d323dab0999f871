import { describe, expect, test } from 'vitest';
import { figuresAskedBy, guideFiguresOf, withGuideFigures } from '../../dist/report/guide-figures.js';
import type { Report, Result, Row } from '../../dist/report/record.js';
import { EMPTY, ROW } from './fixtures.ts';

const result = (variant: string, unit: string, value: number, kind: Result['kind'] = 'ours'): Result => ({
  variant,
  kind,
  metric: unit.startsWith('B') ? 'bytes' : 'time',
  unit,
  value,
  low: value,
  high: value,
});

const row: Row = {
  ...ROW,
  results: [
    result('ours', 'ns/op', 2e6),
    result('naive', 'ns/op', 1e8, 'naive'),
    result('ours', 'B in <strings>', 2048),
  ],
  ratios: [
    { of: 'ours', over: 'sonic-boom', metric: 'time', ratio: 0.5, low: 0.4, high: 0.6 },
    { of: 'ours', over: 'naive', metric: 'time', ratio: 50, low: 45, high: 55 },
  ],
};
const lost: Row = { ...row, case: 'lost', ratios: [{ ...row.ratios[1]!, ratio: 0.5, low: 0.4, high: 0.6 }] };
const extra: Row = { ...row, case: 'extra', guide: null };
const report: Report = { ...EMPTY, rows: [row, lost, extra] };

describe('the table of a topic', () => {
  const text = guideFiguresOf(report, { id: 'I2', case: undefined })!;

  test('has naive, ours and the gain of each row that the guide has a figure for', () => {
    expect(text).toContain(
      String.raw`| 1000 \| lines | 100 ms | 2.00 ms | 50.0× (45.0 – 55.0) | 40.0× | reproduced |`,
    );
    expect(text).not.toContain('extra');
  });

  test('marks losses, and tells of the machine', () => {
    expect(text).toContain('**loss** 0.500× (0.400 – 0.600)');
    expect(text).toContain(`Node ${report.environment.node}`);
  });

  test('has all rows of a topic that the guide has no figure for', () => {
    const rows = [extra, { ...extra, case: 'other' }];
    const both = guideFiguresOf({ ...report, rows }, { id: 'I2', case: undefined });
    expect(both).toContain('| extra |');
    expect(both).toContain('| other |');
  });

  test('shows what was counted where nothing can be divided', () => {
    const none: Row = {
      ...extra,
      results: [result('ours', 'B lost', 0), result('naive:x', 'B lost', 3, 'naive')],
      ratios: [],
    };
    expect(guideFiguresOf({ ...report, rows: [none] }, { id: 'I2', case: undefined })).toContain(
      '| extra: lost | 3.00 B (naive:x) | 0 B | – | – | reproduced |',
    );
  });

  test('is missing when the record has no such row', () => {
    expect(guideFiguresOf(report, { id: 'I3', case: undefined })).toBeUndefined();
    expect(guideFiguresOf(report, { id: 'I2', case: 'none' })).toBeUndefined();
  });
});

test('the table of a row has a line a variant and a column a unit', () => {
  const text = guideFiguresOf(report, { id: 'I2', case: '1000 | lines' })!;
  expect(text).toContain('| variant | op | in &lt;strings> |');
  expect(text).toContain('| ours | 2.00 ms | 2.00 KiB |');
  expect(text).toContain('| naive | 100 ms | – |');
});

describe('a chapter', () => {
  const chapter =
    'a\n[//]: # (figures I2)\nold\n[//]: # (figures end)\nb\n[//]: # (figures W1/each step)\n[//]: # (figures end)\n';

  test('asks for what its blocks name', () => {
    expect(figuresAskedBy(chapter)).toEqual([
      { id: 'I2', case: undefined },
      { id: 'W1', case: 'each step' },
    ]);
  });

  test('keeps everything around its blocks, and a second write changes nothing', () => {
    const find = ({ id }: { id: string }): string | undefined => (id === 'I2' ? 'new $& $1' : undefined);
    const once = withGuideFigures(chapter, find);
    expect(once).toBe(chapter.replace('old', () => '\nnew $& $1\n'));
    expect(withGuideFigures(once, find)).toBe(once);
  });
});
