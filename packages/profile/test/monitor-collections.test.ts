import { describe, expect, test } from 'vitest';
import { HostMonitor } from '../dist/monitor/monitor.js';
import { resolveOptions } from '../dist/monitor/options.js';
import { start } from './fake-host.ts';
import type { FakeHost } from './fake-host.ts';

describe('collections', () => {
  test('are summed by kind, with the longest and the share of the window', () => {
    const { host, health } = start();
    host.collect('minor', 1);
    host.collect('minor', 3);
    host.collect('major', 16);
    host.tick(200);
    const { gc } = health.stats();
    expect(gc).toMatchObject({ count: 3, pauseMsTotal: 20, pauseMsMax: 16, pauseShare: 0.1 });
    expect(gc.byKind.minor).toEqual({ count: 2, pauseMsTotal: 4, pauseMsMax: 3 });
    expect(gc.byKind.major).toEqual({ count: 1, pauseMsTotal: 16, pauseMsMax: 16 });
    expect(gc.byKind.weakcb).toEqual({ count: 0, pauseMsTotal: 0, pauseMsMax: 0 });
  });

  test('are told one by one to who asks, until that or the monitor ends', () => {
    const { host, health } = start();
    const told: [string, number][] = [];
    const end = health.onGcPause((kind, durationMs) => told.push([kind, durationMs]));
    host.collect('minor', 1);
    health.stats();
    host.collect('major', 9);
    health.stats();
    end();
    host.collect('minor', 2);
    health.stats();
    expect(told).toEqual([
      ['minor', 1],
      ['major', 9],
    ]);
    expect(() => health.onGcPause(7 as never)).toThrow('listener: expected a function, got number');
  });

  test('before a listener came are not told to it, and counted all the same', () => {
    const { host, health } = start();
    const told: number[] = [];
    host.collect('minor', 1);
    health.onGcPause((_, durationMs) => told.push(durationMs));
    host.collect('minor', 2);
    host.tellCollections();
    expect(told).toEqual([2]);
    expect(health.stats().gc.count).toBe(2);
  });

  test('that nobody was told yet belong to the window in which they are read', () => {
    const { host, health } = start({ windowMs: 100, resolutionMs: 10 });
    host.collect('minor', 1);
    host.ticks(10);
    expect(health.lastWindow()!.gc.count).toBe(1);
    expect(health.stats().gc.count).toBe(0);
  });
});

describe('collections by the hundred', () => {
  /** A second each, `perTick` collections of 0.2 ms every 20 ms; those in a gap are seen by nobody. */
  function seconds(host: FakeHost, count: number, perTick: number): void {
    for (let tick = 0; tick < count * 50; tick++) {
      for (let time = 0; time < perTick; time++) host.collect('minor', 0.2);
      host.tellCollections();
      host.tick();
    }
  }

  /** One collection of 0.2 ms every 4 ms, 250 a second, told at once. */
  function collectFor(host: FakeHost, totalMs: number): void {
    for (let passedMs = 0; passedMs < totalMs; passedMs += 4) {
      host.pass(4);
      host.collect('minor', 0.2);
      host.tellCollections();
    }
  }

  test('are watched in turns, some ten a second, and reckoned for the others', () => {
    const { host, health } = start({ resolutionMs: 20, windowMs: 60_000 });
    seconds(host, 20, 5);
    const { count, pauseMsTotal, pauseMsMax, pauseShare, watchedShare, byKind } = health.stats().gc;
    expect(watchedShare).toBeGreaterThan(0.03);
    expect(watchedShare).toBeLessThan(0.08);
    expect(count / 5000).toBeCloseTo(1, 1);
    expect(byKind.minor.count).toBe(count);
    expect(pauseMsTotal / count).toBeCloseTo(0.2, 2);
    expect(pauseMsMax).toBe(0.2);
    expect(pauseShare).toBeCloseTo(0.05, 2);
    expect(health.stats()).toEqual(health.stats());
  });

  test('are reckoned in windows of two ticks, too', () => {
    const told: number[] = [];
    const { host } = start({ resolutionMs: 20, windowMs: 40, onSample: ({ gc }) => told.push(gc.count) });
    seconds(host, 20, 5);
    expect(told).toHaveLength(500);
    expect(told.reduce((sum, count) => sum + count, 0) / 5000).toBeCloseTo(1, 1);
  });

  test('are watched whole in a burst after a calm', () => {
    const { host, health } = start({ resolutionMs: 20, windowMs: 60_000 });
    seconds(host, 10, 0);
    seconds(host, 1, 2);
    expect(health.stats().gc).toMatchObject({ count: 100, watchedShare: 1 });
  });

  test('cost the same when ticks are far apart', () => {
    const { host, health } = start({ resolutionMs: 1000, windowMs: 120_000 });
    collectFor(host, 60_000);
    expect(host.observed / 60).toBeGreaterThan(5);
    expect(host.observed / 60).toBeLessThan(15);
    expect(Math.abs(health.stats().gc.count / 15_000 - 1)).toBeLessThan(0.1);
  });

  test('are paid from one purse by monitors one after the other', () => {
    const { host, health } = start({ resolutionMs: 20, windowMs: 60_000 });
    seconds(host, 4, 5);
    health.stop();
    const { observed } = host;
    for (let begun = 0; begun < 200; begun++) {
      using next = new HostMonitor(resolveOptions(), host);
      seconds(host, 0.1, 5);
      expect(next.running).toBe(true);
    }
    expect((host.observed - observed) / 20).toBeGreaterThan(5);
    expect((host.observed - observed) / 20).toBeLessThan(15);
    expect([host.ticking, host.turning, host.watching]).toEqual([false, false, false]);
  });

  test.each([
    ['of far coarser ticks', 1000, 0],
    ['a moment later', 20, 10],
  ])('are seen alike by a second monitor, %s, and cost no more', (_, resolutionMs, laterMs) => {
    const { host, health: first } = start({ resolutionMs: 20, windowMs: 60_000 });
    host.pass(laterMs);
    const second = new HostMonitor(resolveOptions({ resolutionMs, windowMs: 60_000 }), host);
    collectFor(host, 20_000);
    expect(first.stats().gc.count / 5000).toBeCloseTo(1, 1);
    expect(Math.abs(second.stats().gc.count / 5000 - 1)).toBeLessThan(0.1);
    // What may be owed once, too.
    expect(host.observed / 20).toBeLessThan(10 + 200 / 20);
    first.stop();
    expect(second.running).toBe(true);
    collectFor(host, 10_000);
    expect(Math.abs(second.stop().gc.count / 7500 - 1)).toBeLessThan(0.1);
    expect(host.watching).toBe(false);
  });

  test('that one monitor listens to are all seen by the others', () => {
    const { host, health } = start({ resolutionMs: 20, windowMs: 60_000 });
    collectFor(host, 2000);
    const other = new HostMonitor(resolveOptions({ windowMs: 60_000 }), host);
    let told = 0;
    health.onGcPause(() => told++);
    other.reset();
    collectFor(host, 2000);
    expect(told).toBe(500);
    expect(other.stats().gc).toMatchObject({ count: 500, watchedShare: 1 });
    health.stop();
    collectFor(host, 2000);
    expect(other.stats().gc.watchedShare).toBeLessThan(0.6);
  });

  test('are not invented for an hour in which the process was stopped', () => {
    const { host, health } = start({ resolutionMs: 20, windowMs: 86_400_000 });
    collectFor(host, 2000);
    while (host.watching) collectFor(host, 4);
    const before = health.stats().gc.count;
    host.block(3_600_000);
    host.tick();
    const { count, watchedShare } = health.stats().gc;
    expect(count - before).toBeLessThan(1000);
    expect(watchedShare).toBeLessThan(0.001);
  });

  test('are all watched again when they are few', () => {
    const { host, health } = start({ resolutionMs: 20 });
    seconds(host, 2, 10);
    expect(health.stats().gc.watchedShare).toBeLessThan(0.5);
    host.ticks(1100);
    health.reset();
    for (let time = 0; time < 10; time++) {
      host.collect('minor', 0.2);
      host.tellCollections();
      host.ticks(4);
    }
    expect(health.stats().gc).toMatchObject({ count: 10, watchedShare: 1 });
  });

  test('are all watched again twenty seconds after a stall with hundreds of them', () => {
    const { host, health } = start({ resolutionMs: 20 });
    for (let time = 0; time < 300; time++) host.collect('minor', 0.2);
    host.tellCollections();
    host.ticks(1020);
    health.reset();
    host.collect('minor', 0.2);
    host.tellCollections();
    host.ticks(1);
    expect(health.stats().gc).toMatchObject({ count: 1, watchedShare: 1 });
  });

  test('are all watched while somebody is told each', () => {
    const { host, health } = start({ resolutionMs: 20, windowMs: 60_000 });
    seconds(host, 2, 5);
    health.reset();
    let told = 0;
    const end = health.onGcPause(() => told++);
    seconds(host, 2, 5);
    expect(told).toBe(500);
    expect(health.stats().gc).toMatchObject({ count: 500, watchedShare: 1 });
    end();
    seconds(host, 8, 5);
    // What was watched for the listener is no debt: turns go on at once.
    expect(health.stats().gc.watchedShare).toBeGreaterThan(0.22);
    expect(health.stats().gc.watchedShare).toBeLessThan(0.5);
    health.stop();
    expect(host.watching).toBe(false);
  });
});
