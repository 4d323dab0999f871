import { expect, test } from 'vitest';
import type { GuideFigure } from '../../dist/harness/case.js';
import { judge } from '../../dist/harness/verdict.js';

const guide: GuideFigure = { text: '500 → 50 ms (10×)', ratio: 10, basis: 'ratio' };
const perCore: GuideFigure = { text: '10 → 2 ms (5×)', ratio: 5, basis: 'efficiency', cores: 8 };

const ratio = (low: number, value: number, high: number): Parameters<typeof judge>[1] => ({
  of: 'ours',
  over: 'naive',
  metric: 'time',
  ratio: value,
  low,
  high,
});

test('reproduced when the low end reaches the guide', () => {
  expect(judge(guide, ratio(10, 11, 12), 2).verdict).toBe('reproduced');
});

test('short when the high end does not, with the limit told', () => {
  const { verdict, reason } = judge(guide, ratio(8, 9, 9.9), 2, 'the disk is the limit');
  expect(verdict).toBe('short');
  expect(reason).toContain('the disk is the limit');
});

test('short says which other of ours gets there, and stays short', () => {
  const axpy = { ...ratio(11, 12, 13), of: 'ours:axpy' };
  const slow = { ...ratio(9, 9.2, 9.4), of: 'ours:cursor' };
  const { verdict, reason } = judge(guide, ratio(8, 9, 9.9), 2, undefined, [slow, axpy]);
  expect(verdict).toBe('short');
  expect(reason).toContain('ours:axpy reaches it with 12.0×');
  expect(reason).not.toContain('ours:cursor');
});

test('inconclusive when the guide lies inside the interval', () => {
  expect(judge(guide, ratio(9, 10.5, 12), 2).verdict).toBe('inconclusive');
});

test('measured when the guide gives no figure', () => {
  expect(judge(null, ratio(1, 2, 3), 2).verdict).toBe('measured');
});

test('efficiency is read per core of each machine', () => {
  // 5× on 8 cores is 62.5 %: 1.25× on two.
  expect(judge(perCore, ratio(1.26, 1.4, 1.5), 2).verdict).toBe('reproduced');
  expect(judge(perCore, ratio(1.1, 1.15, 1.2), 2).verdict).toBe('short');
  expect(judge(perCore, ratio(2.6, 2.8, 3), 4).verdict).toBe('reproduced');
});

test('efficiency does not apply on one core', () => {
  expect(judge(perCore, ratio(1, 1, 1), 1).verdict).toBe('not-applicable');
});
