import { constants, PerformanceObserver, type NodeGCPerformanceDetail } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { afterAll, expect, test } from 'vitest';

// The loops are no part of the public face.
import { compileLoop, type ItemFunction } from '../dist/parallel/loop.js';

const ITEMS = 1_000_000;
const ROUNDS = 20;

/** Collections of new objects while a loop over `fn` maps numbers above 2^31, which V8 allocates wherever it does not inline. */
async function collections(fn: ItemFunction): Promise<number> {
  const loop = compileLoop(`test_${fn.name}`, fn, 'number');
  const input = new Uint32Array(ITEMS).fill(0xff01_0203);
  const output = new Uint32Array(ITEMS);
  const run = (): void => loop(input, output, 0, ITEMS, 0, { index: -1 });
  for (let i = 0; i < 10; i++) run();
  const before = await untilTold();
  for (let i = 0; i < ROUNDS; i++) run();
  return (await untilTold()) - before;
}

const told = { minor: 0, major: 0 };

const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { kind } = (entry as unknown as { readonly detail: NodeGCPerformanceDetail }).detail;
    if (kind === constants.NODE_PERFORMANCE_GC_MINOR) told.minor++;
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) told.major++;
  }
});
observer.observe({ entryTypes: ['gc'] });
afterAll(() => observer.disconnect());

/** Collections of new objects until now: they are told of late, and in order. */
async function untilTold(): Promise<number> {
  const { major } = told;
  globalThis.gc!();
  while (told.major === major) await nextTurn();
  return told.minor;
}

const mix = (value: number): number =>
  ((value & 0xff00_0000) |
    ((255 - (value & 255)) << 16) |
    ((255 - ((value >>> 8) & 255)) << 8) |
    (255 - ((value >>> 16) & 255))) >>>
  0;

test.for<[what: string, fn: ItemFunction]>([
  ['of a few operators', (value) => ((value as number) ^ 0x00ff_ffff) >>> 0],
  [
    'of much text',
    (value) => mix(value as number) + mix((value as number) ^ 255) + mix((value as number) ^ 511),
  ],
  ['that calls another', (value) => mix(value as number) + 1 - 1],
  [
    'that takes an array apart',
    (value) => {
      const [low, high] = [(value as number) & 255, (value as number) >>> 8];
      return ((high << 8) | (255 - low)) >>> 0;
    },
  ],
])('a loop over a function %s allocates nothing an item', async ([, fn]) => {
  expect(await collections(fn)).toBeLessThan(5);
});
