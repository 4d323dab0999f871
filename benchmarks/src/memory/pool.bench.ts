/**
 * M2: a thousand blocks, one after another, each taken, touched and let go. What differs is where a block comes from
 * and where it goes: the garbage collector, or a pool.
 */

import type { Case, Operation, Variant } from '../harness/case.ts';

const BLOCKS = 1000;

/** How a variant gives a block to `use` and takes it back. */
type WithBlock = (use: (block: Uint8Array) => number) => number;

/** The first and the last byte: what is measured is the block's coming and going, not the filling of it. */
function touchEnds(block: Uint8Array): number {
  block[0] = 1;
  block[block.length - 1] = 2;
  return block[0] + block[block.length - 1]!;
}

/** One byte in each page, as when the whole block is used: new memory is faulted in, old memory is in the cache. */
function touchPages(block: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < block.length; i += 4096) {
    block[i] = 1;
    total += block[i]!;
  }
  return total;
}

type Touch = typeof touchEnds;

function operation(touch: Touch, withBlock: WithBlock, close?: () => void): Operation {
  const run = (): number => {
    let total = 0;
    for (let i = 0; i < BLOCKS; i++) total += withBlock(touch);
    return total;
  };
  return close === undefined ? { run, answer: run } : { run, answer: run, close };
}

function naive(touch: Touch, allocate: () => Uint8Array): Variant {
  return { kind: 'naive', setup: () => operation(touch, (use) => use(allocate())) };
}

/** The pool of the guide: blocks of one size, all made beforehand. */
function fixedPool(
  touch: Touch,
  blockSize: number,
  options: { clear?: 'on-release' | 'on-acquire'; shared?: true; leakDetection?: 'sampled' } = {},
): Variant {
  return {
    kind: 'ours',
    async setup() {
      const { createPool } = await import('@hotpath/memory');
      const pool = createPool({ blockSize, maxBlocks: 16, preallocate: true, ...options });
      const withBlock: WithBlock = (use) => {
        const lease = pool.tryAcquire()!;
        const result = use(lease.bytes);
        lease.release();
        return result;
      };
      return operation(touch, withBlock, () => pool.destroy());
    },
  };
}

function sizeClassPool(touch: Touch, blockSize: number): Variant {
  return {
    kind: 'ours',
    async setup() {
      const { createSizeClassPool } = await import('@hotpath/memory');
      const pool = createSizeClassPool({ maxBytes: 64 << 20 });
      const withBlock: WithBlock = (use) => {
        const lease = pool.acquireSync(blockSize);
        const result = use(lease.bytes);
        lease.release();
        return result;
      };
      return operation(touch, withBlock, () => pool.destroy());
    },
  };
}

/** A stack of views and nothing else: no lease, no check, no count. */
function stack(touch: Touch, blockSize: number): Variant {
  return {
    kind: 'floor',
    setup() {
      const blocks = Array.from({ length: 16 }, () => Buffer.allocUnsafeSlow(blockSize));
      const withBlock: WithBlock = (use) => {
        const block = blocks.pop()!;
        const result = use(block);
        blocks.push(block);
        return result;
      };
      return operation(touch, withBlock);
    },
  };
}

/** An object that is worth pooling: it brings a list and a kilobyte of numbers. */
interface Frame {
  id: number;
  readonly tags: string[];
  readonly samples: Float64Array;
}

const SAMPLES = 128;

function makeFrame(): Frame {
  return { id: 0, tags: [], samples: new Float64Array(SAMPLES) };
}

function useFrame(frame: Frame, id: number): number {
  frame.id = id;
  frame.tags.push('a', 'b');
  frame.samples[id & (SAMPLES - 1)] = id;
  return frame.id + frame.tags.length + frame.samples[id & (SAMPLES - 1)]!;
}

function frames(withFrame: (id: number) => number): Operation {
  const run = (): number => {
    let total = 0;
    for (let id = 0; id < BLOCKS; id++) total += withFrame(id);
    return total;
  };
  return { run, answer: run };
}

const KIB_64 = 64 * 1024;
const MIB = 1 << 20;

const cases: readonly Case[] = [
  {
    id: 'M2',
    case: '1000 x 64 KiB',
    package: 'memory',
    tier: 'guide',
    params: { blocks: BLOCKS, blockSizeBytes: KIB_64, touched: 'first and last byte' },
    guide: { text: '500 ms → 50 ms (10×)', ratio: 10, basis: 'ratio' },
    async: false,
    variants: {
      naive: naive(touchEnds, () => Buffer.allocUnsafe(KIB_64)),
      'naive:Buffer.alloc': naive(touchEnds, () => Buffer.alloc(KIB_64)),
      ours: fixedPool(touchEnds, KIB_64),
      'ours:size-class': sizeClassPool(touchEnds, KIB_64),
      'ours:clear-on-release': fixedPool(touchEnds, KIB_64, { clear: 'on-release' }),
      'floor:stack': stack(touchEnds, KIB_64),
    },
  },
  {
    id: 'M2',
    case: '1000 x 1 MB',
    package: 'memory',
    tier: 'peers',
    params: { blocks: BLOCKS, blockSizeBytes: MIB, touched: 'first and last byte' },
    guide: null,
    async: false,
    variants: {
      naive: naive(touchEnds, () => Buffer.allocUnsafe(MIB)),
      'naive:Buffer.alloc': naive(touchEnds, () => Buffer.alloc(MIB)),
      ours: fixedPool(touchEnds, MIB),
    },
  },
  {
    id: 'M2',
    case: '1000 x 64 KiB, every page touched',
    package: 'memory',
    tier: 'all',
    params: { blocks: BLOCKS, blockSizeBytes: KIB_64, touched: 'a byte a page' },
    guide: null,
    async: false,
    variants: {
      naive: naive(touchPages, () => Buffer.allocUnsafe(KIB_64)),
      'naive:Buffer.alloc': naive(touchPages, () => Buffer.alloc(KIB_64)),
      ours: fixedPool(touchPages, KIB_64),
      'ours:clear-on-release': fixedPool(touchPages, KIB_64, { clear: 'on-release' }),
      'ours:clear-on-acquire': fixedPool(touchPages, KIB_64, { clear: 'on-acquire' }),
    },
  },
  {
    id: 'M2',
    case: '1000 x 64 KiB, shared',
    package: 'memory',
    tier: 'all',
    params: { blocks: BLOCKS, blockSizeBytes: KIB_64, touched: 'first and last byte' },
    guide: null,
    async: false,
    variants: {
      naive: naive(touchEnds, () => new Uint8Array(new SharedArrayBuffer(KIB_64))),
      ours: fixedPool(touchEnds, KIB_64, { shared: true }),
    },
  },
  {
    id: 'M2',
    case: '1000 x 64 KiB, leaks watched',
    package: 'memory',
    tier: 'all',
    params: { blocks: BLOCKS, blockSizeBytes: KIB_64, touched: 'first and last byte', watched: '1 in 128' },
    guide: null,
    async: false,
    variants: {
      naive: naive(touchEnds, () => Buffer.allocUnsafe(KIB_64)),
      ours: fixedPool(touchEnds, KIB_64, { leakDetection: 'sampled' }),
    },
  },
  {
    id: 'M2',
    case: '1000 objects',
    package: 'memory',
    tier: 'all',
    params: { objects: BLOCKS, objectBytes: SAMPLES * 8 },
    guide: null,
    async: false,
    variants: {
      naive: { kind: 'naive', setup: () => frames((id) => useFrame(makeFrame(), id)) },
      ours: {
        kind: 'ours',
        async setup() {
          const { createObjectPool } = await import('@hotpath/memory');
          const pool = createObjectPool<Frame>({
            create: makeFrame,
            reset(frame) {
              frame.id = 0;
              frame.tags.length = 0;
              frame.samples.fill(0);
            },
            maxIdle: 16,
          });
          return frames((id) => {
            const frame = pool.acquire();
            const result = useFrame(frame, id);
            pool.release(frame);
            return result;
          });
        },
      },
    },
  },
];

export default cases;
