import { createPool, heap, type SharedLeaseDescriptor } from '@hotpath/memory';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';

interface Reply {
  readonly wrong: number;
  readonly codes?: string[];
  readonly descriptor?: SharedLeaseDescriptor;
}

const workers: Worker[] = [];

beforeAll(async () => {
  for (let i = 0; i < 3; i++) workers.push(new Worker(new URL('workers/lease-worker.mjs', import.meta.url)));
  await Promise.all(workers.map((worker) => once(worker, 'online')));
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.terminate()));
});

async function ask(worker: Worker, message: object): Promise<Reply> {
  worker.postMessage(message);
  const [reply] = (await once(worker, 'message')) as [Reply];
  return reply;
}

test('leases go to threads and come back, more of them than there are blocks, and no byte is lost', async () => {
  const pool = createPool({ blockSize: 4096, maxBlocks: 2, shared: true });
  const tagOf = new Map<number, number>();
  let rounds = 0;
  await Promise.all(
    workers.map(async (worker, w) => {
      for (let round = 0; round < 200; round++) {
        const lease = await pool.acquire();
        const before = tagOf.get(lease.bytes.byteOffset);
        if (before !== undefined) expect(lease.bytes.every((byte) => byte === before)).toBe(true);
        const tag = (w * 64 + round) & 0xff;
        lease.bytes.fill(tag);
        const offset = lease.bytes.byteOffset;
        tagOf.set(offset, (tag + 1) & 0xff);
        const how = round % 3 === 0 ? 'return' : 'release';
        const reply = await ask(worker, { descriptor: lease.share(), tag, how });
        expect(reply.wrong).toBe(0);
        if (reply.descriptor !== undefined) pool.receive(reply.descriptor).release();
        rounds++;
      }
    }),
  );
  expect(rounds).toBe(600);
  expect(pool.stats()).toMatchObject({ leasedCount: 0, remoteCount: 0, createdCount: 2, acquiredCount: 600 });
  await pool.close();
  heap().checkInvariants();
  expect(heap().stats().usedBytes).toBe(0);
});

test('no block is lost when threads release at the same moment', async () => {
  const pool = createPool({ blockSize: 64, maxBlocks: 3000, shared: true });
  for (let round = 0; round < 30; round++) {
    const batches = workers.map(() => Array.from({ length: 1000 }, () => pool.tryAcquire()!.share()));
    const start = new Int32Array(new SharedArrayBuffer(4));
    const done = workers.map((worker) => once(worker, 'message'));
    for (const [i, worker] of workers.entries())
      worker.postMessage({ descriptors: batches[i], start, how: 'race' });
    await Promise.all(done);
    expect(pool.stats()).toMatchObject({ leasedCount: 0, idleBlockCount: 3000 });
  }
  await pool.close();
});

test('in the other thread too, a lease is used, released, shared and received once', async () => {
  const pool = createPool({ blockSize: 64, maxBlocks: 1, shared: true, clear: 'on-acquire' });
  const descriptor = pool.tryAcquire()!.share();
  const { codes } = await ask(workers[0]!, { descriptor, tag: 0, how: 'twice' });
  expect(codes).toEqual(Array.from({ length: 4 }, () => 'ERR_HOTPATH_MEMORY_LEASE_RELEASED'));
  await pool.close();
});

test('an acquire that waits is woken by a release in a thread that sends no message', async () => {
  const pool = createPool({ blockSize: 64, maxBlocks: 1, shared: true, clear: 'on-acquire' });
  const lease = pool.tryAcquire()!;
  const waiting = pool.acquire();
  workers[1]!.postMessage({ descriptor: lease.share(), tag: 0, how: 'release' });
  (await waiting).release();
  await pool.close();
});

test('blocks of a thread that died are reclaimed', async () => {
  const pool = createPool({ blockSize: 64, maxBlocks: 1, shared: true, clear: 'on-acquire' });
  const descriptor = pool.tryAcquire()!.share();
  const worker = new Worker(new URL('workers/lease-worker.mjs', import.meta.url));
  await ask(worker, { descriptor, tag: 0, how: 'keep' });
  await worker.terminate();
  expect(pool.tryAcquire()).toBeUndefined();
  expect(pool.reclaim(descriptor)).toBe(true);
  pool.tryAcquire()!.release();
  await pool.close();
  expect(heap().stats().usedBytes).toBe(0);
});
