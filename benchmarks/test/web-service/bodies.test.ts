import { PassThrough, Readable } from 'node:stream';
import { type BufferPool, createPool, payloadBytesCopied } from '@hotpath/memory';
import { expect, test, vi } from 'vitest';
import { optimisedBodies } from '../../dist/web-service/optimised/bodies.js';
import { BODY_BYTES_MAX } from '../../dist/web-service/parts.js';

const poolOf = (maxBlocks = 2, acquireTimeoutMs = 60_000): BufferPool =>
  createPool({ blockSize: BODY_BYTES_MAX, maxBlocks, acquireTimeoutMs });
const user = { name: 'Ada', email: 'ada@example.com' };
const text = JSON.stringify(user);
const piecesOf = (count: number): Buffer[] => {
  const bytes = Buffer.from(JSON.stringify({ name: 'x'.repeat(count * 1000) }));
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray((index * bytes.length) / count, ((index + 1) * bytes.length) / count),
  );
};

test('a body in one piece is parsed without a copy and without a block', async () => {
  const pool = poolOf();
  const before = payloadBytesCopied();
  expect(await optimisedBodies(pool).read(Readable.from([Buffer.from(text)]))).toEqual(user);
  expect(payloadBytesCopied()).toBe(before);
  expect(pool.stats().createdCount).toBe(0);
});

test('a body in several pieces is put together in a block, which comes back', async () => {
  const pool = poolOf();
  const pieces = piecesOf(40);
  const body = (await optimisedBodies(pool).read(Readable.from(pieces))) as { name: string };
  expect(body.name).toHaveLength(40_000);
  expect(pool.stats()).toMatchObject({ createdCount: 1, leasedCount: 0 });
});

test.each([
  ['in pieces', piecesOf(70)],
  ['at once', [Buffer.concat(piecesOf(70))]],
])('a body that is too large %s is refused with 413, and its connection stays', async (_name, pieces) => {
  const pool = poolOf();
  const payload = Readable.from(pieces);
  await expect(optimisedBodies(pool).read(payload)).rejects.toMatchObject({ statusCode: 413 });
  expect(payload.destroyed).toBe(false);
  expect(pool.stats().leasedCount).toBe(0);
});

test.each([0, 1, 3])(
  'a client that goes away after %i pieces is a 400, and holds no block',
  async (count) => {
    const pool = poolOf();
    const payload = new PassThrough();
    const read = optimisedBodies(pool).read(payload);
    for (const piece of piecesOf(5).slice(0, count)) payload.write(piece);
    setImmediate(() => payload.destroy());
    await expect(read).rejects.toMatchObject({ statusCode: 400 });
    expect(pool.stats().leasedCount).toBe(0);
  },
);

test('nothing, and what is no JSON, is a 400', async () => {
  const pool = poolOf();
  await expect(optimisedBodies(pool).read(Readable.from([]))).rejects.toMatchObject({ statusCode: 400 });
  await expect(optimisedBodies(pool).read(Readable.from([Buffer.from('{')]))).rejects.toMatchObject({
    statusCode: 400,
  });
});

test('when every block is out, a body in pieces waits unread for the next one', async () => {
  const pool = poolOf(1);
  const bodies = optimisedBodies(pool);
  const [first, second] = [new PassThrough(), new PassThrough()];
  const [head, ...rest] = piecesOf(5);
  const reads = [first, second].map((payload) => {
    payload.write(head);
    return bodies.read(payload);
  });
  // One piece each; two that are written together would come as one.
  await vi.waitFor(() => {
    expect([first.readableLength, second.readableLength]).toEqual([0, 0]);
  });
  for (const payload of [first, second]) payload.write(rest[0]);
  await vi.waitFor(() => {
    expect(pool.stats()).toMatchObject({ leasedCount: 1, waitingCount: 1 });
  });
  for (const piece of rest.slice(1)) {
    first.write(piece);
    second.write(piece);
  }
  await vi.waitFor(() => {
    expect(first.readableLength).toBe(0);
  });
  expect(second.readableLength).toBeGreaterThan(0);
  first.end();
  second.end();
  for (const body of await Promise.all(reads)) expect((body as { name: string }).name).toHaveLength(5000);
  expect(pool.stats()).toMatchObject({ createdCount: 1, leasedCount: 0 });
});

test('who waits too long for a block is told that the service is unavailable', async () => {
  const pool = poolOf(1, 1);
  using _taken = await pool.acquire();
  await expect(optimisedBodies(pool).read(Readable.from(piecesOf(3)))).rejects.toMatchObject({
    statusCode: 503,
  });
});
