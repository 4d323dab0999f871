import { afterEach, expect, test, vi } from 'vitest';
import type { Case } from '../../dist/harness/case.js';
import { QUICK } from '../../dist/harness/plan.js';
import { runSuite } from '../../dist/harness/run-suite.js';
import { postgresMissing } from '../services/availability.ts';

vi.setConfig({ testTimeout: 60_000 });

const file = new URL('fixtures/cases.mjs', import.meta.url).href;
const silent = { start: () => {}, step: () => {}, done: () => {}, stop: () => {} };

afterEach(() => {
  vi.unstubAllEnvs();
});

test.skipIf((await postgresMissing()) !== '')(
  'a server that dies costs the rows that need it, and no figure that was taken',
  async () => {
    // Not that of the other tests: this one is killed.
    vi.stubEnv('DATABASE_URL', '');
    const { default: cases } = (await import(file)) as { default: readonly Case[] };
    const { report, aborted, leftBehind } = await runSuite({
      cases: ['much more work', 'ends Postgres'].map((name) => ({
        case: cases.find((definition) => definition.case === name)!,
        file,
      })),
      tempo: QUICK,
      tier: 'quick',
      seed: 1,
      execPath: process.execPath,
      signal: new AbortController().signal,
      progress: silent,
    });
    expect(report.rows.map(({ case: name }) => name)).toEqual(['much more work', 'ends Postgres']);
    expect(report.rows[0]!.ratios).toHaveLength(1);
    expect(aborted).toBe(false);
    expect(leftBehind?.message).toMatch(/ECONNREFUSED/);
  },
);
