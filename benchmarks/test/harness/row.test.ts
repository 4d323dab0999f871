import { describe, expect, test } from 'vitest';
import type { Case, VariantKind } from '../../dist/harness/case.js';
import type { Track } from '../../dist/harness/row.js';
import { buildRow } from '../../dist/harness/row.js';

const variant = (kind: VariantKind): Case['variants'][string] => ({
  kind,
  setup: () => ({ run: () => 1, answer: () => 1 }),
});

const CASE: Case = {
  id: 'T1',
  case: 'a row',
  package: 'benchmarks',
  tier: 'all',
  params: { rows: 1000, columns: 2 },
  guide: null,
  async: false,
  variants: { ours: variant('ours'), 'floor:c': variant('floor') },
};

const measured = (name: string, kind: VariantKind): Track => ({
  name,
  kind,
  samples: [
    [100, 110],
    [105, 95],
    [100, 100],
  ],
  findings: [],
});
const skipped = (name: string, kind: VariantKind): Track => ({
  name,
  kind,
  samples: [],
  findings: [],
  skipped: 'there is no C compiler',
});

const FACTS = { cores: 2, quick: false };
const verdictOf = (definition: Case, ...tracks: readonly Track[]): string =>
  buildRow(definition, tracks, FACTS).verdict;

describe('a row of which something is missing', () => {
  test('is left out when nothing is there to compare with, with the reason and what was measured', () => {
    const row = buildRow(CASE, [measured('ours', 'ours'), skipped('floor:c', 'floor')], FACTS);
    expect([row.verdict, row.reason]).toEqual(['left-out', 'floor:c: there is no C compiler']);
    expect(row.results.map(({ variant: name }) => name)).toEqual(['ours']);
  });

  test('is left out when ours cannot run, whatever the guide says', () => {
    for (const experiment of [false, true]) {
      const tracks = [skipped('naive', 'naive'), skipped('ours', 'ours'), skipped('peer', 'peer')];
      expect(verdictOf({ ...CASE, experiment }, ...tracks)).toBe('left-out');
    }
    expect(verdictOf(CASE, measured('naive', 'naive'), skipped('ours', 'ours'))).toBe('left-out');
  });

  test('is left out without the baseline of the guide, and not without another', () => {
    const guided: Case = { ...CASE, guide: { text: '2x', ratio: 2, basis: 'ratio' } };
    const rest = [measured('ours', 'ours'), measured('peer', 'peer')];
    expect(verdictOf(guided, skipped('naive', 'naive'), ...rest)).toBe('left-out');
    expect(verdictOf(CASE, skipped('naive:other', 'naive'), ...rest)).toBe('measured');
  });

  test('is measured while one peer or one floor is left', () => {
    const tracks = [measured('ours', 'ours'), skipped('floor:c', 'floor'), measured('peer', 'peer')];
    expect(verdictOf(CASE, ...tracks)).toBe('measured');
  });
});

test('a row tells the parameters of what was done: in a quick run fewer', () => {
  const tracks = [measured('ours', 'ours'), measured('floor:c', 'floor')];
  const definition: Case = { ...CASE, quickParams: { rows: 100 } };
  expect(buildRow(definition, tracks, FACTS).params).toEqual({ rows: 1000, columns: 2 });
  expect(buildRow(definition, tracks, { ...FACTS, quick: true }).params).toEqual({ rows: 100, columns: 2 });
});
