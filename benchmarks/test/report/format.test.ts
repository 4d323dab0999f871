import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatDate,
  formatEnds,
  formatNumber,
  formatRound,
  formatTimes,
  formatValue,
} from '../../dist/report/format.js';
import { padEnd, padStart, truncate, visible, widthOf, wrap } from '../../dist/report/plain-text.js';
import { fittingScale, linearScale, logScale, ratioScale } from '../../dist/report/scales.js';
import { HOSTILE_STRINGS } from './fixtures.ts';

describe('a figure', () => {
  test.each([
    [0, '0'],
    [0.012345, '0.0123'],
    [0.9996, '1.00'],
    [9.999, '10.0'],
    [12.345, '12.3'],
    [583.4, '583'],
    [10_000, '10,000'],
    [123_456, '123,000'],
    [-4.25, '-4.25'],
    [1e21, '1.00e+21'],
    [1e-9, '1.00e-9'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('%d reads %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  test.each([
    [16.4, 'ns/op', '16.4 ns'],
    [999.9, 'ns/op', '1,000 ns'],
    [1230, 'ns/op', '1.23 µs'],
    [9.42e6, 'ns/op', '9.42 ms'],
    [8.12e8, 'ns', '812 ms'],
    [50e9, 'ns/op', '50.0 s'],
    [0.4, 'B/op', '0.400 B/op'],
    [65_640_000, 'B/op', '62.6 MiB/op'],
    [88_000_000, 'B peak RSS', '83.9 MiB peak RSS'],
    [12, 'collections/1e6 op', '12.0 collections/1e6 op'],
    [5000, 'Baud', '5,000 Baud'],
    [Number.NaN, 'ns/op', '–'],
    [-2048, 'B/op', '-2.00 KiB/op'],
  ])('%d %s reads %s', (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text);
  });

  test('a unit that is no unit is cut', () => {
    expect(formatValue(1, 'W'.repeat(2000)).length).toBeLessThan(40);
    expect(formatValue(1, `B ${'W'.repeat(2000)}`).length).toBeLessThan(40);
  });

  test('ratios, ends, round figures and dates', () => {
    expect(formatTimes(1.8149)).toBe('1.81×');
    expect(formatTimes(Number.NaN)).toBe('–');
    expect(formatEnds(1.8, 1.85)).toBe('1.80 – 1.85');
    expect([1, 0.1, 10, 1000, 0.25, 1.5].map(formatRound)).toEqual([
      '1',
      '0.1',
      '10',
      '1,000',
      '0.25',
      '1.5',
    ]);
    expect(formatDate('2026-11-22T21:24:06.000Z')).toBe('2026-11-22 21:24 UTC');
    expect(formatDate('yesterday')).toBe('yesterday');
  });

  test('any number has a text without NaN or Infinity', () => {
    fc.assert(
      fc.property(fc.double(), fc.constantFrom('ns/op', 'B/op', 'B', 'x'), (value, unit) => {
        expect(formatValue(value, unit)).not.toMatch(/NaN|Infinity|undefined/);
        expect(formatTimes(value)).not.toMatch(/NaN|Infinity|undefined/);
      }),
    );
  });
});

describe('plain text', () => {
  test.each(HOSTILE_STRINGS)('shows what acts on a terminal instead of passing it on: %j', (text) => {
    expect(visible(text)).not.toMatch(/[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/u);
  });

  test('counts columns: wide characters two, combining ones none', () => {
    expect(['abc', '表の', 'e\u0301', '×–µ', '👍'].map(widthOf)).toEqual([3, 4, 1, 3, 2]);
  });

  test('pads and cuts by columns', () => {
    expect(padEnd('表', 4)).toBe('表  ');
    expect(padStart('表', 4)).toBe('  表');
    expect(truncate('表の行', 5)).toBe('表の…');
    expect(truncate('short', 5)).toBe('short');
  });

  test('wrapping loses no character and keeps every line within its width', () => {
    const words = fc.array(fc.stringMatching(/^[a-z表👍]{1,30}$/u), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(words, fc.integer({ min: 4, max: 40 }), (list, width) => {
        const lines = wrap(list.join(' '), width);
        expect(lines.join('').replaceAll(' ', '')).toBe(list.join(''));
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('a scale', () => {
  const figures = fc.array(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 30 });

  test.each([
    ['log', logScale],
    ['ratio', ratioScale],
    ['linear', linearScale],
    ['fitting', fittingScale],
  ])('places every value and tick within the plot, in order (%s)', (_, make) => {
    fc.assert(
      fc.property(figures, (values) => {
        const scale = make(values);
        const sorted = [...values].sort((a, b) => a - b);
        const places = sorted.map((value) => scale.at(value));
        for (const [index, place] of places.entries()) {
          expect(place).toBeGreaterThanOrEqual(0);
          expect(place).toBeLessThanOrEqual(100);
          if (index > 0) expect(place).toBeGreaterThanOrEqual(places[index - 1]!);
        }
        expect(scale.ticks.length).toBeGreaterThan(0);
        expect(scale.ticks.length).toBeLessThanOrEqual(12);
        for (const { at, label } of scale.ticks) {
          expect(at).toBeGreaterThanOrEqual(0);
          expect(at).toBeLessThanOrEqual(100);
          expect(label).not.toMatch(/NaN|Infinity/);
        }
      }),
    );
  });

  test('a ratio scale always has 1 inside and labels it', () => {
    fc.assert(
      fc.property(figures, (values) => {
        const scale = ratioScale(values);
        expect(scale.at(1)).toBeGreaterThan(0);
        expect(scale.at(1)).toBeLessThan(100);
        expect(scale.ticks.map(({ label }) => label)).toContain('1×');
      }),
    );
  });

  test('zero, negative and no values are placed, not NaN', () => {
    for (const make of [logScale, ratioScale, linearScale, fittingScale]) {
      for (const values of [[], [0], [-3, 0, 3], [0, 0]]) {
        const scale = make(values);
        for (const value of [...values, 0, 1]) expect(Number.isFinite(scale.at(value))).toBe(true);
      }
    }
  });
});
