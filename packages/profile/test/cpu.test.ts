import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { CpuOptions, CpuProfile, CpuWindow } from '@hotpath/profile';
import {
  cpu,
  ArgumentRangeError,
  ArgumentTypeError,
  ProfilerBusyError,
  ProfileTimeoutError,
} from '@hotpath/profile';

/** Of the processor's time, not the clock's: a process that waits for its turn is not sampled at its work. */
function burn(milliseconds: number): number {
  const { user: begin } = process.cpuUsage();
  let sum = 0;
  while (process.cpuUsage().user - begin < milliseconds * 1000) {
    for (let i = 0; i < 1000; i++) sum += Math.sqrt(sum + 1);
  }
  return sum;
}

// What V8 inlined before the profile began is told as its caller: then only what burn calls shows.
const BURNING = /\b(burn|cpuUsage)\b/;

const namesIn = (profile: CpuProfile): string =>
  profile
    .top(1000)
    .map(({ name }) => name)
    .join(' ');

/** Whether the thread can be profiled: nothing was left open. */
async function isFree(): Promise<boolean> {
  const { value } = await cpu(() => 'free', { sourceMaps: false });
  return value === 'free';
}

describe('the profile of a function', () => {
  test('has what it returned, its own time, and the forms to keep it in', async () => {
    const profile = await cpu(() => burn(60), { intervalUs: 200 });
    expect(profile.value).toBeGreaterThan(0);
    expect(profile.sampleCount).toBeGreaterThan(5);
    expect(profile.top(1000).map(({ name }) => name)).toContain('burn');
    expect(profile.top(1000).find(({ name }) => name === 'burn')!.url).toMatch(/cpu\.test\.ts$/);
    expect(profile.flameGraph({ title: 'Burnt' })).toMatch(/<text [^>]*>burn<\/text>/);
    expect(profile.speedscope().shared.frames.map(({ name }) => name)).toContain('burn');
    const kept = JSON.parse(JSON.stringify(profile.cpuprofile)) as typeof profile.cpuprofile;
    expect(kept.nodes.map(({ callFrame }) => callFrame.functionName)).toContain('burn');
  });

  test('lasts until its promise has settled', async () => {
    const profile = await cpu(async () => {
      await delay(5);
      burn(20);
      return 'done';
    });
    expect(profile.value).toBe('done');
    expect(profile.durationMs).toBeGreaterThan(20);
  });

  test('can be compared with an earlier one', async () => {
    const before = await cpu(() => burn(30));
    const after = await cpu(() => burn(10));
    expect(after.flameGraph({ before: before.root })).toContain('red: takes more itself');
  });

  test.each([
    [
      'throws',
      () => {
        throw new TypeError('own');
      },
    ],
    [
      'rejects',
      async () => {
        await delay(1);
        throw new TypeError('own');
      },
    ],
  ])('that %s fails with its own error and closes the session', async (_, wrong: () => unknown) => {
    await expect(cpu(wrong)).rejects.toThrow(new TypeError('own'));
    expect(await isFree()).toBe(true);
  });

  test('that never settles ends at its time limit, with what was seen until then', async () => {
    const error: unknown = await cpu(
      () => {
        burn(20);
        return new Promise(() => {});
      },
      { timeoutMs: 30 },
    ).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ProfileTimeoutError);
    const { code, profile, message } = error as ProfileTimeoutError;
    expect(code).toBe('ERR_HOTPATH_PROFILE_TIMEOUT');
    expect(message).toBe('cpu: the function did not settle within timeoutMs, 30 ms');
    expect(namesIn(profile)).toMatch(BURNING);
    expect(await isFree()).toBe(true);
  });

  test('that settles too late disturbs nobody', async () => {
    const late = (): Promise<never> => delay(20).then(() => Promise.reject(new Error('late')));
    await expect(cpu(late, { timeoutMs: 1 })).rejects.toThrow(ProfileTimeoutError);
    await delay(40); // an unhandled rejection would fail the run
  });
});

test('the profile of a window has what ran meanwhile', async () => {
  setTimeout(burn, 1, 20);
  const profile = await cpu({ durationMs: 50 });
  expect(profile.value).toBeUndefined();
  expect(profile.durationMs).toBeGreaterThanOrEqual(49);
  expect(namesIn(profile)).toMatch(BURNING);
});

test('a second profile at once is refused and does not disturb the first', async () => {
  const first = cpu({ durationMs: 30 });
  await expect(cpu({ durationMs: 30 })).rejects.toThrow(
    new ProfilerBusyError('cpu: this thread is already being profiled, by cpu'),
  );
  expect((await first).sampleCount).toBeGreaterThan(0);
  expect(await isFree()).toBe(true);
});

test('profiling where another session of the inspector is at work goes on beside it', async () => {
  const { Session } = await import('node:inspector');
  const other = new Session();
  other.connect();
  try {
    other.post('Profiler.enable');
    other.post('Profiler.start');
    expect((await cpu(() => burn(10))).value).toBeGreaterThan(0);
    let samples = 0;
    other.post('Profiler.stop', (_, { profile }) => {
      samples = profile.samples!.length;
    });
    expect(samples).toBeGreaterThan(0);
  } finally {
    other.disconnect();
  }
});

describe('a signal', () => {
  test.each<[string, CpuWindow | (() => unknown)]>([
    ['window', { durationMs: 60_000 }],
    ['function', () => new Promise(() => {})],
  ])('ends the profile of a %s with its reason', async (_, target) => {
    const controller = new AbortController();
    const profile = cpu(target as CpuWindow, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 5);
    await expect(profile).rejects.toThrow('enough');
    expect(await isFree()).toBe(true);
  });

  test('that was aborted before starts nothing', async () => {
    let hasRun = false;
    const signal = AbortSignal.abort(new Error('before'));
    await expect(cpu(() => (hasRun = true), { signal })).rejects.toThrow('before');
    expect(hasRun).toBe(false);
  });
});

test.each<[string, unknown, unknown, Error]>([
  ['target', 5, {}, new ArgumentTypeError('target: expected a function or { durationMs }, got number')],
  ['window', {}, {}, new ArgumentTypeError('durationMs: expected a number of milliseconds, got undefined')],
  [
    'window',
    { durationMs: 0 },
    {},
    new ArgumentRangeError('durationMs: expected an integer from 1 to 3600000, got 0'),
  ],
  ['options', burn, 7, new ArgumentTypeError('options: expected an object, got number')],
  [
    'interval',
    burn,
    { intervalUs: 49 },
    new ArgumentRangeError('intervalUs: expected an integer from 50 to 1000000, got 49'),
  ],
  [
    'limit',
    burn,
    { timeoutMs: '1' },
    new ArgumentTypeError('timeoutMs: expected a number of milliseconds, got string'),
  ],
  [
    'source maps',
    burn,
    { sourceMaps: 1 },
    new ArgumentTypeError('sourceMaps: expected a boolean, got number'),
  ],
  ['signal', burn, { signal: {} }, new ArgumentTypeError('signal: expected an AbortSignal, got object')],
])('a wrong %s is refused', async (_, target, options, error) => {
  await expect(cpu(target as CpuWindow, options as CpuOptions)).rejects.toThrow(error);
  expect(await isFree()).toBe(true);
});
