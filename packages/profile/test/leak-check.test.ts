import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { leakCheck, ArgumentRangeError, ArgumentTypeError, ProfilerBusyError } from '@hotpath/profile';
import type { LeakCheckOptions } from '@hotpath/profile';

const QUICK: LeakCheckOptions = { iterations: 500, warmUpRounds: 2 };

const kept: unknown[] = [];

function remember(value: number): void {
  kept.push([value, value, value, value]);
}

describe('a leak check', () => {
  test('finds a leak in one call of ten, and names a function of its file', async () => {
    let calls = 0;
    const report = await leakCheck(() => {
      if (++calls % 10 === 0) remember(calls);
      return JSON.stringify({ calls });
    }, QUICK);
    kept.length = 0;
    expect(report.verdict).toBe('leak');
    // An array of 32 bytes, its elements of 48, a place in the list: about 8 bytes a call.
    expect(report.bytesPerIteration).toBeGreaterThan(4);
    expect(report.bytesPerIteration).toBeLessThan(25);
    expect(report.bytesPerIterationLow).toBeGreaterThan(1);
    expect(report.bytesPerIterationHigh).toBeGreaterThanOrEqual(report.bytesPerIteration);
    // `remember`, or whoever V8 has inlined it into.
    expect(report.sites.some(({ url }) => url.endsWith('leak-check.test.ts'))).toBe(true);
    expect(report.iterations).toBe(500);
    expect(report.heldBytes.length % 12).toBe(0);
  });

  test('finds buffers that are kept', async () => {
    const report = await leakCheck(() => kept.push(new ArrayBuffer(1000)), { ...QUICK, iterations: 100 });
    kept.length = 0;
    expect(report.verdict).toBe('leak');
    expect(report.bytesPerIterationLow).toBeGreaterThan(1000);
  });

  test('finds a leak of an asynchronous operation', async () => {
    let calls = 0;
    const report = await leakCheck(
      async () => {
        await setImmediate();
        remember(++calls);
      },
      { ...QUICK, iterations: 100 },
    );
    kept.length = 0;
    expect(report.verdict).toBe('leak');
    // `remember`, or whoever V8 has inlined it into.
    expect(report.sites.some(({ url }) => url.endsWith('leak-check.test.ts'))).toBe(true);
  });

  test('does not accuse what leaves nothing behind', async () => {
    const report = await leakCheck(() => JSON.parse('{"a":[1,2,3]}'), QUICK);
    expect(report).toMatchObject({ verdict: 'no leak', sites: [] });
    expect(report.bytesPerIterationLow).toBeLessThan(1);
  });

  test('does not accuse a cache that grows until it is full', async () => {
    const cache = new Map<number, unknown>();
    let calls = 0;
    const report = await leakCheck(() => {
      const key = ++calls;
      cache.set(key, { key, text: `${key}` });
      // Full after six of at least twelve rounds.
      if (cache.size > 4000) cache.delete(key - 4000);
    }, QUICK);
    expect(report.verdict).toBe('no leak');
    expect(Math.max(...report.heldBytes) - report.heldBytes[0]!).toBeGreaterThan(50_000);
  });
});

describe('what goes wrong', () => {
  test('in the operation is passed on as it is, and the thread is free again', async () => {
    const error = new Error('boom');
    let calls = 0;
    const later = (): void => {
      if (++calls > 700) throw error;
    };
    await expect(leakCheck(later, QUICK)).rejects.toBe(error);
    await expect(leakCheck(() => Promise.reject(error))).rejects.toBe(error);
    await leakCheck(() => 0, { ...QUICK, iterations: 1 });
  });

  test('two at once: the second is refused', async () => {
    const first = leakCheck(() => setImmediate(), { ...QUICK, iterations: 1 });
    await expect(leakCheck(() => 0)).rejects.toThrow(ProfilerBusyError);
    await first;
  });

  test('a promise that never settles ends with the signal', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const endless = leakCheck(() => new Promise(() => {}), { signal: abort.signal });
    abort.abort(reason);
    await expect(endless).rejects.toBe(reason);
  });

  test.each<[options: unknown, kind: new () => Error, part: string]>([
    [[], ArgumentTypeError, 'options: expected an object, got array'],
    [{ iterations: '1' }, ArgumentTypeError, 'iterations: expected a number of calls, got string'],
    [{ toleranceBytes: '1' }, ArgumentTypeError, 'toleranceBytes: expected a number of bytes, got string'],
    [{ signal: 1 }, ArgumentTypeError, 'signal: expected an AbortSignal, got number'],
    [{ iterations: 0 }, ArgumentRangeError, 'iterations: expected an integer from 1 to 10000000, got 0'],
    [{ rounds: 11 }, ArgumentRangeError, 'rounds: expected an integer from 12 to 1000, got 11'],
    [{ warmUpRounds: 0 }, ArgumentRangeError, 'warmUpRounds: expected an integer from 1 to 1000, got 0'],
    [{ toleranceBytes: 0 }, ArgumentRangeError, 'toleranceBytes: expected a number above 0, got 0'],
    [{ toleranceBytes: Number.NaN }, ArgumentRangeError, 'expected a number above 0, got NaN'],
  ])('options %j are refused', async (options, kind, part) => {
    const refused = leakCheck(() => 0, options as LeakCheckOptions);
    await expect(refused).rejects.toThrow(kind);
    await expect(refused).rejects.toThrow(part);
  });
});
