import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { bytesPerOp, ArgumentRangeError, ArgumentTypeError, ProfilerBusyError } from '@hotpath/profile';
import type { BytesPerOpOptions } from '@hotpath/profile';

const QUICK: BytesPerOpOptions = { warmUpMs: 20, rounds: 9 };

class Point {
  readonly x = 1;
  readonly y = 2;
  readonly z = 3;
  readonly t = 4;
}

describe('the bytes of one call', () => {
  test.each<[what: string, operation: () => unknown, bytes: number, slack: number]>([
    ['a number', () => 7, 0, 1],
    // Three words of header and four fields.
    ['an object', () => new Point(), 56, 1],
    // The array of four words, its elements of two.
    ['a hundred elements', () => Array.from({ length: 100 }).fill(1), 100 * 8, 100],
    ['more than the young generation holds', () => new Array(3_000_000).fill(1), 24_000_000, 10_000],
  ])('that makes %s', async (_, operation, bytes, slack) => {
    const measured = await bytesPerOp(operation, QUICK);
    expect(Math.abs(measured.heapBytes - bytes)).toBeLessThanOrEqual(slack);
    expect(measured.externalBytes).toBe(0);
    expect(measured.bytesLow).toBeLessThanOrEqual(measured.bytes);
    expect(measured.bytesHigh).toBeGreaterThanOrEqual(measured.bytes);
  });

  test('counts the contents of buffers apart', async () => {
    const measured = await bytesPerOp(() => new ArrayBuffer(10_000), QUICK);
    expect(measured.externalBytes).toBe(10_000);
    expect(measured.heapBytes).toBeGreaterThan(50);
    expect(measured.heapBytes).toBeLessThan(300);
    expect(measured.collections).toBe(0);
  });

  test('counts what collections in its windows take away', async () => {
    const measured = await bytesPerOp(() => new Point(), { ...QUICK, rounds: 5, operations: 4_000_000 });
    expect(measured.collections).toBeGreaterThan(0);
    expect(Math.abs(measured.bytes - 56)).toBeLessThan(2);
  });

  test('of an asynchronous operation leaves out the waiting', async () => {
    const settled = Promise.resolve();
    const nothing = await bytesPerOp(() => settled, QUICK);
    expect(nothing.bytes).toBeLessThanOrEqual(1);
    const some = await bytesPerOp(async () => {
      await setImmediate();
      return new Point();
    }, QUICK);
    expect(some.bytes).toBeGreaterThan(56 + 100);
    expect(some.bytes).toBeLessThan(2000);
  });
});

describe('what goes wrong', () => {
  test('in the operation is passed on as it is, and the thread is free again', async () => {
    const error = new Error('boom');
    const throwing = (): never => {
      throw error;
    };
    await expect(bytesPerOp(throwing)).rejects.toBe(error);
    await expect(bytesPerOp(() => Promise.reject(error))).rejects.toBe(error);
    let calls = 0;
    const later = (): void => {
      if (++calls > 100) throw error;
    };
    await expect(bytesPerOp(later, QUICK)).rejects.toBe(error);
    await bytesPerOp(() => 0, { ...QUICK, operations: 1 });
  });

  test('two at once: the second is refused', async () => {
    const first = bytesPerOp(() => setImmediate(), QUICK);
    await expect(bytesPerOp(() => 0)).rejects.toThrow(ProfilerBusyError);
    await first;
  });

  test('a promise that never settles ends with the signal', async () => {
    const abort = new AbortController();
    const measured = bytesPerOp(() => new Promise(() => {}), { signal: abort.signal });
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(measured).rejects.toBe(reason);
    await expect(bytesPerOp(() => 0, { signal: abort.signal })).rejects.toBe(reason);
    await bytesPerOp(() => 0, { ...QUICK, operations: 1 });
  });

  test.each<[options: unknown, part: string]>([
    [null, 'options: expected an object, got null'],
    [{ rounds: '9' }, 'rounds: expected a number of windows, got string'],
    [{ operations: null }, 'operations: expected a number of calls, got null'],
    [{ warmUpMs: true }, 'warmUpMs: expected a number of milliseconds, got boolean'],
    [{ signal: {} }, 'signal: expected an AbortSignal, got object'],
  ])('options %j have the wrong type', async (options, part) => {
    const refused = bytesPerOp(() => 0, options as BytesPerOpOptions);
    await expect(refused).rejects.toThrow(ArgumentTypeError);
    await expect(refused).rejects.toThrow(part);
  });

  test.each<[options: BytesPerOpOptions, part: string]>([
    [{ rounds: 4 }, 'rounds: expected an integer from 5 to 10000, got 4'],
    [{ operations: 0 }, 'operations: expected an integer from 1 to 10000000, got 0'],
    [{ operations: 1.5 }, 'got 1.5'],
    [{ warmUpMs: -1 }, 'got -1'],
  ])('options %j are out of range', async (options, part) => {
    const refused = bytesPerOp(() => 0, options);
    await expect(refused).rejects.toThrow(ArgumentRangeError);
    await expect(refused).rejects.toThrow(part);
  });

  test('what is no function is refused', async () => {
    await expect(bytesPerOp(7 as unknown as () => void)).rejects.toThrow(
      'operation: expected a function, got number',
    );
  });
});
