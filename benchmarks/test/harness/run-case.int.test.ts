import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Case } from '../../dist/harness/case.js';
import { QUICK } from '../../dist/harness/plan.js';
import { runCase } from '../../dist/harness/run-case.js';
import type { Row } from '../../dist/report/record.js';
import { isRunning } from '../../dist/services/process-tree.js';

// Every case starts a dozen processes.
vi.setConfig({ testTimeout: 60_000 });

const file = new URL('fixtures/cases.mjs', import.meta.url).href;
const never = new AbortController().signal;

let cases: readonly Case[];
let scratchRoot: string;

beforeAll(async () => {
  ({ default: cases } = (await import(file)) as { default: readonly Case[] });
  scratchRoot = mkdtempSync(join(tmpdir(), 'hotpath-harness-'));
});

afterAll(() => {
  rmSync(scratchRoot, { recursive: true });
});

function measure(name: string, signal: AbortSignal = never, replyTimeoutMs = 60_000): Promise<Row> {
  const definition = cases.find((entry) => entry.case === name)!;
  return runCase(
    { case: definition, file },
    {
      tempo: { ...QUICK, groups: 3, rounds: 3, precision: Number.POSITIVE_INFINITY, replyTimeoutMs },
      execPath: process.execPath,
      quick: true,
      // Three groups of three rounds, however slow the machine.
      budgetMs: 60_000,
      cores: 2,
      seed: 1,
      postgresUrl: '',
      redisUrl: '',
      scratchRoot,
      signal,
    },
  );
}

const times = (row: Row): string[] =>
  row.results.filter(({ metric }) => metric === 'time').map(({ variant }) => variant);

describe('a case', () => {
  test('gives every variant a time with its interval, and ours a ratio over the others', async () => {
    const row = await measure('much more work');
    expect(times(row)).toEqual(['naive', 'ours']);
    for (const { value, low, high } of row.results) {
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
    }
    expect(row.ratios).toHaveLength(1);
    // 400 times the additions: whatever the machine, far from 1.
    expect(row.ratios[0]!.ratio).toBeGreaterThan(2);
    expect(['reproduced', 'inconclusive']).toContain(row.verdict);
  });

  test('is measured anew in every round', async () => {
    const row = await measure('longer each time');
    const [naive] = row.results;
    // Blocks of one process that get longer cannot agree; repeated samples would.
    expect(naive!.high / naive!.low).toBeGreaterThan(1.5);
  });

  test('with a wrong answer is failed before it is timed, and says where the answers differ', async () => {
    const row = await measure('wrong answer');
    expect(row.verdict).toBe('failed');
    expect(row.reason).toContain('ours: the answer differs from that of naive: answer: expected 41, got 42');
    expect(times(row)).toEqual(['naive']);
  });

  test('whose peer throws is failed, and keeps the results of the others', async () => {
    const row = await measure('peer throws');
    expect(row.verdict).toBe('failed');
    expect(row.reason).toContain('TypeError: the peer broke');
    expect(times(row)).toEqual(['naive', 'ours']);
    expect(row.ratios).toHaveLength(1);
  });

  test('whose setup rejects is failed with the cause', async () => {
    const row = await measure('setup rejects');
    expect(row.verdict).toBe('failed');
    expect(row.reason).toContain('no such table');
  });

  test('whose process exits is failed at once, with the exit code', async () => {
    const row = await measure('process exits');
    expect(row.verdict).toBe('failed');
    expect(row.reason).toContain('exited with 7');
  });

  test('leaves a peer that cannot run here out, and says so', async () => {
    const row = await measure('peer skipped');
    expect(row.verdict).toBe('measured');
    expect(row.notes).toContain('peer left out: needs Node 99');
    expect(times(row)).toEqual(['naive', 'ours']);
  });

  test('awaits the promises of an asynchronous operation', async () => {
    const row = await measure('async');
    const [naive, ours] = row.results.filter(({ metric }) => metric === 'time');
    expect(naive!.value).toBeGreaterThan(ours!.value);
  });

  test('counts the bytes that an operation allocates, outside the heap too', async () => {
    const row = await measure('allocates');
    const bytes = (variant: string): number =>
      row.results.find((result) => result.variant === variant && result.unit === 'B/op')!.value;
    expect(bytes('naive')).toBeGreaterThan(7000);
    expect(bytes('naive')).toBeLessThan(20_000);
    expect(bytes('ours')).toBeLessThan(10);
  });

  test('that is an experiment runs once a process, and is judged by its first measurement', async () => {
    const row = await measure('experiment');
    expect(row.verdict).toBe('reproduced');
    expect(times(row)).toEqual([]);
    expect(row.results.map(({ variant, unit, value }) => [variant, unit, value])).toEqual([
      ['naive', 'stale reads', 40],
      ['naive', 'reads/s', 1040],
      ['ours', 'stale reads', 10],
      ['ours', 'reads/s', 1010],
      ['peer', 'stale reads', 0],
      ['peer', 'reads/s', 1000],
    ]);
    const told = row.ratios.map(({ over, unit, ratio }) => `${over} ${unit} ${ratio.toFixed(3)}`);
    // No ratio to a count of nothing.
    expect(told).toEqual(['naive stale reads 4.000', 'naive reads/s 0.971', 'peer reads/s 1.010']);
    expect(row.series).toEqual([
      { name: 'memory / naive', x: [1, 2, 3], y: [40, 40, 40] },
      { name: 'memory / ours', x: [1, 2, 3], y: [10, 10, 10] },
      { name: 'memory / peer', x: [1, 2, 3], y: [0, 0, 0] },
    ]);
  });

  test('that is timed carries what its variants found beside the time', async () => {
    const row = await measure('timed, with findings');
    expect(times(row)).toEqual(['naive', 'ours']);
    const found = row.results.filter(({ unit }) => unit === 'hits/read');
    expect(found).toEqual([
      { variant: 'ours', kind: 'ours', metric: 'rate', unit: 'hits/read', value: 0.5, low: 0.5, high: 0.5 },
    ]);
  });

  test('whose findings are no numbers is failed, for no record could hold them', async () => {
    const row = await measure('finds no number');
    expect(row.verdict).toBe('failed');
    expect(row.reason).toContain('stale reads: expected a finite number, got NaN');
  });

  test('that hangs is failed in time, and what it started is ended with it', async () => {
    const row = await measure('hangs, and so does what it started', never, 3000);
    expect(row.reason).toContain('no reply within 3 s');
    const pid = Number(readFileSync(join(scratchRoot, 'pid'), 'utf8'));
    rmSync(join(scratchRoot, 'pid'));
    try {
      expect(isRunning(pid)).toBe(false);
    } finally {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    }
  });

  test('leaves no file behind', async () => {
    const row = await measure('needs files');
    expect(row.verdict).toBe('measured');
    expect(readdirSync(scratchRoot)).toEqual([]);
  });

  test('that is aborted rejects with the reason and leaves nothing behind', async () => {
    const abort = new AbortController();
    const running = measure('much more work', abort.signal);
    abort.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(readdirSync(scratchRoot)).toEqual([]);
  });
});
