import { describe, expect, test } from 'vitest';
import { widthOf } from '../../dist/report/plain-text.js';
import type { Report } from '../../dist/report/record.js';
import { renderTerminal } from '../../dist/report/terminal.js';
import { EMPTY, ENVIRONMENT, figure, FULL, HOSTILE, ratio, row, time } from './fixtures.ts';

const plain = (report: Report, width = 80): string => renderTerminal(report, { color: false, width });
const squeeze = (text: string): string => text.replaceAll(/\s+/g, ' ');

describe('the report in a terminal', () => {
  test.each([
    ['full', FULL],
    ['empty', EMPTY],
    ['hostile', HOSTILE],
  ])('keeps within the width (%s)', (_, report) => {
    for (const width of [72, 80, 100, 120]) {
      for (const line of plain(report, width).split('\n'))
        expect(widthOf(line), line).toBeLessThanOrEqual(width);
    }
  });

  test('keeps to 72 columns on a narrower terminal and 120 on a wider one', () => {
    const widest = (width: number): number => Math.max(...plain(FULL, width).split('\n').map(widthOf));
    expect(widest(20)).toBe(72);
    expect(widest(500)).toBe(120);
  });

  test('passes no control character on, and colours only when asked', () => {
    expect(plain(HOSTILE).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/u);
    expect(plain(FULL)).not.toContain('\u001B');
    expect(renderTerminal(FULL, { color: true, width: 80 })).toContain('\u001B[32m');
  });

  test('says the same with and without colour', () => {
    const colored = renderTerminal(FULL, { color: true, width: 80 });
    // oxlint-disable-next-line eslint/no-control-regex -- the colours are what is taken away
    expect(colored.replaceAll(/\u001B\[[\d;]*m/g, '')).toBe(plain(FULL));
  });

  test("shows each row's guide figure, ours, interval, verdict and reason", () => {
    const lines = plain(FULL).split('\n');
    for (const { id, case: name, reason, guide } of FULL.rows) {
      expect(lines.some((line) => line.startsWith(`${id} ${name}`))).toBe(true);
      expect(squeeze(plain(FULL))).toContain(reason);
      if (guide !== null) expect(squeeze(plain(FULL))).toContain(guide.text);
    }
    expect(squeeze(lines.find((line) => line.startsWith('M2'))!)).toBe(
      'M2 1000 × 64 KiB 10.0× 154× 149 – 159 ✓ reproduced',
    );
  });

  test('shows peers and floors in the row, a loss as a loss', () => {
    const text = squeeze(plain(FULL));
    expect(text).toContain('peer generic-pool 74.0 µs 1.21× 1.17 – 1.25 ours wins');
    expect(text).toContain('peer opossum-buffer 43.0 µs 0.703× 0.682 – 0.724 ours LOSES');
    expect(text).toContain('floor floor:array-pop 22.0 µs 0.359× 0.348 – 0.370 the bound');
    expect(text).toContain('peer bitecs 57.0 µs 1.02× 0.989 – 1.05 level');
  });

  test('lists losses worst first, then failures, then what was left out with how to get it, before the tally', () => {
    const text = plain(FULL);
    const places = [
      'Losses (2)',
      'time: ours is slower than opossum-buffer',
      'M5 10,000 fresh: 1.47×',
      'FAILED (1)',
      'D2 1000 rows: ours: the answer differs',
      'LEFT OUT (1)',
      'K1 memory → Redis → Postgres: no Redis',
      'REDIS_URL=redis://',
      '2 reproduced, 1 short',
    ].map((part) => text.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(text.trimEnd().split('\n').at(-1)).toMatch(/1 failed$/);
  });

  test('a floor that beats ours is no loss, and a run without a loss says so', () => {
    const report: Report = {
      schema: 1,
      environment: ENVIRONMENT,
      rows: [
        row({
          results: [time('ours', 'ours', 2), time('floor', 'floor', 1)],
          ratios: [ratio('ours', 'floor', 0.5)],
        }),
      ],
    };
    expect(plain(report)).toContain('No losses');
  });

  test('where ours counted nothing, no ratio of another stands in for it', () => {
    const stale = (variant: string, kind: 'naive' | 'ours', value: number) =>
      figure(variant, kind, 'count', 'stale reads', value);
    const rows = [
      row({
        results: [stale('naive', 'naive', 9), stale('ours', 'ours', 0), stale('ours:ttl', 'ours', 90)],
        ratios: [ratio('ours:ttl', 'naive', 0.1)],
      }),
    ];
    const headline = plain({ schema: 1, environment: ENVIRONMENT, rows })
      .split('\n')
      .find((line) => line.startsWith(`${rows[0]!.id} `));
    expect(headline).not.toContain('0.1');
  });

  test('an efficiency is told in what it asks of the cores at hand', () => {
    expect(squeeze(plain(FULL))).toContain(
      '100 ms → 15 ms (6.7×), 83.8 % of 8 cores; on 2 cores that asks for 1.68×',
    );
  });

  test('rows left out for one reason are told once, and each missing service has its advice', () => {
    const rows = ['K1', 'K2', 'K3'].map((id) =>
      row({ id, case: 'x', verdict: 'left-out', reason: 'no Redis' }),
    );
    rows.push(row({ id: 'D1', case: 'x', verdict: 'left-out', reason: 'no Postgres' }));
    const text = plain({ schema: 1, environment: ENVIRONMENT, rows });
    expect(text).toContain('K1 x, K2 x, K3 x: no Redis');
    expect(text).toContain('LEFT OUT (4)');
    expect(text).toContain('DATABASE_URL');
    expect(text).toContain('REDIS_SERVER_BIN');
  });

  test('an empty report says that nothing was measured', () => {
    expect(plain(EMPTY)).toContain('Nothing was measured');
  });
});
