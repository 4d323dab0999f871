import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Ratio } from '../../dist/report/record.js';
import { occupyCores } from '../../dist/self-test/busy-cores.js';
import { checkBusyRuns, checkLoad, checkRuns, renderChecks } from '../../dist/self-test/checks.js';

const run = (ratio: number, half: number): Ratio => ({
  of: 'ours',
  over: 'naive',
  metric: 'time',
  ratio,
  low: ratio - half,
  high: ratio + half,
});
const failing = (runs: readonly Ratio[], known: number): string[] =>
  checkRuns('pair', runs, known)
    .filter(({ ok }) => !ok)
    .map(({ asks }) => asks);

describe('the self-test', () => {
  test('trusts runs that read what is known, alike, with intervals that hold it', () => {
    expect(failing([run(1.8, 0.05), run(1.83, 0.05), run(1.82, 0.05)], 1.815)).toEqual([]);
  });

  test('finds a reading that is off', () => {
    expect(failing([run(1.815, 0.2), run(1.75, 0.2)], 1.815)).toEqual([
      'reads 1.815 within 3.0 % in every run',
    ]);
  });

  test('lets the smallest operations lie 10 % apart, and no more', () => {
    const apart = (spread: number): boolean =>
      checkRuns('pair', [run(1 + spread, 1), run(1, 1)], 1, true).find(({ asks }) => asks.startsWith('runs'))!
        .ok;
    expect([apart(0.09), apart(0.11)]).toEqual([true, false]);
  });

  test('finds runs that differ, intervals that are too narrow and verdicts that are wrong', () => {
    expect(failing([run(1, 0.01), run(1.2, 0.01), run(1, 0.01)], 1)).toHaveLength(4);
  });

  test('lets runs lie 10 % apart with every core busy, and no more, and no verdict be wrong', () => {
    const ok = (runs: readonly Ratio[]): boolean[] =>
      checkBusyRuns('pair', runs, 1.815).map((check) => check.ok);
    expect(ok([run(1.815, 0.3), run(1.815 * 1.09, 0.3)])).toEqual([true, true]);
    expect(ok([run(1.815, 0.3), run(1.815 * 1.11, 0.3)])).toEqual([false, true]);
    expect(ok([run(2.1, 0.01), run(2.1, 0.01)])).toEqual([true, false]);
    // Below ten nanoseconds twice as far, as without a load.
    const small = (times: number): boolean =>
      checkBusyRuns('small', [run(1, 0.3), run(times, 0.3)], 1, true)[0]!.ok;
    expect([small(1.19), small(1.21)]).toEqual([true, false]);
  });

  test('keeps the cores busy by loops that end with it', async () => {
    const loops: ChildProcess[] = [];
    {
      await using load = occupyCores(process.execPath, 2, (child) => loops.push(child));
      expect(load.running()).toBe(2);
      expect(loops.map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual([null, null]);
    }
    expect(loops.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', 'SIGKILL']);
  });

  test('tells a loop that has died, and one that could not be started', async () => {
    const loops: ChildProcess[] = [];
    await using load = occupyCores(process.execPath, 2, (child) => loops.push(child));
    loops[0]!.kill('SIGKILL');
    await once(loops[0]!, 'exit');
    expect(checkLoad(load.running(), 2)).toMatchObject({ found: '1 of 2 ran', ok: false });
    loops[1]!.kill('SIGKILL');

    // Long before the load is ended; a rejection that nobody awaits would end the process.
    const refused: ChildProcess[] = [];
    await using none = occupyCores(`${process.execPath}-nowhere`, 1, (child) => refused.push(child));
    await once(refused[0]!, 'error');
    await turn();
    expect(none.running()).toBe(0);
    expect(checkLoad(2, 2).ok).toBe(true);
  });

  test('prints a table and how many checks failed', () => {
    const text = renderChecks(checkRuns('pair', [run(2, 0.01)], 1));
    expect(text).toMatch(/^✗ pair/);
    expect(text).toContain('3 of 4 checks failed.');
  });
});
