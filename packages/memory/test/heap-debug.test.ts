import { allocate, Arena, type BufferPool, configureHeap, createPool, free, heap } from '@hotpath/memory';
import { expect, test } from 'vitest';

configureHeap({ debug: { quarantineBytes: 4096 } });

const CORRUPTION = { code: 'ERR_HOTPATH_MEMORY_CORRUPTION' };

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}

test('a freed block reads NaN and -1, and is not given out again for a while', () => {
  const floats = allocate('f32', 16).fill(1);
  const address = floats.byteOffset;
  free(floats);
  expect([...floats].every(Number.isNaN)).toBe(true);
  expect(new Int32Array(floats.buffer, address, 16)[3]).toBe(-1);
  const next = allocate('f32', 16);
  expect(next.byteOffset).not.toBe(address);
  free(next);
  expect(heap().stats().quarantinedBytes).toBe(128);
  heap().checkInvariants();
});

test('freeing a quarantined block again is a double free', () => {
  const address = heap().allocate(64);
  heap().free(address);
  expect(thrown(() => heap().free(address))).toMatchObject({ code: 'ERR_HOTPATH_MEMORY_DOUBLE_FREE' });
  const large = heap().allocate(100_000);
  heap().free(large);
  expect(thrown(() => heap().free(large))).toMatchObject({ code: 'ERR_HOTPATH_MEMORY_DOUBLE_FREE' });
  heap().trim();
});

test('a write after the free is reported, with its place', () => {
  const view = allocate('u8', 64);
  free(view);
  view[5] = 1;
  const error = thrown(() => heap().checkInvariants());
  expect(error).toMatchObject(CORRUPTION);
  expect((error as Error).message).toContain(`at ${view.byteOffset} was written to at offset 5`);
  expect(thrown(() => heap().trim())).toMatchObject(CORRUPTION);
  // The block itself was freed; the heap is consistent.
  heap().trim();
  heap().checkInvariants();
  expect(heap().stats().usedBlockCount).toBe(0);
});

test('the quarantine keeps to its bytes', () => {
  for (let i = 0; i < 1000; i++) free(allocate('u8', 200));
  const { quarantinedBytes, usedBytes } = heap().stats();
  expect(quarantinedBytes).toBeGreaterThan(4096 - 256);
  expect(quarantinedBytes).toBeLessThanOrEqual(4096);
  expect(usedBytes).toBe(0);
  expect(heap().trim().reclaimedBytes).toBeGreaterThanOrEqual(quarantinedBytes);
  expect(heap().stats().quarantinedBytes).toBe(0);
  heap().checkInvariants();
});

test('what an arena frees reads NaN, and a write to it is reported when it is used or freed again', () => {
  const arena = new Arena({ chunkBytes: 1024 });
  const stale = arena.allocateView('f64', 8).fill(1);
  const mark = arena.mark();
  const later = arena.allocateView('u8', 900).fill(7);
  const next = arena.allocateView('u8', 500).fill(7); // in a second chunk
  arena.rewind(mark);
  expect([...stale]).toEqual(Array.from({ length: 8 }, () => 1));
  expect(new Set([...later, ...next])).toEqual(new Set([0xff]));

  next[499] = 1;
  expect(thrown(() => arena.reset())).toMatchObject(CORRUPTION);
  expect([...stale].every(Number.isNaN)).toBe(true);
  expect(arena.stats().usedBytes).toBe(0);
  arena.reset(); // it is said once

  stale[3] = 5;
  arena.allocate(16);
  const error = thrown(() => arena.allocate(16));
  expect(error).toMatchObject(CORRUPTION);
  expect((error as Error).message).toContain('24 bytes from the start of its chunk');
  expect(arena.stats().usedBytes).toBe(16);
  // Rounds without a fault report none, whatever chunks they use.
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < round; i++) arena.allocateView('u8', 1 + ((i * 137) % 700)).fill(i);
    if (round % 3 === 0) arena.intern(`text ${round}`);
    arena.reset();
  }
  arena.release();
  heap().trim();
  expect(heap().stats().usedBlockCount).toBe(0);
});

test.each(['ordinary', 'lent', 'shared', 'cleared on release'] as const)(
  'a block of a pool that is written to after its release is reported at the next acquire, and replaced: %s',
  async (kind) => {
    const pool: BufferPool<ArrayBufferLike> = createPool({
      blockSize: 1000,
      maxBlocks: 2,
      clear: kind === 'cleared on release' ? 'on-release' : 'never',
      shared: kind === 'shared',
      ...(kind === 'lent' ? { memory: { buffer: new ArrayBuffer(4096) } } : {}),
    });
    const first = pool.acquireSync();
    const kept = first.bytes;
    kept.fill(7);
    first.release();
    expect(new Set(kept)).toEqual(new Set([kind === 'cleared on release' ? 0 : 0xff]));
    // A lease and a release without a fault say nothing.
    pool.acquireSync().release();

    kept[999] = 1;
    const error = thrown(() => pool.acquireSync());
    expect(error).toMatchObject(CORRUPTION);
    expect((error as Error).message).toContain('offset 999');
    expect(pool.stats()).toMatchObject({ leasedCount: 0, ownedBytes: 0 });

    // One who waited, and got the block in the moment of its release, has it whole.
    const [a, b] = [pool.acquireSync(), pool.acquireSync()];
    const waiting = pool.acquire();
    a.release();
    const c = await waiting;
    expect(c.bytes.length).toBe(1000);
    b.release();
    c.release();
    await pool.close();
    heap().trim();
    expect(heap().stats().usedBlockCount).toBe(0);
  },
);
