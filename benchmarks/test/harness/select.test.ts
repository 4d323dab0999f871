import { describe, expect, test } from 'vitest';
import type { Case } from '../../dist/harness/case.js';
import { SelectionError, selectCases } from '../../dist/harness/select.js';

type Named = Pick<Case, 'id' | 'case' | 'package' | 'tier'>;

const ENTRIES: readonly Named[] = [
  { id: 'M2', case: '1000 x 64 KiB', package: 'memory', tier: 'guide' },
  { id: 'C1', case: '1000 f32', package: 'cpu', tier: 'guide' },
  { id: 'C1', case: 'dot 1024', package: 'cpu', tier: 'peers' },
  { id: 'I2', case: '1000 lines', package: 'io', tier: 'guide' },
  { id: 'I2', case: '1e6 lines', package: 'io', tier: 'all' },
  { id: 'D1', case: '9 queries', package: 'database', tier: 'all' },
  { id: 'D1', case: '9 queries at once', package: 'database', tier: 'all' },
];

function select(options: { filters?: string[]; packages?: string[]; tiers?: Case['tier'][] }): string[] {
  const { filters = [], packages = [], tiers = ['guide', 'peers'] } = options;
  return selectCases(ENTRIES, (entry) => entry, { filters, packages, tiers }).map(
    (entry) => `${entry.id} ${entry.case}`,
  );
}

describe('selection', () => {
  test('without a filter the tiers decide', () => {
    expect(select({ tiers: ['guide'] })).toEqual(['M2 1000 x 64 KiB', 'C1 1000 f32', 'I2 1000 lines']);
  });

  test('an id picks all of its cases, of every tier', () => {
    expect(select({ filters: ['i2'] })).toEqual(['I2 1000 lines', 'I2 1e6 lines']);
  });

  test('text picks by a part of the name', () => {
    expect(select({ filters: ['dot'] })).toEqual(['C1 dot 1024']);
    expect(select({ filters: ['C1 1000'] })).toEqual(['C1 1000 f32']);
  });

  test('a whole name picks that case alone, though it is a part of another name', () => {
    expect(select({ filters: ['d1 9 queries'] })).toEqual(['D1 9 queries']);
    expect(select({ filters: ['9 queries'] })).toEqual(['D1 9 queries', 'D1 9 queries at once']);
  });

  test('filters add up, a package narrows them', () => {
    expect(select({ filters: ['M2', 'dot'] })).toEqual(['M2 1000 x 64 KiB', 'C1 dot 1024']);
    expect(select({ filters: ['1000'], packages: ['cpu'] })).toEqual(['C1 1000 f32']);
  });

  test('a filter that matches nothing names what is near', () => {
    expect(() => select({ filters: ['dott 1024'] })).toThrow(/did you mean .*dot 1024/);
    expect(() => select({ filters: ['M9'] })).toThrow(SelectionError);
    expect(() => select({ filters: ['M9'] })).toThrow(/did you mean .*M2/);
  });

  test('one filter that matches does not excuse another that does not', () => {
    expect(() => select({ filters: ['M2', 'nothing like it'] })).toThrow(/"nothing like it"/);
  });

  test('an unknown package names the near ones', () => {
    expect(() => select({ packages: ['memroy'] })).toThrow(/did you mean memory/);
  });
});
