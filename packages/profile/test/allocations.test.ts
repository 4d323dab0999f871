import { setImmediate } from 'node:timers/promises';
import { Session } from 'node:inspector/promises';
import { describe, expect, test } from 'vitest';
import { allocations, ArgumentRangeError, ArgumentTypeError, ProfilerBusyError } from '@hotpath/profile';
import type { AllocationsOptions, CallNode } from '@hotpath/profile';

class Point {
  readonly x = 1;
  readonly y = 2;
}

function points(count: number): unknown {
  let last: unknown;
  for (let left = count; left > 0; left--) last = new Point();
  return last;
}

function texts(count: number): unknown {
  let last: unknown;
  for (let left = count; left > 0; left--) last = JSON.stringify({ left });
  return last;
}

function sumOf(node: CallNode): number {
  return node.children.reduce((sum, child) => sum + sumOf(child), node.self);
}

describe('a profile of allocations', () => {
  test('counts what was collected, by function, with its callers', async () => {
    // 40 bytes each: three words and two fields. Two megabytes collect the young generation twice at least.
    const work = (): unknown => points(50_000);
    const profile = await allocations(work, { intervalBytes: 512 });
    const [site] = profile.top();
    expect(site).toMatchObject({ name: 'points', url: expect.stringMatching(/allocations\.test\.ts$/) });
    // Some 4000 samples: six standard deviations are a tenth.
    expect(Math.abs(site!.selfBytes / 2_000_000 - 1)).toBeLessThan(0.1);
    expect(site!.selfShare).toBeGreaterThan(0.8);
    expect(site!.totalBytes).toBeGreaterThanOrEqual(site!.selfBytes);
    expect(site!.sampleCount).toBeGreaterThan(1000);
    expect(site!.callers.map(({ name }) => name)).toEqual(['work']);
    expect(profile.bytes).toBeGreaterThanOrEqual(site!.selfBytes);
  });

  test('is a tree whose totals are the sums of what is below them', async () => {
    const { root, bytes } = await allocations(() => [points(5000), texts(5000)], { intervalBytes: 256 });
    expect(root.total).toBe(bytes);
    expect(sumOf(root)).toBe(bytes);
    const names = root.children.flatMap(({ children }) => children.map(({ name }) => name));
    expect(names).toEqual(expect.arrayContaining(['points', 'texts']));
  });

  test('goes on over the turns of an asynchronous operation', async () => {
    const profile = await allocations(
      async () => {
        await setImmediate();
        points(5000);
        await setImmediate();
        texts(5000);
      },
      { intervalBytes: 256 },
    );
    const names = profile.top().map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['points', 'texts']));
  });

  test('leaves out the profiler itself, and orders and limits the table', async () => {
    const profile = await allocations(() => [points(5000), texts(2000)], { intervalBytes: 64 });
    const sites = profile.top(1000);
    for (const { name } of sites) expect(['startSampling', 'stopSampling', 'abortable']).not.toContain(name);
    const bytes = sites.map(({ selfBytes }) => selfBytes);
    expect(bytes).toEqual(bytes.toSorted((a, b) => b - a));
    expect(profile.top(1)).toEqual(sites.slice(0, 1));
    expect(profile.heapprofile.head).toMatchObject({ callFrame: { functionName: '(root)' } });
    expect(profile.heapprofile.samples).toHaveLength(profile.sampleCount);
    expect(profile.value).toHaveLength(2);
  });

  test('draws itself, and its difference to an earlier one', async () => {
    const before = await allocations(() => points(5000), { intervalBytes: 512 });
    const after = await allocations(() => texts(5000), { intervalBytes: 512 });
    const svg = after.flameGraph();
    expect(svg).toContain('<title>Allocations');
    expect(svg).toContain('texts');
    expect(svg).toMatch(/[KM]iB/);
    expect(svg).not.toContain('points');
    expect(after.flameGraph({ before: before.root })).toContain('points');
  });

  test('of a function that calls itself counts its total once', async () => {
    const down = (depth: number): unknown => (depth === 0 ? points(5000) : [down(depth - 1)]);
    const { top, bytes } = bound(await allocations(() => down(20), { intervalBytes: 128 }));
    const site = top(100).find(({ name }) => name === 'down');
    if (site !== undefined) expect(site.totalBytes).toBeLessThanOrEqual(bytes);
    expect(top(1)[0]!.callers.filter(({ name }) => name === 'down')).toHaveLength(21);
  });

  test('of nothing is empty', async () => {
    const { top, root } = bound(await allocations(() => 0, { intervalBytes: 16_777_216 }));
    expect(root.total).toBeGreaterThanOrEqual(0);
    expect(top().length).toBeLessThanOrEqual(1);
  });
});

function bound(profile: Awaited<ReturnType<typeof allocations>>): {
  top: typeof profile.top;
  bytes: number;
  root: CallNode;
} {
  return { top: (count) => profile.top(count), bytes: profile.bytes, root: profile.root };
}

describe('what goes wrong', () => {
  test('in the operation is passed on as it is, and the thread is free again', async () => {
    const error = new Error('boom');
    const throwing = (): never => {
      throw error;
    };
    await expect(allocations(throwing)).rejects.toBe(error);
    await expect(allocations(() => Promise.reject(error))).rejects.toBe(error);
    await allocations(() => 0);
  });

  test('two at once: the second is refused, the first goes on', async () => {
    let finish = (): void => {};
    const first = allocations(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }).then(() => points(5000)),
      { intervalBytes: 512 },
    );
    await expect(allocations(() => 0)).rejects.toThrow(ProfilerBusyError);
    finish();
    expect((await first).top(3).map(({ name }) => name)).toContain('points');
  });

  test('a sampler of another tool is left alone', async () => {
    const other = new Session();
    other.connect();
    try {
      await other.post('HeapProfiler.startSampling', { samplingInterval: 512 });
      await expect(allocations(() => 0)).rejects.toThrow(
        "another tool is sampling this thread's heap (--heap-prof or an inspector)",
      );
      const { profile } = await other.post('HeapProfiler.stopSampling');
      expect(profile.head.children.length).toBeGreaterThan(0);
    } finally {
      other.disconnect();
    }
    await allocations(() => 0);
  });

  test('a promise that never settles ends with the signal', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const endless = allocations(() => new Promise(() => {}), { signal: abort.signal });
    abort.abort(reason);
    await expect(endless).rejects.toBe(reason);
    await allocations(() => 0);
  });

  test.each<[options: unknown, kind: new () => Error, part: string]>([
    [7, ArgumentTypeError, 'options: expected an object, got number'],
    [{ intervalBytes: '1' }, ArgumentTypeError, 'intervalBytes: expected a number of bytes, got string'],
    [{ sourceMaps: 1 }, ArgumentTypeError, 'sourceMaps: expected a boolean, got number'],
    [{ signal: 1 }, ArgumentTypeError, 'signal: expected an AbortSignal, got number'],
    [
      { intervalBytes: 63 },
      ArgumentRangeError,
      'intervalBytes: expected an integer from 64 to 16777216, got 63',
    ],
  ])('options %j are refused', async (options, kind, part) => {
    const refused = allocations(() => 0, options as AllocationsOptions);
    await expect(refused).rejects.toThrow(kind);
    await expect(refused).rejects.toThrow(part);
  });

  test('a table of no functions is refused', async () => {
    const profile = await allocations(() => 0);
    expect(() => profile.top(0)).toThrow('count: expected an integer from 1 to 1000000, got 0');
  });
});
