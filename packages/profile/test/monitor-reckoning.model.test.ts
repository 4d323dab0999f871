/**
 * What the monitor counts against what there was, by simulation: loads of every kind, each many times over with lots that
 * differ. A run may be off, and how far is bounded; the mean of many must not be.
 */

import { describe, expect, test } from 'vitest';
import { HostMonitor } from '../dist/monitor/monitor.js';
import { resolveOptions } from '../dist/monitor/options.js';
import { FakeHost, seededRandom } from './fake-host.ts';

const STEP_MS = 4;
const RUNS = 200;
const WINDOW_MS = 10_000;

/** Collections in the step that begins at `atMs`. */
type Load = (atMs: number, random: () => number) => number;

const silence: Load = () => 0;

/** Collections at even distances. */
function steady(perSecond: number): Load {
  return (atMs) => Math.floor(((atMs + STEP_MS) * perSecond) / 1000) - Math.floor((atMs * perSecond) / 1000);
}

/** So many at the start of each period, one a step. */
function bursts(count: number, periodMs: number): Load {
  return (atMs) => (atMs % periodMs < count * STEP_MS ? 1 : 0);
}

/** Each step by itself. */
function scattered(perSecond: number): Load {
  return (_, random) => (random() < (perSecond * STEP_MS) / 1000 ? 1 : 0);
}

/** A load, and how many milliseconds it goes on: a window of the monitor. */
type Phase = readonly [load: Load, totalMs: number];

/** Of each phase. */
interface Run {
  readonly counted: readonly number[];
  readonly happened: readonly number[];
  readonly watchedPerSecond: readonly number[];
}

/** The phases one after the other. */
function simulate(seed: number, phases: readonly Phase[], resolutionMs = 20): Run {
  const random = seededRandom(seed);
  const host = new FakeHost(random);
  const health = new HostMonitor(resolveOptions({ resolutionMs, windowMs: 86_400_000 }), host);
  // The load's own clock begins anywhere.
  const shiftMs = Math.floor(random() * 2500) * STEP_MS;
  const counted: number[] = [];
  const happened: number[] = [];
  const watchedPerSecond: number[] = [];
  for (const [load, totalMs] of phases) {
    let count = 0;
    const { observed } = host;
    for (let atMs = 0; atMs < totalMs; atMs += STEP_MS) {
      const now = load(shiftMs + atMs, random);
      for (let time = 0; time < now; time++) host.collect('minor', 0.5);
      count += now;
      host.pass(STEP_MS);
    }
    counted.push(health.stats().gc.count);
    happened.push(count);
    health.reset();
    watchedPerSecond.push((host.observed - observed) / (totalMs / 1000));
  }
  health.stop();
  return { counted, happened, watchedPerSecond };
}

interface Outcome {
  /** Mean over the runs of what was counted beyond what happened, as a share of the latter. */
  readonly bias: number;
  /** How far a run was off: the standard deviation, as a share. */
  readonly scatter: number;
}

function outcomeOf(runs: readonly Run[], window: number): Outcome {
  const happened = runs.reduce((sum, run) => sum + run.happened[window]!, 0) / runs.length;
  const errors = runs.map((run) => run.counted[window]! - run.happened[window]!);
  const mean = errors.reduce((sum, error) => sum + error, 0) / runs.length;
  const variance = errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / runs.length;
  return { bias: mean / happened, scatter: Math.sqrt(variance) / happened };
}

function simulateMany(phases: readonly Phase[], resolutionMs?: number): readonly Run[] {
  return Array.from({ length: RUNS }, (_, seed) => simulate(seed, phases, resolutionMs));
}

/** Three standard errors of the mean: with these seeds it is always the same. */
const least = (scatter: number): number => 0.005 + (3 * scatter) / Math.sqrt(RUNS);

describe('counts have no bias', () => {
  test.each<[name: string, load: Load, scatterMost: number]>([
    ['20 a second, evenly', steady(20), 0.1],
    ['50 a second, evenly', steady(50), 0.01],
    ['250 a second, evenly', steady(250), 0.01],
    ['1000 a second, evenly', steady(1000), 0.01],
    ['30 a second, at random', scattered(30), 0.1],
    ['200 a second, at random', scattered(200), 0.06],
    // Five in a turn of their own, in step with the turns.
    ['5 each 40 ms', bursts(5, 40), 0.2],
    ['5 each 100 ms', bursts(5, 100), 0.25],
    ['10 each 400 ms', bursts(10, 400), 0.2],
    ['16 each second', bursts(16, 1000), 0.1],
    ['40 each second', bursts(40, 1000), 0.12],
    ['100 each 2 s', bursts(100, 2000), 0.1],
    ['300 each 5 s', bursts(300, 5000), 0.1],
  ])('%s', (_, load, scatterMost) => {
    const runs = simulateMany([
      [load, WINDOW_MS],
      [load, WINDOW_MS],
    ]);
    for (const window of [0, 1]) {
      const { bias, scatter } = outcomeOf(runs, window);
      expect(scatter).toBeLessThan(scatterMost);
      expect(Math.abs(bias)).toBeLessThan(least(scatter));
      expect(Math.abs(bias)).toBeLessThan(0.05);
    }
    // The purse, once what it may owe is spent.
    for (const run of runs) expect(run.watchedPerSecond[1]).toBeLessThan(15);
  });

  test('however coarse the ticks of the monitor', () => {
    const { bias, scatter } = outcomeOf(simulateMany([[bursts(16, 1000), WINDOW_MS]], 1000), 0);
    expect(Math.abs(bias)).toBeLessThan(least(scatter));
  });

  test('in a window with a calm before a burst', () => {
    const runs = simulateMany([
      [silence, 30_000],
      [steady(250), 2000],
      [steady(250), WINDOW_MS],
    ]);
    for (const run of runs) expect(run.counted[0]).toBe(0);
    for (const window of [1, 2]) {
      const { bias, scatter } = outcomeOf(runs, window);
      expect(scatter).toBeLessThan(0.02);
      expect(Math.abs(bias)).toBeLessThan(0.01);
    }
  });

  test('in a window in which a load grows tenfold', () => {
    const runs = simulateMany([
      [steady(30), 20_000],
      [steady(300), 2000],
    ]);
    const { bias, scatter } = outcomeOf(runs, 1);
    expect(scatter).toBeLessThan(0.1);
    expect(Math.abs(bias)).toBeLessThan(least(scatter));
  });

  test('after a burst, but for one frame; soon all are watched again', () => {
    const runs = simulateMany([
      [steady(250), WINDOW_MS],
      [steady(2), 2000],
      [steady(2), WINDOW_MS],
      [steady(2), WINDOW_MS],
    ]);
    // Half a second of the burst may be counted beyond its end: what is below nothing is not shown, and held against what
    // comes next.
    const errors = runs.map(({ counted, happened }) => counted[1]! - happened[1]!);
    expect(Math.max(...errors)).toBeLessThan(250);
    expect(errors.reduce((sum, error) => sum + error, 0) / RUNS).toBeLessThan(40);
    const late = runs.map(({ counted, happened }) => counted[2]! - happened[2]!);
    expect(Math.max(...late)).toBeLessThan(40);
    for (const { counted, happened } of runs) expect(counted[3]).toBe(happened[3]);
  });
});
