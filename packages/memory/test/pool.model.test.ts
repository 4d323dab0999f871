import { createSizeClassPool, heap, type Lease, receiveLease, type RemoteLease } from '@hotpath/memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const MAX_BYTES = 8 * 1024;
const MAX_BLOCKS = 8;

/** Mostly the smallest or the largest class: then small blocks are idle while a large one is waited for. */
const size = fc.oneof(fc.integer({ min: 1, max: 512 }), fc.integer({ min: 1, max: 4096 }), fc.constant(4096));

const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('try' as const), size }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), size }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('release' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release again' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('move' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('share' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release remote' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('return' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), at: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('trim' as const), keep: fc.nat({ max: MAX_BYTES }) }),
  },
);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Waiting {
  readonly size: number;
  readonly controller: AbortController;
  isAborted: boolean;
}

/** Removes and returns one of a list, chosen by a number of any size. */
function take<T>(list: T[], at: number): T | undefined {
  return list.length === 0 ? undefined : list.splice(at % list.length, 1)[0];
}

test('no block has two users, limits hold, the line keeps its order, and nothing is lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 80, size: 'max' }), async (commands) => {
      const pool = createSizeClassPool({
        minBlockSize: 512,
        maxBlockSize: 4096,
        maxBytes: MAX_BYTES,
        maxBlocks: MAX_BLOCKS,
        shared: true,
      });
      const held: Lease<SharedArrayBuffer>[] = [];
      const stale: Lease<SharedArrayBuffer>[] = [];
      const remote: RemoteLease[] = [];
      const line: Waiting[] = [];
      const arrived: Waiting[] = [];
      const use = (lease: Lease<SharedArrayBuffer>, size: number): void => {
        expect(lease.bytes.length).toBeGreaterThanOrEqual(size);
        expect(lease.sizeBytes).toBe(size);
        held.push(lease);
      };
      for (const step of commands) {
        if (step.kind === 'try') {
          const lease = pool.tryAcquire(step.size);
          if (lease !== undefined) {
            expect(line.filter((waiting) => !waiting.isAborted && !arrived.includes(waiting))).toEqual([]);
            use(lease, step.size);
          }
        } else if (step.kind === 'wait') {
          const waiting: Waiting = { size: step.size, controller: new AbortController(), isAborted: false };
          line.push(waiting);
          pool.acquire(step.size, { signal: waiting.controller.signal }).then(
            (lease) => {
              arrived.push(waiting);
              use(lease, waiting.size);
            },
            () => expect(waiting.isAborted).toBe(true),
          );
        } else if (step.kind === 'release') {
          const lease = take(held, step.at);
          lease?.release();
          if (lease !== undefined) stale.push(lease);
        } else if (step.kind === 'release again') {
          const lease = stale[step.at % Math.max(1, stale.length)];
          if (lease !== undefined) expect(() => lease.release()).toThrowError();
        } else if (step.kind === 'move') {
          const lease = take(held, step.at);
          if (lease !== undefined) {
            held.push(lease.move());
            stale.push(lease);
          }
        } else if (step.kind === 'share') {
          const lease = take(held, step.at);
          if (lease !== undefined) {
            remote.push(receiveLease(lease.share()));
            stale.push(lease);
          }
        } else if (step.kind === 'release remote') take(remote, step.at)?.release();
        else if (step.kind === 'return') {
          const lease = take(remote, step.at);
          if (lease !== undefined) held.push(pool.receive(lease.share()));
        } else if (step.kind === 'abort') {
          const waiting = line[step.at % Math.max(1, line.length)];
          if (waiting !== undefined && !arrived.includes(waiting)) {
            waiting.isAborted = true;
            waiting.controller.abort();
          }
        } else pool.trim(step.keep);
        await turn();

        const offsets = [...held, ...remote].map((lease) => lease.bytes.byteOffset);
        expect(new Set(offsets).size).toBe(offsets.length);
        const stats = pool.stats();
        expect(stats.ownedBytes).toBeLessThanOrEqual(MAX_BYTES);
        expect(stats.leasedCount).toBe(held.length + remote.length);
        expect(stats.idleBlockCount + stats.leasedCount).toBeLessThanOrEqual(MAX_BLOCKS);
        let leasedBytes = 0;
        for (const lease of [...held, ...remote]) leasedBytes += lease.bytes.length;
        expect(stats.ownedBytes).toBe(stats.idleBytes + leasedBytes);
        expect(arrived).toEqual(line.filter((waiting) => arrived.includes(waiting)));
      }
      for (const waiting of line) {
        waiting.isAborted ||= !arrived.includes(waiting);
        if (!arrived.includes(waiting)) waiting.controller.abort();
      }
      await turn();
      for (const lease of [...held, ...remote]) lease.release();
      await pool.close();
      heap().checkInvariants();
      expect(heap().stats().usedBytes).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test('buddies never overlap, none is lost, and all that is free can be had', () => {
  const step = fc.record({ isTake: fc.boolean(), size: fc.integer({ min: 1, max: 4096 }), at: fc.nat() });
  fc.assert(
    fc.property(
      fc.integer({ min: 4096, max: 40_000 }),
      fc.array(step, { maxLength: 100 }),
      (bytes, steps) => {
        const memory = { buffer: new ArrayBuffer(bytes) };
        const pool = createSizeClassPool({
          minBlockSize: 256,
          maxBlockSize: 4096,
          maxBytes: 1 << 20,
          memory,
        });
        const used = new Uint8Array(bytes);
        const held: Lease[] = [];
        for (const { isTake, size: sizeBytes, at } of steps) {
          const lease = isTake ? pool.tryAcquire(sizeBytes) : take(held, at);
          if (lease === undefined) continue;
          const { byteOffset, length } = lease.bytes;
          const part = used.subarray(byteOffset, byteOffset + length);
          expect(part.every((byte) => byte === (isTake ? 0 : 1))).toBe(true);
          part.fill(isTake ? 1 : 0);
          if (isTake) held.push(lease);
          else lease.release();
        }
        for (const lease of held) lease.release();
        // All is one again: as many blocks of the largest class as at first.
        let count = 0;
        while (pool.tryAcquire(4096) !== undefined) count++;
        expect(count).toBe(Math.floor(bytes / 4096));
      },
    ),
  );
});
