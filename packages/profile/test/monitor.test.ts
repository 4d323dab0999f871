import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import type { MonitorOptions, MonitorStats } from '@hotpath/profile';
import {
  monitor,
  MONITOR_CHANNEL,
  MonitorStoppedError,
  ArgumentRangeError,
  ArgumentTypeError,
  ProfileError,
} from '@hotpath/profile';
import { HostMonitor } from '../dist/monitor/monitor.js';
import { resolveOptions } from '../dist/monitor/options.js';
import { FakeHost, start } from './fake-host.ts';

describe('the delay of the event loop', () => {
  test('is nothing while every tick is on time', () => {
    const { host, health } = start();
    host.ticks(100);
    expect(health.stats().eventLoop).toMatchObject({
      delayCount: 100,
      delayMsMean: 0,
      delayMsP99: 0,
      delayMsMax: 0,
    });
  });

  test('of one stall counts every tick that it swallowed, so that p90 sees it', () => {
    const { host, health } = start({ resolutionMs: 10 });
    host.ticks(80);
    host.tick(1010); // due after 10: 1000 late, and 100 looks were missed
    const { delayCount, delayMsMax, delayMsP50, delayMsP90, delayMsP99 } = health.stats().eventLoop;
    expect(delayCount).toBe(181);
    expect(delayMsMax).toBe(1000);
    expect(Math.abs(delayMsP50 - 100)).toBeLessThan(3);
    expect(Math.abs(delayMsP90 - 820)).toBeLessThan(30);
    expect(Math.abs(delayMsP99 - 990)).toBeLessThan(30);
  });

  test('of an hour is counted whole, in few steps', () => {
    const { host, health } = start({ resolutionMs: 1, windowMs: 86_400_000 });
    host.tick(3_600_001);
    const { delayCount, delayMsMax, delayMsMean } = health.stats().eventLoop;
    expect(delayCount).toBe(3_600_001);
    expect(delayMsMax).toBe(3_600_000);
    expect(delayMsMean / 1_800_000).toBeCloseTo(1, 1);
  });

  test('ignores ticks that come early', () => {
    const { host, health } = start();
    host.tick(2);
    expect(health.stats().eventLoop).toMatchObject({ delayCount: 1, delayMsMax: 0 });
  });

  test('of a stall that ends with stop() is not lost', () => {
    const { host, health } = start({ resolutionMs: 10 });
    host.block(500);
    expect(health.stop().eventLoop.delayMsMax).toBe(490);
  });

  test('goes with the share of time that the loop was busy, of this window alone', () => {
    const { host, health } = start();
    host.block(100);
    health.reset();
    host.block(30);
    host.tick(70);
    expect(health.stats().eventLoop).toMatchObject({ utilization: 0.3, activeMs: 30, idleMs: 70 });
  });
});

describe('a clock that jumps', () => {
  test.each([-3_600_000, 3_600_000])('the wall clock, by %d ms: lengths and delays do not notice', (jump) => {
    const told: MonitorStats[] = [];
    const { host, health } = start({
      windowMs: 1000,
      resolutionMs: 10,
      onSample: (stats) => told.push(stats),
    });
    const { startedAtMs } = health.stats();
    host.ticks(50);
    host.dateJumpMs = jump;
    host.ticks(150);
    expect(told.map(({ durationMs }) => durationMs)).toEqual([1000, 1000]);
    expect(told.map(({ eventLoop }) => eventLoop.delayMsMax)).toEqual([0, 0]);
    expect(told[1]!.startedAtMs).toBe(startedAtMs + 1000 + jump);
  });

  test('the monotonic one, back: nothing is negative, and the monitor goes on', () => {
    const { host, health } = start({ windowMs: 1000, resolutionMs: 10 });
    host.ticks(5);
    host.tick(-500);
    const { durationMs, eventLoop, gc } = health.stats();
    expect([durationMs, eventLoop.delayMsMax, eventLoop.delayMsMin, gc.pauseShare]).toEqual([0, 0, 0, 0]);
    host.ticks(200);
    expect(health.lastWindow()!.durationMs).toBe(1000);
  });
});

describe('windows', () => {
  test('end after windowMs, are told whole, and the next begins empty', () => {
    const told: MonitorStats[] = [];
    const { host, health } = start({
      windowMs: 1000,
      resolutionMs: 10,
      onSample: (stats) => told.push(stats),
    });
    host.ticks(50);
    host.tick(60);
    expect(told).toEqual([]);
    expect(health.lastWindow()).toBeUndefined();
    host.ticks(44);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ durationMs: 1000, eventLoop: { delayMsMax: 50 } });
    expect(health.lastWindow()).toBe(told[0]);
    expect(health.stats()).toMatchObject({
      startedAtMs: told[0]!.startedAtMs + 1000,
      durationMs: 0,
      eventLoop: { delayCount: 0, delayMsMax: 0 },
    });
    host.ticks(200);
    expect(told).toHaveLength(3);
  });

  test('are published on the channel', () => {
    const told: unknown[] = [];
    const listener = (message: unknown): void => void told.push(message);
    subscribe(MONITOR_CHANNEL, listener);
    try {
      const { host, health } = start({ windowMs: 100, resolutionMs: 10 });
      host.ticks(10);
      expect(told).toEqual([health.lastWindow()]);
    } finally {
      unsubscribe(MONITOR_CHANNEL, listener);
    }
  });

  test('are read by any number of readers without being changed', () => {
    const { host, health } = start();
    host.collect('minor', 2);
    host.types = ['Timeout', 'TCPSocketWrap', 'Timeout'];
    host.tick(35);
    const first = health.stats();
    expect(health.stats()).toEqual(first);
    expect(first.resources).toEqual({ count: 3, byType: { Timeout: 2, TCPSocketWrap: 1 } });
    host.tick(500);
    expect(first.eventLoop.delayMsMax).toBe(25);
  });

  test('are dropped by reset(), untold', () => {
    let calls = 0;
    const { host, health } = start({ windowMs: 100, resolutionMs: 10, onSample: () => calls++ });
    host.ticks(9);
    health.reset();
    host.ticks(9);
    expect(calls).toBe(0);
    expect(health.stats()).toMatchObject({ durationMs: 90, eventLoop: { delayCount: 9 } });
  });
});

describe('onSample that fails', () => {
  test('does not reach the service, is counted, and is told once', () => {
    const { host, health } = start({
      windowMs: 10,
      resolutionMs: 10,
      onSample: () => {
        throw new Error('boom');
      },
    });
    host.ticks(3);
    expect(host.warnings).toHaveLength(1);
    expect(host.warnings[0]!.cause).toMatchObject({ message: 'boom' });
    expect(health.stats().failedCallbacks).toBe(3);
  });

  test('by a rejected promise counts too', async () => {
    const { host, health } = start({
      windowMs: 10,
      resolutionMs: 10,
      // oxlint-disable-next-line typescript/no-misused-promises -- an async callback is what is tested
      onSample: () => Promise.reject(new Error('no')),
    });
    host.tick();
    await Promise.resolve();
    await Promise.resolve();
    expect(health.stats().failedCallbacks).toBe(1);
  });

  test('or a listener of pauses that does: the others are told all the same', () => {
    const { host, health } = start();
    const told: number[] = [];
    health.onGcPause(() => {
      throw new Error('boom');
    });
    health.onGcPause((_, durationMs) => told.push(durationMs));
    host.collect('minor', 1);
    host.collect('minor', 2);
    host.tellCollections();
    expect(told).toEqual([1, 2]);
    expect(host.warnings.map(({ message }) => message)).toEqual([
      'a listener of onGcPause of a monitor failed; later failures are only counted',
    ]);
    expect(health.stats()).toMatchObject({ failedCallbacks: 2, gc: { count: 2 } });
  });

  test('or a listener of pauses whose promise is rejected does not reach the service', async () => {
    const { host, health } = start();
    // oxlint-disable-next-line typescript/no-misused-promises -- an async callback is what is tested
    health.onGcPause(() => Promise.reject(new Error('no')));
    host.collect('minor', 1);
    host.tellCollections();
    await Promise.resolve();
    await Promise.resolve();
    expect(health.stats().failedCallbacks).toBe(1);
    expect(host.warnings[0]!.cause).toMatchObject({ message: 'no' });
  });

  test('may stop or reset the monitor that calls it', () => {
    const host = new FakeHost();
    const health: HostMonitor = new HostMonitor(
      resolveOptions({ windowMs: 10, resolutionMs: 10, onSample: () => health.stop() }),
      host,
    );
    host.ticks(2);
    expect(health.running).toBe(false);
    expect(host.ticking).toBe(false);
  });
});

describe('stop()', () => {
  test('ends the timer and the observer, and gives the same last window ever after', () => {
    const { host, health } = start();
    host.tick(25);
    expect([host.ticking, host.watching, health.running]).toEqual([true, true, true]);
    const last = health.stop();
    expect([host.ticking, host.watching, health.running]).toEqual([false, false, false]);
    host.block(1000);
    expect(health.stop()).toBe(last);
    expect(health.stats()).toBe(last);
    expect(last.eventLoop.delayMsMax).toBe(15);
  });

  test('ends the timer and the observer even when the last window cannot be read', () => {
    const { host, health } = start();
    host.memoryError = new Error('no memory');
    expect(() => health.stop()).toThrow('no memory');
    expect([host.ticking, host.watching]).toEqual([false, false]);
  });

  test.each<[how: string, read: (health: HostMonitor, host: FakeHost) => void]>([
    ['stop()', (health) => health.stop()],
    ['stats()', (health) => health.stats()],
    ['reset()', (health) => health.reset()],
    ['the end of a window', (_, host) => host.tick()],
    ['a look in between', (_, host) => host.tellCollections()],
  ])('by a listener of pauses, told in %s, ends the monitor once', (_, read) => {
    const samples: MonitorStats[] = [];
    const { host, health } = start({ windowMs: 10, onSample: (window) => samples.push(window) });
    const other = new HostMonitor(resolveOptions({ windowMs: 60_000 }), host);
    const told: MonitorStats[] = [];
    health.onGcPause(() => told.push(health.stop()));
    host.collect('minor', 1);
    host.collect('minor', 1);
    read(health, host);
    expect(told).toHaveLength(1);
    expect(health.running).toBe(false);
    expect(health.stop()).toBe(told[0]);
    expect(told[0]!.gc.count).toBe(1);
    expect(samples).toEqual([]);
    // The other still watches, and has seen both.
    expect(host.watching).toBe(true);
    expect(other.stop().gc.count).toBe(2);
    expect([host.ticking, host.watching]).toEqual([false, false]);
  });

  test('makes reset() throw, with a code', () => {
    const { health } = start();
    health.stop();
    expect(() => health.reset()).toThrow(MonitorStoppedError);
    expect(() => health.reset()).toThrow(ProfileError);
    expect(() => health.reset()).toThrow(
      expect.objectContaining({ code: 'ERR_HOTPATH_PROFILE_MONITOR_STOPPED' }),
    );
  });

  test('is what `using` calls', () => {
    const host = new FakeHost();
    {
      using health = new HostMonitor(resolveOptions(), host);
      expect(health.running).toBe(true);
    }
    expect(host.ticking).toBe(false);
  });
});

describe('options', () => {
  test.each<[options: unknown, part: string]>([
    [null, 'options: expected an object, got null'],
    [7, 'options: expected an object, got number'],
    [{ windowMs: '10' }, 'windowMs: expected a number of milliseconds, got string'],
    [{ resolutionMs: null }, 'resolutionMs: expected a number of milliseconds, got null'],
    [{ onSample: 'log' }, 'onSample: expected a function, got string'],
  ])('%j is the wrong type', (options, part) => {
    expect(() => monitor(options as MonitorOptions)).toThrow(ArgumentTypeError);
    expect(() => monitor(options as MonitorOptions)).toThrow(part);
  });

  test.each<[options: MonitorOptions, part: string]>([
    [{ windowMs: 0 }, 'windowMs: expected an integer from 20 to 86400000, got 0'],
    [{ windowMs: 99, resolutionMs: 100 }, 'windowMs: expected an integer from 100'],
    [{ windowMs: Number.NaN }, 'got NaN'],
    [{ windowMs: Number.POSITIVE_INFINITY }, 'got Infinity'],
    [{ resolutionMs: 0 }, 'resolutionMs: expected an integer from 1 to 1000, got 0'],
    [{ resolutionMs: 2.5 }, 'got 2.5'],
    [{ resolutionMs: 1001 }, 'got 1001'],
  ])('%j is out of range', (options, part) => {
    expect(() => monitor(options)).toThrow(ArgumentRangeError);
    expect(() => monitor(options)).toThrow(part);
  });
});

describe('over Node itself', () => {
  test('a window has figures that fit together', async () => {
    const stats = await new Promise<MonitorStats>((resolve) => {
      const health = monitor({
        windowMs: 50,
        resolutionMs: 5,
        onSample: (window) => {
          health.stop();
          resolve(window);
        },
      });
      // The monitor does not keep the process alive: the test does.
      const alive = setInterval(() => health.running || clearInterval(alive), 20);
    });
    expect(stats.durationMs).toBeGreaterThanOrEqual(50);
    const { delayMsP50, delayMsP90, delayMsP99, delayMsMax, delayCount, utilization } = stats.eventLoop;
    expect(delayCount).toBeGreaterThan(0);
    expect([delayMsP50, delayMsP90, delayMsP99, delayMsMax]).toEqual(
      [delayMsP50, delayMsP90, delayMsP99, delayMsMax].sort((a, b) => a - b),
    );
    expect(utilization).toBeGreaterThanOrEqual(0);
    expect(utilization).toBeLessThanOrEqual(1);
    const { memory, resources } = stats;
    expect(memory.heapUsedBytes).toBeGreaterThan(0);
    expect(memory.heapUsedBytes).toBeLessThanOrEqual(memory.heapTotalBytes);
    expect(memory.heapTotalBytes).toBeLessThanOrEqual(memory.heapLimitBytes);
    expect(memory.arrayBuffersBytes).toBeLessThanOrEqual(memory.externalBytes);
    expect(Object.values(resources.byType).reduce((sum, count) => sum + count, 0)).toBe(resources.count);
    expect(JSON.parse(JSON.stringify(stats))).toEqual(stats);
  });

  test('a process without file descriptors or /proc is watched, and not ended', async () => {
    const { memory: before } = monitor().stop();
    const memoryUsage = vi.spyOn(process, 'memoryUsage').mockImplementation(() => {
      // What Node throws when /proc/self/stat cannot be opened.
      throw Object.assign(new Error('uv_resident_set_memory'), { code: 'EMFILE' });
    });
    try {
      const health = monitor({ windowMs: 10, resolutionMs: 5 });
      // What a timer's callback throws is uncaught, and fails the run.
      while (health.lastWindow() === undefined) await setTimeout(5);
      for (const { memory } of [health.lastWindow()!, health.stats(), health.stop()]) {
        expect(memory.rssBytes).toBe(before.rssBytes);
        expect(memory.heapUsedBytes).toBeGreaterThan(0);
        expect(memory.heapUsedBytes).toBeLessThanOrEqual(memory.heapTotalBytes);
        expect(memory.heapTotalBytes).toBeLessThanOrEqual(memory.heapLimitBytes);
        expect(memory.arrayBuffersBytes).toBeLessThanOrEqual(memory.externalBytes);
      }
      expect(memoryUsage).toHaveBeenCalled();
    } finally {
      memoryUsage.mockRestore();
    }
  });

  test('a blocked loop is seen', () => {
    using health = monitor();
    const end = performance.now() + 60;
    while (performance.now() < end);
    expect(health.stop().eventLoop.delayMsMax).toBeGreaterThanOrEqual(39);
  });

  test('a running monitor lets the process end', async () => {
    const program =
      "import('@hotpath/profile').then(({ monitor }) => { monitor({ windowMs: 20 }); console.log('ran'); })";
    const { stdout } = await promisify(execFile)(process.execPath, ['--eval', program], {
      cwd: new URL('.', import.meta.url),
      timeout: 20_000,
    });
    expect(stdout).toBe('ran\n');
  });

  test('two monitors do not disturb each other', () => {
    using first = monitor();
    using second = monitor({ windowMs: 100 });
    first.stop();
    expect(second.running).toBe(true);
    second.reset();
    expect(first.stats()).toBe(first.stop());
  });
});
