import { setImmediate as tick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  Arena,
  Bytes,
  BytesList,
  BytesMut,
  heap,
  StringBuilder,
  TypedVector,
  withArena,
} from '@hotpath/memory';

/** Collects, twice, with time for finalisers in between. */
async function collect(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc!();
    await tick();
  }
}

/** Bytes that this process holds for JavaScript: objects, and array buffers beside them. */
async function heldBytes(): Promise<number> {
  await collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Runs `round` many times and says what is held more afterwards than after a first, warming run. */
async function growthOf(round: () => void | Promise<void>, rounds: number): Promise<number> {
  for (let i = 0; i < rounds; i++) await round();
  const before = await heldBytes();
  for (let i = 0; i < rounds; i++) await round();
  return (await heldBytes()) - before;
}

const SLACK_BYTES = 400_000;

test('a released block is collected although released handles to it are still held', async () => {
  let ref: WeakRef<ArrayBuffer> | undefined;
  const kept: unknown[] = [];
  (() => {
    const array = new Uint8Array(1_000_000);
    ref = new WeakRef(array.buffer);
    const bytes = Bytes.adopt(array);
    const part = bytes.slice(10);
    const mutable = BytesMut.withCapacity(10);
    kept.push(bytes, part, mutable);
    bytes.release();
    part.release();
  })();
  await collect();
  expect(ref?.deref()).toBeUndefined();
  expect(kept).toHaveLength(3);
});

test('unreleased handles on ordinary memory are collected like any object', async () => {
  const growth = await growthOf(() => {
    for (let i = 0; i < 20; i++) Bytes.adopt(new Uint8Array(100_000)).slice(5).clone();
  }, 50);
  expect(growth).toBeLessThan(SLACK_BYTES);
});

test('a live slice keeps its block, a copy of it does not', async () => {
  const slices: Bytes[] = [];
  const refs: WeakRef<ArrayBuffer>[] = [];
  (() => {
    for (const isCopy of [false, true]) {
      const array = new Uint8Array(100_000);
      refs.push(new WeakRef(array.buffer));
      const slice = Bytes.adopt(array).slice(0, 10);
      slices.push(isCopy ? slice.copy() : slice);
      if (isCopy) slice.release();
    }
  })();
  await collect();
  expect(refs.map((ref) => ref.deref() !== undefined)).toEqual([true, false]);
  expect(slices.every((slice) => slice.length === 10)).toBe(true);
});

test('building, splitting, listing and releasing hold nothing', async () => {
  const used = heap().stats().usedBytes;
  const growth = await growthOf(() => {
    const out = BytesMut.withCapacity(1000);
    const list = new BytesList();
    for (let i = 0; i < 200; i++) {
      out.putUtf8(`item ${i}`);
      list.push(out.split().freeze());
    }
    list.advance(500);
    list.release();
    using shared = Bytes.from('x'.repeat(10_000), { shared: true });
    shared.slice(5).release();
    new StringBuilder().append('text').toBytes().release();
  }, 300);
  expect(growth).toBeLessThan(SLACK_BYTES);
  expect(heap().stats().usedBytes).toBe(used);
});

test('arenas and vectors leave nothing in the heap or outside', async () => {
  const used = heap().stats().usedBytes;
  const arena = new Arena({ chunkBytes: 4096 });
  const growth = await growthOf(async () => {
    for (let i = 0; i < 100; i++) {
      arena.intern(`text ${i}`);
      const mark = arena.mark();
      arena.allocate(2000);
      arena.rewind(mark);
    }
    arena.reset();
    withArena((own) => own.allocate(100_000));
    await withArena(async (own) => {
      own.allocate(10);
      await tick();
    });
    using vector = new TypedVector('f64');
    for (let i = 0; i < 1000; i++) vector.push(i);
  }, 200);
  expect(growth).toBeLessThan(SLACK_BYTES);
  arena.release();
  expect(heap().stats().usedBytes).toBe(used);
});
