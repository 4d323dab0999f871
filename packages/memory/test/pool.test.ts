import {
  createPool,
  createSizeClassPool,
  heap,
  type Lease,
  type PoolOptions,
  receiveLease,
  type Timers,
} from '@hotpath/memory';
import { afterEach, describe, expect, test } from 'vitest';

const code = (suffix: string): { code: string } => ({ code: `ERR_HOTPATH_MEMORY_${suffix}` });

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}

/** Timers that fire when they are told to. */
class ManualTimers implements Timers {
  readonly pending = new Map<number, { callback: () => void; delayMs: number }>();
  #last = 0;
  setTimeout(callback: () => void, delayMs: number): unknown {
    this.pending.set(++this.#last, { callback, delayMs });
    return this.#last;
  }
  clearTimeout(timer: unknown): void {
    this.pending.delete(timer as number);
  }
  fireAll(): void {
    for (const [timer, { callback }] of Array.from(this.pending)) {
      this.pending.delete(timer);
      callback();
    }
  }
}

const small = { blockSize: 1024, maxBlocks: 2 } as const;

describe('leases', () => {
  test('a lease gives the whole block, and release gives it back', () => {
    const pool = createPool(small);
    const lease = pool.tryAcquire()!;
    expect(lease.bytes).toBeInstanceOf(Buffer);
    expect(lease.bytes).toHaveLength(1024);
    expect(lease.bytes.buffer).toBeInstanceOf(ArrayBuffer);
    expect(lease.view()).toBe(lease.bytes);
    const { bytes } = lease;
    lease.release();
    expect(pool.tryAcquire()!.bytes).toBe(bytes);
    expect(pool.stats()).toMatchObject({ createdCount: 1, acquiredCount: 2, leasedCount: 1 });
  });

  test('releasing twice throws, also when the block has a new user', () => {
    const pool = createPool(small);
    const first = pool.tryAcquire()!;
    first.release();
    expect(thrown(() => first.release())).toMatchObject(code('LEASE_RELEASED'));
    const second = pool.tryAcquire()!;
    expect(thrown(() => first.release())).toMatchObject(code('LEASE_RELEASED'));
    expect(thrown(() => first.bytes)).toMatchObject(code('LEASE_RELEASED'));
    expect(thrown(() => first.view())).toMatchObject(code('LEASE_RELEASED'));
    expect(thrown(() => first.move())).toMatchObject(code('LEASE_RELEASED'));
    expect(thrown(() => pool.release(first))).toMatchObject(code('LEASE_RELEASED'));
    expect(second.isHeld).toBe(true);
    expect(pool.stats().leasedCount).toBe(1);
  });

  test('disposing releases once, also after an early release', () => {
    const pool = createPool(small);
    {
      using lease = pool.tryAcquire()!;
      lease.bytes[0] = 1;
    }
    {
      using lease = pool.tryAcquire()!;
      lease.release();
    }
    expect(pool.stats()).toMatchObject({ leasedCount: 0, idleBlockCount: 1 });
  });

  test('moving makes the old lease stale and the new one the owner', () => {
    const pool = createPool(small);
    const first = pool.tryAcquire()!;
    const { bytes } = first;
    const second = first.move();
    expect(thrown(() => first.bytes)).toMatchObject(code('LEASE_RELEASED'));
    expect(second.bytes).toBe(bytes);
    second.release();
    expect(pool.stats()).toMatchObject({ leasedCount: 0, acquiredCount: 1 });
  });

  test('a lease of another pool is refused and stays held', () => {
    const pool = createPool(small);
    const other = createPool(small);
    const lease = other.tryAcquire()!;
    expect(thrown(() => pool.release(lease))).toMatchObject(code('FOREIGN_LEASE'));
    expect(lease.isHeld).toBe(true);
    other.release(lease);
    for (const value of [undefined, {}, Buffer.alloc(1024)]) {
      expect(thrown(() => pool.release(value as unknown as Lease))).toMatchObject(code('ARGUMENT_TYPE'));
    }
  });

  test('a block whose buffer was transferred away is replaced', () => {
    const pool = createPool(small);
    const lease = pool.tryAcquire()!;
    structuredClone(lease.bytes.buffer, { transfer: [lease.bytes.buffer] });
    lease.release();
    expect(pool.stats()).toMatchObject({ detachedCount: 1, idleBlockCount: 0, ownedBytes: 0 });
    expect(pool.tryAcquire()!.bytes).toHaveLength(1024);
  });
});

describe('the limit', () => {
  test('tryAcquire gives nothing when all blocks are out', () => {
    const pool = createPool(small);
    const leases = [pool.tryAcquire()!, pool.tryAcquire()!];
    expect(pool.tryAcquire()).toBeUndefined();
    leases[0]!.release();
    expect(pool.tryAcquire()).toBeDefined();
  });

  test('overflow allocate: an extra block, dropped at its release', async () => {
    const pool = createPool({ ...small, overflow: 'allocate' });
    const leases = [pool.acquireSync(), pool.acquireSync(), pool.acquireSync(), await pool.acquire()];
    expect(new Set(leases.map((lease) => lease.bytes)).size).toBe(4);
    expect(pool.stats()).toMatchObject({ overflowCount: 2, ownedBytes: 2048, leasedCount: 4 });
    for (const lease of leases) lease.release();
    expect(pool.stats()).toMatchObject({ idleBlockCount: 2, idleBytes: 2048, leasedCount: 0 });
  });

  test('overflow throw: a typed error, by promise from acquire', async () => {
    const pool = createPool({ blockSize: 8, maxBlocks: 1, overflow: 'throw', name: 'frames' });
    pool.acquireSync();
    const error = thrown(() => pool.acquireSync());
    expect(error).toMatchObject(code('POOL_EXHAUSTED'));
    expect((error as Error).message).toContain("'frames'");
    await expect(pool.acquire()).rejects.toMatchObject(code('POOL_EXHAUSTED'));
    expect(pool.tryAcquire()).toBeUndefined();
  });

  test('preallocation makes the blocks at once', () => {
    expect(createPool({ ...small, preallocate: true }).stats()).toMatchObject({
      createdCount: 2,
      idleBytes: 2048,
    });
    expect(createPool({ ...small, preallocate: 1 }).stats().createdCount).toBe(1);
    expect(createPool({ ...small, preallocate: false }).stats().createdCount).toBe(0);
  });

  test('trimming drops idle blocks and lets the pool grow again', () => {
    const pool = createPool({ blockSize: 100, maxBlocks: 10, preallocate: true });
    const lease = pool.tryAcquire()!;
    expect(pool.trim(4)).toEqual({ reclaimedBytes: 500 });
    expect(pool.stats()).toMatchObject({ idleBlockCount: 4, ownedBytes: 500 });
    expect(pool.trim()).toEqual({ reclaimedBytes: 400 });
    lease.release();
    const leases = Array.from({ length: 10 }, () => pool.tryAcquire());
    expect(leases.every((one) => one !== undefined)).toBe(true);
    expect(pool.tryAcquire()).toBeUndefined();
  });
});

describe('waiting', () => {
  test('acquires are served in the order of their coming, and nobody overtakes', async () => {
    const pool = createPool({ blockSize: 8, maxBlocks: 1 });
    const held = pool.tryAcquire()!;
    const order: number[] = [];
    const waits = [0, 1, 2].map(async (i) => {
      const lease = await pool.acquire();
      order.push(i);
      return lease;
    });
    expect(pool.stats().waitingCount).toBe(3);
    held.release();
    // The block is the first waiter's already, although it has not run yet.
    expect(pool.tryAcquire()).toBeUndefined();
    (await waits[0]!).release();
    (await waits[1]!).release();
    (await waits[2]!).release();
    expect(order).toEqual([0, 1, 2]);
    expect(pool.stats()).toMatchObject({ waitingCount: 0, leasedCount: 0, createdCount: 1 });
  });

  test('the time limit rejects, leaves the line, and its timer goes with a served acquire', async () => {
    const timers = new ManualTimers();
    const pool = createPool({ blockSize: 8, maxBlocks: 1, timers, acquireTimeoutMs: 50 });
    const held = pool.tryAcquire()!;
    const late = pool.acquire();
    const patient = pool.acquire({ timeoutMs: Infinity });
    expect([...timers.pending.values()].map((timer) => timer.delayMs)).toEqual([50]);
    timers.fireAll();
    await expect(late).rejects.toMatchObject(code('POOL_TIMEOUT'));
    expect(pool.stats()).toMatchObject({ waitingCount: 1, timedOutCount: 1 });
    held.release();
    const lease = await patient;
    const next = pool.acquire({ timeoutMs: 7 });
    expect([...timers.pending.values()].map((timer) => timer.delayMs)).toEqual([7]);
    lease.release();
    await next;
    expect(timers.pending.size).toBe(0);
  });

  test("an abort rejects with the signal's reason and leaves no listener", async () => {
    const pool = createPool({ blockSize: 8, maxBlocks: 1, acquireTimeoutMs: Infinity });
    const held = pool.tryAcquire()!;
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    const served = pool.acquire({ signal });
    const aborted = pool.acquire({ signal });
    held.release();
    (await served).move();
    expect(listeners).toBe(1);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    expect(listeners).toBe(0);
    expect(pool.stats().waitingCount).toBe(0);
    await expect(pool.acquire({ signal })).rejects.toBe(reason);
  });

  test('a waiter in the middle may leave', async () => {
    const pool = createPool({ blockSize: 8, maxBlocks: 1 });
    const held = pool.tryAcquire()!;
    const controller = new AbortController();
    const first = pool.acquire();
    const middle = pool.acquire({ signal: controller.signal });
    const last = pool.acquire();
    controller.abort();
    await expect(middle).rejects.toMatchObject({ name: 'AbortError' });
    held.release();
    (await first).release();
    (await last).release();
    expect(pool.stats()).toMatchObject({ idleBlockCount: 1, leasedCount: 0 });
  });

  test('a full line refuses', async () => {
    const pool = createPool({ blockSize: 8, maxBlocks: 1, maxWaiters: 1 });
    const held = pool.tryAcquire()!;
    const waiting = pool.acquire();
    await expect(pool.acquire()).rejects.toMatchObject(code('POOL_EXHAUSTED'));
    held.release();
    (await waiting).release();
  });

  test('bad acquire options are refused even when a block is idle', async () => {
    const pool = createPool(small);
    for (const timeoutMs of [-1, Number.NaN, 2 ** 31]) {
      await expect(pool.acquire({ timeoutMs })).rejects.toMatchObject(code('ARGUMENT_RANGE'));
    }
    await expect(pool.acquire(null as never)).rejects.toMatchObject(code('ARGUMENT_TYPE'));
    await expect(pool.acquire({ timeoutMs: '5' as never })).rejects.toMatchObject(code('ARGUMENT_TYPE'));
    await expect(pool.acquire({ signal: {} as never })).rejects.toMatchObject(code('ARGUMENT_TYPE'));
    expect(pool.stats().leasedCount).toBe(0);
  });
});

describe('clearing', () => {
  function reused(clear: PoolOptions['clear']): { idle: number; next: number } {
    const pool = createPool({ blockSize: 64, maxBlocks: 1, ...(clear === undefined ? {} : { clear }) });
    const lease = pool.tryAcquire()!;
    const { bytes } = lease;
    if (clear !== 'never' && clear !== undefined) expect(bytes.every((byte) => byte === 0)).toBe(true);
    bytes.fill(7);
    lease.release();
    return { idle: bytes[63]!, next: pool.tryAcquire()!.bytes[63]! };
  }

  test('never, by default: the next user sees what the last one left', () => {
    expect(reused(undefined)).toEqual({ idle: 7, next: 7 });
    expect(reused('never')).toEqual({ idle: 7, next: 7 });
  });
  test('on acquire: the next user sees zeros, the idle block keeps its content', () => {
    expect(reused('on-acquire')).toEqual({ idle: 7, next: 0 });
  });
  test('on release: the idle block is zero already', () => {
    expect(reused('on-release')).toEqual({ idle: 0, next: 0 });
  });

  test.each(['on-acquire', 'on-release'] as const)('%s: one who waited gets zeros too', async (clear) => {
    const pool = createPool({ blockSize: 64, maxBlocks: 1, clear });
    const lease = pool.tryAcquire()!;
    lease.bytes.fill(7);
    const waiting = pool.acquire();
    lease.release();
    expect((await waiting).bytes.every((byte) => byte === 0)).toBe(true);
  });
});

describe('closing', () => {
  test('refuses acquires, rejects those in line, and resolves when the last lease is back', async () => {
    const pool = createPool(small);
    const leases = [pool.tryAcquire()!, pool.tryAcquire()!];
    const waiting = pool.acquire();
    const closing = pool.close();
    expect(pool.close()).toBe(closing);
    await expect(waiting).rejects.toMatchObject(code('POOL_CLOSED'));
    expect(thrown(() => pool.tryAcquire())).toMatchObject(code('POOL_CLOSED'));
    expect(thrown(() => pool.acquireSync())).toMatchObject(code('POOL_CLOSED'));
    await expect(pool.acquire()).rejects.toMatchObject(code('POOL_CLOSED'));
    let isClosed = false;
    void closing.then(() => (isClosed = true));
    leases[0]!.release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    leases[1]!.release();
    await closing;
    expect(pool.stats()).toMatchObject({ ownedBytes: 0, leasedCount: 0 });
  });

  test('gives up after its time limit; the leases can still be released', async () => {
    const timers = new ManualTimers();
    const pool = createPool({ ...small, timers });
    const lease = pool.tryAcquire()!;
    const closing = pool.close({ timeoutMs: 10 });
    timers.fireAll();
    await expect(closing).rejects.toMatchObject(code('POOL_TIMEOUT'));
    const again = pool.close({ timeoutMs: 10 });
    lease.release();
    expect(pool.stats().ownedBytes).toBe(0);
    await again;
    await pool.close();
  });

  test('a close with an impossible time limit closes nothing, and the next one does', async () => {
    const pool = createPool(small);
    await expect(pool.close({ timeoutMs: -1 })).rejects.toMatchObject(code('ARGUMENT_RANGE'));
    pool.tryAcquire()!.release();
    await pool.close();
    expect(() => pool.tryAcquire()).toThrow(expect.objectContaining(code('POOL_CLOSED')) as Error);
  });

  test('destroying ends a close that waits, and a closed pool can be destroyed', async () => {
    const pool = createPool(small);
    const lease = pool.tryAcquire()!;
    const closing = pool.close();
    pool.destroy();
    await closing;
    pool.destroy();
    lease.release();
    await createPool(small).close();
    createPool(small)[Symbol.dispose]();
    await createPool(small)[Symbol.asyncDispose]();
  });
});

describe('options', () => {
  const bad: [string, Partial<Record<keyof PoolOptions, unknown>>, string][] = [
    ['a negative size', { blockSize: -1 }, 'RANGE'],
    ['a size of zero', { blockSize: 0 }, 'RANGE'],
    ['a fractional size', { blockSize: 1.5 }, 'RANGE'],
    ['a size that is NaN', { blockSize: Number.NaN }, 'RANGE'],
    ['a size beyond what Node has', { blockSize: 2 ** 53 }, 'RANGE'],
    ['a size that is text', { blockSize: '64' }, 'TYPE'],
    ['no blocks', { maxBlocks: 0 }, 'RANGE'],
    ['infinitely many blocks', { maxBlocks: Infinity }, 'RANGE'],
    ['more preallocated than allowed', { preallocate: 3 }, 'RANGE'],
    ['an unknown clear policy', { clear: 'always' }, 'TYPE'],
    ['an unknown overflow policy', { overflow: 'grow' }, 'TYPE'],
    ['a negative time limit', { acquireTimeoutMs: -1 }, 'RANGE'],
    ['a negative line', { maxWaiters: -1 }, 'RANGE'],
    ['an unknown leak detection', { leakDetection: 'on' }, 'TYPE'],
    ['a leak rate of zero', { leakDetection: { oneIn: 0 } }, 'RANGE'],
    ['onLeak that is no function', { onLeak: 1 }, 'TYPE'],
    ['a name that is none', { name: 1 }, 'TYPE'],
    ['shared that is no boolean', { shared: 'yes' }, 'TYPE'],
  ];
  test.each(bad)('%s is refused', (_, options, kind) => {
    const error = thrown(() => createPool({ ...small, ...options } as PoolOptions));
    expect(error).toMatchObject(code(`ARGUMENT_${kind}`));
    expect((error as Error).message).toContain(Object.keys(options)[0]);
  });
  test('no options at all are refused', () => {
    expect(thrown(() => createPool(undefined as never))).toMatchObject(code('ARGUMENT_TYPE'));
  });
});

describe('size classes', () => {
  test('a request gets the next power of two, and view() exactly what was asked for', () => {
    const pool = createSizeClassPool({ maxBytes: 1 << 24 });
    for (const [size, block] of [
      [1, 1024],
      [1024, 1024],
      [1025, 2048],
      [3000, 4096],
      [1 << 20, 1 << 20],
    ] as const) {
      const lease = pool.acquireSync(size);
      expect([lease.bytes.length, lease.view().length, lease.sizeBytes]).toEqual([block, size, size]);
      expect(lease.view().buffer).toBe(lease.bytes.buffer);
      lease.release();
    }
    expect(pool.stats().idleBlockCount).toBe(4);
  });

  test('classes that are no powers of two are rounded up', () => {
    const pool = createSizeClassPool({ minBlockSize: 100, maxBlockSize: 1000, maxBytes: 10_000 });
    expect(pool.maxBlockSize).toBe(1024);
    expect(pool.acquireSync(1).bytes).toHaveLength(128);
    expect(pool.acquireSync(1001).bytes).toHaveLength(1024);
  });

  test('the byte limit holds for idle and leased blocks; idle ones of other classes make way', () => {
    const pool = createSizeClassPool({ maxBytes: 8192, overflow: 'throw' });
    const large = pool.acquireSync(4096);
    const small = [1, 2, 3, 4].map(() => pool.acquireSync(1024));
    expect(pool.tryAcquire(1024)).toBeUndefined();
    for (const lease of small) lease.release();
    // Four idle blocks of 1 KiB go, for one of 4 KiB.
    const second = pool.acquireSync(4096);
    expect(pool.stats()).toMatchObject({ idleBlockCount: 0, ownedBytes: 8192, leasedCount: 2 });
    // Nothing is dropped in vain for what cannot fit.
    large.release();
    expect(pool.tryAcquire(8192)).toBeUndefined();
    expect(pool.stats()).toMatchObject({ idleBlockCount: 1 });
    second.release();
    expect(pool.acquireSync(8192).bytes).toHaveLength(8192);
  });

  test('the count limit holds', () => {
    const pool = createSizeClassPool({ maxBytes: 1 << 20, maxBlocks: 2 });
    const a = pool.tryAcquire(1)!;
    pool.tryAcquire(2000);
    expect(pool.tryAcquire(5000)).toBeUndefined();
    a.release();
    expect(pool.tryAcquire(5000)!.bytes).toHaveLength(8192);
  });

  test('what is larger than all classes is refused, or gets its own block with overflow allocate', async () => {
    const options = { maxBlockSize: 4096, maxBytes: 1 << 20 };
    const strict = createSizeClassPool(options);
    for (const size of [4097, 0, -1, 1.5, Number.NaN]) {
      expect(
        thrown(() => strict.acquireSync(size)),
        `${size}`,
      ).toMatchObject(code('ARGUMENT_RANGE'));
      await expect(strict.acquire(size)).rejects.toMatchObject(code('ARGUMENT_RANGE'));
    }
    expect(thrown(() => strict.acquireSync('1' as never))).toMatchObject(code('ARGUMENT_TYPE'));
    const loose = createSizeClassPool({ ...options, overflow: 'allocate' });
    const lease = loose.acquireSync(5000);
    expect(lease.bytes).toHaveLength(5000);
    (await loose.acquire(6000)).release();
    lease.release();
    expect(loose.stats()).toMatchObject({ ownedBytes: 0, overflowCount: 2 });
    expect(thrown(() => loose.acquireSync(5000.5))).toMatchObject(code('ARGUMENT_RANGE'));
  });

  test('a request for more than the byte limit is refused and holds up nobody', async () => {
    const pool = createSizeClassPool({ maxBytes: 5000 });
    expect(pool.maxBlockSize).toBe(4096);
    await expect(pool.acquire(5000)).rejects.toMatchObject(code('ARGUMENT_RANGE'));
    expect((await pool.acquire(4000)).bytes).toHaveLength(4096);
    for (const options of [
      { maxBytes: 5000, maxBlockSize: 5000 },
      { maxBytes: 1000, minBlockSize: 1000 },
    ]) {
      expect(thrown(() => createSizeClassPool(options))).toMatchObject(code('ARGUMENT_RANGE'));
    }
    expect(createSizeClassPool({ maxBytes: 1 << 22, minBlockSize: 1 << 21 }).maxBlockSize).toBe(1 << 21);
  });

  test('a large request in line is not overtaken by small ones', async () => {
    const pool = createSizeClassPool({ maxBytes: 4096 });
    const held = [1, 2, 3, 4].map(() => pool.tryAcquire(1024)!);
    const large = pool.acquire(4096);
    const small = pool.acquire(1024);
    held[0]!.release();
    expect(pool.tryAcquire(1024)).toBeUndefined();
    expect(pool.stats().waitingCount).toBe(2);
    for (const lease of held.slice(1)) lease.release();
    (await large).release();
    expect((await small).bytes).toHaveLength(1024);
  });

  test('trimming drops the largest first', () => {
    const pool = createSizeClassPool({ maxBytes: 1 << 20 });
    const leases = [1024, 2048, 65_536].map((size) => pool.acquireSync(size));
    for (const lease of leases) lease.release();
    expect(pool.trim(4096)).toEqual({ reclaimedBytes: 65_536 });
    expect(pool.stats()).toMatchObject({ idleBlockCount: 2, idleBytes: 3072 });
  });
});

describe('shared pools', () => {
  afterEach(() => {
    heap().checkInvariants();
    expect(heap().stats().usedBytes).toBe(0);
  });

  test('blocks lie in the heap, and closing gives all of it back', async () => {
    const pool = createPool({ ...small, shared: true, preallocate: true });
    const lease = pool.tryAcquire()!;
    expect(lease.bytes.buffer).toBe(heap().memory.buffer);
    lease.bytes.fill(1);
    lease.release();
    await pool.close();
  });

  test('a lease that another thread released is taken up again', async () => {
    const pool = createPool({ blockSize: 64, maxBlocks: 1, shared: true });
    const lease = pool.tryAcquire()!;
    const descriptor = structuredClone(lease.share());
    expect(thrown(() => lease.bytes)).toMatchObject(code('LEASE_RELEASED'));
    expect(pool.stats()).toMatchObject({ leasedCount: 1, remoteCount: 1 });
    const remote = receiveLease(descriptor);
    expect(thrown(() => receiveLease(descriptor))).toMatchObject(code('LEASE_RELEASED'));
    remote.bytes.fill(9);
    expect(pool.tryAcquire()).toBeUndefined();
    remote.release();
    expect(thrown(() => remote.release())).toMatchObject(code('LEASE_RELEASED'));
    const next = pool.tryAcquire()!;
    expect(next.bytes[3]).toBe(9);
    next.release();
    pool.destroy();
  });

  test('a lease that was shared back is a lease again, with its content', () => {
    const pool = createPool({ blockSize: 64, maxBlocks: 1, shared: true });
    const there = pool.tryAcquire()!.share();
    const remote = receiveLease(there);
    remote.bytes.fill(5);
    const back = remote.share();
    expect(remote.isHeld).toBe(false);
    // The descriptor of the way there is no key to the way back.
    expect(pool.reclaim(there)).toBe(false);
    expect(thrown(() => receiveLease(there))).toMatchObject(code('LEASE_RELEASED'));
    const lease = pool.receive(back);
    expect(lease.bytes[0]).toBe(5);
    expect(thrown(() => pool.receive(back))).toMatchObject(code('LEASE_RELEASED'));
    lease.release();
    pool.destroy();
  });

  test('a block whose holder is gone can be reclaimed, once', () => {
    const pool = createPool({ blockSize: 64, maxBlocks: 1, shared: true });
    const descriptor = pool.tryAcquire()!.share();
    const remote = receiveLease(descriptor);
    expect(pool.reclaim(descriptor)).toBe(true);
    expect(pool.reclaim(descriptor)).toBe(false);
    expect(thrown(() => remote.release())).toMatchObject(code('LEASE_RELEASED'));
    const next = pool.tryAcquire()!;
    // A descriptor of before says nothing about the block's next journey.
    const again = next.share();
    expect(pool.reclaim(descriptor)).toBe(false);
    expect(pool.reclaim(again)).toBe(true);
    pool.destroy();
  });

  test('a waiter is woken by a release in another thread, also of a lease that was shared while it waited', async () => {
    const pool = createPool({ blockSize: 64, maxBlocks: 1, shared: true });
    const lease = pool.tryAcquire()!;
    const waiting = pool.acquire();
    const remote = receiveLease(lease.share());
    remote.release();
    const next = await waiting;
    const second = pool.acquire();
    const sent = receiveLease(next.share());
    await new Promise((resolve) => setImmediate(resolve));
    sent.release();
    (await second).release();
    pool.destroy();
  });

  test('closing waits for leases in other threads', async () => {
    const pool = createPool({ blockSize: 64, maxBlocks: 1, shared: true });
    const remote = receiveLease(pool.tryAcquire()!.share());
    const closing = pool.close();
    remote.release();
    await closing;
  });

  test('descriptors of other pools, and things that are none, are refused', () => {
    const pool = createPool({ ...small, shared: true });
    const other = createPool({ ...small, shared: true });
    const descriptor = other.tryAcquire()!.share();
    expect(thrown(() => pool.receive(descriptor))).toMatchObject(code('FOREIGN_LEASE'));
    expect(thrown(() => pool.reclaim(descriptor))).toMatchObject(code('FOREIGN_LEASE'));
    for (const value of [undefined, {}, 'lease']) {
      expect(thrown(() => pool.receive(value as never))).toMatchObject(code('ARGUMENT_TYPE'));
      expect(thrown(() => receiveLease(value as never))).toMatchObject(code('ARGUMENT_TYPE'));
    }
    expect(other.reclaim(descriptor)).toBe(true);
    pool.destroy();
    other.destroy();
  });

  test('a pool that is not shared cannot share', () => {
    const pool = createPool(small);
    const lease = pool.tryAcquire()!;
    expect(thrown(() => lease.share())).toMatchObject(code('FOREIGN_LEASE'));
    expect(lease.isHeld).toBe(true);
  });

  test('an overflow block cannot go to another thread', () => {
    const pool = createPool({ blockSize: 64, maxBlocks: 1, shared: true, overflow: 'allocate' });
    const [own, extra] = [pool.acquireSync(), pool.acquireSync()];
    expect(thrown(() => extra.share())).toMatchObject(code('FOREIGN_LEASE'));
    own.release();
    extra.release();
    pool.destroy();
  });

  test('size classes share too', () => {
    const pool = createSizeClassPool({ maxBytes: 1 << 20, shared: true });
    const remote = receiveLease(pool.acquireSync(3000).share());
    expect([remote.bytes.length, remote.sizeBytes]).toEqual([4096, 3000]);
    remote.release();
    expect(pool.stats()).toMatchObject({ idleBlockCount: 1, remoteCount: 0 });
    pool.destroy();
  });
});

describe('lent memory', () => {
  test('blocks are cut from it, side by side, and used again', () => {
    const buffer = new SharedArrayBuffer(64 + 4 * 100);
    const pool = createPool({ blockSize: 100, maxBlocks: 4, memory: { buffer, byteOffset: 10 } });
    const leases = Array.from({ length: 4 }, () => pool.tryAcquire()!);
    expect(leases.map((lease) => lease.bytes.byteOffset)).toEqual([64, 164, 264, 364]);
    expect(leases.every((lease) => lease.bytes.buffer === buffer && lease.bytes.length === 100)).toBe(true);
    expect(pool.tryAcquire()).toBeUndefined();
    leases[1]!.release();
    pool.trim();
    expect(pool.tryAcquire()!.bytes.byteOffset).toBe(164);
  });

  test('clearing and overflow work on it; an overflow block is ordinary memory', () => {
    const buffer = new ArrayBuffer(64);
    new Uint8Array(buffer).fill(7);
    const options = { blockSize: 64, maxBlocks: 1, memory: { buffer }, overflow: 'allocate' } as const;
    expect(createPool(options).acquireSync().bytes[0]).toBe(7);
    const pool = createPool({ ...options, clear: 'on-release' });
    const [own, extra] = [pool.acquireSync(), pool.acquireSync()];
    expect(own.bytes[0]).toBe(0);
    expect(extra.bytes.buffer).not.toBe(buffer);
    extra.release();
    own.release();
    expect(pool.stats().ownedBytes).toBe(64);
  });

  test('taken away underneath, it gives no more leases', () => {
    const buffer = new ArrayBuffer(128);
    const pool = createPool({ blockSize: 64, maxBlocks: 2, memory: { buffer } });
    const lease = pool.tryAcquire()!;
    structuredClone(buffer, { transfer: [buffer] });
    lease.release();
    expect(pool.stats()).toMatchObject({ detachedCount: 1, ownedBytes: 0 });
    expect(thrown(() => pool.tryAcquire())).toMatchObject(code('BUFFER_DETACHED'));
  });

  test('size classes share it by halving, and what is free is joined again', () => {
    const buffer = new ArrayBuffer(64 + 8192 + 3000);
    const lend = {
      minBlockSize: 1024,
      maxBlockSize: 4096,
      maxBytes: 1 << 20,
      memory: { buffer, byteOffset: 1 },
    };
    const pool = createSizeClassPool(lend);
    // Two of 4096, and what is left over has one of 2048 but no more.
    const leases = [4096, 1024, 2048, 1024, 2048].map((size) => pool.tryAcquire(size)!);
    expect(pool.tryAcquire(1024)).toBeUndefined();
    const spans = leases.map(({ bytes }) => [bytes.byteOffset, bytes.byteOffset + bytes.length] as const);
    spans.sort((a, b) => a[0] - b[0]);
    expect(spans[0]![0]).toBe(64);
    for (let i = 1; i < spans.length; i++) expect(spans[i]![0]).toBeGreaterThanOrEqual(spans[i - 1]![1]);
    expect(spans.at(-1)![1]).toBeLessThanOrEqual(buffer.byteLength);
    // Idle blocks of other classes make way, and their halves become wholes.
    for (const lease of leases) lease.release();
    expect(
      [pool.tryAcquire(4096), pool.tryAcquire(4096)].every((lease) => lease?.bytes.buffer === buffer),
    ).toBe(true);
    expect(pool.tryAcquire(4096)).toBeUndefined();
    expect(pool.tryAcquire(2048)).toBeDefined();
    expect(thrown(() => createSizeClassPool({ ...lend, maxBlockSize: 16_384 }))).toMatchObject(
      code('ARGUMENT_RANGE'),
    );
    expect(thrown(() => createSizeClassPool({ ...lend, shared: true }))).toMatchObject(code('ARGUMENT_TYPE'));
  });

  test('too little, none at all, or together with shared, it is refused', () => {
    const memory = { buffer: new ArrayBuffer(1000) };
    expect(thrown(() => createPool({ blockSize: 100, maxBlocks: 11, memory }))).toMatchObject(
      code('ARGUMENT_RANGE'),
    );
    expect(thrown(() => createPool({ ...small, memory: {} as never }))).toMatchObject(code('ARGUMENT_TYPE'));
    expect(thrown(() => createPool({ blockSize: 8, maxBlocks: 1, memory, shared: true }))).toMatchObject(
      code('ARGUMENT_TYPE'),
    );
  });
});
