import { describe, expect, test } from 'vitest';
import { differenceOf } from '../../dist/harness/same-answer.js';

describe('answers', () => {
  test.each([
    [1, 1],
    [Number.NaN, Number.NaN],
    [0, -0],
    ['a', 'a'],
    [
      [1, { b: [2] }],
      [1, { b: [2] }],
    ],
    [Float32Array.of(1, 2), Float32Array.of(1, 2)],
    [new Map([['k', { v: 1 }]]), new Map([['k', { v: 1 }]])],
    [new Set([1, 'a']), new Set([1, 'a'])],
    [new Date(5), new Date(5)],
    [null, null],
  ])('%o agrees with %o', (expected, actual) => {
    expect(differenceOf(expected, actual)).toBeUndefined();
  });

  test.each([
    [1, 2],
    [1, '1'],
    [null, {}],
    [[1, 2], [1]],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: undefined }],
    [Float32Array.of(1), Float64Array.of(1)],
    [Float32Array.of(1), [1]],
    [new Date(5), new Date(6)],
    [new Map([['k', 1]]), new Map([['k', 2]])],
    [new Set([1]), new Set([2])],
    // Nothing can be seen of what is in them.
    [new ArrayBuffer(1), new ArrayBuffer(2)],
    [new Error('a'), new Error('b')],
  ])('%o differs from %o', (expected, actual) => {
    expect(differenceOf(expected, actual)).toBeTypeOf('string');
  });

  test('a tolerance is relative and does not excuse other differences', () => {
    expect(differenceOf(1000, 1001, 0.01)).toBeUndefined();
    expect(differenceOf(1000, 1020, 0.01)).toBeTypeOf('string');
    expect(differenceOf(['a', 1000], ['b', 1000], 0.01)).toBeTypeOf('string');
  });

  test('the difference names the place', () => {
    expect(differenceOf({ rows: [{ id: 1 }, { id: 2 }] }, { rows: [{ id: 1 }, { id: 3 }] })).toBe(
      'answer.rows.1.id: expected 2, got 3',
    );
  });
});
