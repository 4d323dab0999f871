import {
  createCache,
  type Cache,
  type DefineOptions,
  type Definition,
  memoryTier,
  notModified,
  NotModifiedError,
} from '@hotpath/cache';
import { expect, test, vi } from 'vitest';
import { DoubleStore, settled, TestClock, withResolvers } from './tier-double.ts';

interface World {
  readonly clock: TestClock;
  readonly store: DoubleStore;
  readonly cache: Cache;
  readonly users: Definition<unknown>;
}

function open(options: Omit<DefineOptions<unknown, string>, 'name'>, store = new DoubleStore()): World {
  const clock = new TestClock();
  store.now = clock.now;
  const cache = createCache({
    tiers: [memoryTier({ maxTtlMs: 1e9 }), store.tier()],
    now: clock.now,
    jitter: 0,
    random: () => 0.5,
  });
  return { clock, store, cache, users: cache.define<unknown>({ name: 'user', ttlMs: 1000, ...options }) };
}

/** 1, 2, 3 … by call. */
function counting(): () => number {
  let count = 0;
  return () => ++count;
}

test('stale while revalidate: the old value at once, the new one to whoever comes after, for so long and no longer', async () => {
  const { clock, users } = open({ load: counting(), stale: { whileRevalidateMs: 500 } });
  expect(await users.get('a')).toBe(1);
  clock.advance(1000);
  expect(users.peek('a')).toBeUndefined();
  expect(await users.get('a')).toBe(1);
  await settled();
  expect(await users.get('a')).toBe(2);
  clock.advance(1500);
  expect(await users.get('a')).toBe(3);
});

test('a process that has nothing in memory serves what is stale in the level below, and loads once', async () => {
  const first = open({ load: counting(), stale: { whileRevalidateMs: 500 } });
  await first.users.get('a');
  const second = createCache({
    tiers: [memoryTier(), first.store.tier()],
    now: first.clock.now,
    jitter: 0,
  });
  const load = vi.fn(() => 'new');
  const users = second.define<unknown>({ name: 'user', load, stale: { whileRevalidateMs: 500 } });
  first.clock.advance(1100);
  expect(await Promise.all([users.get('a'), users.get('a')])).toEqual([1, 1]);
  await settled();
  expect(await users.get('a')).toBe('new');
  expect(load).toHaveBeenCalledOnce();
});

test('an invalidated value is not served stale, nor what a refresh had begun to load before', async () => {
  const gate = withResolvers();
  const next = counting();
  const { clock, users } = open({
    load: async () => {
      const value = next();
      if (value === 2) await gate.promise;
      return value;
    },
    stale: { whileRevalidateMs: 500, onErrorMs: 500 },
  });
  await users.get('a');
  await settled();
  clock.advance(1000);
  expect(await users.get('a')).toBe(1);
  await settled();
  await users.invalidate('a');
  expect(await users.get('a')).toBe(3);
  gate.resolve();
  await settled();
  expect(await users.get('a')).toBe(3);
});

test('a loader that fails is covered by the stale value, and asked again after a second', async () => {
  let fails = false;
  const load = vi.fn(() => (fails ? Promise.reject(new Error('down')) : 'ok'));
  const { clock, users, cache } = open({ load, stale: { onErrorMs: 5000 } });
  await users.get('a');
  await settled();
  fails = true;
  clock.advance(1000);
  expect(await users.get('a')).toBe('ok');
  expect(cache.stats().regions[1]).toMatchObject({ staleServedCount: 1, loadErrorCount: 1 });
  clock.advance(1001);
  fails = false;
  expect(await users.get('a')).toBe('ok');
  expect(load).toHaveBeenCalledTimes(3);
  await settled();
  fails = true;
  clock.advance(60_000);
  await expect(users.get('a')).rejects.toThrow('down');
});

test('a loader that is slow is covered by the stale value, and what it brings is kept', async () => {
  const gate = withResolvers();
  const next = counting();
  const { clock, users } = open({
    load: async () => {
      const value = next();
      if (value === 2) await gate.promise;
      return value;
    },
    stale: { onErrorMs: 5000, softTimeoutMs: 5 },
  });
  await users.get('a');
  await settled();
  clock.advance(1000);
  expect(await users.get('a')).toBe(1);
  gate.resolve();
  await settled();
  clock.advance(1);
  expect(await users.get('a')).toBe(2);
});

test('refresh ahead: a hit late in the life loads anew in the background, one early does not', async () => {
  const load = vi.fn(counting());
  const { clock, users } = open({ load, refresh: 0.8 });
  await users.get('a');
  clock.advance(799);
  expect(await users.get('a')).toBe(1);
  await settled();
  expect(load).toHaveBeenCalledOnce();
  clock.advance(1);
  expect(users.peek('a')).toBe(1);
  expect(await users.get('a')).toBe(1);
  await settled();
  expect(await users.get('a')).toBe(2);
  clock.advance(700);
  expect(await users.get('a')).toBe(2);
});

test('of two processes that refresh ahead one loads, and the other learns of it', async () => {
  const one = open({ load: () => 'one', refresh: 0.5 });
  await one.users.get('a');
  const load = vi.fn(() => 'two');
  const cache = createCache({ tiers: [memoryTier(), one.store.tier()], now: one.clock.now, jitter: 0 });
  const users = cache.define<unknown>({ name: 'user', load, ttlMs: 1000, refresh: 0.5 });
  expect(await users.get('a')).toBe('one');
  one.clock.advance(600);
  await one.users.get('a');
  await settled();
  expect(await users.get('a')).toBe('one');
  await settled();
  expect(load).not.toHaveBeenCalled();
  one.clock.advance(450);
  expect(users.peek('a')).toBe('one');
});

test('a loader that answers notModified keeps the previous value for another life', async () => {
  const previous: unknown[] = [];
  const { clock, users } = open({
    load: (_, context) => {
      previous.push(context.previous);
      return context.previous === undefined ? { etag: 1 } : notModified;
    },
    stale: { onErrorMs: 5000 },
  });
  await users.get('a');
  await settled();
  clock.advance(1000);
  expect(await users.get('a')).toEqual({ etag: 1 });
  clock.advance(999);
  expect(users.peek('a')).toEqual({ etag: 1 });
  expect(previous).toEqual([undefined, { etag: 1 }]);
  const { users: others } = open({ load: () => notModified });
  await expect(others.get('a')).rejects.toThrow(NotModifiedError);
});

test('a life told from the value, and none at all for a value that is not to be kept', async () => {
  const load = vi.fn((id: string) => Number(id));
  const { clock, users } = open({ load, ttlMs: (value) => value as number });
  expect(await users.getMany(['100', '0'])).toEqual([100, 0]);
  expect([users.peek('100'), users.peek('0')]).toEqual([100, undefined]);
  clock.advance(100);
  expect(users.peek('100')).toBeUndefined();
});

test('a signal ends one read and leaves the load to the others; no listener stays', async () => {
  const gate = withResolvers<string>();
  const { users } = open({ load: () => gate.promise });
  const controller = new AbortController();
  const removed = vi.spyOn(controller.signal, 'removeEventListener');
  const [gone, stays] = [users.get('a', { signal: controller.signal }), users.get('a')];
  controller.abort(new Error('client left'));
  await expect(gone).rejects.toThrow('client left');
  await expect(users.get('a', { signal: controller.signal })).rejects.toThrow('client left');
  gate.resolve('value');
  expect(await stays).toBe('value');
  expect(removed).toHaveBeenCalled();
});

test('a load that is given up is told so', async () => {
  let told: unknown;
  const { users } = open({
    loadTimeoutMs: 5,
    load: (_, { signal }) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          told = signal.reason;
        });
      }),
  });
  await expect(users.get('a')).rejects.toThrow('within 5 ms');
  expect(told).toMatchObject({ code: 'ERR_HOTPATH_CACHE_LOAD_TIMEOUT' });
});

test('explain says where a value is and what the next read would do', async () => {
  const { clock, users, store } = open({ load: counting(), stale: { whileRevalidateMs: 500 } });
  expect((await users.explain('a')).next).toBe('loaded');
  await users.get('a');
  await settled();
  clock.advance(10);
  expect(await users.explain('a')).toMatchObject({
    key: 'a',
    next: 'served from memory',
    levels: [
      { level: 'memory', state: 'fresh', freshForMs: 990, expiresInMs: 1490, ageMs: 10 },
      { level: 'double', state: 'fresh' },
    ],
  });
  clock.advance(1000);
  expect((await users.explain('a')).next).toMatch(/stale from memory/);
  store.entries.clear();
  expect((await users.explain('a')).levels[1]).toEqual({ level: 'double', state: 'absent' });
});

test('what is stale in a level below is frozen as well: for the loader, and for those who are served it', async () => {
  const { clock, store, users } = open({
    load: (_, { previous }) => {
      expect(previous).toEqual({ list: [1] });
      (previous as { list: number[] }).list.push(2);
    },
    stale: { onErrorMs: 60_000 },
  });
  const freshUntil = clock.now() - 1;
  const entry = { value: { list: [1] }, freshUntil, expiresAt: freshUntil + 60_000 };
  store.entries.set('hotpath:user@1:a', { entry });
  const [one, two] = await Promise.all([users.get('a'), users.get('a')]);
  for (const value of [one, two, await users.get('a')]) {
    expect(value).toEqual({ list: [1] });
    expect(Object.isFrozen(value) && Object.isFrozen((value as { list: number[] }).list)).toBe(true);
  }
});

test('a read whose signal has aborted already loads nothing', async () => {
  const load = vi.fn(() => 'value');
  const { users } = open({ load });
  const signal = AbortSignal.abort(new Error('left before'));
  await expect(users.get('a', { signal })).rejects.toThrow('left before');
  await expect(users.getMany(['a', 'b'], { signal })).rejects.toThrow('left before');
  await settled();
  expect(load).not.toHaveBeenCalled();
});

test('a value that is not kept is frozen as well, because all who waited for it share it', async () => {
  const { users } = open({ load: () => ({ list: [1] }), ttlMs: () => 0 });
  const [one, two] = await Promise.all([users.get('a'), users.get('a')]);
  expect(one).toBe(two);
  expect(Object.isFrozen(one)).toBe(true);
});

test('after a share of the life means the life of the value, however short memory keeps it', async () => {
  const clock = new TestClock();
  const store = new DoubleStore();
  store.now = clock.now;
  const load = vi.fn(counting());
  const users = [0, 1].map(() =>
    createCache({
      tiers: [memoryTier({ maxTtlMs: 60_000 }), store.tier()],
      now: clock.now,
      jitter: 0,
    }).define<unknown>({ name: 'user', ttlMs: 600_000, refresh: 0.8, load }),
  );
  const readFor = async (ms: number): Promise<void> => {
    for (const end = clock.now() + ms; clock.now() < end; clock.advance(5000)) {
      for (const each of users) await each.get('a');
      await settled();
    }
  };
  await readFor(480_000);
  expect(load).toHaveBeenCalledTimes(1);
  await readFor(30_000);
  expect(load).toHaveBeenCalledTimes(2);
  expect(await Promise.all(users.map((each) => each.get('a')))).toEqual([2, 2]);
  await readFor(440_000);
  expect(load).toHaveBeenCalledTimes(2);
});
