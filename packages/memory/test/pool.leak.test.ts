import { createPool, heap, LEAK_CHANNEL, type LeakReport, type Lease } from '@hotpath/memory';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { PerformanceObserver } from 'node:perf_hooks';
import { expect, test } from 'vitest';

const collect = globalThis.gc as () => void;

/** Collects until `isDone`, which finalizers make true one task later; gives up after so many rounds. */
async function collectUntil(isDone: () => boolean, rounds = 100): Promise<boolean> {
  for (let round = 0; round < rounds; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    if (isDone()) return true;
  }
  return false;
}

test('a lease that is collected unreleased is reported with the line that acquired it, and its place is given back', async () => {
  const reports: LeakReport[] = [];
  const published: unknown[] = [];
  const onMessage = (message: unknown): void => void published.push(message);
  expect(LEAK_CHANNEL).toBe('hotpath:memory:leak'); // of the form that all packages have
  subscribe(LEAK_CHANNEL, onMessage);
  const pool = createPool({
    blockSize: 1000,
    maxBlocks: 1,
    name: 'leaky',
    leakDetection: 'every',
    onLeak: (report) => reports.push(report),
  });
  (function forgetfulHandler() {
    pool.tryAcquire();
  })();
  expect(pool.tryAcquire()).toBeUndefined();
  expect(await collectUntil(() => reports.length > 0)).toBe(true);
  expect(reports).toHaveLength(1);
  expect(reports[0]).toMatchObject({ pool: 'leaky', blockBytes: 1000 });
  expect(reports[0]!.site).toContain('forgetfulHandler');
  expect(reports[0]!.site).toContain('pool.leak.test.ts');
  expect(published).toEqual(reports);
  expect(pool.stats()).toMatchObject({ leakedCount: 1, leasedCount: 0, ownedBytes: 0 });
  expect(pool.tryAcquire()).toBeDefined();
  unsubscribe(LEAK_CHANNEL, onMessage);
});

test('the site is right for acquires of every kind, those that waited included', async () => {
  const sites: string[] = [];
  const pool = createPool({
    blockSize: 10,
    maxBlocks: 1,
    leakDetection: 'every',
    onLeak: ({ site }) => sites.push(site),
  });
  const leak = async (acquire: () => unknown): Promise<void> => {
    const before = sites.length;
    await acquire();
    expect(await collectUntil(() => sites.length > before)).toBe(true);
  };
  await leak(function bySync() {
    pool.acquireSync();
  });
  await leak(function byPromise() {
    void pool.acquire();
  });
  await leak(function byMove() {
    pool.tryAcquire()!.move();
  });
  await leak(async () => {
    const held = pool.tryAcquire()!;
    const turn = (function inLine() {
      return pool.acquire();
    })();
    held.release();
    await turn;
  });
  expect(sites.map((site) => site.match(/bySync|byPromise|byMove|inLine/)?.[0])).toEqual([
    'bySync',
    'byPromise',
    'byMove',
    'inLine',
  ]);
});

test('a lease that its handler kept in a field is reported when the handler goes', async () => {
  const sites: string[] = [];
  const pool = createPool({
    blockSize: 8,
    maxBlocks: 2,
    leakDetection: 'every',
    onLeak: ({ site }) => sites.push(site),
  });
  class Handler {
    lease: Lease | undefined;
    start(): void {
      this.lease = pool.tryAcquire();
    }
    async startLater(): Promise<void> {
      this.lease = await pool.acquire();
    }
  }
  (function () {
    new Handler().start();
    void new Handler().startLater();
  })();
  expect(await collectUntil(() => sites.length === 2)).toBe(true);
  expect(sites.filter((site) => site.includes('Handler.start'))).toHaveLength(2);
});

test("a leaked lease's place goes to one who waits; the memory that it had is not used again", async () => {
  const pool = createPool({ blockSize: 100, maxBlocks: 1, leakDetection: 'every', onLeak() {} });
  // The handle is dropped and the raw view kept: the mistake that must not corrupt anything.
  const view = pool.tryAcquire()!.bytes;
  view.fill(1);
  const waiting = pool.acquire();
  collectUntil(() => false).catch(() => undefined);
  const lease = await waiting;
  lease.bytes.fill(2);
  expect(view.every((byte) => byte === 1)).toBe(true);
  lease.release();
});

test('a pool over lent memory does not use the place of a leaked lease again, and ends when all leaked', async () => {
  let leaks = 0;
  const memory = { buffer: new ArrayBuffer(128) };
  const pool = createPool({
    blockSize: 64,
    maxBlocks: 2,
    memory,
    leakDetection: 'every',
    onLeak: () => leaks++,
  });
  // In a function of its own, as a register of this one would keep the lease alive.
  const forget = (): Buffer => pool.tryAcquire()!.bytes;
  const view = forget();
  expect(await collectUntil(() => leaks === 1)).toBe(true);
  expect(forget().byteOffset).not.toBe(view.byteOffset);
  expect(await collectUntil(() => leaks === 2)).toBe(true);
  expect(pool.tryAcquire()).toBeUndefined();
});

test('released leases are never reported, by whatever way they went', async () => {
  const reports: LeakReport[] = [];
  const pool = createPool({
    blockSize: 64,
    maxBlocks: 4,
    leakDetection: 'every',
    onLeak: (report) => reports.push(report),
  });
  for (let i = 0; i < 1000; i++) {
    pool.tryAcquire()!.release();
    pool.tryAcquire()!.move().release();
    pool.tryAcquire()![Symbol.dispose]();
    (await pool.acquire()).release();
  }
  await collectUntil(() => reports.length > 0, 5);
  expect(reports).toEqual([]);
  expect(pool.stats()).toMatchObject({ leakedCount: 0, leasedCount: 0 });
});

test('sampling watches one lease in so many', async () => {
  const reports: LeakReport[] = [];
  const pool = createPool({
    blockSize: 8,
    maxBlocks: 100,
    leakDetection: { oneIn: 10 },
    onLeak: (report) => reports.push(report),
  });
  for (let i = 0; i < 100; i++) pool.tryAcquire();
  await collectUntil(() => reports.length >= 10);
  expect(reports).toHaveLength(10);
});

test('without onLeak the process is warned', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const pool = createPool({ blockSize: 8, maxBlocks: 1, name: 'quiet', leakDetection: 'every' });
  pool.tryAcquire();
  await collectUntil(() => warnings.length > 0);
  process.off('warning', onWarning);
  expect(warnings[0]).toMatchObject({ name: 'HotpathLeakWarning', code: 'HOTPATH_MEMORY_LEAK' });
  expect(warnings[0]!.message).toContain("'quiet'");
});

test('memory does not grow over a million leases, ordinary or shared', async () => {
  for (const shared of [false, true]) {
    const pool = createPool({ blockSize: 64 * 1024, maxBlocks: 4, shared });
    const cycle = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const lease = pool.tryAcquire()!;
        lease.bytes[i & 0xffff] = i;
        lease.release();
      }
    };
    cycle(10_000);
    collect();
    const before = process.memoryUsage();
    cycle(1_000_000);
    collect();
    const after = process.memoryUsage();
    expect(after.heapUsed - before.heapUsed).toBeLessThan(1 << 20);
    expect(after.arrayBuffers).toBeLessThanOrEqual(before.arrayBuffers);
    expect(pool.stats().createdCount).toBe(1);
    await pool.close();
  }
  heap().checkInvariants();
  expect(heap().stats().usedBytes).toBe(0);
});

test('leases cost the collector next to nothing: no block is ever garbage', async () => {
  const pool = createPool({ blockSize: 64 * 1024, maxBlocks: 4 });
  const cycle = (count: number): void => {
    for (let i = 0; i < count; i++) pool.tryAcquire()!.release();
  };
  cycle(200_000);
  let collections = 0;
  const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
  observer.observe({ entryTypes: ['gc'] });
  cycle(1_000_000);
  await new Promise((resolve) => setTimeout(resolve, 10));
  observer.disconnect();
  // A million leases of about 40 bytes fill the young generation, which begins with 1 MB, 40 times at the very most, and
  // not at all where V8 does without the objects. A million buffers would be thousands of collections.
  expect(collections).toBeLessThanOrEqual(40);
});
